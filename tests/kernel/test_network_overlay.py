# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks of a Swarm with one node: state on the manager, and recreation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .docker_host import DockerHost

pytestmark = [pytest.mark.engine, pytest.mark.libraries]

VNI = "com.docker.network.driver.overlay.vxlanid_list"
POOL = {"subnet": "10.44.0.0/24", "gateway": "10.44.0.1"}
WANTED: dict[str, Any] = {"name": "far", "driver": "overlay", "attachable": True, "ipam_config": [POOL]}


def soon(look: Callable[[], Any], seconds: float = 30) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture(scope="module")
def swarm() -> Iterator[DockerHost]:
    """Return a host that is a single-node Swarm."""
    with DockerHost() as found:
        found.sh("ip link add eth0 type veth peer name wire", "ip link set eth0 up", "ip link set wire up")
        found.sh("ip address add 192.0.2.1/24 dev eth0")
        found.docker("swarm", "init", "--advertise-addr", "192.0.2.1")
        # Its default networks are created a little later.
        soon(lambda: found.inspect("network", "ingress") and found.inspect("network", "docker_gwbridge"))
        before = None
        while before != (before := found.all_networks()):
            time.sleep(1)
        yield found
        found.docker("swarm", "leave", "--force")


@pytest.fixture
def host(swarm: DockerHost) -> Iterator[DockerHost]:
    """Return the host, and remove everything but the Swarm's own networks."""
    yield swarm
    swarm.sh("docker ps -aq | xargs -r docker rm -f", "rm -rf /var/lib/netfleet.docker/networks")
    soon(lambda: not left_after_removal(swarm))


def left_after_removal(swarm: DockerHost) -> str:
    """Remove all removable networks and return the rest; Swarm networks are removed after a while."""
    names = (
        "docker network ls --filter type=custom --format '{{.Name}}' | grep -vE '^(ingress|docker_gwbridge)$' || true"
    )
    swarm.sh(f"for name in $({names}); do docker network rm $name || true; done")
    return swarm.sh(names)


def test_overlay_is_created_changed_and_removed(host: DockerHost) -> None:
    assert host.applied(**WANTED, labels={"a": "b"}).changed
    said = host.inspect("network", "far")
    assert (said["Driver"], said["Scope"], said["Attachable"]) == ("overlay", "swarm", True)
    assert said["IPAM"]["Config"] == [{"Subnet": "10.44.0.0/24", "Gateway": "10.44.0.1"}]
    # The engine assigns a VXLAN ID, which is no difference if the options name none.
    assert said["Options"][VNI]
    assert not host.network(**WANTED, driver_options={}).changed
    assert host.applied(**WANTED, driver_options={VNI: "4444"}).changed
    changed = host.inspect("network", "far")
    assert (changed["Options"][VNI], changed["Labels"]) == ("4444", {"a": "b"})
    assert host.applied(name="far", state="absent").changed
    assert host.inspect("network", "far") is None


def test_recreation_reconnects_members_of_an_overlay(host: DockerHost) -> None:
    host.applied(**WANTED)
    host.container("web", "--network=far", "--ip=10.44.0.50", "--network-alias=anchor")
    host.container("db", "--network=far")
    before = host.endpoints("far")
    assert host.applied(**WANTED, labels={"a": "b"}, rebuild="safe").changed
    after = host.endpoints("far")
    keys = ("IPAddress", "MacAddress")
    assert {name: [end[key] for key in keys] for name, end in after.items()} == {
        name: [end[key] for key in keys] for name, end in before.items()
    }
    assert "anchor" in after["web"]["Aliases"]
    host.run("docker", "exec", "db", "ping", "-c1", "-W5", "anchor")


def test_network_of_a_service_is_kept(host: DockerHost) -> None:
    host.applied(**WANTED)
    image = "netfleet-test/busybox"
    host.docker(
        *("service", "create", "--detach", "--quiet", "--name", "svc", "--network", "far"),
        *("--endpoint-mode", "dnsrr", "--no-resolve-image", image, "sleep", "86400"),
    )
    running = ("ps", "-q", "--filter", "label=com.docker.swarm.service.name=svc")
    try:
        soon(lambda: host.docker(*running))
        before = host.inspect("network", "far")
        for args in ({**WANTED, "labels": {"a": "b"}}, {"name": "far", "state": "absent"}):
            failed = host.network(**args)
            assert failed.failed
            assert "svc.1." in failed.msg
        assert host.inspect("network", "far") == before
    finally:
        host.docker("service", "rm", "svc")
        soon(lambda: not host.docker(*running))


def test_driver_changes_between_overlay_and_bridge(host: DockerHost) -> None:
    host.applied(**WANTED)
    assert host.applied(name="far", driver="bridge").changed
    assert host.inspect("network", "far")["Driver"] == "bridge"
    assert host.applied(name="far", driver="overlay").changed
    assert host.inspect("network", "far")["Scope"] == "swarm"


def test_macvlan_network_of_swarm_scope(host: DockerHost) -> None:
    configuration: dict[str, Any] = {
        "name": "conf",
        "config_only": True,
        "driver_options": {"parent": "wire"},
        "ipam_config": [POOL],
    }
    host.applied(**configuration)
    host.applied(name="far", driver="macvlan", config_from="conf", scope="swarm", attachable=True)
    said = host.inspect("network", "far")
    assert (said["Driver"], said["Scope"], said["ConfigFrom"]) == ("macvlan", "swarm", {"Network": "conf"})
    host.container("web", "--network=far")
    assert host.endpoints("far")["web"]["IPAddress"].startswith("10.44.0.")
