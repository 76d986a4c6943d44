# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several Docker networks in one call on a real engine: docker(1) and ip(8) are the witnesses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .docker_host import DockerHost
from .sandbox import Result

pytestmark = [pytest.mark.engine, pytest.mark.libraries]

Row = dict[str, Any]


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerHost]:
    """Return a host with an engine for all tests of this file."""
    with DockerHost() as found:
        yield found


@pytest.fixture
def host(engine: DockerHost) -> Iterator[DockerHost]:
    """Return the host, and remove everything afterwards."""
    yield engine
    engine.sh(
        "docker ps -aq | xargs -r docker rm -f",
        "docker network ls --filter type=custom -q | xargs -r docker network rm || true",
        "rm -rf /var/lib/netfleet.docker/networks",
    )


def bridge(name: str, subnet: str, **more: Any) -> Row:
    options = {"com.docker.network.bridge.name": f"br-{name}"}
    return {"name": name, "driver_options": options, "ipam_config": [{"subnet": subnet}], **more}


def apply(host: DockerHost, *networks: Row, check_mode: bool = False) -> Result:
    return host.module("networks", {"networks": list(networks)}, check=check_mode)


def names(host: DockerHost) -> set[str]:
    return set(host.docker("network", "ls", "--filter", "type=custom", "--format", "{{.Name}}").split())


ONE, TWO = bridge("one", "10.41.0.0/24"), bridge("two", "10.42.0.0/24")


def test_networks_are_created_in_one_call_and_a_second_call_changes_nothing(host: DockerHost) -> None:
    found = apply(host, ONE, TWO)
    assert found.changed
    assert [network["Name"] for network in found.data["networks"]] == ["one", "two"]
    assert names(host) == {"one", "two"}
    links = {link["ifname"] for link in host.ip("link", "show", "type", "bridge")}
    assert {"br-one", "br-two"} <= links
    again = apply(host, ONE, TWO)
    assert (again.changed, again.data["operations"]) == (False, [])
    assert [network["Id"] for network in again.data["networks"]] == [
        network["Id"] for network in found.data["networks"]
    ]


def test_check_mode_returns_the_same_operations_and_changes_nothing(host: DockerHost) -> None:
    foretold = apply(host, ONE, TWO, check_mode=True)
    assert names(host) == set()
    done = apply(host, ONE, TWO)
    assert foretold.data["operations"] == done.data["operations"]
    assert set(done.data["diff"]["after"]) == set(foretold.data["diff"]["after"]) == {"one", "two"}


def test_only_the_network_that_differs_is_recreated_with_its_members(host: DockerHost) -> None:
    before = apply(host, ONE, TWO).data["networks"]
    host.container("web", "--network", "two")
    host.container("other", "--network", "one")
    found = apply(host, ONE, {**TWO, "internal": True})
    assert list(found.data["diff"]["before"]) == ["two"]
    assert found.data["networks"][0]["Id"] == before[0]["Id"]
    assert found.data["networks"][1]["Id"] != before[1]["Id"]
    assert set(host.endpoints("two")) == {"web"}
    assert set(host.endpoints("one")) == {"other"}


def test_networks_are_removed_before_others_use_their_subnet(host: DockerHost) -> None:
    apply(host, ONE)
    assert apply(host, {"name": "one", "state": "absent"}, bridge("three", "10.41.0.0/24")).changed
    assert names(host) == {"three"}


def test_first_failure_ends_the_run_and_lists_the_applied_networks(host: DockerHost) -> None:
    taken = bridge("taken", "10.41.0.0/24")
    found = apply(host, ONE, taken, TWO)
    assert found.failed
    assert "taken: " in found.msg
    assert "Applied before, and kept: one." in found.msg
    assert found.data["changed"]
    assert any("one" in line for line in found.data["operations"])
    assert names(host) == {"one"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "two", "ipam_config": [{"iprange": "10.42.0.0/25"}]}, "networks[1].ipam_config[0].subnet"),
        ({"name": "no/name"}, "networks[1].name"),
        ({"name": "one"}, "networks[1].name: one is listed twice"),
        ({"name": "two", "rebuild": "perhaps"}, "rebuild"),
    ],
)
def test_invalid_parameter_is_rejected_before_any_change(host: DockerHost, wrong: Row, words: str) -> None:
    found = apply(host, ONE, wrong)
    assert found.failed
    assert words in found.msg
    assert names(host) == set()


