# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read one namespace part by part in a thread that has entered it. A failed part does not affect others."""

from __future__ import annotations

import functools
import struct
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Callable, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8
from ansible_collections.netfleet.docker.plugins.module_utils._facts.netns_context import NetnsContext
from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import links as links_table
from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import routing
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import encode_attribute
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.decoder import decode, get_decoder

# Unknown data of a newer kernel must not affect the rest.
MISUNDERSTOOD = (struct.error, ValueError, LookupError, TypeError)

Row = dict[str, Any]
Message = Mapping[str, Any]

_GETLINK, _GETNSID = 18, 90
_IFINFO = struct.Struct("=BxHiII")
_NDMSG = struct.Struct("=BxxxiHBB")
_WITHOUT_STATISTICS = encode_attribute(29, struct.pack("=I", 8))  # IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS
_IFLA_TARGET_NETNSID, _IFA_TARGET_NETNSID = 46, 10
_AF_BRIDGE = 7
_NTF_PROXY = 0x08
_NSID_FD = 3


# The kernel lists neighbour proxies only if asked for them.
_PROXIES = _NDMSG.pack(0, 0, 0, _NTF_PROXY, 0)


class KernelTable(NamedTuple):
    """A table of the kernel: its message types, its request, the conversion to rows, and a second request."""

    kind: str
    message_type: int
    payload: bytes
    rows: Callable[[Sequence[Message], Mapping[int, str]], list[Row]]
    second: bytes = b""


_TABLES = {
    "addresses": KernelTable("address", 22, bytes(8), links_table.build_addresses),
    "routes": KernelTable("route", 26, bytes(12), routing.build_routes),
    "rules": KernelTable("rule", 34, bytes(12), routing.build_rules),
    "neighbours": KernelTable("neighbour", 30, bytes(12), routing.build_neighbours, _PROXIES),
    "fdb": KernelTable("neighbour", 30, _NDMSG.pack(_AF_BRIDGE, 0, 0, 0, 0), routing.build_fdb),
}


class NetnsData:
    """Data of one namespace: messages by list until ``make_rows``, lists of rows, and missing parts."""

    def __init__(self, netns: str) -> None:
        self.netns = netns
        self.links: list[Message] = []
        self.messages: dict[str, list[Message]] = {}
        self.lists: dict[str, Any] = {}
        self.columns: dict[str, Any] = {}
        self.missing: list[Row] = []
        self.names: dict[int, str] = {}

    def record_missing(self, part: str, what: str, reason: str) -> None:
        """Record a missing or incomplete part."""
        self.missing.append({"netns": self.netns, "part": part, "what": what, "reason": escape_invalid_utf8(reason)})

    def attempt(self, part: str, work: Callable[[], None]) -> None:
        """Run the work for a part; a failure is recorded, and the rest continues."""
        try:
            work()
        except (NetfleetError, OSError) as error:
            self.record_missing(part, "missing", str(error))
        except MISUNDERSTOOD as error:
            self.record_missing(part, "missing", f"cannot be decoded: {type(error).__name__}: {error}")

    def make_rows(self) -> None:
        """Convert all messages to rows."""
        if "interfaces" in self.messages:
            self.attempt("interfaces", self._convert_interfaces)
        for part in self.messages.keys() & _TABLES.keys():
            self.attempt(part, functools.partial(self._convert_part, part))

    def _convert_interfaces(self) -> None:
        rows = links_table.build_interfaces(self.netns, self.links)
        self.lists["interfaces"] = rows
        self.names = {row["index"]: row["name"] for row in rows}

    def _convert_part(self, part: str) -> None:
        self.lists[part] = _TABLES[part].rows(self.messages[part], self.names)


def read_namespace(inside: NetnsContext, netns: str, subset: Collection[str]) -> NetnsData:
    """Read the parts in the subset from the current thread's namespace, and always its interfaces."""
    found = NetnsData(netns)
    mask = b"" if "statistics" in subset else _WITHOUT_STATISTICS
    _read_table(
        found, inside, "interfaces", KernelTable("link", _GETLINK, _IFINFO.pack(0, 0, 0, 0, 0) + mask, _build_no_rows)
    )
    for part, table in _TABLES.items():
        if part in subset:
            _read_table(found, inside, part, table)
    for part, reader in _READERS.items():
        if part in subset:
            _read_within_budget(found, inside, part, functools.partial(reader, found, inside, part))
    return found


