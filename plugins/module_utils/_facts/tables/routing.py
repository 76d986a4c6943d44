# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert decoded messages to rows of the tables route, rule, neighbour and fdb. Pure."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8
from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables.links import get_scope_name, list_flag_names
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import split_attributes
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.decoder import address, u32

Message = Mapping[str, Any]
Row = dict[str, Any]

_AF_INET6, _AF_BRIDGE = 10, 7
_ANY = {4: "0.0.0.0", 6: "::"}
_ROUTE_TYPES = (
    "unspec unicast local broadcast anycast multicast blackhole unreachable prohibit throw nat xresolve".split()
)
_PROTOCOLS = {
    0: "unspec", 1: "redirect", 2: "kernel", 3: "boot", 4: "static", 8: "gated", 9: "ra", 11: "zebra", 12: "bird",
    14: "xorp", 15: "ntk", 16: "dhcp", 18: "keepalived", 42: "babel", 186: "bgp", 187: "isis", 188: "ospf", 189: "rip",
    192: "eigrp",
}  # fmt: skip
_NEXTHOP_FLAGS = tuple("dead pervasive onlink offload linkdown unresolved trap".split())
_NEXTHOP = struct.Struct("=HBBi")
_RTA_GATEWAY, _RTA_VIA, _RTAX_MTU = 5, 18, 2
_ACTIONS = {1: "lookup", 2: "goto", 3: "nop", 6: "blackhole", 7: "unreachable", 8: "prohibit"}
_FIB_RULE_INVERT = 0x2
_NO_LIMIT = 0xFFFFFFFF
_NOARP, _PERMANENT = 0x40, 0x80
_NEIGHBOUR_STATES = tuple("incomplete reachable stale delay probe failed noarp permanent".split())
_NEIGHBOUR_FLAGS = tuple("use self master proxy extern_learn offload sticky router".split())


def build_routes(messages: Sequence[Message], names: Mapping[int, str]) -> list[Row]:
    """Return the rows of a namespace's routes in all tables."""
    return [_build_route(message, names) for message in messages]


def _build_route(message: Message, names: Mapping[int, str]) -> Row:
    family = 6 if message["family"] == _AF_INET6 else 4
    index = message.get("RTA_OIF")
    kind, protocol = message["type"], message["protocol"]
    return {
        "family": family,
        "table": message.get("RTA_TABLE", message["table"]),
        "dst": f"{message.get('RTA_DST', _ANY[family])}/{message['dst_len']}",
        "src": f"{message['RTA_SRC']}/{message['src_len']}" if "RTA_SRC" in message else None,
        "type": _ROUTE_TYPES[kind] if kind < len(_ROUTE_TYPES) else str(kind),
        "gateway": message.get("RTA_GATEWAY") or message.get("RTA_VIA"),
        "index": index,
        "interface": names.get(index) if index else None,
        "prefsrc": message.get("RTA_PREFSRC"),
        "metric": message.get("RTA_PRIORITY", 0),
        "protocol": _PROTOCOLS.get(protocol, str(protocol)),
        "scope": get_scope_name(message["scope"]),
        "tos": message["tos"],
        "flags": list_flag_names(_NEXTHOP_FLAGS, message["flags"] & 0x7F),
        "mtu": _get_mtu(message["RTA_METRICS"]) if "RTA_METRICS" in message else None,
        "nexthops": _build_nexthops(message["RTA_MULTIPATH"], names) if "RTA_MULTIPATH" in message else [],
    }


def _get_mtu(data: bytes) -> int | None:
    return next((u32(value) for number, value in split_attributes(data) if number == _RTAX_MTU), None)


def _build_nexthops(data: bytes, names: Mapping[int, str]) -> list[Row]:
    found = []
    offset = 0
    while offset + _NEXTHOP.size <= len(data):
        length, flags, weight, index = _NEXTHOP.unpack_from(data, offset)
        if length < _NEXTHOP.size:
            break
        start, end = offset + _NEXTHOP.size, offset + length
        details = dict(split_attributes(data[start:end]))
        via = details.get(_RTA_VIA, b"")[2:]
        gateway = details.get(_RTA_GATEWAY, via)
        found.append(
            {
                "gateway": address(gateway) if gateway else None,
                "index": index,
                "interface": names.get(index),
                "weight": weight + 1,
                "flags": list_flag_names(_NEXTHOP_FLAGS, flags & 0x7F),
            }
        )
        offset += (length + 3) & ~3
    return found


