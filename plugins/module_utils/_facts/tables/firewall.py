# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packet filters of a namespace, read with the host's own programs: both iptables backends, and nft.

Most namespaces have no rules, so the kernel is asked for existing tables first, and a program is started only if
necessary. libnftables would avoid the process, but it calls abort() for an interface name that is not UTF-8, which any
container can use.
"""

from __future__ import annotations

import contextlib
import errno
import json
import struct
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import (
    KernelError,
    MissingProgram,
    NetfleetError,
)
from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8
from ansible_collections.netfleet.docker.plugins.module_utils._facts.netns_context import NetnsContext
from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import iptables as iptables_table
from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import nft as nft_table
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import split_attributes
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.decoder import text

Table = tuple[str, str]

_NETLINK_NETFILTER = 12
_NFT_MSG_GETTABLE, _NFT_MSG_GETSET = 10 << 8 | 1, 10 << 8 | 10
_NFTA_TABLE_NAME = _NFTA_SET_TABLE = 1
_NFGENMSG = struct.Struct("=BBH")
_FAMILIES = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
_PROGRAMS = {"ip": "iptables", "ip6": "ip6tables", "arp": "arptables"}
_PACKAGES = {"iptables": "iptables", "ip6tables": "iptables", "arptables": "arptables", "nft": "nftables"}
# Only tables with these names can have been created by iptables.
_TABLES_OF_IPTABLES = frozenset(("filter", "nat", "mangle", "raw", "security"))


def read_firewall(inside: NetnsContext) -> dict[str, list[Any]]:
    """Return the rows of chains, rules and sets, and a line in ``missing`` for each part that could not be read."""
    reader = _FirewallReader(inside)
    for family in _PROGRAMS:
        # The file lists existing tables; the program would create missing ones.
        if (inside.read_file(f"/proc/thread-self/net/{family}_tables_names") or "").strip():
            reader.read_iptables(family, "legacy")
    tables = _read_table_names(inside, "tables", _NFT_MSG_GETTABLE, _NFTA_TABLE_NAME)
    compatible = {one for one in tables if one[0] in ("ip", "ip6") and one[1] in _TABLES_OF_IPTABLES}
    if compatible:
        # iptables never creates a set here, and omits lookups in sets from a rule: "tcp dport { 22, 80 } accept"
        # would be shown as accepting all of TCP.
        compatible -= _read_table_names(inside, "sets", _NFT_MSG_GETSET, _NFTA_SET_TABLE)
    for family in sorted({family for family, _name in compatible}):
        read = reader.read_iptables(family, "nft", {name for of, name in compatible if of == family})
        tables -= {(family, name) for name in read}
    if tables:
        reader.read_nft(frozenset(tables))
    return reader.found


class _FirewallReader:
    """Run the required programs, and collect their output."""

    def __init__(self, inside: NetnsContext) -> None:
        self._inside = inside
        self.found: dict[str, list[Any]] = {
            "firewall_chains": [],
            "firewall_rules": [],
            "firewall_sets": [],
            "missing": [],
        }

    def read_iptables(self, family: str, backend: str, tables: set[str] | None = None) -> list[str]:
        """Read the tables of a family, for nf_tables only the given ones, and return the names of those read."""
        read: list[str] = []
        # iptables-nft-save fails on one rule created by nft, so each table is then read separately.
        for options in ((), *(("-t", name) for name in sorted(tables or ()))):
            try:
                output = self._run_save(_PROGRAMS[family], backend, *options)
            except MissingProgram as error:
                self._record_missing(error, _PACKAGES[_PROGRAMS[family]])
                break
            except NetfleetError as error:
                if options or not tables:
                    self._record_missing(error, about=f"table {family} {options[1]}: " if options else "")
                continue
            saved = iptables_table.parse_save(output, f"iptables-{backend}", family, self._inside.budget.messages)
            names = [name for name in saved.tables if tables is None or name in tables]
            chains = [row for row in saved.chains if row["table"] in names]
            rules = [row for row in saved.rules if row["table"] in names]
            self._add_rows(saved.complete, firewall_chains=chains, firewall_rules=rules)
            read += names
            if not options:
                break
        return read

    def read_nft(self, tables: frozenset[Table]) -> None:
        """Read tables with nft: together, or separately if it fails on one of them."""
        if len(tables) > 1:
            with contextlib.suppress(NetfleetError):
                self._read_listing({"ruleset": None}, tables)
                return
        for family, name in sorted(tables):
            try:
                self._read_listing({"table": {"family": family, "name": name}}, frozenset({(family, name)}))
            except MissingProgram as error:
                self._record_missing(error, _PACKAGES["nft"])
                return
            except NetfleetError as error:
                self._record_missing(error, about=f"table {family} {escape_invalid_utf8(name)}: ")

    def _run_save(self, program: str, backend: str, *options: str) -> str:
        try:
            return self._inside.run_program(f"{program}-{backend}-save", "-c", *options)
        except MissingProgram:
            # A host with only one backend can lack a suffixed program name.
            with contextlib.suppress(MissingProgram):
                version = self._inside.run_program(f"{program}-save", "--version")
                if ("nf_tables" in version) == (backend == "nft"):
                    return self._inside.run_program(f"{program}-save", "-c", *options)
            raise

    def _read_listing(self, what: dict[str, Any], tables: frozenset[Table]) -> None:
        # As JSON, because the name of a table can be a command.
        output = self._inside.run_program("nft", "-j", json.dumps({"nftables": [{"list": what}]}))
        try:
            document = json.loads(output, strict=False)
        except ValueError:
            raise NetfleetError("nft: the output is not JSON") from None
        listed = nft_table.parse_listing(document, tables, self._inside.budget.messages)
        self._add_rows(
            listed.complete, firewall_chains=listed.chains, firewall_rules=listed.rules, firewall_sets=listed.sets
        )
        for family, name in sorted({(row["family"], row["table"]) for row in listed.rules if '{"xt":' in row["text"]}):
            self.found["missing"].append(f"table {family} {name}: nft shows only the names of iptables extensions")

    def _add_rows(self, complete: bool, **lists: list[iptables_table.Row]) -> None:
        for name, rows in lists.items():
            room = max(0, self._inside.budget.messages - len(self.found[name]))
            self.found[name] += rows[:room]
            complete = complete and len(rows) <= room
        self._inside.budget.exceeded |= not complete

    def _record_missing(self, error: NetfleetError, package: str = "", about: str = "") -> None:
        advice = f"; install the package {package}" if package and isinstance(error, MissingProgram) else ""
        self.found["missing"].append(f"{about}{error}{advice}")


def _read_table_names(inside: NetnsContext, what: str, message_type: int, attribute: int) -> set[Table]:
    """Return the families and names of the nf_tables tables, and of those with sets."""
    try:
        answers = inside.dump(f"list {what} of nf_tables", message_type, _NFGENMSG.pack(0, 0, 0), _NETLINK_NETFILTER)
    except KernelError as error:
        if error.code not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
        return set()  # a kernel without nf_tables
    except OSError as error:
        if error.errno != errno.EPROTONOSUPPORT:
            raise
        return set()  # a kernel without packet filters
    found = set()
    for answer in answers:
        family = _FAMILIES.get(answer[0])
        if family:
            found.add((family, text(dict(split_attributes(answer, _NFGENMSG.size)).get(attribute, b""))))
    return found
