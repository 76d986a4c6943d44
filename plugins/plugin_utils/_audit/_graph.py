# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A picture as data: boxes, links, what connects them, and what may be folded. Text in it is as the host gave it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, Optional

SEVERITIES = ("critical", "high", "medium", "low", "info")


@dataclasses.dataclass(frozen=True)
class Group:
    """A namespace."""

    id: str
    kind: str
    label: str
    hint: Optional[str] = None
    findings: tuple[int, ...] = ()
    severity: Optional[str] = None


@dataclasses.dataclass(frozen=True)
class Node:
    """A link in a namespace; with no group: another host, or in a map of the fleet a host or what hosts share."""

    id: str
    kind: str
    label: str
    group: Optional[str] = None
    addresses: tuple[str, ...] = ()
    mtu: Optional[int] = None
    mac: Optional[str] = None
    state: Optional[str] = None
    network: Optional[str] = None
    alias: Optional[str] = None
    hint: Optional[str] = None
    findings: tuple[int, ...] = ()
    severity: Optional[str] = None


@dataclasses.dataclass(frozen=True)
class Edge:
    """What connects two nodes: a veth pair, a port of a bridge, the parent of a link, a tunnel, a membership."""

    tail: str
    head: str
    kind: str
    label: Optional[str] = None


@dataclasses.dataclass(frozen=True)
class Fold:
    """Groups and nodes that are drawn as one box until somebody wants to see them."""

    id: str
    kind: str
    label: str
    members: tuple[str, ...]
    severity: Optional[str] = None


@dataclasses.dataclass(frozen=True)
class Graph:
    """The picture of a host or of the fleet; the findings are numbers in the list that it was painted with."""

    kind: str
    name: str
    groups: tuple[Group, ...] = ()
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    folds: tuple[Fold, ...] = ()


def as_data(graph: Graph) -> dict[str, Any]:
    """Return the graph for JSON, without what is empty."""
    return {
        "kind": graph.kind,
        "name": graph.name,
        "groups": [_fields(one) for one in graph.groups],
        "nodes": [_fields(one) for one in graph.nodes],
        "edges": [_fields(one) for one in graph.edges],
        "folds": [_fields(one) for one in graph.folds],
    }


def _fields(one: Any) -> dict[str, Any]:
    return {key: value for key, value in vars(one).items() if value is not None and value != ()}


def worst(severities: Iterable[Optional[str]]) -> Optional[str]:
    """Return the most severe of them."""
    there = set(severities)
    return next((severity for severity in SEVERITIES if severity in there), None)


def folded(graph: Graph) -> Graph:
    """Return the graph with each fold as one box in the place of its members."""
    at = {member: fold.id for fold in graph.folds for member in fold.members}
    at |= {node.id: at[node.group] for node in graph.nodes if node.group in at}
    boxes = tuple(
        Node(id=fold.id, kind="fold", label=fold.label, group=_common(graph, fold), severity=fold.severity)
        for fold in graph.folds
    )
    edges: dict[tuple[str, str, str], list[Edge]] = {}
    for edge in graph.edges:
        tail, head = at.get(edge.tail, edge.tail), at.get(edge.head, edge.head)
        if tail != head:
            edges.setdefault((tail, head, edge.kind), []).append(edge)
    return dataclasses.replace(
        graph,
        groups=tuple(group for group in graph.groups if group.id not in at),
        nodes=tuple(node for node in graph.nodes if node.id not in at) + boxes,
        edges=tuple(
            Edge(tail, head, kind, same[0].label if len(same) == 1 else f"{len(same)} x {kind}")
            for (tail, head, kind), same in edges.items()
        ),
        folds=(),
    )


def _common(graph: Graph, fold: Fold) -> Optional[str]:
    """Return the group in which all members of a fold lie."""
    groups = {node.id: node.group for node in graph.nodes}
    found = {groups.get(member) for member in fold.members}
    return found.pop() if len(found) == 1 else None
