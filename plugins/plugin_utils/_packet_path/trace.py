# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Predict the path of a packet from namespace to namespace, as the kernel forwards it; pure."""

from __future__ import annotations

import dataclasses
import ipaddress

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path import netfilter, routing
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.commands import (
    build_link_commands,
    build_neighbour_commands,
    build_route_commands,
    build_rule_commands,
    build_service_commands,
    build_sysctl_commands,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.firewall_match import HookContext, Packet
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import (
    Address,
    FleetNamespace,
    Row,
    SnapshotFleet,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.l2_segment import (
    Segment,
    SegmentPath,
    SegmentStep,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.result import (
    Explanation,
    Hop,
    NarrowestLink,
    PathEnd,
)

_MOST_HOPS = 32
_ANY_TTL = 64
_NO_ECHO = "ipv4/icmp_echo_ignore_all"
_Tracked = dict[tuple[str, str], list[tuple[Packet, Packet]]]


def explain(world: SnapshotFleet, space: FleetNamespace, packet: Packet, depth: int = 0) -> Explanation:
    """Follow a packet from its source and, if it arrives, its reply."""
    trace = _PacketTrace(world, packet, depth)
    there = _follow_packet(trace, space, packet)
    if there.reaches and trace.arrived and not depth:
        answer = trace.arrived[1].build_reply()
        returning = _PacketTrace(world, answer, depth, trace.tracked)
        back = _follow_packet(returning, trace.arrived[0], answer)
        there.hops += back.hops
        there.assumed += back.assumed
        if not back.reaches:
            there.reaches, there.reason = back.reaches, f"the reply does not return: {back.reason}"
            there.about = back.about if back.about in ("", "firewall") else "way back"
            there.remedy = back.remedy
        elif returning.ended_in is not space:
            there.reaches, there.about = False, "way back"
            src = trace.arrived[1].src
            there.reason = (
                f"the reply goes to {returning.ended_in}, which also has {src}: the source address was not translated"
            )
            there.remedy = f"iptables -t nat -S POSTROUTING   # on {space.host}"
    return there


def _follow_packet(trace: _PacketTrace, space: FleetNamespace, packet: Packet) -> Explanation:
    try:
        trace.send(space, packet)
    except PathEnd as end:
        trace.explanation.hops.append(end.hop)
        trace.explanation.reaches, trace.explanation.reason = end.reaches, str(end)
        trace.explanation.about, trace.explanation.remedy = end.about, end.remedy
    return trace.explanation


class _PacketTrace:
    """Follow one packet and record its hops."""

    def __init__(self, world: SnapshotFleet, packet: Packet, depth: int, tracked: _Tracked | None = None) -> None:
        self._world = world
        self._depth = depth
        self._crossed = 0
        # Translations by namespace, to be reversed for the reply.
        self.tracked: _Tracked = tracked or {}
        # Destination namespace and the packet on arrival.
        self.arrived: tuple[FleetNamespace, Packet] | None = None
        self.ended_in: FleetNamespace | None = None
        self._left = _ANY_TTL
        # The rule that translated the destination.
        self._translation = ""
        self.explanation = Explanation(packet)

    def _add_hop(self, space: FleetNamespace, what: str, link: Row | None = None) -> None:
        self.explanation.hops.append(Hop(space.host, space.name, what, link=link["name"] if link else None))

    def _build_end(self, reaches: bool | None, space: FleetNamespace, reason: str, link: Row | None = None) -> PathEnd:
        verdict = {True: "passes", False: "stops", None: "unknown"}[reaches]
        return PathEnd(reaches, reason, Hop(space.host, space.name, reason, verdict, link["name"] if link else None))

    def send(self, space: FleetNamespace, packet: Packet) -> None:
        """Send a packet from a namespace."""
        self._left = int(space.get_sysctl("ipv4/ip_default_ttl") or _ANY_TTL) if packet.dst.version == 4 else _ANY_TTL
        packet = self._reverse_translations(space, packet)
        way = self._select_route(space, packet)
        if packet.src is None:
            packet = dataclasses.replace(packet, src=routing.choose_source(space, way, packet.dst))
            self._check_source(space, packet, way)
        oif = "lo" if way.type == "local" else _get_name(way.link)
        before = packet
        packet = self._run_hook("output", HookContext(space, packet, oif=oif))
        if packet.dst != before.dst or packet.mark != before.mark:
            way = self._select_route(space, packet)
        self._send_out(space, packet, way)

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

    def _select_route(self, space: FleetNamespace, packet: Packet, iif: str = "") -> routing.SelectedRoute:
        if space.lacks("routes"):
            raise self._build_end(None, space, "the snapshot does not contain its routes")
        way = routing.look_up_route(space, packet.dst, packet.src, packet.mark, iif)
        if way is None:
            raise self._build_end(False, space, f"no route to {packet.dst}").set_cause(
                "route", build_route_commands(space, packet.dst)
            )
        if way.type in ("blackhole", "unreachable", "prohibit"):
            reason = f"the {way.origin} of type {way.type} drops the packet"
            raise self._build_end(False, space, reason).set_cause("route", build_route_commands(space, packet.dst))
        if way.type in ("broadcast", "anycast", "multicast"):
            raise self._build_end(None, space, f"{packet.dst} is a {way.type} address, which is not supported")
        if way.several:
            self.explanation.assumed.append(f"the route {way.row['dst']} of {space} uses its first next hop")
        return way

    def _run_hook(self, hook: str, at: HookContext) -> Packet:
        """Evaluate a firewall hook; return the resulting packet."""
        verdict = netfilter.traverse(hook, at)
        link = at.space.find_link(at.oif or at.iif)
        for note in verdict.notes:
            self._add_hop(at.space, note, link)
        if verdict.kind in ("drop", "reject"):
            reason = f"the firewall ({hook}) {verdict.kind}s the packet: {verdict.rule}"
            raise self._build_end(False, at.space, reason, link).set_cause(
                "firewall", build_rule_commands(at.space, verdict)
            )
        if verdict.kind == "unknown":
            reason = f"the firewall ({hook}): {verdict.rule}"
            raise self._build_end(None, at.space, reason, link).set_cause(
                "firewall", build_rule_commands(at.space, verdict)
            )
        if (verdict.packet.src, verdict.packet.dst) != (at.packet.src, at.packet.dst):
            self._translation = f" ({verdict.notes[-1]})" if verdict.packet.dst != at.packet.dst else self._translation
            self.tracked.setdefault((at.space.host, at.space.id), []).append((at.packet, verdict.packet))
        return verdict.packet

    def _reverse_translations(self, space: FleetNamespace, packet: Packet) -> Packet:
        """Reverse the translations of this namespace for a reply."""
        if packet.state != "established":
            return packet
        for before, after in reversed(self.tracked.get((space.host, space.id), [])):
            if packet.src == after.dst and packet.dst == after.src and before.src is not None:
                packet = dataclasses.replace(packet, src=before.dst, dst=before.src, sport=before.dport)
                self._add_hop(space, f"connection tracking: translated to {packet}")
        return packet

    def _send_out(self, space: FleetNamespace, packet: Packet, way: routing.SelectedRoute) -> None:
        if way.type == "local":
            lo = space.find_link("lo")
            if lo and not lo["up"]:
                reason = f"{packet.dst} is a local address, but lo is down"
                raise self._build_end(False, space, reason, lo).set_cause("link", build_link_commands(space, lo))
            self._run_hook("postrouting", HookContext(space, packet, oif="lo"))
            self._deliver(space, self._run_hook("input", HookContext(space, packet, iif="lo")), lo)
        if way.link is None:
            raise self._build_end(None, space, f"the link of the route {way.row['dst']} is not in the snapshot")
        via = f" via {way.next_hop}" if way.next_hop != packet.dst else ""
        self._add_hop(space, f"{packet}: route {way.row['dst']}{via} dev {way.link['name']}", way.link)
        packet = self._run_hook("postrouting", HookContext(space, packet, oif=way.link["name"]))
        self._forward_on_segment(space, packet, way.link, way.next_hop)

    def _forward_on_segment(self, space: FleetNamespace, packet: Packet, link: Row, next_hop: Address) -> None:
        """Forward a packet to the next hop on the segment."""
        mac = _find_neighbour_mac(space, link, next_hop)
        segment = Segment(self._world)

        walks = segment.find_paths(
            space, link, lambda other, end: _answers_request(other, end, next_hop), mac or self._find_mac(next_hop)
        )
        if not walks:
            raise self._explain_no_receiver(space, link, next_hop, segment.open_ended)
        owners = {
            (one.space.host, one.space.id): one for one in walks if not one.obstacles and _owns_address(one, next_hop)
        }
        if len(owners) > 1:
            both = " and ".join(f"{one.space} on {one.link['name']}" for one in list(owners.values())[:2])
            raise self._build_end(
                None, space, f"{next_hop} is used more than once, the first answer wins: {both}", link
            )
        walk = walks[0]
        self._record_segment_path(packet, walk)
        if mac and walk.link["mac"] and mac != walk.link["mac"] and walk.link["kind"] != "ipvlan":
            has = f"{walk.link['mac']} ({walk.link['name']} of {walk.space})"
            reason = f"the neighbour entry of {next_hop} has {mac} instead of {has}"
            raise self._build_end(False, space, reason, link).set_cause(
                "neighbour", build_neighbour_commands(space, link, next_hop)
            )
        self._receive(walk.space, packet, walk.link)

    def _find_mac(self, address: Address) -> str:
        owners = self._world.find_owners(address)
        return str(owners[0][1]["mac"] or "") if owners else ""

    def _explain_no_receiver(self, space: FleetNamespace, link: Row, next_hop: Address, open_ended: bool) -> PathEnd:
        if not link["up"]:
            return self._build_end(False, space, f"{link['name']} is down", link).set_cause(
                "link", build_link_commands(space, link)
            )
        if open_ended:
            reason = (
                f"the packet leaves through {link['name']} to {next_hop}, which is in no snapshot{self._translation}"
            )
            return self._build_end(None, space, reason, link)
        if not link["running"]:
            return self._build_end(False, space, f"{link['name']} has no carrier", link).set_cause("link")
        others = [f"{owner} has it on {end['name']}" for owner, end in self._world.find_owners(next_hop)]
        elsewhere = f": {'; '.join(others[:2])}, which is on another segment" if others else ""
        reason = f"no host on the segment of {link['name']} has {next_hop}{elsewhere}{self._translation}"
        return self._build_end(False, space, reason, link).set_cause("neighbour")

    def _record_segment_path(self, packet: Packet, walk: SegmentPath) -> None:
        """Record the path over links, up to the first obstacle."""
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
            self._run_bridge_hooks(before, step, packet)
            bridge = step.bridge
            if step.how == "forwarded" and bridge and (step.space.id, bridge["name"]) not in crossed:
                crossed.add((step.space.id, bridge["name"]))
                self._run_bridged_ip_hooks(step, bridge, packet)
        last = walk.steps[-1]
        names = " → ".join(dict.fromkeys(f"{step.link['name']}" for step in walk.steps))
        self._add_hop(last.space, f"through {names}", last.link)

    def _record_mtu(self, space: FleetNamespace, link: Row) -> None:
        """Record the link with the smallest MTU, except lo and bridges."""
        least = self.explanation.narrowest
        if link["mtu"] and link["kind"] not in ("loopback", "bridge") and (least is None or link["mtu"] < least.mtu):
            self.explanation.narrowest = NarrowestLink(space.host, space.name, link["name"], link["mtu"])

    def _run_bridge_hooks(self, before: SegmentStep | None, step: SegmentStep, packet: Packet) -> None:
        """Evaluate the hooks of the family bridge for a frame."""
        port_in = before.link["name"] if before else ""
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
            self._run_hook(hook, at)

    def _run_bridged_ip_hooks(self, step: SegmentStep, bridge: Row, packet: Packet) -> None:
        """Evaluate the IP firewall for a bridged packet if br_netfilter is enabled."""
        version = "" if packet.dst.version == 4 else "6"
        if step.space.get_sysctl(f"bridge/bridge-nf-call-ip{version}tables") == "1":
            port = step.link["name"]
            at = HookContext(step.space, packet, bridge["name"], bridge["name"], "?", port)
            for hook in ("prerouting", "forward", "postrouting"):
                self._run_hook(hook, at)

    def _trace_tunnel(self, step: SegmentStep) -> None:
        """Follow the encapsulated packets from host to host."""
        vtep = step.tunnel[1] if step.tunnel else ""
        self._add_hop(step.space, f"through the tunnel {step.link['name']} to the VTEP {vtep}", step.link)
        if not vtep or self._depth:
            return
        sender = next((hop.host for hop in reversed(self.explanation.hops) if hop.host != step.space.host), None)
        host = next((space for space in self._world.list_namespaces(sender) if space.is_host), None) if sender else None
        if host is None:
            return
        port = (step.link["options"] or {}).get("port") or 4789
        outer = explain(self._world, host, Packet(None, ipaddress.ip_address(vtep), "udp", port), depth=1)
        if outer.reaches is False and outer.about != "service":
            at = outer.hops[-1]
            reason = f"the encapsulated packets do not arrive: {at.netns} on {at.host}: {outer.reason}"
            end = self._build_end(False, step.space, reason, step.link).set_cause(outer.about)
            end.remedy = outer.remedy
            raise end

    def _receive(self, space: FleetNamespace, packet: Packet, link: Row) -> None:
        """Receive a packet on a link, to deliver or to forward it."""
        self._crossed += 1
        if self._crossed > _MOST_HOPS:
            raise self._build_end(False, space, "routing loop", link).set_cause("route")
        iif = link["name"]
        packet = self._reverse_translations(space, packet)
        before = packet.dst
        packet = self._run_hook("prerouting", HookContext(space, packet, iif=iif))
        self._check_reverse_path(space, packet, link)
        if (
            packet.dst != before
            and packet.dst.is_loopback
            and space.get_sysctl(f"ipv4/conf/{iif}/route_localnet") != "1"
        ):
            reason = f"the destination is translated to {packet.dst}, but route_localnet is 0 on {iif}"
            remedy = build_sysctl_commands(space, f"ipv4/conf/{iif}/route_localnet", "1")
            raise self._build_end(False, space, reason, link).set_cause("forwarding", remedy)
        way = self._select_route(space, packet, iif)
        if way.type == "local":
            self._deliver(space, self._run_hook("input", HookContext(space, packet, iif=iif)), link)
        self._check_forwarding(space, packet, link)
        oif = _get_name(way.link)
        packet = self._run_hook("forward", HookContext(space, packet, iif=iif, oif=oif))
        self._send_out(space, packet, way)

    def _check_reverse_path(self, space: FleetNamespace, packet: Packet, link: Row) -> None:
        if packet.dst.version != 4 or packet.src is None:
            return
        values = [space.get_sysctl(f"ipv4/conf/{name}/rp_filter") for name in ("all", link["name"])]
        strictness = max(int(value) for value in values if value) if any(values) else 0
        back = routing.look_up_route(space, packet.src)
        if strictness and back is None:
            reason = f"rp_filter: no route back to {packet.src}"
            raise self._build_end(False, space, reason, link).set_cause(
                "reverse path", build_route_commands(space, packet.src)
            )
        if strictness == 1 and back and back.link and back.link["index"] != link["index"] and back.type != "local":
            reason = f"rp_filter is strict, and the route back to {packet.src} uses {back.link['name']}"
            raise self._build_end(False, space, reason, link).set_cause(
                "reverse path", build_route_commands(space, packet.src)
            )

    def _check_forwarding(self, space: FleetNamespace, packet: Packet, link: Row) -> None:
        version = packet.dst.version
        keys = (
            ["ipv4/ip_forward", f"ipv4/conf/{link['name']}/forwarding"]
            if version == 4
            else ["ipv6/conf/all/forwarding"]
        )
        off = next((key for key in keys if space.get_sysctl(key) == "0"), None)
        if off:
            reason = f"{space} does not forward packets: net/{off} is 0"
            raise self._build_end(False, space, reason, link).set_cause(
                "forwarding", build_sysctl_commands(space, off, "1")
            )
        self._left -= 1
        if self._left <= 0:
            reason = "the time to live is exceeded: net/ipv4/ip_default_ttl of the source is too small"
            raise self._build_end(False, space, reason, link).set_cause("forwarding")

    def _deliver(self, space: FleetNamespace, packet: Packet, link: Row | None) -> None:
        """Raise PathEnd at the destination, with a result that depends on listening sockets and ICMP settings."""
        if space.row["kind"] in ("load-balancer", "ingress"):
            raise self._build_end(None, space, f"IPVS handles {packet.dst}, which is not modelled", link)
        if packet.protocol == "icmp" and packet.state == "new" and space.get_sysctl(_NO_ECHO) == "1":
            reason = f"the packet arrives, but {space} does not answer pings: net/{_NO_ECHO} is 1"
            raise self._build_end(False, space, reason, link).set_cause(
                "service", build_sysctl_commands(space, _NO_ECHO, "0")
            )
        if packet.protocol in ("tcp", "udp") and packet.state == "new":
            self._check_listener(space, packet, link)
        if packet.src is not None and not (packet.state == "established" or routing.is_local(space, packet.src)):
            self.arrived = (space, packet)
        self.ended_in = space
        raise self._build_end(True, space, f"the packet arrives: {packet.dst} is an address of {space}", link)

    def _check_listener(self, space: FleetNamespace, packet: Packet, link: Row | None) -> None:
        if space.lacks("sockets"):
            raise self._build_end(None, space, "the packet arrives, but the snapshot does not contain sockets", link)
        for row in space.get_rows("sockets"):
            if row["protocol"] == packet.protocol and row["port"] == packet.dport and _is_bound_to(row, packet.dst):
                return
        place = f"{packet.protocol} {packet.dst} port {packet.dport}{self._translation}"
        reason = f"the packet arrives, but nothing listens on {place}"
        raise self._build_end(False, space, reason, link).set_cause("service", build_service_commands(space))


def _is_bound_to(socket: Row, dst: Address) -> bool:
    bound = ipaddress.ip_address(socket["address"])
    if bound.is_unspecified:
        return bound.version == dst.version or (bound.version == 6 and not socket["v6only"])
    mapped = getattr(bound, "ipv4_mapped", None)
    return dst in (bound, mapped)


def _find_neighbour_mac(space: FleetNamespace, link: Row, address: Address) -> str:
    """Return the MAC address of a permanent neighbour entry; other entries are refreshed by the kernel."""
    for row in space.get_rows("neighbours"):
        if row["index"] == link["index"] and row["address"] == str(address) and row["state"] in ("permanent", "noarp"):
            return str(row["mac"] or "")
    return ""


def _owns_address(walk: SegmentPath, address: Address) -> bool:
    row = walk.space.addresses.get(address)
    return row is not None and row["index"] == walk.link["index"]


def _answers_request(space: FleetNamespace, link: Row, address: Address) -> bool:
    """Return whether a namespace answers requests for an address on a link (ARP or neighbour discovery)."""
    row = space.addresses.get(address)
    if row is not None and row["index"] == link["index"]:
        return True
    if address.version == 6:
        return False
    name = link["name"]
    # With arp_ignore=0, the kernel answers on every link for all its addresses.
    ignore = [space.get_sysctl(f"ipv4/conf/{one}/arp_ignore") for one in ("all", name)]
    if row is not None and row["scope"] != "host" and not any(value not in (None, "0") for value in ignore):
        return True
    proxy = "1" in [space.get_sysctl(f"ipv4/conf/{one}/proxy_arp") for one in ("all", name)]
    way = routing.look_up_route(space, address) if proxy else None
    return way is not None and way.link is not None and way.link["index"] != link["index"]


def _get_name(link: Row | None) -> str:
    return str(link["name"]) if link else ""
