# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fields of a packet, its links and its connection, which nft rules compare."""

from __future__ import annotations

from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Row
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.iptables_match import (
    get_icmp_type,
    get_states,
    get_tcp_flags,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import HookContext
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.reverse_path import has_reverse_route
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.routing import get_address_type


class _Marker:
    """A value that cannot be compared."""


ABSENT = _Marker()  # The packet has no such field: a rule that needs it does not match.


UNKNOWN = _Marker()


# The protocol of a packet that stands for ARP requests and their replies in hooks of the family bridge.
ARP = "arp"


def _evaluate_payload(what: Row, at: HookContext) -> Any:
    protocol, field = what.get("protocol"), what.get("field")
    if protocol in ("ip", "ip6"):
        return _evaluate_header(str(protocol), str(field), at)
    if protocol in _TRANSPORTS:
        return _evaluate_transport(str(protocol), str(field), at)
    if protocol == "vlan" or (protocol == "arp" and at.packet.protocol != ARP):
        return ABSENT
    known = {("ether", "type"): _get_ethertype(at)}
    return known.get((str(protocol), str(field)), UNKNOWN)


def _get_ethertype(at: HookContext) -> str:
    if at.packet.protocol == ARP:
        return ARP
    return "ip" if at.packet.dst.version == 4 else "ip6"


_TRANSPORTS = ("tcp", "udp", "th", "icmp", "icmpv6", "sctp", "dccp", "udplite", "esp", "ah", "comp")


def _evaluate_transport(protocol: str, field: str, at: HookContext) -> Any:
    packet = at.packet
    if protocol == "th" and packet.protocol not in ("tcp", "udp"):
        return UNKNOWN
    if protocol not in (packet.protocol, "th"):
        return ABSENT
    known: dict[str, Any] = {"type": get_icmp_type(at), "flags": get_tcp_flags(at)}
    if packet.protocol in ("tcp", "udp"):
        known.update(sport=packet.sport, dport=packet.dport)
    else:
        known.update(code=0)
    value = known.get(field)
    return UNKNOWN if value is None else value


def _evaluate_header(protocol: str, field: str, at: HookContext) -> Any:
    packet = at.packet
    if packet.dst.version != {"ip": 4, "ip6": 6}[protocol] or packet.protocol == ARP:
        return ABSENT
    known: dict[str, Any] = {
        "saddr": packet.src,
        "daddr": packet.dst,
        "protocol": packet.protocol,
        "nexthdr": packet.protocol,
        "version": packet.dst.version,
        "dscp": 0 if packet.has_default_tos else None,
    }
    value = known.get(field)
    return UNKNOWN if value is None else value


def _evaluate_meta(what: Row, at: HookContext) -> Any:
    packet, key = at.packet, str(what.get("key"))
    if key in _LINKS:
        field, kind = _LINKS[key]
        name = str(getattr(at, field))
        if not name:
            # The kernel compares a link that does not exist with an empty name and index 0.
            return name if kind == "name" else ABSENT
        link = at.space.find_link(name)
        if kind != "name":
            return UNKNOWN if link is None or link.get(kind) is None else link[kind]
        return name
    known: dict[str, Any] = {
        "l4proto": ABSENT if packet.protocol == ARP else packet.protocol,
        "nfproto": "ipv4" if packet.dst.version == 4 else "ipv6",
        "protocol": _get_ethertype(at),
        "mark": packet.mark,
    }
    if at.layer == "bridge":
        known["nfproto"] = "bridge"
    elif key == "pkttype" and not packet.dst.is_multicast:
        return "host"
    if key in ("secpath", "ipsec"):
        return UNKNOWN if at.space.lacks("xfrm_policies") or at.space.get_rows("xfrm_policies") else False
    return known.get(key, UNKNOWN)


_LINKS = {
    "iifname": ("iif", "name"),
    "oifname": ("oif", "name"),
    "iif": ("iif", "name"),
    "oif": ("oif", "name"),
    "iifgroup": ("iif", "group"),
    "oifgroup": ("oif", "group"),
    "iifkind": ("iif", "kind"),
    "oifkind": ("oif", "kind"),
}


def _evaluate_connection(what: Row, at: HookContext) -> Any:
    key, packet = str(what.get("key")), at.packet
    connection = packet.connection
    if at.layer == "bridge":
        return UNKNOWN
    if key == "state":
        return frozenset(get_states(at) - {"dnat", "snat"})
    if connection is None:
        return ABSENT
    # Other flags of the status are not known.
    status = frozenset(get_states(at) & {"dnat", "snat"})
    own = {"mark": connection.mark, "direction": "reply" if packet.reverse else "original", "status": status}
    if key in own or what.get("dir") != "original":
        return own.get(key, UNKNOWN)
    known: dict[str, Any] = {
        "saddr": connection.src,
        "daddr": connection.dst,
        "proto-src": connection.sport,
        "proto-dst": connection.dport,
        "protocol": packet.protocol,
    }
    value = known.get(key.rpartition(" ")[2])
    return UNKNOWN if value is None else value


def _evaluate_fib(what: Row, at: HookContext) -> Any:
    flags = what.get("flags") or []
    flags = [flags] if isinstance(flags, str) else flags
    if what.get("result") in ("oif", "oifname") and {"saddr", "iif"} <= set(flags) <= {"saddr", "iif", "mark"}:
        answer = has_reverse_route(at, "mark" in flags) if at.hook == "prerouting" else None
        return UNKNOWN if answer is None else answer
    if what.get("result") != "type" or not set(flags) <= {"saddr", "daddr"} or len(flags) != 1:
        return UNKNOWN
    address = at.packet.src if flags == ["saddr"] else at.packet.dst
    kind = get_address_type(at.space, address) if address is not None else None
    return UNKNOWN if kind is None else kind


_FIELDS = {"payload": _evaluate_payload, "meta": _evaluate_meta, "ct": _evaluate_connection, "fib": _evaluate_fib}


def evaluate_field(kind: str, what: Any, at: HookContext) -> Any:
    """Return the value of a field; ABSENT if the packet does not have it, UNKNOWN if it is not modelled."""
    return _FIELDS[kind](what, at) if kind in _FIELDS and isinstance(what, dict) else UNKNOWN
