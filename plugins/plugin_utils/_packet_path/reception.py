# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of a received packet's source and destination, policies of IPsec, and answers to neighbour requests."""

from __future__ import annotations

import dataclasses
import ipaddress

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path import routing
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Address, FleetNamespace, Row
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.iptables_match import is_in_subnet
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import (
    PROTOCOL_NUMBERS,
    Answer,
    Packet,
    PortRange,
    all_of,
    any_of,
    port_within,
)


@dataclasses.dataclass(frozen=True)
class Finding:
    """Why a packet stops, or may stop if ``certain`` is False; ``key`` is the sysctl that decides."""

    reason: str
    certain: bool = True
    key: str = ""


def check_source(space: FleetNamespace, packet: Packet, link: Row, oif: str) -> Finding | None:
    """Return why the kernel rejects the source address of a received IPv4 packet."""
    if packet.dst.version != 4 or packet.src is None or link["kind"] == "loopback":
        return None
    name = link["name"]
    if routing.is_local(space, packet.src) and not _is_set(space, name, "accept_local"):
        return Finding(f"{packet.src} is a local address of {space}, which receives it as a source on {name}")
    values = [space.get_sysctl(f"ipv4/conf/{one}/rp_filter") for one in ("all", name)]
    strictness = max((int(value) for value in values if value), default=0)
    if not strictness:
        return None
    mark = packet.mark if _is_set(space, name, "src_valid_mark") else 0
    query = routing.RouteQuery(packet.src, packet.dst, mark, oif, packet.protocol, packet.dport, packet.sport)
    answers = {_uses_link(way, link) for way in routing.list_routes(space, query)}
    if answers == {True} or (None not in answers and True in answers and _is_multipath(space, query)):
        return None
    reason = f"rp_filter: no route back to {packet.src}"
    if None not in answers and _is_loose(space, packet, link, strictness):
        return None
    if answers & {False}:
        other = next(way for way in routing.list_routes(space, query) if _uses_link(way, link) is False)
        used = other.link["name"] if other and other.link else "another link"
        how = "strict" if strictness == 1 else f"loose, but {name} has no IPv4 address"
        reason = f"rp_filter is {how}, and the route back to {packet.src} uses {used}"
    return Finding(reason, certain=True not in answers and (len(answers) == 1 or strictness == 1))


def _uses_link(way: routing.SelectedRoute | None, link: Row) -> Answer:
    """Return whether a route uses a link; None for no route."""
    if way is None or way.type in ("blackhole", "unreachable", "prohibit"):
        return None
    return way.type == "local" or (way.link is not None and way.link["index"] == link["index"])


def _is_multipath(space: FleetNamespace, query: routing.RouteQuery) -> bool:
    ways = routing.list_routes(space, query)
    return len({id(way.row) for way in ways if way}) == 1


def _is_loose(space: FleetNamespace, packet: Packet, link: Row, strictness: int) -> bool:
    return strictness == 2 and bool(space.list_link_addresses(link["index"], packet.dst.version))


def _is_set(space: FleetNamespace, name: str, key: str) -> bool:
    return "1" in [space.get_sysctl(f"ipv4/conf/{one}/{key}") for one in ("all", name)]


def check_forwarding(space: FleetNamespace, packet: Packet, name: str) -> Finding | None:
    """Return why a namespace does not forward a packet that a link received."""
    if packet.dst.version == 4:
        own, every = f"ipv4/conf/{name}/forwarding", "ipv4/ip_forward"
        values = [space.get_sysctl(own), space.get_sysctl(every)]
        if values[0] == "1" or "0" not in values or (values[0] is None and values[1] != "0"):
            return None
        key = every if values[1] == "0" else own
    else:
        key = "ipv6/conf/all/forwarding"
        if packet.src is not None and packet.src.is_link_local:
            return Finding(f"{space} does not forward packets from the link-local address {packet.src}")
        if space.get_sysctl(key) != "0":
            return None
    return Finding(f"{space} does not forward packets: net/{key} is 0", key=key)


def check_ipsec(space: FleetNamespace, packet: Packet, direction: str, link: str) -> Finding | None:
    """Return why an IPsec policy stops a packet, or can change it."""
    if packet.dst.version == 4 and link == "lo":
        return None
    rows = [
        row
        for row in space.get_rows("xfrm_policies")
        if row["direction"] == direction and row["family"] == packet.dst.version
    ]
    for row in sorted(rows, key=lambda one: one["priority"]):
        answer = _match_policy(row, packet, link)
        if answer is False:
            continue
        text = f"IPsec policy {row['src']} → {row['dst']} ({direction})"
        if row["action"] == "block":
            return Finding(f"the {text} blocks the packet", certain=bool(answer))
        if row["templates"]:
            return Finding(f"the {text} requires IPsec, which is not modelled", certain=False)
        if answer:
            return None
    return None


