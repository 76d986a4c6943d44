# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Diagrams as text: Graphviz and Mermaid accept any name as a name."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram import build, graph, graphviz, mermaid
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram.graph import Edge, Graph, Group, Node
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import text as core_text
from ansible_collections.netfleet.docker.tests import fleet, sample
from hypothesis import given
from hypothesis import strategies as st

STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def named(name: str) -> Graph:
    group = Group("g0", "host", name, name, (0,), "high")
    node = Node("n0", "bridge", name, "g0", (name,), 1500, None, "down", name, name)
    other = Node("n1", "remote", name)
    return Graph(
        "host", name, (group, Group("g1", "container", name)), (node, other), (Edge("n0", "n1", "tunnel", name),)
    )


@given(st.text())
def test_name_cannot_leave_its_quotes(name: str) -> None:
    dot = graphviz.render_host(named(name))
    assert dot.replace("\n", "").isprintable()
    # Without its strings, the rest is equal for every name.
    assert STRING.sub("S", dot) == STRING.sub("S", graphviz.render_host(named("x")))
    assert all('"' not in one[1:-1].replace("\\\\", "").replace('\\"', "") for one in STRING.findall(dot))


@given(st.text())
def test_mermaid_text_is_encoded(name: str) -> None:
    text = mermaid.render_host(named(name))
    assert re.sub(r'"[^"]*"', "S", text) == re.sub(r'"[^"]*"', "S", mermaid.render_host(named("x")))
    for label in re.findall(r'"([^"]*)"', text):
        assert re.fullmatch(r"(?:[A-Za-z0-9 .,_/:+=-]|#\d+;|<br/>)*", label)


def test_backslashes_and_entities_are_shown_verbatim() -> None:
    dot = graphviz.render_host(named("a\\Nb&lt;c"))
    assert "a\\\\Nb&amp;lt;c\\l" in dot


@given(st.text())
def test_readable_text_has_no_invisible_characters(text: str) -> None:
    shown = core_text.escape_invisible(text)
    assert core_text.escape_invisible(shown) == shown
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", shown)


@pytest.fixture(scope="module")
def pictures() -> list[Graph]:
    database = fleet.made(9, 200)
    sample.plant(database, 9)
    findings = [*sample.findings(9), *sample.hostile(database)]
    hosts = {one["host"] for one in findings}
    return [
        *(build.draw_host(database, host, [one for one in findings if one["host"] == host]) for host in sorted(hosts)),
        build.draw_fleet(database, findings),
    ]


@pytest.mark.parametrize("write", [graphviz.render_host, mermaid.render_host], ids=["dot", "mermaid"])
def test_text_is_shortened_unless_full(write: Any, pictures: list[Graph]) -> None:
    host = pictures[1]
    assert len(write(host)) < 8000 < len(write(host, unfold=True))
    assert len(graph.fold_graph(host).nodes) < 20
