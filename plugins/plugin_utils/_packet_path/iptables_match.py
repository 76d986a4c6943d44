# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Matches of iptables rules: True, False, or None if a match is not modelled."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Address, Row
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import (
    NUMBERS,
    Answer,
    HookContext,
    Port,
    all_of,
    any_of,
    negate,
    port_within,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.reverse_path import has_reverse_route
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.routing import get_address_type

_ICMP_NAMES = {"echo-reply": 0, "pong": 0, "echo-request": 8, "ping": 8}
_ICMP6_NAMES = {"echo-request": 128, "ping": 128, "echo-reply": 129, "pong": 129}


def match_iptables(entries: list[Row], at: HookContext) -> Answer:
    """Return whether all matches of a rule apply."""
    answers: list[Answer] = []
    module = ""
    if at.packet.connection is None and any(entry["option"] in _OF_CONNECTIONS for entry in entries):
        # Without a connection, xt_conntrack compares only the state.
        kept = [entry for entry in entries if entry["option"] not in _OF_CONNECTIONS]
        return match_iptables(kept, at) if any(entry["option"] == "ctstate" for entry in kept) else False
    for entry in entries:
        values = [str(value) for value in entry["values"]]
        if entry["option"] == "match":
            module = values[0] if values else ""
            answers.append(_match_reverse_path(entries, at) if module == "rpfilter" else module in _MODULES or None)
        elif module != "rpfilter" or entry["option"] not in _REVERSE_PATH:
            answers.append(_match_entry(entry, module, values, at))
    return all_of(answers)


_REVERSE_PATH = ("loose", "validmark", "accept-local", "invert")


def _match_reverse_path(entries: list[Row], at: HookContext) -> Answer:
    """Return the answer of xt_rpfilter, whose options are those of the whole rule."""
    options = {entry["option"] for entry in entries}
    if "accept-local" in options:
        return None
    answer = has_reverse_route(at, "validmark" in options, "loose" in options)
    return negate(answer) if "invert" in options else answer


def _match_entry(entry: Row, module: str, values: list[str], at: HookContext) -> Answer:
    option = entry["option"]
    if module == "connmark" and option == "mark":
        return _match_connection_mark(at, values[0], bool(entry["negated"]))
    answer: Answer
    if option in _COMPARED_WITH_CONNECTION and len(values) == 1:
        answer = _match_original(at, option, values[0])
    elif option in _IPTABLES and len(values) == 1:
        answer = _IPTABLES[option](at, values[0])
    elif option == "tcp-flags" and len(values) == 2:
        answer = _match_flags(at, *values)
    elif option in _WITHOUT_VALUE:
        answer = _WITHOUT_VALUE[option](at)
    else:
        return None
    return negate(answer) if entry["negated"] else answer


def is_in_subnet(address: Address | None, text: str) -> Answer:
    """Return whether an address is in a subnet; text can have a mask instead of a prefix length."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return address is not None and address.version == network.version and address in network


def _is_in_range(address: Address | None, text: str) -> Answer:
    low, _dash, high = text.partition("-")
    try:
        ends = ipaddress.ip_address(low), ipaddress.ip_address(high)
    except ValueError:
        return None
    return address is not None and int(ends[0]) <= int(address) <= int(ends[1])


def _match_link(name: str, pattern: str) -> Answer:
    """Compare link names as iptables does; a plus sign at the end matches any suffix."""
    if name == "?":
        return None
    return name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern


def _match_ports(port: Port, text: str) -> Answer:
    """Return whether a list of ports and ranges contains a port."""
    answers = []
    for part in text.split(","):
        low, colon, high = part.partition(":")
        try:
            answers.append(port_within(port, int(low or 0), int(high or (65535 if colon else low))))
        except ValueError:
            answers.append(None)
    return any_of(answers)


def get_states(at: HookContext) -> set[str]:
    """Return the states of connection tracking for a packet."""
    packet = at.packet
    if packet.state == "untracked":
        return {"untracked"}
    if packet.connection is None:
        return {"invalid"}
    states = {packet.state}
    states |= {"dnat"} if packet.connection.dst_to else set()
    return states | ({"snat"} if packet.connection.src_to else set())


def _match_state(at: HookContext, text: str) -> Answer:
    return bool(get_states(at) & set(text.lower().split(",")))


def _match_direction(at: HookContext, text: str) -> Answer:
    return at.packet.connection is not None and at.packet.reverse == (text.upper() == "REPLY")


def _match_number(number: int | None, text: str) -> Answer:
    value, _slash, mask = text.partition("/")
    try:
        return number is not None and number & int(mask or "0xffffffff", 0) == int(value, 0)
    except ValueError:
        return None


def _match_protocol(at: HookContext, text: str) -> Answer:
    return text in ("all", "0") or NUMBERS.get(text, text) == at.packet.protocol


def get_icmp_type(at: HookContext) -> int | None:
    """Return the ICMP type of an echo request or reply; None for other protocols."""
    if at.packet.icmp_type is not None:
        return at.packet.icmp_type
    types = {"icmp": (8, 0), "icmpv6": (128, 129)}.get(at.packet.protocol)
    return types[at.packet.is_reply] if types else None


def _match_icmp(at: HookContext, text: str, names: dict[str, int]) -> Answer:
    if text == "any":
        return True
    kind, _slash, code = text.partition("/")
    if not kind.isdigit() and kind not in names:
        return None
    return (int(kind) if kind.isdigit() else names[kind]) == get_icmp_type(at) and code in ("", "0")


def get_tcp_flags(at: HookContext) -> frozenset[str] | None:
    """Return the flags of the first TCP packet or its reply; None for other protocols."""
    if at.packet.protocol != "tcp":
        return None
    return frozenset(("syn", "ack")) if at.packet.is_reply else frozenset(("syn",))


def _match_flags(at: HookContext, mask: str, wanted: str) -> Answer:
    flags = get_tcp_flags(at)
    every = {"fin", "syn", "rst", "psh", "ack", "urg"}
    names = [every if text == "ALL" else set(text.lower().split(",")) - {"none"} for text in (mask, wanted)]
    return flags is not None and flags & names[0] == names[1]


def _match_address_type(at: HookContext, address: Address | None, text: str) -> Answer:
    if address is None:
        return None
    kind, wanted = get_address_type(at.space, address), set(text.lower().split(","))
    if address.version == 4:
        return None if kind is None else kind in wanted
    # For IPv6, an address can have several types, and has to have the wanted ones.
    classes = {"multicast": address.is_multicast, "unicast": not (address.is_multicast or address.is_unspecified)}
    routed = wanted & {"local", "anycast", "unreachable"}
    if not wanted <= {*classes, "local", "anycast", "unreachable"}:
        return None
    by_route: Answer = None if kind is None else kind in routed
    return all_of((*(classes[one] for one in wanted & classes.keys()), by_route if routed else True))


def _match_policy(at: HookContext, text: str) -> Answer:
    if at.space.lacks("xfrm_policies") or at.space.get_rows("xfrm_policies"):
        return None
    return text == "none"


def _match_bridged(at: HookContext) -> Answer:
    return None if at.port_in == "?" else bool(at.port_in and at.port_out)


def _match_connection_mark(at: HookContext, text: str, negated: bool) -> Answer:
    connection = at.packet.connection
    if connection is None:
        return False
    answer = _match_number(connection.mark, text)
    return negate(answer) if negated else answer


def _match_original(at: HookContext, option: str, text: str) -> Answer:
    """Compare the original addresses and ports of a connection."""
    connection = at.packet.connection
    if connection is None:
        return False
    if option == "ctproto":
        return _match_protocol(at, text)
    if option in ("ctorigsrc", "ctorigdst"):
        return is_in_subnet(connection.src if option == "ctorigsrc" else connection.dst, text)
    return _match_ports(connection.sport if option == "ctorigsrcport" else connection.dport, text)


_COMPARED_WITH_CONNECTION = ("ctproto", "ctorigsrc", "ctorigdst", "ctorigsrcport", "ctorigdstport")
# Options of xt_conntrack besides the state.
_OF_CONNECTIONS = frozenset(
    (
        *_COMPARED_WITH_CONNECTION,
        *("ctdir", "ctstatus", "ctexpire", "ctreplsrc", "ctrepldst", "ctreplsrcport", "ctrepldstport"),
    )
)


_WITHOUT_VALUE: dict[str, Callable[[HookContext], Answer]] = {
    "physdev-is-bridged": _match_bridged,
    "physdev-is-in": lambda at: None if at.port_in == "?" else bool(at.port_in),
    "physdev-is-out": lambda at: None if at.port_out == "?" else bool(at.port_out),
    "syn": lambda at: get_tcp_flags(at) == frozenset(("syn",)),
    "fragment": lambda _at: False,
}
_IPTABLES: dict[str, Callable[[HookContext, str], Answer]] = {
    "source": lambda at, text: is_in_subnet(at.packet.src, text),
    "destination": lambda at, text: is_in_subnet(at.packet.dst, text),
    "src-range": lambda at, text: _is_in_range(at.packet.src, text),
    "dst-range": lambda at, text: _is_in_range(at.packet.dst, text),
    "in-interface": lambda at, text: _match_link(at.iif, text),
    "out-interface": lambda at, text: _match_link(at.oif, text),
    "physdev-in": lambda at, text: _match_link(at.port_in, text),
    "physdev-out": lambda at, text: _match_link(at.port_out, text),
    "protocol": _match_protocol,
    "dport": lambda at, text: _match_ports(at.packet.dport, text),
    "sport": lambda at, text: _match_ports(at.packet.sport, text),
    "dports": lambda at, text: _match_ports(at.packet.dport, text),
    "sports": lambda at, text: _match_ports(at.packet.sport, text),
    "ports": lambda at, text: any_of(_match_ports(one, text) for one in (at.packet.sport, at.packet.dport)),
    "icmp-type": lambda at, text: _match_icmp(at, text, _ICMP_NAMES),
    "icmpv6-type": lambda at, text: _match_icmp(at, text, _ICMP6_NAMES),
    "ctstate": _match_state,
    "state": _match_state,
    "ctdir": _match_direction,
    "mark": lambda at, text: _match_number(at.packet.mark, text),
    "dst-type": lambda at, text: _match_address_type(at, at.packet.dst, text),
    "src-type": lambda at, text: _match_address_type(at, at.packet.src, text),
    "pkt-type": lambda at, text: None if at.packet.dst.is_multicast else text in ("unicast", "host"),
    "dir": lambda _at, _text: True,
    "pol": _match_policy,
    "comment": lambda _at, _text: True,
}
# Modules without a match of their own; their options are listed separately.
_MODULES = {"tcp", "udp", "sctp", "icmp", "icmp6", "conntrack", "state", "addrtype", "comment", "mark", "multiport"}
_MODULES |= {"physdev", "pkttype", "iprange", "policy", "connmark"}