def _match_policy(row: Row, packet: Packet, link: str) -> Answer:
    number = row["ip_protocol"]
    return all_of(
        (
            is_in_subnet(packet.src, row["src"]),
            is_in_subnet(packet.dst, row["dst"]),
            number is None or PROTOCOL_NUMBERS.get(packet.protocol) == number,
            row["sport"] is None or port_within(packet.sport, row["sport"], row["sport"]),
            row["dport"] is None or port_within(packet.dport, row["dport"], row["dport"]),
            not row["interface"] or row["interface"] == link,
            True if row["mark"] is None else None,
        )
    )


def answers_request(space: FleetNamespace, link: Row, address: Address) -> Answer:
    """Return whether a namespace answers requests for an address on a link (ARP or neighbour discovery)."""
    own = (row for row in space.list_link_addresses(link["index"], address.version) if row["address"] == str(address))
    if any("dadfailed" not in row["flags"] for row in own):
        return True
    return _answers_solicitation(space, link, address) if address.version == 6 else _answers_arp(space, link, address)


def _answers_arp(space: FleetNamespace, link: Row, address: Address) -> Answer:
    """Return whether a namespace answers ARP requests for an address that the link does not have."""
    row, name = space.addresses.get(address), link["name"]
    # With arp_ignore=0, the kernel answers on every link for all its addresses.
    values = [space.get_sysctl(f"ipv4/conf/{one}/arp_ignore") for one in ("all", name)]
    ignore = max((int(value) for value in values if value), default=0)
    local = routing.is_local(space, address) and not address.is_loopback
    if local and (row is None or row["scope"] != "host"):
        if ignore == 0:
            return None if _is_set(space, name, "arp_filter") else True
        return False if ignore in (1, 2, 8) else None
    if local or space.get_sysctl(f"ipv4/conf/{name}/forwarding") == "0":
        return False
    listed = is_proxied(space, link, address)
    proxy, pvlan = _is_set(space, name, "proxy_arp"), _is_set_on(space, name, "proxy_arp_pvlan")
    if not (listed or proxy or pvlan):
        return False
    ways = routing.list_routes(space, routing.RouteQuery(address, iif=name))
    answers = {
        way is not None
        and way.type == "unicast"
        and way.link is not None
        and (pvlan if way.link["index"] == link["index"] else proxy or listed)
        for way in ways
    }
    return answers.pop() if len(answers) == 1 else None


def _answers_solicitation(space: FleetNamespace, link: Row, address: Address) -> Answer:
    if space.get_sysctl(f"ipv6/conf/{link['name']}/forwarding") == "0":
        return False
    enabled = "1" in [space.get_sysctl(f"ipv6/conf/{one}/proxy_ndp") for one in ("all", link["name"])]
    return enabled and is_proxied(space, link, address)


def is_proxied(space: FleetNamespace, link: Row, address: Address) -> bool:
    """Return whether the neighbour table of a link has a proxy entry for an address."""
    return any(
        row["index"] == link["index"] and row["address"] == str(address) and "proxy" in (row["flags"] or [])
        for row in space.get_rows("neighbours")
    )


def _is_set_on(space: FleetNamespace, name: str, key: str) -> bool:
    return space.get_sysctl(f"ipv4/conf/{name}/{key}") == "1"


def accepts_packet(socket: Row, packet: Packet, iif: str) -> Answer:
    """Return whether a socket receives a packet."""
    if socket["protocol"] != packet.protocol:
        return False
    port = socket["port"]
    device = socket.get("interface")
    return all_of(
        (
            port == packet.dport if not isinstance(packet.dport, PortRange) else port_within(packet.dport, port, port),
            not device or device == iif,
            _is_bound_to(socket, packet.dst),
        )
    )


def _is_bound_to(socket: Row, dst: Address) -> bool:
    bound = ipaddress.ip_address(socket["address"])
    if bound.is_unspecified:
        return bound.version == dst.version or (bound.version == 6 and not socket["v6only"])
    mapped = getattr(bound, "ipv4_mapped", None)
    return dst in (bound, mapped)


def has_listener(space: FleetNamespace, packet: Packet, iif: str) -> Answer:
    """Return whether a socket of the namespace receives a packet."""
    return any_of(accepts_packet(row, packet, iif) for row in space.get_rows("sockets"))
