# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A diagram as data: groups, nodes, edges and folds. Text is not escaped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

SEVERITIES = ("critical", "high", "medium", "low", "info")


class Group(NamedTuple):
    """A namespace."""

    id: str
    kind: str
    label: str
    hint: str | None = None
    findings: tuple[int, ...] = ()
    severity: str | None = None


class Node(NamedTuple):
    """A link in a namespace; without a group, another host, or a host or network of the fleet map."""

    id: str
    kind: str
    label: str
    group: str | None = None
    addresses: tuple[str, ...] = ()
    mtu: int | None = None
    mac: str | None = None
    state: str | None = None
    network: str | None = None
    alias: str | None = None
    hint: str | None = None
    findings: tuple[int, ...] = ()
    severity: str | None = None


class Edge(NamedTuple):
    """A connection of two nodes: veth pair, bridge port, parent, tunnel or membership."""

    tail: str
    head: str
    kind: str
    label: str | None = None


class Fold(NamedTuple):
    """Groups and nodes that are drawn as one box until it is expanded."""

    id: str
    kind: str
    label: str
    members: tuple[str, ...]
    severity: str | None = None


class Graph(NamedTuple):
    """The diagram of a host or of the fleet; findings are indexes in the list of findings."""

    kind: str
    name: str
    groups: tuple[Group, ...] = ()
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    folds: tuple[Fold, ...] = ()


def build_graph_data(graph: Graph) -> dict[str, Any]:
    """Return the graph for JSON, without empty fields."""
    return {
        "kind": graph.kind,
        "name": graph.name,
        "groups": [_select_fields(one) for one in graph.groups],
        "nodes": [_select_fields(one) for one in graph.nodes],
        "edges": [_select_fields(one) for one in graph.edges],
        "folds": [_select_fields(one) for one in graph.folds],
    }


def _select_fields(one: Any) -> dict[str, Any]:
    return {key: value for key, value in zip(one._fields, one) if value is not None and value != ()}


def find_worst(severities: Iterable[str | None]) -> str | None:
    """Return the highest severity."""
    there = set(severities)
    return next((severity for severity in SEVERITIES if severity in there), None)


def fold_graph(graph: Graph) -> Graph:
    """Return the graph with each fold as one node instead of its members."""
    at = {member: fold.id for fold in graph.folds for member in fold.members}
    at |= {node.id: at[node.group] for node in graph.nodes if node.group in at}
    boxes = tuple(
        Node(id=fold.id, kind="fold", label=fold.label, group=_find_common_parent(graph, fold), severity=fold.severity)
        for fold in graph.folds
    )
    edges: dict[tuple[str, str, str], list[Edge]] = {}
    for edge in graph.edges:
        tail, head = at.get(edge.tail, edge.tail), at.get(edge.head, edge.head)
        if tail != head:
            edges.setdefault((tail, head, edge.kind), []).append(edge)
    return graph._replace(
        groups=tuple(group for group in graph.groups if group.id not in at),
        nodes=tuple(node for node in graph.nodes if node.id not in at) + boxes,
        edges=tuple(
            Edge(tail, head, kind, _summarize_labels(kind, [edge.label or "" for edge in same]))
            for (tail, head, kind), same in edges.items()
        ),
        folds=(),
    )


def _summarize_labels(kind: str, labels: list[str]) -> str | None:
    """Return the label of edges that are drawn as one: their number, or what memberships have in common."""
    if len(labels) > 1 and kind != "member":
        return f"{len(labels)} x {kind}"
    first, *others = (label.split(", ") for label in labels)
    return ", ".join(part for part in first if all(part in other for other in others)) or None


def _find_common_parent(graph: Graph, fold: Fold) -> str | None:
    """Return the group that contains all members of a fold."""
    groups = {node.id: node.group for node in graph.nodes}
    found = {groups.get(member) for member in fold.members}
    return found.pop() if len(found) == 1 else None
