# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands on the parts of a picture, as lines of text: the same for every format."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram.graph import Edge, Graph, Group, Node
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import legible

# Colours of lines, on white and on dark grounds.
COLOURS = {"critical": "#98104a", "high": "#b3261e", "medium": "#b07300", "low": "#1d5c93", "info": "#6b7682"}
# Addresses that are named; and how long a text may be.
_ADDRESSES = 3
_LONG = 60
_SILENT = ("member", "port", "veth")
_SAID = {"device": "", "fold": "", "remote": "other host", "sharing": "container"}


def of_node(node: Node) -> list[str]:
    """Return the lines on a link, or on whatever else is a node."""
    kind = _SAID.get(node.kind, node.kind)
    words = [kind, node.hint, node.mtu and f"MTU {node.mtu}", node.state if node.state != "up" else None]
    addresses = [one for one in node.addresses if one != node.label]
    left = len(addresses) - _ADDRESSES
    more = [f"and {left} more {'address' if left == 1 else 'addresses'}"] if left > 0 else []
    network = [f"network {node.network}"] if node.network else []
    return _lines(
        [node.label, ", ".join(str(one) for one in words if one), *network, *addresses[:_ADDRESSES], *more], node
    )


def of_group(group: Group) -> list[str]:
    """Return the lines on a namespace."""
    hint = group.hint if group.hint not in (None, group.label, f"container:{group.label}") else None
    return _lines([group.label, ", ".join(one for one in (group.kind, hint) if one)], group)


def of_edge(edge: Edge) -> str:
    """Return what stands on an edge; nothing where its look says enough."""
    return _cut(edge.label or ("" if edge.kind in _SILENT else edge.kind))


def inside(graph: Graph) -> dict[str | None, list[Node]]:
    """Return the nodes of each group; those of none stand under None."""
    found: dict[str | None, list[Node]] = {None: [], **{group.id: [] for group in graph.groups}}
    for node in graph.nodes:
        found[node.group if node.group in found else None].append(node)
    return found


def _lines(lines: Iterable[str], part: Node | Group) -> list[str]:
    if part.severity:
        found = f"{len(part.findings)} found, {part.severity}" if part.findings else part.severity
        return [*(_cut(line) for line in lines if line), found]
    return [_cut(line) for line in lines if line]


def _cut(text: str) -> str:
    plain = legible(text)
    return plain if len(plain) <= _LONG else f"{plain[: _LONG - 1]}…"
