# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Diagrams as Graphviz text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram import labels
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram.graph import (
    Edge,
    Graph,
    Group,
    Node,
    fold_graph,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import escape_invisible

_STYLES = {"tunnel": "dotted", **dict.fromkeys(("macvlan", "macvtap", "ipvlan", "vlan", "vxlan", "parent"), "dashed")}
_HEAD = """\
  graph [rankdir=LR, fontname="Arial", fontsize=11, nodesep=0.2, ranksep=0.8, labeljust=l]
  graph [style="rounded,filled", fillcolor="#eff1f3", color="#98a2ae"]
  node [shape=box, style="rounded,filled", fillcolor=white, color="#98a2ae", fontname="Arial", fontsize=10]
  edge [fontname="Arial", fontsize=8, color="#98a2ae", fontcolor="#57606b"]"""


def render_host(graph: Graph, unfold: bool = False) -> str:
    """Return the diagram of a host; similar elements are folded unless `unfold` is set."""
    return "\n".join(_render_lines(graph if unfold else fold_graph(graph))) + "\n"


def render_fleet(graph: Graph, unfold: bool = False) -> str:
    """Return the fleet map, folded in the same way."""
    return render_host(graph, unfold)


def _render_lines(graph: Graph) -> Iterator[str]:
    yield f"graph {_quote_lines([graph.name])} {{"
    yield _HEAD
    nodes = labels.group_nodes(graph)
    for group in graph.groups:
        yield f"  subgraph {_quote_lines([f'cluster_{group.id}'])} {{"
        yield f"    label={_quote_lines(labels.format_group_label(group), ends=True)}{_format_colour(group, '; ')}"
        # Graphviz does not draw a cluster without nodes.
        yield from (f"    {_render_node(node)}" for node in nodes[group.id])
        if not nodes[group.id]:
            yield f'    {_quote_lines([group.id])} [label="", shape=point, style=invis]'
        yield "  }"
    yield from (f"  {_render_node(node)}" for node in nodes[None])
    yield from (f"  {_render_edge(edge)}" for edge in graph.edges)
    yield "}"


def _render_node(node: Node) -> str:
    look = ', style="rounded,dashed"' if node.kind == "fold" else ""
    label = _quote_lines(labels.format_node_label(node), ends=True)
    return f"{_quote_lines([node.id])} [label={label}{look}{_format_colour(node, ', ')}]"


def _render_edge(edge: Edge) -> str:
    label = labels.format_edge_label(edge)
    looks = [f"label={_quote_lines([label])}"] if label else []
    looks += [f"style={_STYLES[edge.kind]}"] if edge.kind in _STYLES else []
    return f"{_quote_lines([edge.tail])} -- {_quote_lines([edge.head])}" + (f" [{', '.join(looks)}]" if looks else "")


def _format_colour(part: Node | Group, before: str) -> str:
    return f'{before}color="{labels.COLOURS[part.severity]}"{before}penwidth=2' if part.severity else ""


def _quote_lines(lines: Iterable[str], ends: bool = False) -> str:
    r"""Return lines as one quoted string, left-aligned if `ends` is set.

    Graphviz interprets a backslash as an escape sequence and an ampersand as an HTML entity.
    """
    safe = [
        line.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        for line in map(escape_invisible, lines)
    ]
    return '"' + "".join(f"{line}\\l" if ends else line for line in safe) + '"'
