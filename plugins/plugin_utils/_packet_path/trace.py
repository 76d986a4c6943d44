# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The path of a packet from namespace to namespace, as the kernel would forward it; pure."""

from __future__ import annotations

import dataclasses
import ipaddress

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path import netfilter, routing
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.commands import (
    link_commands,
    neighbour_commands,
    route_commands,
    rule_commands,
    service_commands,
    sysctl_commands,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.firewall_match import Packet, Passage
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import (
    Address,
    FleetNamespace,
    Row,
    SnapshotFleet,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.l2_segment import Segment, SegmentPath, Step
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.result import (
    Ends,
    Explanation,
    Hop,
    Narrowest,
)

_MOST_HOPS = 32
_ANY_TTL = 64
_NO_ECHO = "ipv4/icmp_echo_ignore_all"
_Tracked = dict[tuple[str, str], list[tuple[Packet, Packet]]]


def explain(world: SnapshotFleet, space: FleetNamespace, packet: Packet, depth: int = 0) -> Explanation:
    """Follow a packet from its source and, if it arrives, its reply."""
    walker = _Walker(world, packet, depth)
    there = _follow_packet(walker, space, packet)
    if there.reaches and walker.arrived and not depth:
        answer = walker.arrived[1].answer()
        returning = _Walker(world, answer, depth, walker.tracked)
        back = _follow_packet(returning, walker.arrived[0], answer)
        there.hops += back.hops
        there.assumed += back.assumed
        if not back.reaches:
            there.reaches, there.reason = back.reaches, f"the reply does not return: {back.reason}"
            there.about = back.about if back.about in ("", "firewall") else "way back"
            there.remedy = back.remedy
        elif returning.ended_in is not space:
            there.reaches, there.about = False, "way back"
            src = walker.arrived[1].src
            there.reason = (
                f"the reply goes to {returning.ended_in}, which also has {src}: the source address was not translated"
            )
            there.remedy = f"iptables -t nat -S POSTROUTING   # on {space.host}"
    return there


def _follow_packet(walker: _Walker, space: FleetNamespace, packet: Packet) -> Explanation:
    try:
        walker.send(space, packet)
    except Ends as end:
        walker.told.hops.append(end.hop)
        walker.told.reaches, walker.told.reason = end.reaches, str(end)
        walker.told.about, walker.told.remedy = end.about, end.remedy
    return walker.told


class _Walker:
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
        self._led = ""
        self.told = Explanation(packet)

    def _note(self, space: FleetNamespace, what: str, link: Row | None = None) -> None:
        self.told.hops.append(Hop(space.host, space.name, what, link=link["name"] if link else None))

    def _end(self, reaches: bool | None, space: FleetNamespace, reason: str, link: Row | None = None) -> Ends:
        verdict = {True: "passes", False: "stops", None: "unknown"}[reaches]
        return Ends(reaches, reason, Hop(space.host, space.name, reason, verdict, link["name"] if link else None))

    def send(self, space: FleetNamespace, packet: Packet) -> None:
        """Send a packet from a namespace."""
        self._left = int(space.sysctl("ipv4/ip_default_ttl") or _ANY_TTL) if packet.dst.version == 4 else _ANY_TTL
        packet = self._taken_back(space, packet)
        way = self._route(space, packet)
        if packet.src is None:
            packet = dataclasses.replace(packet, src=routing.source(space, way, packet.dst))
            self._source(space, packet, way)
        oif = "lo" if way.type == "local" else _name(way.link)
        before = packet
        packet = self._hook("output", Passage(space, packet, oif=oif))
        if packet.dst != before.dst or packet.mark != before.mark:
            way = self._route(space, packet)
        self._leave(space, packet, way)

    def _source(self, space: FleetNamespace, packet: Packet, way: routing.Way) -> None:
        """Check that there is a source address that is valid on the link of the route."""
        link = way.link["name"] if way.link else "the route"
        if packet.src is None:
            reason = f"no IPv{packet.dst.version} source address on {link}"
            raise self._end(False, space, reason, way.link).at("route")
        if packet.src.is_loopback and way.type != "local":
            reason = f"the route {way.row['dst']} has the source address {packet.src}, which is valid only on lo"
            raise self._end(False, space, reason, way.link).at("route", route_commands(space, packet.dst))

    def _route(self, space: FleetNamespace, packet: Packet, iif: str = "") -> routing.Way:
        if space.lacks("routes"):
            raise self._end(None, space, "the snapshot does not contain its routes")
        way = routing.lookup(space, packet.dst, packet.src, packet.mark, iif)
        if way is None:
            raise self._end(False, space, f"no route to {packet.dst}").at("route", route_commands(space, packet.dst))
        if way.type in ("blackhole", "unreachable", "prohibit"):
            reason = f"the {way.origin} of type {way.type} drops the packet"
            raise self._end(False, space, reason).at("route", route_commands(space, packet.dst))
        if way.type in ("broadcast", "anycast", "multicast"):
            raise self._end(None, space, f"{packet.dst} is a {way.type} address, which is not supported")
        if way.several:
            self.told.assumed.append(f"the route {way.row['dst']} of {space} uses its first next hop")
        return way

    def _hook(self, hook: str, at: Passage) -> Packet:
        """Evaluate a firewall hook; return the resulting packet."""
        verdict = netfilter.traverse(hook, at)
        link = at.space.link(at.oif or at.iif)
        for note in verdict.notes:
            self._note(at.space, note, link)
        if verdict.kind in ("drop", "reject"):
            reason = f"the firewall ({hook}) {verdict.kind}s the packet: {verdict.rule}"
            raise self._end(False, at.space, reason, link).at("firewall", rule_commands(at.space, verdict))
        if verdict.kind == "unknown":
            reason = f"the firewall ({hook}): {verdict.rule}"
            raise self._end(None, at.space, reason, link).at("firewall", rule_commands(at.space, verdict))
        if (verdict.packet.src, verdict.packet.dst) != (at.packet.src, at.packet.dst):
            self._led = f" ({verdict.notes[-1]})" if verdict.packet.dst != at.packet.dst else self._led
            self.tracked.setdefault((at.space.host, at.space.id), []).append((at.packet, verdict.packet))
        return verdict.packet

    def _taken_back(self, space: FleetNamespace, packet: Packet) -> Packet:
        """Reverse the translations of this namespace for a reply."""
        if packet.state != "established":
            return packet
        for before, after in reversed(self.tracked.get((space.host, space.id), [])):
            if packet.src == after.dst and packet.dst == after.src and before.src is not None:
                packet = dataclasses.replace(packet, src=before.dst, dst=before.src, sport=before.dport)
                self._note(space, f"connection tracking: translated to {packet}")
        return packet

    def _leave(self, space: FleetNamespace, packet: Packet, way: routing.Way) -> None:
        if way.type == "local":
            lo = space.link("lo")
            if lo and not lo["up"]:
                reason = f"{packet.dst} is a local address, but lo is down"
                raise self._end(False, space, reason, lo).at("link", link_commands(space, lo))
            self._hook("postrouting", Passage(space, packet, oif="lo"))
            self._deliver(space, self._hook("input", Passage(space, packet, iif="lo")), lo)
        if way.link is None:
            raise self._end(None, space, f"the link of the route {way.row['dst']} is not in the snapshot")
        via = f" via {way.next_hop}" if way.next_hop != packet.dst else ""
        self._note(space, f"{packet}: route {way.row['dst']}{via} dev {way.link['name']}", way.link)
        packet = self._hook("postrouting", Passage(space, packet, oif=way.link["name"]))
        self._over_segment(space, packet, way.link, way.next_hop)

    def _over_segment(self, space: FleetNamespace, packet: Packet, link: Row, next_hop: Address) -> None:
        """Forward a packet to the next hop on the segment."""
        mac = _neighbour(space, link, next_hop)
        segment = Segment(self._world)

        walks = segment.find(
            space, link, lambda other, end: _answers(other, end, next_hop), mac or self._mac_of(next_hop)
        )
        if not walks:
            raise self._nobody(space, link, next_hop, segment.open_ended)
        owners = {
            (one.space.host, one.space.id): one for one in walks if not one.obstacles and _owns_address(one, next_hop)
        }
        if len(owners) > 1:
            both = " and ".join(f"{one.space} on {one.link['name']}" for one in list(owners.values())[:2])
            raise self._end(None, space, f"{next_hop} is used more than once, the first answer wins: {both}", link)
        walk = walks[0]
        self._walked(packet, walk)
        if mac and walk.link["mac"] and mac != walk.link["mac"] and walk.link["kind"] != "ipvlan":
            has = f"{walk.link['mac']} ({walk.link['name']} of {walk.space})"
            reason = f"the neighbour entry of {next_hop} has {mac} instead of {has}"
            raise self._end(False, space, reason, link).at("neighbour", neighbour_commands(space, link, next_hop))
        self._receive(walk.space, packet, walk.link)

    def _mac_of(self, address: Address) -> str:
        owners = self._world.owners(address)
        return str(owners[0][1]["mac"] or "") if owners else ""

    def _nobody(self, space: FleetNamespace, link: Row, next_hop: Address, open_ended: bool) -> Ends:
        if not link["up"]:
            return self._end(False, space, f"{link['name']} is down", link).at("link", link_commands(space, link))
        if open_ended:
            reason = f"the packet leaves through {link['name']} to {next_hop}, which is in no snapshot{self._led}"
            return self._end(None, space, reason, link)
        if not link["running"]:
            return self._end(False, space, f"{link['name']} has no carrier", link).at("link")
        others = [f"{owner} has it on {end['name']}" for owner, end in self._world.owners(next_hop)]
        elsewhere = f": {'; '.join(others[:2])}, which is on another segment" if others else ""
        reason = f"no host on the segment of {link['name']} has {next_hop}{elsewhere}{self._led}"
        return self._end(False, space, reason, link).at("neighbour")

    def _walked(self, packet: Packet, walk: SegmentPath) -> None:
        """Record the path over links, up to the first obstacle."""
        crossed: set[tuple[str, str]] = set()
        for before, step in zip((None, *walk.steps), walk.steps):
            if step.obstacle:
                remedy = link_commands(step.space, step.link) if step.about == "link" else ""
                raise self._end(False, step.space, step.obstacle, step.link).at(step.about, remedy)
            self._measured(step.space, step.link)
            if step.assumed:
                self.told.assumed.append(step.assumed)
            if step.tunnel:
                self._tunnelled(step)
            self._through_bridge(before, step, packet)
            bridge = step.bridge
            if step.how == "forwarded" and bridge and (step.space.id, bridge["name"]) not in crossed:
                crossed.add((step.space.id, bridge["name"]))
                self._bridged(step, bridge, packet)
        last = walk.steps[-1]
        names = " → ".join(dict.fromkeys(f"{step.link['name']}" for step in walk.steps))
        self._note(last.space, f"through {names}", last.link)

    def _measured(self, space: FleetNamespace, link: Row) -> None:
        """Record the link with the smallest MTU, except lo and bridges."""
        least = self.told.narrowest
        if link["mtu"] and link["kind"] not in ("loopback", "bridge") and (least is None or link["mtu"] < least.mtu):
            self.told.narrowest = Narrowest(space.host, space.name, link["name"], link["mtu"])

    def _through_bridge(self, before: Step | None, step: Step, packet: Packet) -> None:
        """Evaluate the hooks of the family bridge for a frame."""
        port_in = before.link["name"] if before else ""
        at = Passage(step.space, packet, port_in, step.link["name"], layer="bridge")
        if step.how == "forwarded":
            hooks: tuple[str, ...] = ("prerouting", "forward", "postrouting")
        elif step.how == "sent":
            hooks, at = ("output", "postrouting"), dataclasses.replace(at, iif="")
        elif step.how == "in" and step.link["kind"] == "bridge":
            hooks, at = ("prerouting", "input"), dataclasses.replace(at, oif="")
        else:
            return
        for hook in hooks:
            self._hook(hook, at)

    def _bridged(self, step: Step, bridge: Row, packet: Packet) -> None:
        """Evaluate the IP firewall for a bridged packet if br_netfilter is enabled."""
        version = "" if packet.dst.version == 4 else "6"
        if step.space.sysctl(f"bridge/bridge-nf-call-ip{version}tables") == "1":
            port = step.link["name"]
            at = Passage(step.space, packet, bridge["name"], bridge["name"], "?", port)
            for hook in ("prerouting", "forward", "postrouting"):
                self._hook(hook, at)

    def _tunnelled(self, step: Step) -> None:
        """Follow the encapsulated packets from host to host."""
        vtep = step.tunnel[1] if step.tunnel else ""
        self._note(step.space, f"through the tunnel {step.link['name']} to the VTEP {vtep}", step.link)
        if not vtep or self._depth:
            return
        sender = next((hop.host for hop in reversed(self.told.hops) if hop.host != step.space.host), None)
        host = next((space for space in self._world.of(sender) if space.is_host), None) if sender else None
        if host is None:
            return
        port = (step.link["options"] or {}).get("port") or 4789
        outer = explain(self._world, host, Packet(None, ipaddress.ip_address(vtep), "udp", port), depth=1)
        if outer.reaches is False and outer.about != "service":
            at = outer.hops[-1]
            reason = f"the encapsulated packets do not arrive: {at.netns} on {at.host}: {outer.reason}"
            end = self._end(False, step.space, reason, step.link).at(outer.about)
            end.remedy = outer.remedy
            raise end

    def _receive(self, space: FleetNamespace, packet: Packet, link: Row) -> None:
        """Receive a packet on a link, to deliver or to forward it."""
        self._crossed += 1
        if self._crossed > _MOST_HOPS:
            raise self._end(False, space, "routing loop", link).at("route")
        iif = link["name"]
        packet = self._taken_back(space, packet)
        before = packet.dst
        packet = self._hook("prerouting", Passage(space, packet, iif=iif))
        self._reverse_path(space, packet, link)
        if packet.dst != before and packet.dst.is_loopback and space.sysctl(f"ipv4/conf/{iif}/route_localnet") != "1":
            reason = f"the destination is translated to {packet.dst}, but route_localnet is 0 on {iif}"
            remedy = sysctl_commands(space, f"ipv4/conf/{iif}/route_localnet", "1")
            raise self._end(False, space, reason, link).at("forwarding", remedy)
        way = self._route(space, packet, iif)
        if way.type == "local":
            self._deliver(space, self._hook("input", Passage(space, packet, iif=iif)), link)
        self._forwarding(space, packet, link)
        oif = _name(way.link)
        packet = self._hook("forward", Passage(space, packet, iif=iif, oif=oif))
        self._leave(space, packet, way)

    def _reverse_path(self, space: FleetNamespace, packet: Packet, link: Row) -> None:
        if packet.dst.version != 4 or packet.src is None:
            return
        values = [space.sysctl(f"ipv4/conf/{name}/rp_filter") for name in ("all", link["name"])]
        strictness = max(int(value) for value in values if value) if any(values) else 0
        back = routing.lookup(space, packet.src)
        if strictness and back is None:
            reason = f"rp_filter: no route back to {packet.src}"
            raise self._end(False, space, reason, link).at("reverse path", route_commands(space, packet.src))
        if strictness == 1 and back and back.link and back.link["index"] != link["index"] and back.type != "local":
            reason = f"rp_filter is strict, and the route back to {packet.src} uses {back.link['name']}"
            raise self._end(False, space, reason, link).at("reverse path", route_commands(space, packet.src))

    def _forwarding(self, space: FleetNamespace, packet: Packet, link: Row) -> None:
        version = packet.dst.version
        keys = (
            ["ipv4/ip_forward", f"ipv4/conf/{link['name']}/forwarding"]
            if version == 4
            else ["ipv6/conf/all/forwarding"]
        )
        off = next((key for key in keys if space.sysctl(key) == "0"), None)
        if off:
            reason = f"{space} does not forward packets: net/{off} is 0"
            raise self._end(False, space, reason, link).at("forwarding", sysctl_commands(space, off, "1"))
        self._left -= 1
        if self._left <= 0:
            reason = "the time to live is exceeded: net/ipv4/ip_default_ttl of the source is too small"
            raise self._end(False, space, reason, link).at("forwarding")

    def _deliver(self, space: FleetNamespace, packet: Packet, link: Row | None) -> None:
        """End at the destination, depending on listening sockets and ICMP settings."""
        if space.row["kind"] in ("load-balancer", "ingress"):
            raise self._end(None, space, f"IPVS handles {packet.dst}, which is not modelled", link)
        if packet.protocol == "icmp" and packet.state == "new" and space.sysctl(_NO_ECHO) == "1":
            reason = f"the packet arrives, but {space} does not answer pings: net/{_NO_ECHO} is 1"
            raise self._end(False, space, reason, link).at("service", sysctl_commands(space, _NO_ECHO, "0"))
        if packet.protocol in ("tcp", "udp") and packet.state == "new":
            self._listens(space, packet, link)
        if packet.src is not None and not (packet.state == "established" or routing.is_local(space, packet.src)):
            self.arrived = (space, packet)
        self.ended_in = space
        raise self._end(True, space, f"the packet arrives: {packet.dst} is an address of {space}", link)

    def _listens(self, space: FleetNamespace, packet: Packet, link: Row | None) -> None:
        if space.lacks("sockets"):
            raise self._end(None, space, "the packet arrives, but the snapshot does not contain sockets", link)
        for row in space.rows("sockets"):
            if row["protocol"] == packet.protocol and row["port"] == packet.dport and _is_bound_to(row, packet.dst):
                return
        raise self._end(
            False,
            space,
            f"the packet arrives, but nothing listens on {packet.protocol} {packet.dst} port {packet.dport}{self._led}",
            link,
        ).at("service", service_commands(space))


def _is_bound_to(socket: Row, dst: Address) -> bool:
    bound = ipaddress.ip_address(socket["address"])
    if bound.is_unspecified:
        return bound.version == dst.version or (bound.version == 6 and not socket["v6only"])
    mapped = getattr(bound, "ipv4_mapped", None)
    return dst in (bound, mapped)


def _neighbour(space: FleetNamespace, link: Row, address: Address) -> str:
    """Return the MAC address of a permanent neighbour entry; other entries are refreshed by the kernel."""
    for row in space.rows("neighbours"):
        if row["index"] == link["index"] and row["address"] == str(address) and row["state"] in ("permanent", "noarp"):
            return str(row["mac"] or "")
    return ""


def _owns_address(walk: SegmentPath, address: Address) -> bool:
    row = walk.space.addresses.get(address)
    return row is not None and row["index"] == walk.link["index"]


def _answers(space: FleetNamespace, link: Row, address: Address) -> bool:
    """Return whether a namespace answers requests for an address on a link (ARP or neighbour discovery)."""
    row = space.addresses.get(address)
    if row is not None and row["index"] == link["index"]:
        return True
    if address.version == 6:
        return False
    name = link["name"]
    # With arp_ignore=0, the kernel answers on every link for all its addresses.
    ignore = [space.sysctl(f"ipv4/conf/{one}/arp_ignore") for one in ("all", name)]
    if row is not None and row["scope"] != "host" and not any(value not in (None, "0") for value in ignore):
        return True
    proxy = "1" in [space.sysctl(f"ipv4/conf/{one}/proxy_arp") for one in ("all", name)]
    way = routing.lookup(space, address) if proxy else None
    return way is not None and way.link is not None and way.link["index"] != link["index"]


def _name(link: Row | None) -> str:
    return str(link["name"]) if link else ""