def test_missing_container_is_reported_with_its_network(host: DockerHost) -> None:
    found = apply(host, ONE, {**TWO, "connected": ["nobody"]})
    assert found.failed
    assert "networks[1].connected: two: no such container: nobody" in found.msg
    assert names(host) == {"one"}


def test_links_of_the_host_are_applied_with_the_networks(host: DockerHost) -> None:
    host.sh("ip link add wire0 type veth peer name wire1", "ip link set wire0 up", "ip link set wire1 up")
    access = {
        "name": "wire-host",
        "kind": "macvlan",
        "parent": "wire0",
        "mode": "bridge",
        "addresses": ["10.43.0.9/32"],
    }
    wire = {
        "name": "wire",
        "driver": "macvlan",
        "driver_options": {"parent": "wire0"},
        "ipam_config": [{"subnet": "10.43.0.0/24"}],
    }
    topology: Row = {"name": "wire", "state": "replaced", "links": [access]}
    try:
        done = host.module("networks", {"networks": [wire], "topology": topology})
        assert done.changed
        assert len(done.data["operations"]) > 1
        (link,) = host.ip("address", "show", "dev", "wire-host")
        assert [one["local"] for one in link["addr_info"] if one["family"] == "inet"] == ["10.43.0.9"]
        assert not host.module("networks", {"networks": [wire], "topology": topology}).changed
        assert host.module("networks", {"networks": [wire], "topology": {**topology, "links": []}}).changed
        assert not [one for one in host.ip("link", "show") if one["ifname"] == "wire-host"]
        wrong = host.module(
            "networks", {"networks": [ONE], "topology": {**topology, "links": [{**access, "mtu": "big"}]}}
        )
        assert wrong.failed
        assert "topology" in wrong.msg
        assert names(host) == {"wire"}
    finally:
        host.sh("docker network rm wire || true", "ip link del wire0")


def test_recreation_is_reported_with_its_members(host: DockerHost) -> None:
    apply(host, ONE)
    host.container("web", "--network=one")
    host.container("db", "--network=one")
    host.docker("create", "--name=off", "--network=one", "netfleet-test/busybox", "true")
    line = "RECREATE network one: 2 members interrupted (db, web)"
    for check_mode in (True, False):
        found = apply(host, {**ONE, "labels": {"a": "b"}}, TWO, check_mode=check_mode)
        assert found.data["effects"] == {
            "created": ["two"],
            "changed": [],
            "recreated": ["one"],
            "deleted": [],
            "interrupted": ["db", "web"],
        }
        assert found.data["diff"]["after"]["one"]["effect"] == line
        assert line in str(found.data["warnings"])


def test_running_containers_are_not_interrupted_without_permission(host: DockerHost) -> None:
    apply(host, ONE)
    host.container("web", "--network=one")
    before = host.docker("network", "inspect", "one")
    wanted = [TWO, {**ONE, "labels": {"a": "b"}}, bridge("three", "10.43.0.0/24")]
    held = host.module("networks", {"networks": wanted, "interrupt": False})
    assert held.data["held"]
    assert held.data["operations"] == ["create bridge network two"]
    assert names(host) == {"one", "two"}
    assert host.docker("network", "inspect", "one") == before
    done = apply(host, *wanted)
    assert not done.data["held"]
    assert names(host) == {"one", "two", "three"}
    # A network without running containers is recreated.
    host.docker("rm", "-f", "web")
    assert not host.module("networks", {"networks": [{**ONE, "labels": {"a": "c"}}], "interrupt": False}).data["held"]
