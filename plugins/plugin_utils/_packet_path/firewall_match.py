# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Match of a packet against a firewall rule: True, False, or None if a match of the rule is not modelled."""

from __future__ import annotations

import dataclasses
import fnmatch
import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Address, FleetNamespace, Row
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.routing import is_local

NUMBERS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "132": "sctp", "50": "esp", "ipv6-icmp": "icmpv6"}


# A port that the kernel could assign to an outgoing connection.
EPHEMERAL = 49152


@dataclasses.dataclass(frozen=True)
class Packet:
    """The first packet of a connection, or with the state ``established`` a reply."""

    src: Address | None
    dst: Address
    protocol: str
    dport: int | None = None
    sport: int | None = None
    mark: int = 0
    state: str = "new"

    def build_reply(self) -> Packet:
        """Return the reply."""
        if self.src is None:
            raise ValueError("the packet has no source address")
        turned = dataclasses.replace(self, src=self.dst, dst=self.src, mark=0, state="established")
        return dataclasses.replace(turned, dport=self.sport or EPHEMERAL, sport=self.dport) if self.dport else turned

    def __str__(self) -> str:
        port = f":{self.dport}" if self.dport else ""
        dst = f"[{self.dst}]" if port and self.dst.version == 6 else str(self.dst)
        return f"{self.protocol} {self.src or '?'} → {dst}{port}"


@dataclasses.dataclass(frozen=True)
class HookContext:
    """A packet at a hook, with its namespace, its incoming and outgoing links, and the ports of a bridge.

    ``layer`` is ``bridge`` for hooks of the family bridge, where the links are ports.
    """

    space: FleetNamespace
    packet: Packet
    iif: str = ""
    oif: str = ""
    port_in: str = ""
    port_out: str = ""
    layer: str = "ip"


def matches(rule: Row, at: HookContext) -> bool | None:
    """Return whether a rule matches a packet; None if unknown."""
    known = _matches_nft if rule["backend"] == "nft" else _matches_iptables
    answers = [known(entry, at) for entry in rule["match"] or []]
    if False in answers:
        return False
    return None if None in answers else True


def _is_in_subnet(address: Address | None, text: str) -> bool | None:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return address is not None and address.version == network.version and address in network


def _matches_link(name: str, pattern: str) -> bool:
    """Compare link names as iptables does; a plus sign at the end matches any suffix."""
    if pattern.endswith(("+", "*")):
        return name.startswith(pattern[:-1])
    return name == pattern


def _matches_port(port: int | None, text: str) -> bool | None:
    """Return whether a list of ports and ranges contains a port."""
    if port is None:
        return None
    for part in text.split(","):
        low, _colon, high = part.partition(":")
        try:
            if int(low or 0) <= port <= int(high or (low if not _colon else 65535)):
                return True
        except ValueError:
            return None
    return False


def _get_own_port(packet: Packet) -> int | None:
    return packet.sport or (EPHEMERAL if packet.dport else None)


def _matches_protocol(at: HookContext, text: str) -> bool:
    return text == "all" or NUMBERS.get(text, text) == at.packet.protocol


def _matches_state(at: HookContext, text: str) -> bool:
    return at.packet.state.upper() in text.upper().split(",")


def _matches_mark(at: HookContext, text: str) -> bool | None:
    value, _slash, mask = text.partition("/")
    try:
        return at.packet.mark & int(mask or "0xffffffff", 0) == int(value, 0)
    except ValueError:
        return None


def _matches_address_type(at: HookContext, address: Address | None, text: str) -> bool | None:
    if address is None:
        return None
    local = is_local(at.space, address)
    known = {"LOCAL": local, "MULTICAST": address.is_multicast, "UNICAST": not local and not address.is_multicast}
    return known.get(text)


def _matches_unicast(_at: HookContext, text: str) -> bool:
    return text == "unicast"


