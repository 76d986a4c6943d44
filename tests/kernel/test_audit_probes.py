# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports of a Swarm of two engines, probed as in the role audit."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit import swarm_probes
from ansible_collections.netfleet.docker.tests.auditing import evaluate, objects

from .docker_host import DockerHost
from .rules_host import look
from .test_rules_swarm import soon

pytestmark = pytest.mark.long

pytest.importorskip("duckdb", reason="the audit runs on control nodes, which have Python 3.11 or newer")

ASKED = {"kinds": ["host", "overlay"], "gather_subset": ["min", "addresses", "fdb", "docker"]}


def test_port_closed_on_one_node_is_found() -> None:
    with DockerHost() as first, DockerHost() as second:
        hosts = {"h1": first, "h2": second}
        join(first, second)
        healthy = tried(hosts)
        assert [one for one in healthy if one["state"] == "closed"] == []
        open_ones = {(one["host"], one["protocol"], one["port"]) for one in healthy if one["state"] == "open"}
        assert open_ones == {("h1", "tcp", 7946), ("h2", "tcp", 7946), ("h2", "tcp", 2377)}
        assert {one["port"] for one in healthy if one["protocol"] == "udp"} == {7946, 4789}
        snapshots = {name: look(host) for name, host in hosts.items()}
        assert objects(evaluate(snapshots, beside={"probe": healthy}), "swarm-port-blocked") == []

        first.sh("iptables -I INPUT -p udp --dport 4789 -j REJECT")
        second.sh("iptables -I INPUT -s 192.0.2.1 -p tcp --dport 7946 -j DROP")
        found = evaluate(snapshots, beside={"probe": tried(hosts)})
        assert objects(found, "swarm-port-blocked") == ["h1: 7946/tcp to h2", "h2: 4789/udp to h1"]


def join(first: DockerHost, second: DockerHost) -> None:
    """Connect two engines and join them to one Swarm."""
    ends = [("eth0", "netns", str(host.pid)) for host in (first, second)]
    subprocess.run(["ip", "link", "add", *ends[0], "type", "veth", "peer", "name", *ends[1]], check=True)
    for number, host in enumerate((first, second), 1):
        host.sh(f"ip address add 192.0.2.{number}/24 dev eth0", "ip link set eth0 up")
    first.docker("swarm", "init", "--advertise-addr=192.0.2.1")
    token = first.docker("swarm", "join-token", "-q", "worker")
    second.docker("swarm", "join", "--token", token, "192.0.2.1:2377")
    # Each node creates the VXLAN link of the ingress network after some time.
    soon(lambda: all(":4789" in host.run("ss", "-Hlnu") for host in (first, second)))


def tried(hosts: Mapping[str, DockerHost]) -> list[dict[str, Any]]:
    """Return the rows of all hosts."""
    asked = swarm_probes.plan_checks({name: host.module("netns_info", ASKED).data for name, host in hosts.items()}, 20)
    said = {name: host.module("probe", {"netns": "host", "checks": asked[name]}) for name, host in hosts.items()}
    return [row for name, one in said.items() for row in swarm_probes.build_rows(one.data["results"], name)]
