# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Diagrams from tables: nodes, edges, findings and groups."""

from __future__ import annotations

import collections
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram import build
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram import graph as diagram_graph
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram import host as host_diagram
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram.rows import (
    HostRows,
    LinkRow,
    NamespaceRow,
    TunnelRow,
)
from ansible_collections.netfleet.docker.tests import fleet, sample


def space(netns: str, kind: str = "container", container: str | None = None, **more: Any) -> NamespaceRow:
    reference = f"container:{container}" if container else netns
    return NamespaceRow(netns, kind, reference, container, more.get("containers"), more.get("network"))


def link(netns: str, ifindex: int, name: str, kind: str | None = "veth", **more: Any) -> LinkRow:
    fields: dict[str, Any] = dict.fromkeys(LinkRow._fields) | {"up": True, "running": True, "mtu": 1500} | more
    return LinkRow(**fields | {"netns": netns, "ifindex": ifindex, "name": name, "kind": kind})


def finding(severity: str = "high", waived: Any = None, **evidence: Any) -> dict[str, Any]:
    return {"severity": severity, "evidence": evidence, "waived": waived}


def bridged(containers: int, networks: int = 1) -> HostRows:
    """Return a host with containers distributed over bridges."""
    spaces = [space("1", "host", containers=["agent"])]
    links = [link("1", 2, "eth0", None, addresses=["192.0.2.1/24"])]
    links += [link("1", 10 + one, f"br{one}", "bridge", docker_network=f"net{one}") for one in range(networks)]
    for one in range(containers):
        spaces.append(space(f"c{one}", container=f"web-{one}"))
        links += [
            link("1", 100 + one, f"veth{one}", master_index=10 + one % networks, peer_netns=f"c{one}", peer_index=2),
            link(f"c{one}", 2, "eth0", peer_netns="1", peer_index=100 + one, addresses=[f"10.0.{one}.2/24"]),
        ]
    return HostRows(
        spaces, links, [], [(f"net{one % networks}", f"web-{one}", f"10.0.{one}.2/24") for one in range(containers)]
    )


def parts(graph: diagram_graph.Graph) -> list[Any]:
    return [*graph.groups, *graph.nodes]


def by_label(graph: diagram_graph.Graph, label: str) -> Any:
    return next(one for one in parts(graph) if one.label == label)


def test_bridge_end_of_a_veth_pair_is_an_edge() -> None:
    graph = host_diagram.build_graph("h", bridged(2))
    assert [one.label for one in graph.groups] == ["h", "web-0", "web-1"]
    assert collections.Counter(one.label for one in graph.nodes) == {"eth0": 3, "br0": 1, "agent": 1}
    assert [(one.kind, one.label) for one in graph.edges] == [("veth", "veth0"), ("veth", "veth1")]
    assert {one.tail for one in graph.edges} == {by_label(graph, "br0").id}


@pytest.mark.parametrize("odd", [{"up": False}, {"alias": "x"}, {"addresses": ["10.9.9.9/24"]}, {"master_index": None}])
def test_veth_end_with_addresses_is_drawn(odd: dict[str, Any]) -> None:
    rows = bridged(1)
    rows = rows._replace(links=[one._replace(**odd) if one.name == "veth0" else one for one in rows.links])
    graph = host_diagram.build_graph("h", rows)
    end = by_label(graph, "veth0")
    kinds = {one.kind for one in graph.edges if end.id in (one.tail, one.head)}
    assert kinds == ({"veth"} if "master_index" in odd else {"veth", "port"})


def test_stacked_links_and_tunnels_are_drawn() -> None:
    spaces = [space("1", "host"), space("2", container="mac"), space("3", "overlay", network="mesh")]
    links = [
        link("1", 2, "eth0", None),
        link("2", 2, "eth0", "macvlan", parent_netns="1", parent_index=2, mode="bridge"),
        link("3", 2, "br0", "bridge"),
        link("3", 3, "vxlan0", "vxlan", vni="4097", master_index=2),
    ]
    tunnels = [
        TunnelRow("3", 3, "192.0.2.2", "other"),
        TunnelRow("3", 3, "192.0.2.3", None),
        TunnelRow("9", 9, "192.0.2.4", None),
    ]
    graph = host_diagram.build_graph("h", HostRows(spaces, links, tunnels, []))
    names = {one.id: one.label for one in graph.nodes}
    assert [(names[one.tail], names[one.head], one.kind, one.label) for one in graph.edges] == [
        ("eth0", "eth0", "macvlan", None),
        ("br0", "vxlan0", "port", None),
        ("vxlan0", "other", "tunnel", "VNI 4097"),
        ("vxlan0", "192.0.2.3", "tunnel", "VNI 4097"),
    ]
    assert by_label(graph, "mesh").kind == "overlay"
    assert by_label(graph, "vxlan0").hint == "VNI 4097"


@pytest.mark.parametrize(
    ("evidence", "label"),
    [
        ({"netns": "c0", "interface": "eth0"}, "eth0"),
        ({"netns": "c0", "interface": "lo"}, "web-0"),
        ({"netns": "container:web-1"}, "web-1"),
        ({"container": "web-1", "interface": "eth0"}, "eth0"),
        ({"container": "web-1", "network": "net0"}, "eth0"),
        ({"container": "web-1", "network": "elsewhere"}, "web-1"),
        ({"container": "agent"}, "agent"),
        ({"network": "net0"}, "br0"),
        ({"interface": "br0"}, "br0"),
        ({"interface": "veth1"}, "veth1"),
        ({"address": "10.0.1.2/24"}, "eth0"),
        ({"container": "gone", "port": 80}, "h"),
        ({}, "h"),
    ],
)
def test_finding_marks_its_object(evidence: dict[str, Any], label: str) -> None:
    graph = host_diagram.build_graph("h", bridged(2), [finding(**evidence)])
    assert [one.label for one in parts(graph) if one.findings] == [label]
    assert by_label(graph, "h").id == "g0"


