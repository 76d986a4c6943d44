# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy of the user as rows of the policy tables, and waivers that accept findings."""

from __future__ import annotations

import dataclasses
import datetime
import fnmatch
import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables import schema

# Options of the policy and their tables; the suboptions are the columns.
TABLES: Mapping[str, str] = {
    "published_ports": "policy_published_port",
    "host_network": "policy_host_network",
    "mtu": "policy_mtu",
    "reserved_subnets": "policy_reserved_subnet",
}


@dataclasses.dataclass(frozen=True)
class Waiver:
    """Accept findings of a rule on hosts and with evidence that match shell patterns."""

    rule: str
    reason: str
    until: datetime.date | None
    host: str
    where: Mapping[str, str]

    def applies_to(self, finding: Mapping[str, Any], today: datetime.date) -> bool:
        """Return whether the waiver applies to a finding and is not expired."""
        if (
            self.rule != finding["rule"]
            or self.is_expired(today)
            or not fnmatch.fnmatchcase(finding["host"], self.host)
        ):
            return False
        evidence = finding["evidence"]
        return all(fnmatch.fnmatchcase(str(evidence.get(name, "")), one) for name, one in self.where.items())

    def is_expired(self, today: datetime.date) -> bool:
        """Return whether the last day of the waiver has passed."""
        return self.until is not None and today > self.until


def insert_policy(database: Any, policy: Mapping[str, Any]) -> None:
    """Insert the policy into its tables."""
    for option, table in TABLES.items():
        columns = list(schema.get_columns(table))
        rows = [[entry.get(name) for name in columns] for entry in policy.get(option) or []]
        if option == "reserved_subnets":
            rows = [[_parse_subnet(number, *row), row[1]] for number, row in enumerate(rows)]
        if rows:
            marks = ", ".join("?" for _column in columns)
            database.executemany(f"INSERT INTO {schema.quote_identifier(table)} VALUES ({marks})", rows)


def _parse_subnet(number: int, subnet: str, _reason: Any) -> str:
    try:
        return str(ipaddress.ip_network(subnet, strict=False))
    except ValueError:
        raise BadParameter(
            f"policy.reserved_subnets[{number}].subnet",
            f"{subnet!r} is not a subnet; must be in CIDR notation such as 192.0.2.0/24",
        ) from None


def parse_waivers(entries: Iterable[Mapping[str, Any]], rules: Iterable[str]) -> list[Waiver]:
    """Return the waivers; raise BadParameter for an unknown rule, a missing reason or an invalid date."""
    known = set(rules)
    return [_parse_waiver(f"waivers[{number}]", entry, known) for number, entry in enumerate(entries)]


def _parse_waiver(place: str, entry: Mapping[str, Any], known: set[str]) -> Waiver:
    if entry["rule"] not in known:
        raise BadParameter(f"{place}.rule", f"unknown rule {entry['rule']!r}")
    if not entry["reason"].strip():
        raise BadParameter(f"{place}.reason", "required: the reason for accepting the findings")
    where = {str(name): str(value) for name, value in (entry.get("where") or {}).items()}
    return Waiver(
        entry["rule"], entry["reason"], _parse_date(place, entry.get("until")), entry.get("host") or "*", where
    )


def _parse_date(place: str, value: Any) -> datetime.date | None:
    if value in (None, ""):
        return None
    try:
        return datetime.date.fromisoformat(str(value)[:10])
    except ValueError:
        raise BadParameter(f"{place}.until", f"{str(value)!r} is not a date; must have the form 2026-12-31") from None
