# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluation of netfilter hooks: base chains by priority, rule by rule, to the possible verdicts.

A rule whose match is not known is evaluated both ways, so a verdict is certain only if all ways lead to it.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.conntrack import TRANSLATES, track, translate
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.firewall_chain import (
    Verdict,
    extend_verdicts,
    format_chain,
    get_place,
    merge_verdicts,
    traverse_chain,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Row
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import Connection, HookContext, Packet

# Priorities of the tables of iptables; nft reports the priority of each chain.
_PRIORITIES = {"raw": -300, "mangle": -150, "filter": 0, "security": 50}


_CONNTRACK = -200


# The kernel translates at these priorities, whatever the priority of a chain of the type nat is.
_NAT = {"prerouting": -100, "output": -100, "input": 100, "postrouting": 100}


_MOST_ORDERS = 6


def traverse(hook: str, at: HookContext) -> Verdict:
    """Return the verdict of a hook; ``unknown`` if several are possible."""
    verdicts = list_verdicts(hook, at, ())
    first = verdicts[0]
    if len(verdicts) == 1 or all(one.stops for one in verdicts):
        return first
    return Verdict("unknown", at.packet, describe_doubts(verdicts), chain=find_chain(verdicts))


def describe_doubts(verdicts: Iterable[Verdict]) -> str:
    """Return the rules on which the verdict depends."""
    rules = list(dict.fromkeys(doubt for one in verdicts for doubt in one.doubts))
    return f"the verdict depends on what is not modelled: {'; '.join(rules[:3])}"


def find_chain(verdicts: Sequence[Verdict]) -> tuple[str, str, str, str] | None:
    """Return the chain of the first rule that decides."""
    return next((one.chain for one in verdicts if one.kind != "accept" and one.chain), None)


def list_verdicts(hook: str, at: HookContext, known: Iterable[Connection]) -> list[Verdict]:
    """Return the possible verdicts of a hook; ``known`` are the connections of the namespace."""
    at = dataclasses.replace(at, hook=hook)
    reason = "" if at.space.lacks("firewall_chains") else at.space.find_missing("firewall")
    if at.space.lacks("firewall_chains"):
        reason = f"the snapshot does not contain the firewall of {at.space}"
    if reason:
        return [Verdict("unknown", at.packet, reason, doubts=(reason,))]
    orders = _list_orders(_list_stages(hook, at))
    found = merge_verdicts(one for stages in orders for one in _run_stages(stages, hook, at, known))
    if len(found) > 1 and len(orders) > 1:
        text = f"the order of chains with the same priority in the hook {hook} is not known"
        found = [dataclasses.replace(one, doubts=(*one.doubts, text)) for one in found]
    return found


def _list_orders(stages: Sequence[tuple[int, Any]]) -> list[list[Any]]:
    """Return the possible orders of stages, of which those with the same priority have none."""
    groups = [[stage for _priority, stage in group] for _key, group in itertools.groupby(stages, lambda one: one[0])]
    orders: list[list[Any]] = [[]]
    for group in groups:
        options = list(itertools.islice(itertools.permutations(group), _MOST_ORDERS)) if len(group) > 1 else [group]
        orders = [[*before, *after] for before in orders for after in options][:_MOST_ORDERS]
    return orders


def _run_stages(stages: Iterable[Any], hook: str, at: HookContext, known: Iterable[Connection]) -> list[Verdict]:
    ended: list[Verdict] = []
    states = [Verdict("accept", at.packet)]
    for stage in stages:
        after: list[Verdict] = []
        for state in states:
            here = dataclasses.replace(at, packet=state.packet)
            for one in extend_verdicts(state, _run_stage(stage, hook, here, known)):
                (after if one.kind == "accept" else ended).append(one)
        states = merge_verdicts(after)
        if not states:
            break
    return merge_verdicts([*states, *ended])


def _list_stages(hook: str, at: HookContext) -> list[tuple[int, Any]]:
    """Return the chains with their priorities, connection tracking, and the chains of the type nat as one list."""
    chains = list(_find_base_chains(at, hook))
    nat = [(_NAT[hook] if one["priority"] is None else one["priority"], one) for one in chains if one["type"] == "nat"]
    nat.sort(key=lambda one: one[0])
    stages: list[tuple[int, Any]] = [
        (_get_priority(chain), chain) for chain in chains if chain["type"] != "nat" and chain["hook"] == hook
    ]
    if at.layer == "ip" and hook in ("prerouting", "output"):
        stages.append((_CONNTRACK, "conntrack"))
    if at.layer == "ip" and hook in _NAT and (nat or at.packet.connection or at.packet.is_reply):
        stages.append((_NAT[hook], nat))
    return sorted(stages, key=lambda one: one[0])


def _run_stage(stage: Any, hook: str, at: HookContext, known: Iterable[Connection]) -> list[Verdict]:
    if stage == "conntrack":
        return [Verdict("accept", track(at.packet, known))]
    if isinstance(stage, list):
        return _run_nat(stage, hook, at)
    return _run_base_chain(stage, at)


def _run_base_chain(chain: Row, at: HookContext) -> list[Verdict]:
    policy = chain["policy"] or "accept"
    found = []
    for one in traverse_chain(chain, at, 0):
        changes: dict[str, Any] = {}
        if one.kind == "return":
            changes = {
                "kind": policy,
                "rule": f"policy {policy} of {format_chain(chain)}",
                "chain": get_place(chain),
            }
        elif one.kind == "accept" and policy == "drop" and one.rule:
            changes = {"accepted": (one.rule,)}
        if chain["type"] == "route" and one.packet.mark != at.packet.mark:
            changes["reroutes"] = True
        found.append(dataclasses.replace(one, **changes))
    return found


def _run_nat(chains: list[tuple[int, Row]], hook: str, at: HookContext) -> list[Verdict]:
    """Evaluate the chains of the type nat for a new connection, then translate."""
    orders = _list_orders(chains)
    found = merge_verdicts(one for order in orders for one in _run_nat_chains(order, hook, at))
    if len(found) > 1 and len(orders) > 1:
        text = f"the order of tables that translate addresses in the hook {hook} is not known"
        found = [dataclasses.replace(one, doubts=(*one.doubts, text)) for one in found]
    return found


def _run_nat_chains(chains: list[Row], hook: str, at: HookContext) -> list[Verdict]:
    part, connection = TRANSLATES[hook], at.packet.connection
    if connection is None:
        return [Verdict("accept", at.packet)]
    states = [Verdict("accept", at.packet)]
    ended: list[Verdict] = []
    for chain in chains if part not in connection.initialized and not at.packet.reverse else ():
        after: list[Verdict] = []
        for state in states:
            if _is_initialized(state.packet, part):
                after.append(state)
                continue
            for one in extend_verdicts(state, _run_base_chain(chain, dataclasses.replace(at, packet=state.packet))):
                (after if one.kind == "accept" else ended).append(one)
        states = merge_verdicts(after)
    found = []
    for state in states:
        packet = _mark_initialized(state.packet, part)
        changed = translate(packet, part)
        note: tuple[str, ...] = ()
        if (changed.src, changed.dst, changed.dport) != (packet.src, packet.dst, packet.dport):
            origin = state.rule or "connection tracking"
            note = (f"{origin}: translated to {changed}",)
        found.append(dataclasses.replace(state, packet=changed, notes=(*state.notes, *note)))
    return [*found, *ended]


def _is_initialized(packet: Packet, part: str) -> bool:
    return packet.connection is not None and part in packet.connection.initialized


def _mark_initialized(packet: Packet, part: str) -> Packet:
    if packet.connection is None or packet.reverse:
        return packet
    parts = packet.connection.initialized | {part}
    return dataclasses.replace(packet, connection=dataclasses.replace(packet.connection, initialized=parts))


def _find_base_chains(at: HookContext, hook: str) -> Iterator[Row]:
    families = ("bridge",) if at.layer == "bridge" else ("inet", "ip" if at.packet.dst.version == 4 else "ip6")
    return (row for row in at.space.get_rows("firewall_chains") if row["hook"] == hook and row["family"] in families)


def _get_priority(chain: Row) -> int:
    if chain["priority"] is not None:
        return int(chain["priority"])
    return _PRIORITIES.get(chain["table"], 0)
