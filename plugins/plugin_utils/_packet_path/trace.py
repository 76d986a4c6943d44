# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Predict the path of a packet from namespace to namespace, as the kernel forwards it; pure."""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
from collections.abc import Sequence

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path import netfilter, reception, routing
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.alternatives import Alternatives
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.commands import (
    build_ipsec_commands,
    build_link_commands,
    build_neighbour_commands,
    build_route_commands,
    build_rule_commands,
    build_service_commands,
    build_sysctl_commands,
)
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
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.neighbour import build_requests
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.nft_match import ARP
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import (
    EPHEMERAL,
    Connection,
    HookContext,
    Packet,
    PortRange,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.result import (
    Explanation,
    Hop,
    NarrowestLink,
    PathEnd,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.source_address import list_sources

_MOST_HOPS = 32
_MOST_RUNS = 256
_ANY_TTL = 64
_NO_ECHO = {4: "ipv4/icmp_echo_ignore_all", 6: "ipv6/icmp/echo_ignore_all"}
# Connections by host and namespace.
_Tracked = dict[tuple[str, str], list[Connection]]


def explain(world: SnapshotFleet, space: FleetNamespace, packet: Packet, depth: int = 0) -> Explanation:
    """Follow a packet from its source and, if it arrives, its reply.

    Where the snapshots do not decide, every alternative is followed. The result is certain if all of them agree.
    """
    alternatives = Alternatives()
    runs = [_follow_both_ways(world, space, packet, depth, alternatives)]
    while alternatives.advance():
        if len(runs) == _MOST_RUNS:
            runs.append(dataclasses.replace(runs[0], reaches=None, reason="there are too many alternatives"))
            break
        runs.append(_follow_both_ways(world, space, packet, depth, alternatives))
    return _combine(runs, alternatives.reasons)


def _combine(runs: Sequence[Explanation], reasons: Sequence[str]) -> Explanation:
    """Return the common result of all runs, or an unknown result with the reasons of the alternatives."""
    results = {run.reaches for run in runs}
    if len(results) == 1:
        return runs[0]
    decisive = next((run for run in runs if run.reaches is None), None) or next(run for run in runs if not run.reaches)
    if decisive.reaches is not None:
        last = decisive.hops[-1]
        decisive.hops[-1] = dataclasses.replace(last, verdict="unknown")
        decisive.reason = f"{'; '.join(reasons[:3])}; possibly: {decisive.reason}"
    elif reasons and not any(reason in decisive.reason for reason in reasons):
        decisive.reason = f"{decisive.reason} ({'; '.join(reasons[:3])})"
    decisive.reaches = None
    return decisive


def _follow_both_ways(
    world: SnapshotFleet, space: FleetNamespace, packet: Packet, depth: int, alternatives: Alternatives
) -> Explanation:
    trace = _PacketTrace(world, packet, depth, alternatives)
    there = _follow_packet(trace, space, packet)
    if not there.reaches or not trace.arrived or depth:
        return there
    answer = trace.arrived[1].build_reply()
    returning = _PacketTrace(world, answer, depth, alternatives, trace.tracked)
    back = _follow_packet(returning, trace.arrived[0], answer)
    there.hops += back.hops
    there.assumed += back.assumed
    if not back.reaches:
        there.reaches, there.reason = back.reaches, f"the reply does not return: {back.reason}"
        there.about = back.about if back.about in ("", "firewall") else "way back"
        there.remedy = back.remedy
    elif returning.arrived and trace.sent:
        _check_reply(there, space, trace.sent, returning.arrived)
    return there


def _check_reply(there: Explanation, space: FleetNamespace, sent: Packet, got: tuple[FleetNamespace, Packet]) -> None:
    """Set the result to False if the reply ends elsewhere, or does not belong to the connection of the sender."""
    where, reply = got
    if where is not space:
        reason = f"the reply goes to {where}, which also has {reply.dst}: the source address was not translated"
    elif (reply.src, reply.sport) != (sent.dst, sent.dport):
        port = f" port {reply.sport}" if isinstance(reply.sport, int) else ""
        reason = f"the reply comes from {reply.src}{port} instead of {sent.dst}, so {space} rejects it"
    elif (reply.dst, reply.dport) != (sent.src, sent.sport):
        reason = f"the reply is sent to {reply.dst} instead of {sent.src}"
    else:
        return
    there.reaches, there.about = False, "way back"
    there.reason = reason
    there.hops[-1] = dataclasses.replace(there.hops[-1], verdict="stops")
    there.remedy = f"iptables -t nat -S POSTROUTING   # on {space.host}"


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

    def __init__(
        self,
        world: SnapshotFleet,
        packet: Packet,
        depth: int,
        alternatives: Alternatives,
        tracked: _Tracked | None = None,
    ) -> None:
        self._world = world
        self._depth = depth
        self._alternatives = alternatives
        self._crossed = 0
        self.tracked: _Tracked = {} if tracked is None else tracked
        # The packet as the source sends it, and its destination with the packet on arrival.
        self.sent: Packet | None = None
        self.arrived: tuple[FleetNamespace, Packet] | None = None
        self._left = _ANY_TTL
        # The rule that translated the destination, and the rules that accepted the packet.
        self._translation = ""
        self._accepted: list[str] = []
        self.explanation = Explanation(packet)

    def _add_hop(self, space: FleetNamespace, what: str, link: Row | None = None) -> None:
        self.explanation.hops.append(Hop(space.host, space.name, what, link=link["name"] if link else None))

    def _build_end(self, reaches: bool | None, space: FleetNamespace, reason: str, link: Row | None = None) -> PathEnd:
        verdict = {True: "passes", False: "stops", None: "unknown"}[reaches]
        return PathEnd(reaches, reason, Hop(space.host, space.name, reason, verdict, link["name"] if link else None))

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

    def _select_route(self, space: FleetNamespace, packet: Packet, iif: str = "") -> routing.SelectedRoute:
        missing = "the snapshot does not contain its routes" if space.lacks("routes") else ""
        missing = missing or space.find_missing("routes", "rules")
        if not packet.has_default_tos and any(row["tos"] for row in space.get_rows("routes")):
            missing = f"a rule changes the type of service, and routes of {space} depend on it"
        if missing:
            raise self._build_end(None, space, missing)
        options = routing.list_routes(space, routing.build_query(packet, iif))
        way = self._alternatives.choose(
            options, f"the route of {space} to {packet.dst} depends on several next hops or on policy rules"
        )
        if way is None:
            raise self._build_end(False, space, f"no route to {packet.dst}").set_cause(
                "route", build_route_commands(space, packet.dst)
            )
        if way.type in ("blackhole", "unreachable", "prohibit"):
            reason = f"the {way.origin} of type {way.type} drops the packet"
            raise self._build_end(False, space, reason).set_cause("route", build_route_commands(space, packet.dst))
        if way.type not in ("unicast", "local"):
            raise self._build_end(None, space, f"{packet.dst} is a {way.type} address, which is not supported")
        return way

    def _run_hook(self, hook: str, at: HookContext) -> netfilter.Verdict:
        """Evaluate a firewall hook; return the verdict with the resulting packet."""
        connections = self.tracked.setdefault((at.space.host, at.space.id), [])
        verdicts = netfilter.list_verdicts(hook, at, connections)
        doubt = f"the firewall ({hook}): {netfilter.describe_doubts(verdicts)}" if len(verdicts) > 1 else ""
        verdict = self._alternatives.choose(verdicts, doubt)
        link = at.space.find_link(at.oif or at.iif)
        for note in verdict.notes:
            self._add_hop(at.space, note, link)
        if verdict.stops:
            reason = f"the firewall ({hook}) {verdict.kind}s the packet: {verdict.rule}"
            raise self._build_end(False, at.space, reason, link).set_cause(
                "firewall", build_rule_commands(at.space, verdict)
            )
        if verdict.kind == "unknown":
            reason = f"the firewall ({hook}): {verdict.rule}"
            raise self._build_end(None, at.space, reason, link).set_cause(
                "firewall", build_rule_commands(at.space, verdict)
            )
        packet = verdict.packet
        if at.layer == "ip":
            self._record_connection(connections, packet.connection)
        self._accepted += verdict.accepted
        if packet.dst != at.packet.dst and verdict.notes:
            self._translation = f" ({verdict.notes[-1]})"
        return verdict

    def _record_connection(self, connections: list[Connection], new: Connection | None) -> None:
        if new is None:
            return
        key = (new.src, new.dst, new.sport, new.dport)
        connections[:] = [one for one in connections if (one.src, one.dst, one.sport, one.dport) != key] + [new]

    def _check_ipsec(self, space: FleetNamespace, packet: Packet, direction: str, name: str) -> None:
        found = reception.check_ipsec(space, packet, direction, name)
        if found:
            end = self._build_end(False if found.certain else None, space, found.reason, space.find_link(name))
            raise end.set_cause("firewall", build_ipsec_commands(space))

    def _check_device_chains(self, space: FleetNamespace, link: Row, hook: str) -> None:
        """Follow both ways where a chain of a device can drop the packet, because its device is not known."""
        for chain in space.get_rows("firewall_chains"):
            place = (chain["backend"], chain["family"], chain["table"], chain["chain"])
            if chain["hook"] != hook or link["kind"] == "loopback":
                continue
            if not space.list_firewall_rules(*place) and chain["policy"] != "drop":
                continue
            text = f"chain {chain['family']} {chain['table']} {chain['chain']} ({hook}) is not modelled"
            if self._alternatives.choose((False, True), text):
                raise self._build_end(False, space, f"the {text}", link).set_cause("firewall")

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

    def _forward_on_segment(
        self,
        space: FleetNamespace,
        packet: Packet,
        link: Row,
        next_hop: Address,
        came_by: Row | None = None,
    ) -> None:
        """Forward a packet to the next hop on the segment."""
        if link["kind"] == "ipvlan" and str((link["options"] or {}).get("mode")).startswith("l3"):
            self._forward_by_ipvlan(space, packet, link)
        mac = _find_neighbour_mac(space, link, next_hop)
        if not mac:
            self._check_master(space, link)
        segment = Segment(self._world)
        walks = segment.find_paths(
            space, link, functools.partial(self._answers, next_hop), mac or self._find_mac(next_hop), came_by
        )
        if not walks:
            raise self._explain_no_receiver(space, link, next_hop, segment.open_ended)
        walk = self._choose_receiver(space, link, next_hop, walks)
        if not mac:
            self._resolve_neighbour(space, packet, link, next_hop, walk)
        packet = self._record_segment_path(packet, walk)
        if mac and walk.link["mac"] and mac != walk.link["mac"] and walk.link["kind"] != "ipvlan":
            has = f"{walk.link['mac']} ({walk.link['name']} of {walk.space})"
            reason = f"the neighbour entry of {next_hop} has {mac} instead of {has}"
            raise self._build_end(False, space, reason, link).set_cause(
                "neighbour", build_neighbour_commands(space, link, next_hop)
            )
        mark = packet.mark if walk.space is space else 0
        packet = dataclasses.replace(packet.enter_namespace(), mark=mark)
        self._receive(walk.space, packet, walk.link, _find_port(walk, packet))

    def _check_master(self, space: FleetNamespace, link: Row) -> None:
        """Raise PathEnd for a link whose master receives the answers of neighbours."""
        master = space.links.get(link["master_index"] or 0)
        if master is None or master["kind"] == "vrf":
            return
        reason = f"{link['name']} is a port of {master['name']}, which receives the answers of neighbours instead"
        certain = master["kind"] == "bridge"
        raise self._build_end(False if certain else None, space, reason, link).set_cause("neighbour" if certain else "")

    def _choose_receiver(
        self, space: FleetNamespace, link: Row, next_hop: Address, walks: Sequence[SegmentPath]
    ) -> SegmentPath:
        """Return the path to the receiver; raise PathEnd if several namespaces answer for the next hop."""
        open_walks = [one for one in walks if not one.obstacles] or [walks[0]]
        places = {(one.space.host, one.space.id): one for one in open_walks}
        reason = f"{next_hop} is used more than once, the first answer wins"
        if len(places) > 1:
            both = " and ".join(f"{one.space} on {one.link['name']}" for one in list(places.values())[:2])
            raise self._build_end(None, space, f"{reason}: {both}", link)
        receivers = {one.link["index"]: one for one in reversed(open_walks)}
        return self._alternatives.choose(list(receivers.values()), reason)

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
            at = HookContext(walk.space, packet, iif=walk.link["name"], port_in=_find_port(walk, packet))
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

    def _answers(self, next_hop: Address, space: FleetNamespace, link: Row) -> bool:
        answer = reception.answers_request(space, link, next_hop)
        if answer is None:
            text = f"whether {space} answers requests for {next_hop} on {link['name']} is not known"
            answer = self._alternatives.choose((True, False), text)
        return answer

    def _forward_by_ipvlan(self, space: FleetNamespace, packet: Packet, link: Row) -> None:
        """Deliver a packet between links of the kind ipvlan in mode l3, which the parent routes."""
        parent = self._world.find_parent(space, link)
        for other, rider in self._world.find_upper_links(*parent) if parent else ():
            row = other.addresses.get(packet.dst)
            if rider["kind"] == "ipvlan" and row is not None and row["index"] == rider["index"]:
                self._add_hop(other, f"through {link['name']} → {rider['name']}", rider)
                self._receive(other, packet.enter_namespace(), rider)
        reason = f"{link['name']} is an ipvlan link in mode l3, whose packets its parent routes, which is not modelled"
        raise self._build_end(None, space, reason, link)

    def _find_mac(self, address: Address) -> str:
        owners = self._world.find_owners(address)
        return str(owners[0][1]["mac"] or "") if owners else ""

    def _explain_no_receiver(self, space: FleetNamespace, link: Row, next_hop: Address, open_ended: bool) -> PathEnd:
        if not link["up"]:
            return self._build_end(False, space, f"{link['name']} is down", link).set_cause(
                "link", build_link_commands(space, link)
            )
        if other := self._find_beside(space, link, next_hop):
            kind = other[1]["kind"] if other[1]["kind"] in ("macvlan", "ipvlan") else link["kind"]
            reason = f"{other[0]} has {next_hop} on {other[1]['name']}, but a parent and its {kind} links are separated"
            return self._build_end(False, space, reason, link).set_cause("segment")
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

    def _find_beside(self, space: FleetNamespace, link: Row, address: Address) -> tuple[FleetNamespace, Row] | None:
        """Return the owner of an address if it is the parent of a macvlan or ipvlan link, or a link on this parent."""
        owners = self._world.find_owners(address)
        if len(owners) != 1:
            return None
        (other, end), kinds = owners[0], ("macvlan", "ipvlan")
        for child, parent in (((space, link), (other, end)), ((other, end), (space, link))):
            found = self._world.find_parent(*child) if child[1]["kind"] in kinds else None
            mode = (child[1]["options"] or {}).get("mode")
            if found and (found[0].id, found[1]["index"]) == (parent[0].id, parent[1]["index"]) and mode != "vepa":
                return owners[0] if found[0].host == parent[0].host else None
        return None

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

    def _record_mtu(self, space: FleetNamespace, link: Row) -> None:
        """Record the link with the smallest MTU, except lo and bridges."""
        least = self.explanation.narrowest
        if link["mtu"] and link["kind"] not in ("loopback", "bridge") and (least is None or link["mtu"] < least.mtu):
            self.explanation.narrowest = NarrowestLink(space.host, space.name, link["name"], link["mtu"])

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
            port = space.find_link(port_in)
            self._forward_on_segment(space, packet, link, way.next_hop, port)
        self._check_forwarding(space, packet, link)
        self._check_ipsec(space, packet, "fwd", iif)
        self._check_ipsec(space, packet, "out", oif)
        at = HookContext(space, packet, iif=iif, oif=oif, port_in="?" if port_in else "", next_hop=way.next_hop)
        packet = self._run_hook("forward", at).packet
        self._send_out(space, packet, way, iif, "?" if port_in else "")

    def _stop_at(self, space: FleetNamespace, link: Row, about: str, found: reception.Finding | None) -> None:
        """Raise PathEnd for a packet that the kernel rejects; follow both ways if that is not certain."""
        if found is None:
            return
        if not found.certain and not self._alternatives.choose((True, False), found.reason):
            return
        dst = self.explanation.packet.src or self.explanation.packet.dst
        remedy = build_sysctl_commands(space, found.key, "1") if found.key else build_route_commands(space, dst)
        raise self._build_end(False, space, found.reason, link).set_cause(about, remedy)

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


def _calls_firewall(space: FleetNamespace, bridge: Row, packet: Packet) -> bool:
    """Return whether br_netfilter passes the packets of a bridge to the IP firewall."""
    version = "" if packet.dst.version == 4 else "6"
    if space.get_sysctl(f"bridge/bridge-nf-call-ip{version}tables") == "1":
        return True
    return bool((bridge["options"] or {}).get(f"nf_call_ip{version}tables"))


def _find_port(walk: SegmentPath, packet: Packet) -> str:
    """Return the port over which a bridge with br_netfilter receives a packet; empty otherwise."""
    if len(walk.steps) < 2 or walk.link["kind"] != "bridge" or not _calls_firewall(walk.space, walk.link, packet):
        return ""
    return str(walk.steps[-2].link["name"])


def _find_neighbour_mac(space: FleetNamespace, link: Row, address: Address) -> str:
    """Return the MAC address of a permanent neighbour entry; other entries are refreshed by the kernel."""
    for row in space.get_rows("neighbours"):
        if row["index"] == link["index"] and row["address"] == str(address) and row["state"] in ("permanent", "noarp"):
            return str(row["mac"] or "")
    return ""


def _is_link(space: FleetNamespace, link: Row, other: FleetNamespace, end: Row) -> bool:
    return other is space and end["index"] == link["index"]


def _get_name(link: Row | None) -> str:
    return str(link["name"]) if link else ""
