# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of one followed packet, and what every step of its path needs."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path import netfilter, reception, routing
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.alternatives import Alternatives
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.commands import (
    build_route_commands,
    build_rule_commands,
    build_sysctl_commands,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.firewall_chain import Verdict
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import (
    FleetNamespace,
    Row,
    SnapshotFleet,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import Connection, HookContext, Packet
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.result import (
    Explanation,
    Hop,
    NarrowestLink,
    PathEnd,
)

_ANY_TTL = 64
# Connections by host and namespace.
TrackedConnections = dict[tuple[str, str], list[Connection]]


class TraceBase:
    """Record the hops of one packet, and choose between alternatives."""

    def __init__(
        self,
        world: SnapshotFleet,
        packet: Packet,
        explain_outer: Callable[[FleetNamespace, Packet], Explanation] | None,
        alternatives: Alternatives,
        tracked: TrackedConnections | None = None,
    ) -> None:
        self._world = world
        self._explain_outer = explain_outer
        self._alternatives = alternatives
        self._crossed = 0
        self.tracked: TrackedConnections = {} if tracked is None else tracked
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

    def _run_hook(self, hook: str, at: HookContext) -> Verdict:
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

    def _record_mtu(self, space: FleetNamespace, link: Row) -> None:
        """Record the link with the smallest MTU, except lo and bridges."""
        least = self.explanation.narrowest
        if link["mtu"] and link["kind"] not in ("loopback", "bridge") and (least is None or link["mtu"] < least.mtu):
            self.explanation.narrowest = NarrowestLink(space.host, space.name, link["name"], link["mtu"])

    def _stop_at(self, space: FleetNamespace, link: Row, about: str, found: reception.Finding | None) -> None:
        """Raise PathEnd for a packet that the kernel rejects; follow both ways if that is not certain."""
        if found is None:
            return
        if not found.certain and not self._alternatives.choose((True, False), found.reason):
            return
        dst = self.explanation.packet.src or self.explanation.packet.dst
        remedy = build_sysctl_commands(space, found.key, "1") if found.key else build_route_commands(space, dst)
        raise self._build_end(False, space, found.reason, link).set_cause(about, remedy)
