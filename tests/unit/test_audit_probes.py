# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probes between Swarm nodes, and their results."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit import swarm_probes

from .recorded_fleet import fleet as recorded
from .recorded_fleet import netns


def fleet(number: int) -> dict[str, Any]:
    """Return snapshots of the nodes of one Swarm; the first is the manager."""
    hosts = recorded(number)
    for name, info in hosts.items():
        engine(info)["swarm_node_id"] = f"id-{name}"
    hosts["h1"]["docker"]["swarm_nodes"] = [{"id": f"id-{name}"} for name in hosts]
    return hosts


def tried(asked: dict[str, list[dict[str, Any]]], host: str) -> list[str]:
    """Return the probes of a host as text."""
    return [f"{one['name']} {one['type']} {one['target']}:{one['port']}" for one in asked[host]]


def engine(info: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = info["docker"]["engine"]
    return found


def test_nodes_probe_each_other() -> None:
    asked = swarm_probes.plan_checks(fleet(2), 20)
    assert tried(asked, "h1") == [
        *("h2 tcp 192.0.2.2:7946", "h2 udp 192.0.2.2:7946", "h2 udp 192.0.2.2:4789"),
    ]
    assert tried(asked, "h2") == [
        *("h1 tcp 192.0.2.1:2377", "h1 tcp 192.0.2.1:7946", "h1 udp 192.0.2.1:7946", "h1 udp 192.0.2.1:4789"),
    ]


def test_each_node_probes_a_limited_number_of_peers() -> None:
    asked = swarm_probes.plan_checks(fleet(5), peers=2)
    pairs = {(host, one["name"]) for host, checks in asked.items() for one in checks if one["port"] == 7946}
    assert pairs == {(f"h{one}", f"h{(one - 1 + step) % 5 + 1}") for one in range(1, 6) for step in (1, 2)}
    assert swarm_probes.plan_checks(fleet(5), peers=9) == swarm_probes.plan_checks(fleet(5), peers=4)
    assert set(map(len, swarm_probes.plan_checks(fleet(5), peers=0).values())) == {0}


def test_hosts_outside_the_swarm_are_not_probed() -> None:
    hosts = fleet(4)
    engine(hosts["h2"])["swarm_state"] = "inactive"
    hosts["h3"]["docker"] = {"engine": None}
    assert swarm_probes.plan_checks({**hosts, "h4": {}, "h5": {"failed": True, "msg": "no"}}, 20) == {"h1": []}


def test_every_node_probes_every_manager() -> None:
    asked = swarm_probes.plan_checks(fleet(6), peers=1)
    assert {host for host, checks in asked.items() for one in checks if one["port"] == 2377} == {
        f"h{one}" for one in range(2, 7)
    }


def test_no_probes_without_data_of_a_manager() -> None:
    hosts = fleet(3)
    del hosts["h1"]
    assert swarm_probes.plan_checks(hosts, 20) == {}


def test_failed_probe_is_a_row_with_its_reason() -> None:
    failed = {"name": "h2", "type": "udp", "port": 7946, "state": "error", "reason": "no permission"}
    (row,) = swarm_probes.build_rows([failed], host="h1")
    assert (row["state"], row["reason"]) == ("error", "1 of 1 checks failed: no permission")
    (row,) = swarm_probes.build_rows([], host="h1", reason="it could not be reached")
    assert (row["host"], row["state"], row["reason"]) == ("h1", "error", "it could not be reached")
    assert swarm_probes.build_rows([], host="h1") == []


def test_missing_source_address_is_not_probed() -> None:
    hosts = fleet(2)
    engine(hosts["h2"])["swarm_address"] = "198.51.100.7"
    assert swarm_probes.plan_checks(hosts, 20) == {"h1": []}
    engine(hosts["h1"])["swarm_address"] = "127.0.0.1"
    assert swarm_probes.plan_checks(hosts, 20) == {}


def test_swarms_are_probed_separately() -> None:
    hosts = fleet(4)
    for name in ("h3", "h4"):
        engine(hosts[name])["swarm_managers"] = ["192.0.2.3:2377"]
    # Two sites can use the same addresses: the manager identifies a node.
    nodes = hosts["h1"]["docker"]["swarm_nodes"]
    hosts["h1"]["docker"]["swarm_nodes"], hosts["h3"]["docker"]["swarm_nodes"] = nodes[:2], nodes[2:]
    asked = swarm_probes.plan_checks(hosts, 20)
    assert {host: {one["name"] for one in checks} for host, checks in asked.items()} == {
        "h1": {"h2"},
        "h2": {"h1"},
        "h3": {"h4"},
        "h4": {"h3"},
    }


def test_data_path_port_and_address_are_probed() -> None:
    hosts = fleet(2)
    netns(hosts["h2"], "overlay")["interfaces"][1]["options"]["port"] = 5789
    netns(hosts["h1"], "overlay")["fdb"][0]["dst"] = "203.0.113.2"
    own = netns(hosts["h2"], "host")["addresses"]
    own.append({**own[0], "address": "203.0.113.2", "scope": "global"})
    assert tried(swarm_probes.plan_checks(hosts, 20), "h1")[-1] == "h2 udp 203.0.113.2:5789"
    # No process listens if there is no overlay network yet.
    netns(hosts["h2"], "overlay")["interfaces"] = []
    assert [one for one in tried(swarm_probes.plan_checks(hosts, 20), "h1") if ":5789" in one or ":4789" in one] == []


STATES = {
    "open": "open",
    "refused": "closed",
    "prohibited": "closed",
    "unreachable": "closed",
    "filtered": "filtered",
    "open_or_filtered": "filtered",
}


@pytest.mark.parametrize("state", STATES)
def test_probe_result_is_a_row(state: str) -> None:
    said = {"name": "h2", "type": "tcp", "target": "192.0.2.2", "port": 7946, "state": state, "latency": None}
    row = {"host": "h1", "target": "h2", "protocol": "tcp", "port": 7946, "state": STATES[state], "seconds": None}
    assert swarm_probes.build_rows([said], host="h1") == [row]
    assert swarm_probes.build_rows([{**said, "latency": {"avg_ms": 1.5}}], host="h1")[0]["seconds"] == 0.0015
