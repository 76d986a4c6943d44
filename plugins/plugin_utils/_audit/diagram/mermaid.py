# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Diagrams as Mermaid text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram import labels
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram.graph import (
    Edge,
    Graph,
    Group,
    Node,
    fold_graph,
)

_DASHED = ("tunnel", "macvlan", "macvtap", "ipvlan", "vlan", "vxlan", "parent")
# Characters with a meaning in Mermaid, Markdown or HTML, and non-ASCII characters that some renderers do not support.
_SPECIAL = re.compile(r"[^A-Za-z0-9 .,_/:+=-]")


def render_host(graph: Graph, unfold: bool = False) -> str:
    """Return the diagram of a host; similar elements are folded unless `unfold` is set."""
    return "\n".join(_render_lines(graph if unfold else fold_graph(graph))) + "\n"


def render_fleet(graph: Graph, unfold: bool = False) -> str:
    """Return the fleet map, folded in the same way."""
    return render_host(graph, unfold)


def _render_lines(graph: Graph) -> Iterator[str]:
    yield "flowchart LR"
    nodes = labels.group_nodes(graph)
    for group in graph.groups:
        label = _quote_lines(labels.format_group_label(group))
        if not nodes[group.id]:
            yield f"  {group.id}[{label}]"
            continue
        yield f"  subgraph {group.id}[{label}]"
        yield from (f"    {_render_node(node)}" for node in nodes[group.id])
        yield "  end"
    yield from (f"  {_render_node(node)}" for node in nodes[None])
    yield from (f"  {_render_edge(edge)}" for edge in graph.edges)
    yield from _render_colours(graph)


def _render_node(node: Node) -> str:
    return f"{node.id}[{_quote_lines(labels.format_node_label(node))}]"


def _render_edge(edge: Edge) -> str:
    label = labels.format_edge_label(edge)
    line = "-.-" if edge.kind in _DASHED else "---"
    return f"{edge.tail} {line}{f'|{_quote_lines([label])}|' if label else ''} {edge.head}"


def _render_colours(graph: Graph) -> Iterator[str]:
    found: dict[str, list[str]] = defaultdict(list)
    parts: tuple[Group | Node, ...] = (*graph.groups, *graph.nodes)
    for part in parts:
        if part.severity:
            found[part.severity].append(part.id)
    for severity, ids in found.items():
        yield f"  classDef {severity} stroke:{labels.COLOURS[severity]},stroke-width:2px"
        yield f"  class {','.join(ids)} {severity}"


def _quote_lines(lines: Iterable[str]) -> str:
    """Return lines as one label, with special characters as #NUMBER; entities."""
    return '"' + "<br/>".join(_SPECIAL.sub(lambda found: f"#{ord(found.group())};", line) for line in lines) + '"'
