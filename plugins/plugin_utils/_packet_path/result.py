# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of explain_path: hops, verdict and reason."""

from __future__ import annotations

import dataclasses
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import Packet

# Features that are not modelled, listed in every result.
NOT_MODELLED = (
    "IPVS (virtual IP addresses of Swarm services)",
    "traffic control, eBPF and XDP programs, and firewalls of the family arp",
    "rate limits, sets of ipset, and other firewall matches whose result a snapshot does not contain",
    "IPsec, VRFs, zones of connection tracking, VLAN filtering of bridges, and switches between hosts",
)


@dataclasses.dataclass(frozen=True)
class Hop:
    """A step of the packet; ``verdict`` is ``passes``, ``stops`` or ``unknown``."""

    host: str
    netns: str
    what: str
    verdict: str = "passes"
    link: str | None = None


@dataclasses.dataclass(frozen=True)
class NarrowestLink:
    """A link and its MTU in bytes."""

    host: str
    netns: str
    link: str
    mtu: int


class PathEnd(Exception):
    """End of the path: the packet arrives, stops, or leaves the known fleet."""

    def __init__(self, reaches: bool | None, reason: str, hop: Hop) -> None:
        super().__init__(reason)
        self.reaches = reaches
        self.hop = hop
        self.about = ""
        self.remedy = ""

    def set_cause(self, about: str, remedy: str = "") -> PathEnd:
        """Set the cause and the remedy, and return the exception."""
        self.about = about
        self.remedy = f"{remedy}   # on {self.hop.host}" if remedy else ""
        return self


@dataclasses.dataclass
class Explanation:
    """The path of one packet.

    ``about`` is the cause of a failure, or the possible cause if the result is unknown: link, segment, neighbour,
    route, reverse path, FDB, forwarding, firewall, way back or service; empty if the packet arrives. ``remedy``
    contains shell commands.
    ``narrowest`` is the link with the smallest MTU on the path.
    """

    packet: Packet
    hops: list[Hop] = dataclasses.field(default_factory=list)
    assumed: list[str] = dataclasses.field(default_factory=list)
    reaches: bool | None = None
    reason: str = ""
    about: str = ""
    remedy: str = ""
    narrowest: NarrowestLink | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the path as data; ``stops_at`` is the last hop if the packet does not arrive."""
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
