# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The data of the report page, compressed and encoded in base64, which is safe in HTML and JavaScript."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram.graph import SEVERITIES
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.report import coverage

# Maximum number of added and removed objects, fixed findings and incomplete checks on the page.
LISTED = 1000
_OF_HOST = (
    *("name", "hostname", "os", "kernel", "engine_version", "taken_at", "namespaces", "containers", "networks"),
    "rules_not_checked",
)
_KEPT = ("created", "collector", "earlier", "summary", "waivers", "broken_rules", "broken_snapshots", "controls")


def pack_rows(data: Any) -> str:
    """Return data as JSON, compressed (zlib), in base64."""
    return pack_text(json.dumps(data, separators=(",", ":"), ensure_ascii=False))


def pack_text(text: str) -> str:
    """Return text, compressed (zlib), in base64. Lone surrogates are replaced."""
    return base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), 6)).decode("ascii")


def build_index(report: Mapping[str, Any], with_evidence: bool) -> dict[str, Any]:
    """Return the data that the page loads first; without evidence, the host pages contain it."""
    hosts = report.get("hosts") or []
    number = {host["name"]: place for place, host in enumerate(hosts)}
    findings = report.get("findings") or []
    return {
        **{name: report.get(name) for name in _KEPT},
        "findings_left_out": report.get("findings_left_out") or 0,
        "absent": _limit_rows(report.get("absent")),
        **{name: _limit_rows(report.get(name)) for name in ("fixed", "appeared", "vanished")},
        "not_checked": _pack_causes(report.get("causes") or coverage.group_causes(report.get("not_checked") or [])),
        "rules": _pack_rules(report),
        "hosts": {name: [host.get(name) for host in hosts] for name in _OF_HOST},
        "counts": [[(host.get("findings") or {}).get(one, 0) for one in SEVERITIES] for host in hosts],
        "findings": _pack_findings(findings, number, with_evidence),
    }


def build_evidence(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Return the details of a finding."""
    return {name: finding.get(name) for name in ("evidence", "remedy", "remediation") if finding.get(name)}


def _pack_findings(
    findings: Sequence[Mapping[str, Any]], number: Mapping[str, int], with_evidence: bool
) -> dict[str, list[Any]]:
    """Return the columns of the findings; an unknown host is referenced by name instead of number."""
    return {
        **{name: [one.get(name) for one in findings] for name in ("rule", "object", "status", "waived", "fingerprint")},
        "host": [number.get(str(one.get("host")), one.get("host")) for one in findings],
        "more": [build_evidence(one) for one in findings] if with_evidence else [],
    }


def _pack_rules(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rules; rules that only findings mention are derived from the findings."""
    found: dict[str, Any] = {}
    for one in report.get("findings") or []:
        if one["rule"] not in found:
            found[one["rule"]] = {
                name: one.get(name) for name in ("title", "severity", "scope", "reason", "references")
            }
    return found | dict(report.get("rules") or {})


def _pack_causes(causes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the causes of incomplete checks, with a limited number of hosts."""
    return {
        "count": len(causes),
        "rows": [
            {
                "reason": cause["cause"],
                "text": coverage.describe_cause(cause),
                "rules": cause["rules"],
                "hosts": cause["hosts"][:LISTED],
                "count": len(cause["hosts"]),
            }
            for cause in causes[:LISTED]
        ],
    }


def _limit_rows(rows: Sequence[Any] | None) -> dict[str, Any]:
    return {"count": len(rows or []), "rows": list(rows or [])[:LISTED]}
