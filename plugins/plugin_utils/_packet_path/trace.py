# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Predict the path of a packet from namespace to namespace, as the kernel forwards it; pure."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.alternatives import Alternatives
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import FleetNamespace, SnapshotFleet
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import Packet
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet_trace import PacketTrace
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.result import Explanation, PathEnd

_MOST_RUNS = 256


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
    outer = None if depth else functools.partial(_explain_outer, world)
    trace = PacketTrace(world, packet, outer, alternatives)
    there = _follow_packet(trace, space, packet)
    if not there.reaches or not trace.arrived or depth:
        return there
    answer = trace.arrived[1].build_reply()
    returning = PacketTrace(world, answer, outer, alternatives, trace.tracked)
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


def _follow_packet(trace: PacketTrace, space: FleetNamespace, packet: Packet) -> Explanation:
    try:
        trace.send(space, packet)
    except PathEnd as end:
        trace.explanation.hops.append(end.hop)
        trace.explanation.reaches, trace.explanation.reason = end.reaches, str(end)
        trace.explanation.about, trace.explanation.remedy = end.about, end.remedy
    return trace.explanation


def _explain_outer(world: SnapshotFleet, space: FleetNamespace, packet: Packet) -> Explanation:
    """Follow an encapsulated packet, whose tunnels are not followed in turn."""
    return explain(world, space, packet, depth=1)
