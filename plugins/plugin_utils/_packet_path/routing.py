# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look up routes as the kernel does: policy rules, tables, longest prefix.

Where a rule depends on what is not known, such as the user ID of the sender, all possible routes are returned.
"""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Address, FleetNamespace, Row
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import (
    PROTOCOL_NUMBERS,
    Answer,
    Packet,
    Port,
    all_of,
    port_within,
)

LOCAL, MAIN, DEFAULT = 255, 254, 253
_KERNELS_RULES = ((0, LOCAL), (32766, MAIN), (32767, DEFAULT))
_MOST_RULES = 10_000
_DROPPING = ("blackhole", "unreachable", "prohibit")


@dataclasses.dataclass(frozen=True)
class RouteQuery:
    """What the kernel looks up; without ``iif`` for a packet of the namespace itself.

    ``protocol`` is empty where the kernel does not compare protocol and ports.
    """

    dst: Address
    src: Address | None = None
    mark: int = 0
    iif: str = ""
    protocol: str = ""
    sport: Port = None
    dport: Port = None
    has_default_tos: bool = True


@dataclasses.dataclass(frozen=True)
class SelectedRoute:
    """A selected route with its row, its link if it has one, and the next hop."""

    row: Row
    link: Row | None
    next_hop: Address

    @property
    def type(self) -> str:
        """The type of route, such as unicast, local or blackhole."""
        return str(self.row["type"])

    @property
    def origin(self) -> str:
        """The origin of the decision: a route or a policy rule."""
        rule = self.row.get("priority")
        return f"route {self.row['dst']}" if rule is None else f"policy rule {rule}"

    @property
    def key(self) -> tuple[Any, ...]:
        """What distinguishes routes that a packet takes."""
        index = self.link["index"] if self.link else None
        return self.type, index, self.next_hop, self.row.get("prefsrc"), self.row.get("gateway")


@functools.lru_cache(maxsize=65536)
def parse_network(cidr: str) -> Any:
    """Return a network; host bits are allowed."""
    return ipaddress.ip_network(cidr, strict=False)


def build_query(packet: Packet, iif: str = "") -> RouteQuery:
    """Return the query for a packet."""
    tos = packet.has_default_tos
    return RouteQuery(packet.dst, packet.src, packet.mark, iif, packet.protocol, packet.sport, packet.dport, tos)


def list_routes(space: FleetNamespace, query: RouteQuery) -> list[SelectedRoute | None]:
    """Return the route of a packet, or several if the snapshot does not decide between them."""
    found: list[SelectedRoute | None] = []
    for answer, options in _iterate_results(space, query):
        found += options
        if answer:
            break
    else:
        found.append(None)
    return list({(None if one is None else one.key): one for one in found}.values())


def look_up_route(
    space: FleetNamespace, dst: Address, src: Address | None = None, mark: int = 0, iif: str = ""
) -> SelectedRoute | None:
    """Return the first possible route to an address, or None."""
    return list_routes(space, RouteQuery(dst, src, mark, iif))[0]


def is_local(space: FleetNamespace, dst: Address) -> bool:
    """Return whether an address is local to the namespace, including ranges such as 127.0.0.0/8."""
    return any(one is not None and one.type == "local" for one in _look_up_table(space, LOCAL, RouteQuery(dst)))


def get_address_type(space: FleetNamespace, address: Address) -> str | None:
    """Return the type of an address for the match addrtype; None if unknown."""
    if address.is_multicast:
        return "multicast"
    found = _look_up_table(space, LOCAL, RouteQuery(address))
    if found:
        return found[0].type
    if any(link["kind"] == "vrf" for link in space.links.values()):
        return None
    if address.version == 4:
        return "broadcast" if str(address) in ("0.0.0.0", "255.255.255.255") else "unicast"
    options = list_routes(space, RouteQuery(address))
    way = options[0]
    return "unicast" if len(options) == 1 and way is not None and way.type == "unicast" else None


def _iterate_results(space: FleetNamespace, query: RouteQuery) -> Iterator[tuple[Answer, list[SelectedRoute]]]:
    """Yield the routes of each policy rule in order, and whether the rule surely applies."""
    rules = sorted(
        (row for row in space.get_rows("rules") if row["family"] == query.dst.version), key=lambda row: row["priority"]
    )
    if not space.get_rows("rules"):
        for _priority, table in _KERNELS_RULES:
            options = [one for one in _look_up_table(space, table, query) if one.type != "throw"]
            if options:
                yield True, options
        return
    for row, answer in _walk_rules(rules, query):
        if row["action"] in _DROPPING:
            drop = {**row, "type": row["action"], "prefsrc": None, "gateway": None, "interface": None}
            yield answer, [SelectedRoute(drop, None, query.dst)]
        elif row["action"] == "lookup":
            # A rule l3mdev has no table; it applies only to packets of a VRF, which are not followed.
            found = _look_up_table(space, row["table"], query) if row["table"] else []
            kept = [one for one in found if one.type != "throw" and not _is_suppressed(row, one)]
            if kept:
                yield (answer if len(kept) == len(found) else None), kept


def _walk_rules(rules: Sequence[Row], query: RouteQuery) -> Iterator[tuple[Row, Answer]]:
    """Yield the rules that can apply; a goto that is in doubt continues on both ways."""
    pending = [(0, True)]
    steps = 0
    while pending:
        position, certain = pending.pop(0)
        while position < len(rules) and steps < _MOST_RULES:
            steps += 1
            row = rules[position]
            answer = _apply_rule(row, query)
            position += 1
            if answer is False:
                continue
            sure = bool(answer) and certain and not pending
            if row["action"] != "goto":
                yield row, sure or None
                continue
            target = next((at for at, one in enumerate(rules) if one["priority"] == row["goto"]), None)
            if target is None or target < position:
                continue
            if not answer:
                pending.append((position, False))
                certain = False
            position = target


def _is_suppressed(rule: Row, way: SelectedRoute) -> bool:
    length, group = rule.get("suppress_prefixlength"), rule.get("suppress_ifgroup")
    if way.type in _DROPPING:
        return False
    if length is not None and parse_network(way.row["dst"]).prefixlen <= length:
        return True
    return group is not None and way.link is not None and way.link["group"] == group


def _apply_rule(row: Row, query: RouteQuery) -> Answer:
    """Return whether a rule applies to a packet."""
    mask = 0xFFFFFFFF if row["fwmask"] is None else row["fwmask"]
    protocol = row["ip_protocol"]
    answer = all_of(
        (
            not row["dst"] or query.dst in parse_network(row["dst"]),
            not row["src"] or (query.src is not None and query.src in parse_network(row["src"])),
            row["fwmark"] is None or query.mark & mask == row["fwmark"] & mask,
            not row["iif"] or row["iif"] == (query.iif or "lo"),
            not row["oif"],
            (not row["tos"]) if query.has_default_tos or not row["tos"] else None,
            not protocol or PROTOCOL_NUMBERS.get(query.protocol) == protocol,
            _match_rule_port(row["sport"], query.sport, query),
            _match_rule_port(row["dport"], query.dport, query),
            _match_uid(row["uids"], query),
        )
    )
    return answer if answer is None else answer is not bool(row["inverted"])


def _match_rule_port(text: str | None, port: Port, query: RouteQuery) -> Answer:
    if not text:
        return True
    if query.protocol in ("icmp", "icmpv6"):
        return None if not query.iif else False
    low, dash, high = text.partition("-")
    return port_within(port, int(low), int(high if dash else low))


def _match_uid(text: str | None, query: RouteQuery) -> Answer:
    if not text:
        return True
    low, dash, high = text.partition("-")
    if query.iif:
        return int(low) == 0
    return True if (int(low), int(high if dash else low)) == (0, 0xFFFFFFFF) else None


def _look_up_table(space: FleetNamespace, table: int, query: RouteQuery) -> list[SelectedRoute]:
    """Return the best route of a table, several for several next hops; empty without one."""
    usable = [
        row
        for row in space.list_routes(table, query.dst.version)
        if not row["tos"]
        and query.dst in parse_network(row["dst"])
        and _has_source(row, query)
        and row["type"] != "multicast"
        and (row.get("nexthops") or "dead" not in (row["flags"] or []))
    ]
    if not usable:
        return []

    def rank(row: Row) -> tuple[int, int, int]:
        length = parse_network(row["src"]).prefixlen if row["src"] else 0
        return -parse_network(row["dst"]).prefixlen, -length, row["metric"] or 0

    best = min(map(rank, usable))
    rows = [row for row in usable if rank(row) == best]
    if query.dst.version == 4:
        rows = rows[:1]
    return [one for row in rows for one in _list_next_hops(space, row, query.dst)]


def _has_source(row: Row, query: RouteQuery) -> bool:
    """Return whether a source-specific route applies."""
    if not row["src"]:
        return True
    network = parse_network(row["src"])
    return network.prefixlen == 0 or (query.src is not None and query.src in network)


def _list_next_hops(space: FleetNamespace, row: Row, dst: Address) -> Iterator[SelectedRoute]:
    for hop in row.get("nexthops") or [row]:
        if "dead" in (hop.get("flags") or []):
            continue
        link = space.links.get(hop["index"]) if hop.get("index") else space.find_link(hop["interface"] or "")
        gateway = hop.get("gateway")
        yield SelectedRoute(row, link, ipaddress.ip_address(gateway) if gateway else dst)
