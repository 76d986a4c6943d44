# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follow one packet from namespace to namespace: sent, received, forwarded and delivered."""

from __future__ import annotations

import dataclasses

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path import reception, routing
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.commands import (
    build_ipsec_commands,
    build_link_commands,
    build_route_commands,
    build_service_commands,
    build_sysctl_commands,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Address, FleetNamespace, Row
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import (
    EPHEMERAL,
    HookContext,
    Packet,
    PortRange,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.segment_trace import SegmentTrace
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.source_address import list_sources

_MOST_HOPS = 32
_ANY_TTL = 64
_NO_ECHO = {4: "ipv4/icmp_echo_ignore_all", 6: "ipv6/icmp/echo_ignore_all"}


class PacketTrace(SegmentTrace):
    """Follow one packet and record its hops."""

    def send(self, space: FleetNamespace, packet: Packet) -> None:
        """Send a packet from a namespace."""
        self._left = int(space.get_sysctl("ipv4/ip_default_ttl") or _ANY_TTL) if packet.dst.version == 4 else _ANY_TTL
        if packet.dport is not None and packet.sport is None:
            packet = dataclasses.replace(packet, sport=_get_ephemeral_ports(space))
        way = self._select_route(space, _without_port(packet))
        if packet.src is None:
            packet, way = self._choose_source(space, packet, way)
        self.sent = packet
        oif = "lo" if way.type == "local" else _get_name(way.link)
        self._check_ipsec(space, packet, "out", oif)
        before = packet
        verdict = self._run_hook("output", HookContext(space, packet, oif=oif))
        packet = verdict.packet
        if packet.dst != before.dst or verdict.reroutes:
            way = self._select_route(space, packet)
        self._send_out(space, packet, way)

    def _choose_source(
        self, space: FleetNamespace, packet: Packet, way: routing.SelectedRoute
    ) -> tuple[Packet, routing.SelectedRoute]:
        """Return the packet with its source, and its route."""
        sources: list[Address | None] = [*list_sources(space, way, packet.dst)] or [None]
        src = self._alternatives.choose(sources, f"the source address on {space} depends on the order of its addresses")
        packet = dataclasses.replace(packet, src=src)
        self._check_source(space, packet, way)
        if packet.dst.version == 4 and packet.protocol in ("tcp", "udp"):
            # The kernel looks up the route again with the source, for UDP only if the socket is connected, and for TCP
            # once more with the port.
            self._select_route(space, _without_port(packet))
            again = self._select_route(space, packet)
            if again.key != way.key:
                options = [again] if packet.protocol == "tcp" else [again, way]
                way = self._alternatives.choose(options, f"the route on {space} depends on whether the socket connects")
        return packet, way

    def _check_source(self, space: FleetNamespace, packet: Packet, way: routing.SelectedRoute) -> None:
        """Raise PathEnd without a source address that is valid on the link of the route."""
        link = way.link["name"] if way.link else "the route"
        if packet.src is None:
            reason = f"no IPv{packet.dst.version} source address on {link}"
            raise self._build_end(False, space, reason, way.link).set_cause("route")
        if packet.src.is_loopback and way.type != "local":
            reason = f"the route {way.row['dst']} has the source address {packet.src}, which is valid only on lo"
            raise self._build_end(False, space, reason, way.link).set_cause(
                "route", build_route_commands(space, packet.dst)
            )

    def _check_ipsec(self, space: FleetNamespace, packet: Packet, direction: str, name: str) -> None:
        found = reception.check_ipsec(space, packet, direction, name)
        if found:
            end = self._build_end(False if found.certain else None, space, found.reason, space.find_link(name))
            raise end.set_cause("firewall", build_ipsec_commands(space))

    def _send_out(
        self, space: FleetNamespace, packet: Packet, way: routing.SelectedRoute, iif: str = "", port_in: str = ""
    ) -> None:
        if way.type == "local":
            self._send_to_itself(space, packet)
        if way.link is None:
            raise self._build_end(None, space, f"the link of the route {way.row['dst']} is not in the snapshot")
        via = f" via {way.next_hop}" if way.next_hop != packet.dst else ""
        self._add_hop(space, f"{packet}: route {way.row['dst']}{via} dev {way.link['name']}", way.link)
        at = HookContext(space, packet, iif, way.link["name"], port_in, next_hop=way.next_hop)
        packet = self._run_hook("postrouting", at).packet
        self._check_device_chains(space, way.link, "egress")
        self._forward_on_segment(space, packet, way.link, way.next_hop)

    def _send_to_itself(self, space: FleetNamespace, packet: Packet) -> None:
        """Deliver a packet over lo; it keeps its route and connection."""
        lo = space.find_link("lo")
        if lo and not lo["up"]:
            reason = f"{packet.dst} is a local address, but lo is down"
            raise self._build_end(False, space, reason, lo).set_cause("link", build_link_commands(space, lo))
        packet = self._run_hook("postrouting", HookContext(space, packet, oif="lo", next_hop=packet.dst)).packet
        packet = self._run_hook("prerouting", HookContext(space, packet, iif="lo")).packet
        self._deliver(space, packet, lo)

    def _receive(self, space: FleetNamespace, packet: Packet, link: Row, port_in: str = "") -> None:
        """Receive a packet on a link, or over a port of a bridge with br_netfilter, to deliver or to forward it."""
        self._crossed += 1
        if self._crossed > _MOST_HOPS:
            raise self._build_end(False, space, "routing loop", link).set_cause("route")
        iif = link["name"]
        self._check_device_chains(space, link, "ingress")
        self._check_vrf(space, link)
        before = packet.dst
        packet = self._run_hook("prerouting", HookContext(space, packet, iif=iif, port_in=port_in)).packet
        self._check_local_target(space, packet, link, before)
        way = self._select_route(space, packet, iif)
        oif = "" if way.type == "local" else _get_name(way.link)
        self._stop_at(space, link, "reverse path", reception.check_source(space, packet, link, oif))
        if way.type == "local":
            self._deliver(space, packet, link)
        if port_in and packet.dst != before and way.link and way.link["index"] == link["index"]:
            # A translated packet whose route leads back to the bridge is bridged, not routed.
            if reception.check_forwarding(space, packet, iif):
                reason = "a translated packet is bridged by a host that does not forward, which is not modelled"
                raise self._build_end(None, space, reason, link)
            port = space.find_link(port_in)
            self._forward_on_segment(space, packet, link, way.next_hop, port)
        self._check_forwarding(space, packet, link)
        self._check_ipsec(space, packet, "fwd", iif)
        self._check_ipsec(space, packet, "out", oif)
        at = HookContext(space, packet, iif=iif, oif=oif, port_in="?" if port_in else "", next_hop=way.next_hop)
        packet = self._run_hook("forward", at).packet
        self._send_out(space, packet, way, iif, "?" if port_in else "")

    def _check_local_target(self, space: FleetNamespace, packet: Packet, link: Row, before: Address) -> None:
        if packet.dst == before or not packet.dst.is_loopback:
            return
        iif = link["name"]
        if packet.dst.version == 6:
            raise self._build_end(None, space, "the destination is translated to ::1, which is not modelled", link)
        if "1" not in [space.get_sysctl(f"ipv4/conf/{one}/route_localnet") for one in ("all", iif)]:
            reason = f"the destination is translated to {packet.dst}, but route_localnet is 0 on {iif}"
            remedy = build_sysctl_commands(space, f"ipv4/conf/{iif}/route_localnet", "1")
            raise self._build_end(False, space, reason, link).set_cause("forwarding", remedy)

    def _check_vrf(self, space: FleetNamespace, link: Row) -> None:
        master = space.links.get(link["master_index"] or 0)
        if master and master["kind"] == "vrf":
            reason = f"{link['name']} belongs to the VRF {master['name']}, which is not modelled"
            raise self._build_end(None, space, reason, link)

    def _check_forwarding(self, space: FleetNamespace, packet: Packet, link: Row) -> None:
        missing = space.find_missing("sysctls")
        if space.lacks("sysctls") or missing:
            raise self._build_end(None, space, missing or "the snapshot does not contain its sysctls", link)
        self._stop_at(space, link, "forwarding", reception.check_forwarding(space, packet, link["name"]))
        self._left -= 1
        if self._left <= 0:
            reason = "the time to live is exceeded: net/ipv4/ip_default_ttl of the source is too small"
            raise self._build_end(False, space, reason, link).set_cause("forwarding")

    def _deliver(self, space: FleetNamespace, packet: Packet, link: Row | None) -> None:
        """Raise PathEnd at the destination, with a result that depends on listening sockets and ICMP settings."""
        iif = _get_name(link)
        packet = self._run_hook("input", HookContext(space, packet, iif=iif)).packet
        self._check_ipsec(space, packet, "in", iif)
        if space.row["kind"] in ("load-balancer", "ingress"):
            raise self._build_end(None, space, f"IPVS handles {packet.dst}, which is not modelled", link)
        ignores = _NO_ECHO[packet.dst.version]
        if packet.dport is None and not packet.is_reply and space.get_sysctl(ignores) == "1":
            reason = f"the packet arrives, but {space} does not answer pings: net/{ignores} is 1"
            raise self._build_end(False, space, reason, link).set_cause(
                "service", build_sysctl_commands(space, ignores, "0")
            )
        if packet.protocol in ("tcp", "udp") and not packet.is_reply:
            self._check_listener(space, packet, link)
        self.arrived = (space, packet)
        accepted = f", accepted by {'; '.join(dict.fromkeys(self._accepted))}" if self._accepted else ""
        reason = f"the packet arrives: {packet.dst} is an address of {space}{accepted}"
        raise self._build_end(True, space, reason, link)

    def _check_listener(self, space: FleetNamespace, packet: Packet, link: Row | None) -> None:
        missing = "the snapshot does not contain sockets" if space.lacks("sockets") else space.find_missing("sockets")
        if missing:
            raise self._build_end(None, space, f"the packet arrives, but {missing}", link)
        answer = reception.has_listener(space, packet, _get_name(link))
        place = f"{packet.protocol} {packet.dst} port {packet.dport}{self._translation}"
        if answer is None:
            answer = self._alternatives.choose((True, False), f"whether a program listens on {place} is not known")
        if not answer:
            reason = f"the packet arrives, but nothing listens on {place}"
            raise self._build_end(False, space, reason, link).set_cause("service", build_service_commands(space))


def _without_port(packet: Packet) -> Packet:
    """Return the packet as the kernel looks up its route before a TCP socket has a port."""
    if packet.protocol != "tcp" or not isinstance(packet.sport, PortRange):
        return packet
    return dataclasses.replace(packet, sport=0)


def _get_ephemeral_ports(space: FleetNamespace) -> PortRange:
    """Return the range of the ports that the kernel assigns to connections of a namespace."""
    ends = (space.get_sysctl("ipv4/ip_local_port_range") or "").split()
    return PortRange(int(ends[0]), int(ends[1])) if len(ends) == 2 else EPHEMERAL


def _get_name(link: Row | None) -> str:
    return str(link["name"]) if link else ""
