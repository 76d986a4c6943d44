# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packet, its connection and its place in a hook, and three-valued logic for matches."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Optional, Union

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Address, FleetNamespace

# True, False, or None if unknown.
Answer = Optional[bool]

NUMBERS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "132": "sctp", "50": "esp", "ipv6-icmp": "icmpv6"}
PROTOCOL_NUMBERS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58}


@dataclasses.dataclass(frozen=True)
class PortRange:
    """A port that the kernel chooses, known only as a range."""

    low: int
    high: int


Port = Union[int, PortRange, None]
# Ports that the kernel assigns to outgoing connections by default.
EPHEMERAL = PortRange(32768, 60999)


@dataclasses.dataclass(frozen=True)
class Connection:
    """An entry of connection tracking: the original addresses and ports, and the translations.

    ``initialized`` contains ``dst`` and ``src`` if the rules for this translation were evaluated.
    """

    src: Address | None
    dst: Address
    sport: Port
    dport: Port
    dst_to: tuple[Address, Port] | None = None
    src_to: tuple[Address, Port] | None = None
    initialized: frozenset[str] = frozenset()
    mark: int = 0
    replied: bool = False


@dataclasses.dataclass(frozen=True)
class Packet:
    """The first packet of a connection, or its reply.

    ``connection`` is the entry of connection tracking in the namespace of the packet, ``state`` its state there.
    """

    src: Address | None
    dst: Address
    protocol: str
    dport: Port = None
    sport: Port = None
    mark: int = 0
    state: str = "new"
    is_reply: bool = False
    connection: Connection | None = None
    reverse: bool = False
    # The type of an ICMP message other than an echo request and its reply.
    icmp_type: int | None = None
    # Whether the type of service is 0, as in packets of most programs; a rule can change it.
    has_default_tos: bool = True

    def build_reply(self) -> Packet:
        """Return the reply as the target sends it."""
        if self.src is None:
            raise ValueError("the packet has no source address")
        return Packet(self.dst, self.src, self.protocol, self.sport, self.dport, state="new", is_reply=True)

    def enter_namespace(self) -> Packet:
        """Return the packet without what belongs to a namespace: mark and connection."""
        state = "untracked" if self.icmp_type is not None else "new"
        return dataclasses.replace(self, mark=0, state=state, connection=None, reverse=False)

    def __str__(self) -> str:
        port = f":{self.dport}" if isinstance(self.dport, int) else ""
        dst = f"[{self.dst}]" if port and self.dst.version == 6 else str(self.dst)
        return f"{self.protocol} {self.src or '?'} → {dst}{port}"


@dataclasses.dataclass(frozen=True)
class HookContext:
    """A packet at a hook, with its namespace, its incoming and outgoing links, and the ports of a bridge.

    ``layer`` is ``bridge`` for hooks of the family bridge, where the links are ports. ``next_hop`` is the next hop of
    an outgoing packet.
    """

    space: FleetNamespace
    packet: Packet
    iif: str = ""
    oif: str = ""
    port_in: str = ""
    port_out: str = ""
    layer: str = "ip"
    next_hop: Address | None = None
    hook: str = ""


def all_of(answers: Iterable[Answer]) -> Answer:
    """Return False if one answer is False, otherwise None if one is unknown, otherwise True."""
    result: Answer = True
    for answer in answers:
        if answer is False:
            return False
        result = None if answer is None else result
    return result


def any_of(answers: Iterable[Answer]) -> Answer:
    """Return True if one answer is True, otherwise None if one is unknown, otherwise False."""
    result: Answer = False
    for answer in answers:
        if answer:
            return True
        result = None if answer is None else result
    return result


def negate(answer: Answer) -> Answer:
    """Return the opposite answer."""
    return None if answer is None else not answer


def port_within(port: Port, low: int, high: int) -> Answer:
    """Return whether a port is in a range; False for a protocol without ports."""
    if port is None:
        return False
    if isinstance(port, int):
        return low <= port <= high
    if low <= port.low and port.high <= high:
        return True
    return False if port.high < low or high < port.low else None
