# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Firewalls and neighbour requests on a segment: hooks of bridges, ARP, neighbour discovery and tunnels."""

from __future__ import annotations

import dataclasses
import functools
import ipaddress

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.commands import build_link_commands
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Address, FleetNamespace, Row
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.l2_segment import (
    Segment,
    SegmentPath,
    SegmentStep,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.neighbour import build_requests
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.nft_fields import ARP
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import HookContext, Packet
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.result import PathEnd
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.trace_base import TraceBase


class FrameTrace(TraceBase):
    """Follow one frame on its segment."""

    def _resolve_neighbour(
        self, space: FleetNamespace, packet: Packet, link: Row, next_hop: Address, walk: SegmentPath
    ) -> None:
        """Send the request and the answer of ARP or neighbour discovery through the firewalls on the segment."""
        if walk.obstacles or link["kind"] in ("loopback", "ipvlan"):
            return
        known = any(
            row["index"] == link["index"] and row["address"] == str(next_hop) and row["mac"]
            for row in space.get_rows("neighbours")
        )
        request, answer = build_requests(space, packet, link, next_hop)
        back = Segment(self._world).find_paths(walk.space, walk.link, functools.partial(_is_link, space, link))
        try:
            self._pass_segment(space, link, walk, request)
            if back:
                self._pass_segment(walk.space, walk.link, back[0], answer)
        except PathEnd as end:
            name = "ARP" if next_hop.version == 4 else "neighbour discovery"
            reason = f"{name} for {next_hop} on {link['name']} fails: {end}"
            # A request of the neighbour also tells its MAC address.
            known = known or (bool(back) and self._hears_neighbour(walk, back[0], answer))
            if known and not self._alternatives.choose((True, False), f"{reason}, but the neighbour can be known"):
                return
            ended = PathEnd(end.reaches, reason, dataclasses.replace(end.hop, what=reason))
            ended.about, ended.remedy = end.about, end.remedy
            raise ended from None

    def _hears_neighbour(self, walk: SegmentPath, back: SegmentPath, answer: Packet) -> bool:
        """Return whether a request of the neighbour arrives."""
        request = build_requests(walk.space, answer, walk.link, answer.dst)[0]
        try:
            self._pass_segment(walk.space, walk.link, back, request)
        except PathEnd:
            return False
        return True

    def _pass_segment(self, space: FleetNamespace, link: Row, walk: SegmentPath, packet: Packet) -> None:
        """Evaluate the hooks that a request or its answer passes between two namespaces."""
        for one in (space, walk.space):
            self._check_arp_chains(one, packet)
        is_ip = packet.protocol != ARP
        if is_ip:
            self._run_hook("output", HookContext(space, packet, oif=link["name"]))
            self._run_hook("postrouting", HookContext(space, packet, oif=link["name"]))
        self._run_segment_hooks(walk, packet)
        if is_ip:
            at = HookContext(walk.space, packet, iif=walk.link["name"], port_in=find_bridge_port(walk, packet))
            self._run_hook("prerouting", at)
            self._run_hook("input", at)

    def _check_arp_chains(self, space: FleetNamespace, packet: Packet) -> None:
        chains = [
            chain
            for chain in space.get_rows("firewall_chains")
            if chain["family"] == "arp" and chain["hook"] and packet.protocol == ARP
        ]
        rules = any(row["family"] == "arp" for row in space.get_rows("firewall_rules"))
        if not (any(chain["policy"] == "drop" for chain in chains) or (chains and rules)):
            return
        text = f"the firewall of the family arp of {space} is not modelled"
        if self._alternatives.choose((False, True), text):
            raise self._build_end(False, space, text).set_cause("firewall")

    def _record_segment_path(self, packet: Packet, walk: SegmentPath) -> Packet:
        """Record the path over links, up to the first obstacle; return the packet on arrival."""
        crossed: set[tuple[str, str]] = set()
        for before, step in zip((None, *walk.steps), walk.steps):
            if step.obstacle:
                remedy = build_link_commands(step.space, step.link) if step.about == "link" else ""
                raise self._build_end(False, step.space, step.obstacle, step.link).set_cause(step.about, remedy)
            self._record_mtu(step.space, step.link)
            if step.assumed:
                self.explanation.assumed.append(step.assumed)
            if step.tunnel:
                self._trace_tunnel(step)
            packet = self._run_step_hooks(before, step, packet, crossed)
        last = walk.steps[-1]
        names = " → ".join(dict.fromkeys(f"{step.link['name']}" for step in walk.steps))
        self._add_hop(last.space, f"through {names}", last.link)
        return packet

    def _run_segment_hooks(self, walk: SegmentPath, packet: Packet) -> None:
        crossed: set[tuple[str, str]] = set()
        for before, step in zip((None, *walk.steps), walk.steps):
            self._run_step_hooks(before, step, packet, crossed)

    def _run_step_hooks(
        self, before: SegmentStep | None, step: SegmentStep, packet: Packet, crossed: set[tuple[str, str]]
    ) -> Packet:
        """Evaluate the hooks of a bridge that a frame passes; return the packet."""
        if step.how == "forwarded":
            for hook in ("ingress", "egress"):
                self._check_device_chains(step.space, step.link, hook)
        self._check_vlans(step)
        self._run_bridge_hooks(before, step, packet)
        bridge = step.bridge
        if step.how == "forwarded" and bridge and (step.space.id, bridge["name"]) not in crossed:
            crossed.add((step.space.id, bridge["name"]))
            if packet.protocol != ARP:
                return self._run_bridged_ip_hooks(before, step, bridge, packet)
        return packet

    def _check_vlans(self, step: SegmentStep) -> None:
        bridge = step.bridge
        if step.how not in ("forwarded", "sent") or not bridge or not (bridge["options"] or {}).get("vlan_filtering"):
            return
        text = f"VLAN filtering of {bridge['name']} is not modelled"
        if self._alternatives.choose((False, True), text):
            raise self._build_end(False, step.space, text, step.link).set_cause("segment")

    def _run_bridge_hooks(self, before: SegmentStep | None, step: SegmentStep, packet: Packet) -> None:
        """Evaluate the hooks of the family bridge for a frame."""
        port_in = before.link["name"] if before else ""
        if step.how != "sent":
            packet = packet.enter_namespace()
        at = HookContext(step.space, packet, port_in, step.link["name"], layer="bridge")
        if step.how == "forwarded":
            hooks: tuple[str, ...] = ("prerouting", "forward", "postrouting")
        elif step.how == "sent":
            hooks, at = ("output", "postrouting"), dataclasses.replace(at, iif="")
        elif step.how == "in" and step.link["kind"] == "bridge":
            hooks, at = ("prerouting", "input"), dataclasses.replace(at, oif="")
        else:
            return
        for hook in hooks:
            if self._run_hook(hook, at).packet != at.packet:
                reason = f"a rule of the family bridge ({hook}) changes the packet, which is not modelled"
                raise self._build_end(None, step.space, reason, step.link)

    def _run_bridged_ip_hooks(
        self, before: SegmentStep | None, step: SegmentStep, bridge: Row, packet: Packet
    ) -> Packet:
        """Evaluate the IP firewall for a bridged packet if br_netfilter is enabled; return the packet."""
        if not _calls_firewall(step.space, bridge, packet):
            return packet
        # Without a step before, the packet was received by the namespace and its destination translated.
        port_in = before.link["name"] if before else ""
        at = HookContext(step.space, packet, bridge["name"], port_in=port_in or "?", next_hop=packet.dst)
        if port_in:
            at = dataclasses.replace(at, packet=packet.enter_namespace())
            packet = self._run_hook("prerouting", at).packet
            if packet.dst != at.packet.dst:
                raise self._build_end(None, step.space, "a bridged packet is translated, which is not modelled", bridge)
        at = dataclasses.replace(at, oif=bridge["name"], port_out=step.link["name"])
        for hook in ("forward", "postrouting"):
            packet = self._run_hook(hook, dataclasses.replace(at, packet=packet)).packet
        return packet

    def _trace_tunnel(self, step: SegmentStep) -> None:
        """Follow the encapsulated packets from host to host."""
        vtep = step.tunnel[1] if step.tunnel else ""
        self._add_hop(step.space, f"through the tunnel {step.link['name']} to the VTEP {vtep}", step.link)
        if not vtep or self._explain_outer is None:
            return
        sender = next((hop.host for hop in reversed(self.explanation.hops) if hop.host != step.space.host), None)
        host = next((space for space in self._world.list_namespaces(sender) if space.is_host), None) if sender else None
        if host is None:
            return
        port = (step.link["options"] or {}).get("port") or 4789
        outer = self._explain_outer(host, Packet(None, ipaddress.ip_address(vtep), "udp", port))
        if outer.reaches is None:
            self.explanation.assumed.append(f"the encapsulated packets arrive, which is not known: {outer.reason}")
        if outer.reaches is False and outer.about != "service":
            at = outer.hops[-1]
            reason = f"the encapsulated packets do not arrive: {at.netns} on {at.host}: {outer.reason}"
            end = self._build_end(False, step.space, reason, step.link).set_cause(outer.about)
            end.remedy = outer.remedy
            raise end


def _calls_firewall(space: FleetNamespace, bridge: Row, packet: Packet) -> bool:
    """Return whether br_netfilter passes the packets of a bridge to the IP firewall."""
    version = "" if packet.dst.version == 4 else "6"
    if space.get_sysctl(f"bridge/bridge-nf-call-ip{version}tables") == "1":
        return True
    return bool((bridge["options"] or {}).get(f"nf_call_ip{version}tables"))


def find_bridge_port(walk: SegmentPath, packet: Packet) -> str:
    """Return the port over which a bridge with br_netfilter receives a packet; empty otherwise."""
    if len(walk.steps) < 2 or walk.link["kind"] != "bridge" or not _calls_firewall(walk.space, walk.link, packet):
        return ""
    return str(walk.steps[-2].link["name"])


def _is_link(space: FleetNamespace, link: Row, other: FleetNamespace, end: Row) -> bool:
    return other is space and end["index"] == link["index"]
