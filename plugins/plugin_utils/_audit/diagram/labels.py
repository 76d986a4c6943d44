# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Labels of diagram elements as lines of text, for every format."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram.graph import Edge, Graph, Group, Node
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import escape_invisible

# Colours of lines, for light and dark backgrounds.
COLOURS = {"critical": "#98104a", "high": "#b3261e", "medium": "#b07300", "low": "#1d5c93", "info": "#6b7682"}
# Maximum number of addresses, and maximum length of a line.
_ADDRESSES = 3
_LONG = 60
_SILENT = ("member", "port", "veth")
_SAID = {"device": "", "fold": "", "remote": "other host", "sharing": "container"}


def format_node_label(node: Node) -> list[str]:
    """Return the label of a node."""
    kind = _SAID.get(node.kind, node.kind)
    words = [kind, node.hint, node.mtu and f"MTU {node.mtu}", node.state if node.state != "up" else None]
    addresses = [one for one in node.addresses if one != node.label]
    left = len(addresses) - _ADDRESSES
    more = [f"and {left} more {'address' if left == 1 else 'addresses'}"] if left > 0 else []
    network = [f"network {node.network}"] if node.network else []
    return _format_lines(
        [node.label, ", ".join(str(one) for one in words if one), *network, *addresses[:_ADDRESSES], *more], node
    )


def format_group_label(group: Group) -> list[str]:
    """Return the label of a namespace."""
    hint = group.hint if group.hint not in (None, group.label, f"container:{group.label}") else None
    return _format_lines([group.label, ", ".join(one for one in (group.kind, hint) if one)], group)


def format_edge_label(edge: Edge) -> str:
    """Return the label of an edge; empty if its style is sufficient."""
    return _shorten(edge.label or ("" if edge.kind in _SILENT else edge.kind))


def group_nodes(graph: Graph) -> dict[str | None, list[Node]]:
    """Return the nodes of each group; nodes without a group have the key None."""
    found: dict[str | None, list[Node]] = {None: [], **{group.id: [] for group in graph.groups}}
    for node in graph.nodes:
        found[node.group if node.group in found else None].append(node)
    return found


def _format_lines(lines: Iterable[str], part: Node | Group) -> list[str]:
    if part.severity:
        found = (
            f"{len(part.findings)} {'finding' if len(part.findings) == 1 else 'findings'}, {part.severity}"
            if part.findings
            else part.severity
        )
        return [*(_shorten(line) for line in lines if line), found]
    return [_shorten(line) for line in lines if line]


def _shorten(text: str) -> str:
    plain = escape_invisible(text)
    return plain if len(plain) <= _LONG else f"{plain[: _LONG - 1]}…"