def test_waived_finding_has_no_severity() -> None:
    graph = host_diagram.build_graph("h", bridged(1), [finding(container="web-0", waived={"reason": "known"})])
    assert (by_label(graph, "web-0").findings, by_label(graph, "web-0").severity) == ((0,), None)


def test_highest_severity_is_shown() -> None:
    found = [
        finding("low", container="web-0"),
        finding("critical", container="web-0"),
        finding("info", container="web-0"),
    ]
    assert by_label(host_diagram.build_graph("h", bridged(1), found), "web-0").severity == "critical"


def test_host_without_its_namespace_keeps_its_findings() -> None:
    graph = host_diagram.build_graph("h", HostRows([space("2", container="web")], [], [], []), [finding()])
    assert [(one.id, one.label, one.findings) for one in graph.groups] == [("g0", "h", (0,)), ("g1", "web", ())]
    assert host_diagram.build_graph("h", HostRows([], [], [], [])).groups[0].label == "h"


def test_containers_of_one_bridge_are_grouped() -> None:
    graph = host_diagram.build_graph(
        "h", bridged(200, networks=3), [finding(container="web-0"), finding("low", container="web-1")]
    )
    assert [one.label for one in graph.folds] == ["66 containers", "66 containers", "66 containers"]
    drawn = diagram_graph.fold_graph(graph)
    assert len(drawn.groups) == 3 and len(drawn.nodes) == 10
    assert {one.label for one in drawn.edges} == {"veth0", "veth1", "66 x veth"}
    # Every edge ends at a node that is drawn.
    assert {end for one in drawn.edges for end in (one.tail, one.head)} <= {one.id for one in drawn.nodes}


def test_only_many_containers_of_one_severity_are_grouped() -> None:
    assert host_diagram.build_graph("h", bridged(3)).folds == ()
    found = [finding("info", container=f"web-{one}") for one in range(30)]
    folds = host_diagram.build_graph("h", bridged(30), found).folds
    assert [(one.label, one.severity) for one in folds] == [("30 containers", "info")]


def test_many_bridges_without_findings_are_grouped() -> None:
    graph = host_diagram.build_graph("h", bridged(100, networks=50), [finding(container="web-0")])
    assert sorted(one.label for one in graph.folds) == ["50 bridges", "99 containers"]
    assert len(diagram_graph.fold_graph(graph).nodes) <= 6


def test_tables_and_diagram_agree(fleet_of_nine: Any) -> None:
    database, findings = fleet_of_nine
    mine = [one for one in findings if one["host"] == "node-00003"]
    graph = build.draw_host(database, "node-00003", mine)
    assert by_label(graph, "veth0c0ffee").severity == "low"
    assert [one.label for one in graph.nodes if one.kind == "remote"] == ["node-00000", "node-00001", "node-00002"]
    assert by_label(graph, "mesh").hint == "docker:1-q7m2"
    assert all(one.mtu == 1450 for one in graph.nodes if one.kind == "vxlan")
    assert build.draw_host(database, "nobody").nodes == ()


def test_map_shows_hosts_and_shared_networks(fleet_of_nine: Any) -> None:
    database, findings = fleet_of_nine
    graph = build.draw_fleet(database, findings)
    kinds = collections.Counter(one.kind for one in graph.nodes)
    assert kinds == {"host": 9, "overlay": 3, "macvlan": 1}
    assert by_label(graph, "192.168.40.0/24").addresses == ("192.168.40.0/24",)
    assert by_label(graph, "node-00001").severity == "critical"
    assert len(graph.edges) == 18


def test_map_describes_the_membership_of_each_host(fleet_of_nine: Any) -> None:
    database, _findings = fleet_of_nine
    database.execute("UPDATE netns SET docker_network_id = 'mesh0' WHERE kind = 'overlay' AND host < 'node-00003'")
    database.execute("UPDATE interface SET up = false WHERE kind = 'vxlan' AND host = 'node-00001'")
    database.execute("UPDATE docker_network SET options = '{\"encrypted\": \"\"}' WHERE driver = 'overlay'")
    database.execute("DELETE FROM docker_engine")
    fleet.insert(database, "docker_engine", [{"host": "node-00000", "swarm_address": "10.0.0.1"}])
    graph = build.draw_fleet(database)
    ends = {node.id: node.label for node in graph.nodes}
    labels = {ends[edge.tail]: edge.label for edge in graph.edges if ends[edge.head] == "mesh1"}
    assert labels == {
        "node-00000": "10.0.0.1, MTU 1450, encrypted",
        "node-00001": "MTU 1450, encrypted, down",
        "node-00002": "MTU 1450, encrypted",
        "node-00003": "encrypted, no container",
    }
    folded = diagram_graph.fold_graph(
        graph._replace(folds=(diagram_graph.Fold("f0", "host", "3 hosts", ("h0", "h1", "h2")),))
    )
    (label,) = (edge.label for edge in folded.edges if edge.tail == "f0" and ends[edge.head] == "mesh1")
    assert label == "MTU 1450, encrypted"


def test_map_groups_similar_hosts() -> None:
    graph = build.draw_fleet(fleet.made(40, 1))
    drawn = diagram_graph.fold_graph(graph)
    assert [one.label for one in graph.folds] == ["4 hosts"] * 10
    assert len(drawn.nodes) == 21


@pytest.fixture
def fleet_of_nine() -> Any:
    database = fleet.made(9, 30)
    sample.plant(database, 9)
    return database, list(sample.findings(9))
