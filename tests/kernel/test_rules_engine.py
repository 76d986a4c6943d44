# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Audit rules about engine settings, on engines with these settings."""

from __future__ import annotations

import pytest
from ansible_collections.netfleet.docker.tests.auditing import evaluate, objects, of

from .docker_host import DockerHost
from .rules_host import look, network, uplink

pytestmark = pytest.mark.long

pytest.importorskip("duckdb", reason="the audit runs on control nodes, which have Python 3.11 or newer")

# Expected findings on the insecure engine, by rule.
PLANTED = {
    "address-pools-nearly-used": ["4 of 4 subnets in use"],
    "default-bridge-icc": ["network bridge"],
    "engine-api-loopback": ["tcp://127.0.0.1:2376"],
    "engine-api-open": ["tcp://0.0.0.0:2375"],
    "engine-iptables-off": ["engine "],
    "userland-proxy": ["docker-proxy"],
}
# Findings of an engine with default settings that the hardened engine does not have.
SILENT = ("default-bridge-icc", "loopback-publish-exposed", "userland-proxy", "forwards-for-all")
_CARELESS = (
    "--iptables=false",
    "--host=tcp://0.0.0.0:2375",
    "--host=tcp://127.0.0.1:2376",
    # Setting it explicitly avoids a warning of 15 seconds at start.
    "--tls=false",
    "--default-address-pool=base=10.200.0.0/22,size=24",
)


def test_insecure_engine_has_findings() -> None:
    with DockerHost(*_CARELESS) as host:
        for name in "abcd":
            host.docker("network", "create", name)
        host.container("web", "--network=a", "--publish=127.0.0.1:8080:80")
        found = evaluate({"h1": look(host)})
        version = host.docker("version", "--format", "{{.Server.Version}}")
    wanted = {rule: [f"h1: {one}" for one in names] for rule, names in PLANTED.items()}
    wanted["engine-iptables-off"] = [f"h1: engine {version}"]
    assert {one["rule"]: objects(found, one["rule"]) for one in found} == wanted
    assert of(found, "engine-api-open")[0]["evidence"]["asks_for_certificates"] is False
    assert of(found, "userland-proxy")[0]["evidence"]["sockets"] == 1


def test_hardened_engine_has_no_findings() -> None:
    with DockerHost("--icc=false", "--userland-proxy=false") as host:
        uplink(host)
        network(host, "front", "172.30.1.0/24")
        network(host, "back", "10.9.8.0/24")
        host.container("web", "--network=front", "--publish=127.0.0.1:8080:80")
        host.container("db", "--network=back")
        host.sh("iptables -P FORWARD DROP")
        (found,) = of(evaluate({"h1": look(host)}), SILENT[1])
        assert found["object"] == "1 published on 127.0.0.0/8"
        assert found["evidence"]["some_of_them"] == ["web at 127.0.0.1:8080/tcp"]
        host.sh("iptables -t raw -I PREROUTING ! -i lo -d 127.0.0.0/8 -j DROP")
        assert evaluate({"h1": look(host)}) == []