_IPTABLES: dict[str, Callable[[HookContext, str], bool | None]] = {
    "source": lambda at, text: _is_in_subnet(at.packet.src, text),
    "destination": lambda at, text: _is_in_subnet(at.packet.dst, text),
    "in-interface": lambda at, text: _matches_link(at.iif, text),
    "out-interface": lambda at, text: _matches_link(at.oif, text),
    "physdev-in": lambda at, text: _matches_link(at.port_in, text),
    "physdev-out": lambda at, text: _matches_link(at.port_out, text),
    "protocol": _matches_protocol,
    "dport": lambda at, text: _matches_port(at.packet.dport, text),
    "sport": lambda at, text: _matches_port(_get_own_port(at.packet), text),
    "dports": lambda at, text: _matches_port(at.packet.dport, text),
    "sports": lambda at, text: _matches_port(_get_own_port(at.packet), text),
    "ctstate": _matches_state,
    "state": _matches_state,
    "mark": _matches_mark,
    "dst-type": lambda at, text: _matches_address_type(at, at.packet.dst, text),
    "src-type": lambda at, text: _matches_address_type(at, at.packet.src, text),
    "pkt-type": _matches_unicast,
    "comment": lambda _at, _text: True,
}
# Modules without a match of their own; their options are listed separately.
_MODULES = {"tcp", "udp", "sctp", "icmp", "icmp6", "conntrack", "state", "addrtype", "comment", "mark", "multiport"}
_MODULES |= {"physdev", "pkttype"}


def _matches_iptables(entry: Row, at: HookContext) -> bool | None:
    option, values = entry["option"], entry["values"]
    if option == "match":
        return True if values and values[0] in _MODULES else None
    if option in ("physdev-is-bridged", "physdev-is-in", "physdev-is-out"):
        answer: bool | None = bool(at.port_in)
    elif option == "syn":
        answer = at.packet.state == "new"
    elif option in _IPTABLES and len(values) == 1:
        answer = _IPTABLES[option](at, str(values[0]))
    else:
        return None
    return answer if answer is None else answer is not bool(entry["negated"])


def _matches_nft(entry: Any, at: HookContext) -> bool | None:
    match = entry.get("match") if isinstance(entry, dict) else None
    if not match:
        return None
    answer = _matches_any(_list_operands(match["right"]), lambda one: _matches_nft_equal(match["left"], one, at))
    if match["op"] in ("==", "in"):
        return answer
    return None if answer is None or match["op"] != "!=" else not answer


def _list_operands(right: Any) -> list[Any]:
    if isinstance(right, dict) and "set" in right:
        return list(right["set"])
    return right if isinstance(right, list) else [right]


def _matches_any(operands: Iterable[Any], compare: Callable[[Any], bool | None]) -> bool | None:
    answers = [compare(one) for one in operands]
    if True in answers:
        return True
    return None if None in answers else False


def _matches_nft_equal(left: Any, right: Any, at: HookContext) -> bool | None:
    name = _get_nft_name(left)
    packet = at.packet
    if name in ("ip saddr", "ip6 saddr", "ip daddr", "ip6 daddr"):
        address = packet.src if name.endswith("saddr") else packet.dst
        return _matches_nft_subnet(address, right)
    if name in ("tcp dport", "udp dport", "th dport", "tcp sport", "udp sport", "th sport"):
        if not name.startswith("th ") and not name.startswith(packet.protocol):
            return False
        return _matches_nft_port(packet.dport if name.endswith("dport") else _get_own_port(packet), right)
    known: dict[str, str] = {
        "meta iifname": at.iif,
        "meta oifname": at.oif,
        "meta l4proto": packet.protocol,
        "ip protocol": packet.protocol,
        "meta nfproto": "ipv4" if packet.dst.version == 4 else "ipv6",
        "ct state": packet.state,
        "meta mark": str(packet.mark),
    }
    if name not in known or not isinstance(right, (str, int)) or str(right).startswith("@"):
        return None
    return fnmatch.fnmatchcase(known[name], NUMBERS.get(str(right), str(right)))


def _get_nft_name(left: Any) -> str:
    if not isinstance(left, dict) or len(left) != 1:
        return ""
    ((kind, what),) = left.items()
    if kind == "payload" and "field" in what:
        return f"{what['protocol']} {what['field']}"
    return f"{kind} {what['key']}" if kind in ("meta", "ct") and "key" in what else ""


def _matches_nft_subnet(address: Address | None, right: Any) -> bool | None:
    if isinstance(right, str):
        return _is_in_subnet(address, right)
    prefix = right.get("prefix") if isinstance(right, dict) else None
    return _is_in_subnet(address, f"{prefix['addr']}/{prefix['len']}") if prefix else None


def _matches_nft_port(port: int | None, right: Any) -> bool | None:
    if isinstance(right, dict) and "range" in right:
        right = ":".join(str(one) for one in right["range"])
    return _matches_port(port, str(right)) if isinstance(right, (int, str)) else None
