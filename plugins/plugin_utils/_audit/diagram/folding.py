# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folds of a diagram: similar elements with the same connections and the same severity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram.graph import (
    Edge,
    Fold,
    Group,
    Node,
    find_worst,
)

# Maximum number of similar elements that are not folded, without and with findings.
QUIET, LOUD = 3, 8
# Maximum number of bridges and of overlays without findings that are not folded.
NETWORKS = 10
_OVERLAYS = ("overlay", "load-balancer")
_WORDS = {
    "bridge": ("bridge", "bridges"),
    "container": ("container", "containers"),
    "dummy": ("dummy link", "dummy links"),
    "load-balancer": ("load balancer", "load balancers"),
    "named": ("named namespace", "named namespaces"),
    "overlay": ("overlay namespace", "overlay namespaces"),
    "process": ("namespace of a process", "namespaces of processes"),
    "remote": ("other host", "other hosts"),
    "sharing": ("container on the host network", "containers on the host network"),
    "unowned": ("namespace without owner", "namespaces without owner"),
    "device": ("device", "devices"),
}


def format_count(number: int, kind: str) -> str:
    """Return a number of elements with the name of their kind."""
    one, many = _WORDS.get(kind, (f"{kind} link", f"{kind} links"))
    return f"{number} {one if number == 1 else many}"


def build_folds(groups: Sequence[Group], nodes: Sequence[Node], edges: Iterable[Edge]) -> tuple[Fold, ...]:
    """Return the folds of a diagram."""
    beside = _find_neighbours(nodes, edges)
    severities = _find_severities(groups, nodes)
    instead = _find_quiet_networks(severities, groups, nodes)
    keys: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for group in groups:
        ends = frozenset(instead.get(one, one) for one in beside[group.id] if group.kind not in _OVERLAYS)
        if group.kind != "host":
            keys[group.kind, severities[group.id], ends].append(group.id)
    for node in nodes:
        if node.group == "g0" and node.id in instead:
            keys["bridge", None, "bridges"].append(node.id)
        elif node.group is None or (node.group == "g0" and not beside[node.id]):
            ends = frozenset(instead.get(one, one) for one in beside[node.id])
            keys[node.kind, node.severity, ends, node.state].append(node.id)
    return tuple(
        Fold(
            id=f"f{number}",
            kind=str(key[0]),
            label=format_count(len(members), str(key[0])),
            members=tuple(members),
            severity=None if key[1] is None else str(key[1]),
        )
        for number, (key, members) in enumerate(
            (key, members) for key, members in keys.items() if _is_large(key, members)
        )
    )


def _is_large(key: tuple[object, ...], members: list[str]) -> bool:
    if key[1] is not None:
        return len(members) > LOUD
    return len(members) > (NETWORKS if key[0] in _OVERLAYS else QUIET)


def _find_neighbours(nodes: Iterable[Node], edges: Iterable[Edge]) -> Mapping[str | None, set[str]]:
    """Return the nodes that each node, and each group, is connected to."""
    group = {node.id: node.group for node in nodes}
    found: dict[str | None, set[str]] = defaultdict(set)
    for edge in edges:
        for one, other in ((edge.tail, edge.head), (edge.head, edge.tail)):
            found[one].add(other)
            if group[one] != group[other]:
                found[group[one]].add(other)
    return found


def _find_severities(groups: Iterable[Group], nodes: Iterable[Node]) -> Mapping[str | None, str | None]:
    """Return the highest severity of each group, including its links."""
    found: dict[str | None, set[str | None]] = {group.id: {group.severity} for group in groups}
    for node in nodes:
        if node.severity and node.group:
            found[node.group].add(node.severity)
    return {group: find_worst(severities) for group, severities in found.items()}


def _find_quiet_networks(
    severities: Mapping[str | None, str | None], groups: Iterable[Group], nodes: Sequence[Node]
) -> Mapping[str, str]:
    """Return the bridges, and the nodes of overlays, without findings, if there are many."""
    bridges = [node.id for node in nodes if node.kind == "bridge" and node.group == "g0" and node.severity is None]
    quiet = {group.id for group in groups if group.kind == "overlay" and severities[group.id] is None}
    overlays = [node.id for node in nodes if node.group in quiet]
    found = dict.fromkeys(bridges, "bridges") if len(bridges) > NETWORKS else {}
    return found | (dict.fromkeys(overlays, "overlays") if len(quiet) > NETWORKS else {})
