# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look up routes as the kernel does: policy rules, tables, longest prefix."""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Address, FleetNamespace, Row

LOCAL, MAIN, DEFAULT = 255, 254, 253
_KERNELS_RULES = ((0, LOCAL), (32766, MAIN), (32767, DEFAULT))


@dataclasses.dataclass(frozen=True)
class SelectedRoute:
    """A selected route with its row, its link if it has one, and the next hop."""

    row: Row
    link: Row | None
    next_hop: Address
    several: bool = False

    @property
    def type(self) -> str:
        """The type of route, such as unicast, local or blackhole."""
        return str(self.row["type"])

    @property
    def origin(self) -> str:
        """The origin of the decision: a route or a policy rule."""
        rule = self.row.get("priority")
        return f"route {self.row['dst']}" if rule is None else f"policy rule {rule}"


@functools.lru_cache(maxsize=65536)
def _parse_network(cidr: str) -> Any:
    return ipaddress.ip_network(cidr, strict=False)


def look_up_route(
    space: FleetNamespace, dst: Address, src: Address | None = None, mark: int = 0, iif: str = ""
) -> SelectedRoute | None:
    """Return the route to an address, or None."""
    for table in _iterate_tables(space, dst, src, mark, iif):
        if isinstance(table, SelectedRoute):
            return table
        if found := _look_up_table(space, table, dst):
            return None if found.type == "throw" else found
    return None


def is_local(space: FleetNamespace, dst: Address) -> bool:
    """Return whether an address is local to the namespace, including ranges such as 127.0.0.0/8."""
    found = _look_up_table(space, LOCAL, dst)
    return found is not None and found.type == "local"


def choose_source(space: FleetNamespace, way: SelectedRoute, dst: Address) -> Address | None:
    """Return the source address for a packet without one."""
    if way.row["prefsrc"]:
        return ipaddress.ip_address(way.row["prefsrc"])
    if way.type == "local":
        return dst
    candidates = space.list_link_addresses(way.link["index"], dst.version) if way.link else []
    on_link = [row for row in candidates if way.next_hop in _parse_network(f"{row['address']}/{row['prefixlen']}")]
    best = next(iter([*on_link, *candidates]), None)
    return ipaddress.ip_address(best["address"]) if best else None


def _iterate_tables(space: FleetNamespace, dst: Address, src: Address | None, mark: int, iif: str) -> Any:
    rules = sorted(
        (row for row in space.get_rows("rules") if row["family"] == dst.version), key=lambda row: row["priority"]
    )
    if not rules:
        yield from (table for _priority, table in _KERNELS_RULES)
    for row in rules:
        if _rule_applies(row, dst, src, mark, iif) is row["inverted"]:
            continue
        if row["action"] == "lookup":
            yield row["table"]
        elif row["action"] in ("blackhole", "unreachable", "prohibit"):
            yield SelectedRoute(
                {**row, "type": row["action"], "prefsrc": None, "gateway": None, "interface": None},
                None,
                dst,
            )


def _rule_applies(row: Row, dst: Address, src: Address | None, mark: int, iif: str) -> bool:
    return (
        (not row["dst"] or dst in _parse_network(row["dst"]))
        and (not row["src"] or (src is not None and src in _parse_network(row["src"])))
        and (not row["fwmark"] or mark & (row["fwmask"] or 0xFFFFFFFF) == row["fwmark"])
        and (not row["iif"] or row["iif"] == (iif or "lo"))
        and not row["oif"]
    )


def _look_up_table(space: FleetNamespace, table: int, dst: Address) -> SelectedRoute | None:
    matching = [
        row
        for row in space.get_rows("routes")
        if row["table"] == table
        and row["family"] == dst.version
        and not row["tos"]
        and dst in _parse_network(row["dst"])
    ]
    usable = [row for row in matching if "dead" not in (row["flags"] or []) and row["type"] != "multicast"]
    if not usable:
        return None
    best = min(usable, key=lambda row: (-_parse_network(row["dst"]).prefixlen, row["metric"] or 0))
    hops = best.get("nexthops") or []
    hop = hops[0] if hops else best
    link = space.links.get(hop["index"]) if hop.get("index") else space.find_link(hop["interface"] or "")
    gateway = hop.get("gateway")
    return SelectedRoute(best, link, ipaddress.ip_address(gateway) if gateway else dst, several=len(hops) > 1)
