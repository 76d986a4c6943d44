# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of a packet as it is told: its hops, how it ends, and at what."""

from __future__ import annotations

import dataclasses
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.firewall_match import Packet

# What is never looked at, said with every answer.
NOT_MODELLED = (
    "IPVS, which answers for a Swarm's virtual addresses",
    "traffic control, eBPF and XDP programs, and firewalls of the ARP and netdev families",
    "rate limits, sets and other matches of the firewall that are not named in a rule's own words",
    "VLAN filtering of bridges, multipath routes beyond the first hop, and switches between hosts",
)


@dataclasses.dataclass(frozen=True)
class Hop:
    """Something that happens to the packet; ``verdict`` is ``passes``, ``stops`` or ``unknown``."""

    host: str
    netns: str
    what: str
    verdict: str = "passes"
    link: str | None = None


@dataclasses.dataclass(frozen=True)
class Narrowest:
    """A link and its MTU in bytes."""

    host: str
    netns: str
    link: str
    mtu: int


class Ends(Exception):
    """The packet's way ends: it arrives, stops, or leaves what is known."""

    def __init__(self, reaches: bool | None, reason: str, hop: Hop) -> None:
        super().__init__(reason)
        self.reaches = reaches
        self.hop = hop
        self.about = ""
        self.remedy = ""

    def at(self, about: str, remedy: str = "") -> Ends:
        """Say at what it ends, as an explanation has it, and what to type there."""
        self.about = about
        self.remedy = f"{remedy}   # on {self.hop.host}" if remedy else ""
        return self


@dataclasses.dataclass
class Explanation:
    """The way of one packet: its hops, and how it ends.

    ``about`` is what it ends at: link, segment, neighbour, route, reverse path, FDB, forwarding, firewall, way back,
    service, or nothing where it arrives or leaves what is known. ``remedy`` is what to type there. ``narrowest`` is the
    link with the smallest MTU on the way.
    """

    packet: Packet
    hops: list[Hop] = dataclasses.field(default_factory=list)
    assumed: list[str] = dataclasses.field(default_factory=list)
    reaches: bool | None = None
    reason: str = ""
    about: str = ""
    remedy: str = ""
    narrowest: Narrowest | None = None

    def as_data(self) -> dict[str, Any]:
        """Return it as data; ``stops_at`` is the hop at which it ends without arriving."""
        hops = [dataclasses.asdict(hop) for hop in self.hops]
        return {
            "packet": str(self.packet),
            "reaches": self.reaches,
            "reason": self.reason,
            "about": self.about,
            "remedy": self.remedy,
            "narrowest": dataclasses.asdict(self.narrowest) if self.narrowest else None,
            "hops": hops,
            "stops_at": None if self.reaches or not hops else hops[-1],
            "assumed": list(dict.fromkeys(self.assumed)),
            "not_modelled": list(NOT_MODELLED),
        }