def build_rules(messages: Sequence[Message], _names: Mapping[int, str]) -> list[Row]:
    """Return the rows of a namespace's routing policy."""
    # With strict checking, the kernel also returns rules of multicast routing, with families from 128.
    return [_build_rule(message) for message in messages if message["family"] < 128]


def _build_rule(message: Message) -> Row:
    action, protocol = message["action"], message.get("FRA_PROTOCOL")
    return {
        "family": 6 if message["family"] == _AF_INET6 else 4,
        "priority": message.get("FRA_PRIORITY", 0),
        "action": _ACTIONS.get(action, str(action)),
        "table": message.get("FRA_TABLE", message["table"]) or None,
        "l3mdev": bool(message.get("FRA_L3MDEV")),
        "suppress_prefixlength": _get_suppressed(message.get("FRA_SUPPRESS_PREFIXLEN")),
        "suppress_ifgroup": _get_suppressed(message.get("FRA_SUPPRESS_IFGROUP")),
        "goto": message.get("FRA_GOTO"),
        "inverted": bool(message["flags"] & _FIB_RULE_INVERT),
        "src": f"{message['FRA_SRC']}/{message['src_len']}" if "FRA_SRC" in message else None,
        "dst": f"{message['FRA_DST']}/{message['dst_len']}" if "FRA_DST" in message else None,
        "iif": escape_invalid_utf8(message["FRA_IIFNAME"]) if "FRA_IIFNAME" in message else None,
        "oif": escape_invalid_utf8(message["FRA_OIFNAME"]) if "FRA_OIFNAME" in message else None,
        "fwmark": message.get("FRA_FWMARK"),
        "fwmask": message.get("FRA_FWMASK"),
        "tos": message["tos"],
        "ip_protocol": message.get("FRA_IP_PROTO"),
        "sport": _format_range(message.get("FRA_SPORT_RANGE")),
        "dport": _format_range(message.get("FRA_DPORT_RANGE")),
        "uids": _format_range(message.get("FRA_UID_RANGE")),
        "protocol": None if protocol is None else _PROTOCOLS.get(protocol, str(protocol)),
    }


def _get_suppressed(number: int | None) -> int | None:
    """Return a limit of a rule; the kernel reports -1 for a rule without it."""
    return None if number == _NO_LIMIT else number


def _format_range(ends: tuple[int, int] | None) -> str | None:
    if ends is None:
        return None
    return str(ends[0]) if ends[0] == ends[1] else f"{ends[0]}-{ends[1]}"


def build_neighbours(messages: Sequence[Message], names: Mapping[int, str]) -> list[Row]:
    """Return the rows of a namespace's neighbours."""
    return [
        {
            "index": message["index"],
            "interface": names.get(message["index"]),
            "family": 6 if message["family"] == _AF_INET6 else 4,
            "address": message.get("NDA_DST"),
            "mac": message.get("NDA_LLADDR"),
            "state": _get_neighbour_state(message["state"]),
            "flags": list_flag_names(_NEIGHBOUR_FLAGS, message["flags"]),
        }
        for message in messages
        if message["family"] != _AF_BRIDGE
    ]


def _get_neighbour_state(number: int) -> str:
    return " ".join(list_flag_names(_NEIGHBOUR_STATES, number)) or "none"


def build_fdb(messages: Sequence[Message], names: Mapping[int, str]) -> list[Row]:
    """Return the rows of a namespace's forwarding databases."""
    return [
        {
            "index": message["index"],
            "interface": names.get(message["index"]),
            "mac": message.get("NDA_LLADDR"),
            "master_index": message.get("NDA_MASTER"),
            "master": names.get(message.get("NDA_MASTER", 0)),
            "vlan": message.get("NDA_VLAN"),
            "dst": message.get("NDA_DST"),
            "port": message.get("NDA_PORT"),
            "vni": message.get("NDA_VNI"),
            "state": _get_fdb_state(message["state"]),
            "flags": list_flag_names(_NEIGHBOUR_FLAGS, message["flags"]),
        }
        for message in messages
    ]


def _get_fdb_state(number: int) -> str:
    # As in bridge(8): permanent entries are often also marked as noarp; entries with only noarp are static.
    if number & _PERMANENT:
        return "permanent"
    return "static" if number & _NOARP else _get_neighbour_state(number)