def read_from_outside(inside: NetnsContext, netns: str, number: int, subset: Collection[str]) -> NetnsData:
    """Read interfaces and addresses of a namespace that is known by its ID only."""
    found = NetnsData(netns)
    target = struct.pack("=i", number)
    links = _IFINFO.pack(0, 0, 0, 0, 0) + encode_attribute(_IFLA_TARGET_NETNSID, target)
    _read_table(found, inside, "interfaces", KernelTable("link", _GETLINK, links, _build_no_rows))
    if "addresses" in subset:
        addresses = bytes(8) + encode_attribute(_IFA_TARGET_NETNSID, target)
        _read_table(found, inside, "addresses", _TABLES["addresses"]._replace(payload=addresses))
    for part in sorted({*_TABLES, *_READERS} & {*subset} - {"addresses"}):
        found.record_missing(part, "missing", "the namespace cannot be opened; only its ID is known")
    return found


def _build_no_rows(_messages: Sequence[Message], _names: Mapping[int, str]) -> list[Row]:
    return []


def _read_table(found: NetnsData, inside: NetnsContext, part: str, table: KernelTable) -> None:
    _read_within_budget(found, inside, part, functools.partial(_dump_table, found, inside, part, table))


def _dump_table(found: NetnsData, inside: NetnsContext, part: str, table: KernelTable) -> None:
    decode_one = _REMEMBERED.get(table.kind) or get_decoder(table.kind)
    answers = inside.dump(f"read the {part}", table.message_type, table.payload)
    found.messages[part] = list(map(decode_one, answers))
    if table.second:
        answers = inside.dump(f"read the {part}", table.message_type, table.second)
        found.messages[part] += map(decode_one, answers)
    if part == "interfaces":
        found.links = found.messages[part]


def _read_within_budget(found: NetnsData, inside: NetnsContext, part: str, work: Callable[[], None]) -> None:
    """Run the work for a part within the budget, and record if it exceeds it."""
    inside.budget.exceeded = False
    found.attempt(part, work)
    if inside.budget.exceeded:
        found.record_missing(part, "truncated", f"only the first {inside.budget.messages} entries were read")


# Many namespaces have the same routes of lo and the same rules.
_REMEMBERED = {kind: functools.lru_cache(maxsize=4096)(get_decoder(kind)) for kind in ("route", "rule")}


def read_netns_ids(inside: NetnsContext) -> list[int]:
    """Return all IDs that the current namespace uses for others."""
    answers = inside.dump("list the IDs of namespaces", _GETNSID, bytes(4))
    return [decode("nsid", answer)["NETNSA_NSID"] for answer in answers]


def read_netns_id(inside: NetnsContext, fd: int) -> int:
    """Return the ID that the current namespace uses for another one, -1 if there is none."""
    query = bytes(4) + encode_attribute(_NSID_FD, struct.pack("=I", fd))
    answer = inside.query("get the ID of a namespace", _GETNSID, query)
    return int(decode("nsid", answer)["NETNSA_NSID"])


# The readers import their modules on demand, because the imports take half of the time.


def _add_sysctls(found: NetnsData, inside: NetnsContext, part: str) -> None:
    from ansible_collections.netfleet.docker.plugins.module_utils._netns import sysctls as netns_sysctls

    found.lists[part] = netns_sysctls.read_sysctls(inside, found.links)


def _add_sockets(found: NetnsData, inside: NetnsContext, _part: str) -> None:
    from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import sockets as sockets_table

    found.lists.update(sockets_table.read_sockets(inside))


def _add_firewall(found: NetnsData, inside: NetnsContext, part: str) -> None:
    from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import firewall as firewall_table

    lists = firewall_table.read_firewall(inside)
    for reason in lists.pop("missing"):
        found.record_missing(part, "missing", reason)
    found.lists.update(lists)


def _add_xfrm(found: NetnsData, inside: NetnsContext, _part: str) -> None:
    from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import xfrm

    found.lists.update(xfrm.read_xfrm(inside))


def _add_conntrack(found: NetnsData, inside: NetnsContext, _part: str) -> None:
    from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import conntrack

    found.columns.update(conntrack.read_conntrack(inside))


_READERS: dict[str, Callable[[NetnsData, NetnsContext, str], None]] = {
    "sysctls": _add_sysctls,
    "sockets": _add_sockets,
    "firewall": _add_firewall,
    "xfrm": _add_xfrm,
    "conntrack": _add_conntrack,
}
