# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links and networks that a run refuses to remove without force: those of Docker and of the SSH connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from .docker_host import DockerHost
from .sandbox import Sandbox

pytestmark = pytest.mark.engine

SERVER = "198.51.100.2"
CONNECTION = f"198.51.100.1 50000 {SERVER} 22"
# Like sudo, it removes the variable from the environment of the module, but not from that of a parent process.
LIKE_SUDO = ("sh", "-c", 'env -u SSH_CONNECTION "$@"; exit $?', "sh")


@pytest.fixture(scope="module")
def docker() -> Iterator[DockerHost]:
    """Return a host with a network, a container in it, and unmanaged links in the container and on the bridge."""
    with DockerHost() as host:
        host.docker("network", "create", "shop")
        host.docker("network", "create", "-o", "com.docker.network.bridge.name=custom", "named")
        host.container("web", "--network=shop")
        host.sh("ip link add br-0123456789ab type bridge")
        yield host


def bridge_of(host: DockerHost) -> str:
    return f"br-{host.inspect('network', 'shop')['Id'][:12]}"


def veth_of(host: DockerHost) -> str:
    (link,) = [one for one in host.ip("link") if one.get("master") == bridge_of(host)]
    return str(link["ifname"])


def links_of(host: DockerHost) -> Any:
    """Return the links of the host and of its container."""
    return [(one["ifindex"], one["ifname"]) for one in host.ip("link")], host.docker("exec", "web", "ip", "addr")


def refusals(host: DockerHost) -> dict[str, tuple[str, Mapping[str, Any], str]]:
    """Return runs by name: the module, its parameters, and a part of the message."""
    network, container = "the link belongs to the bridge of Docker network", "the link belongs to container web"
    absent = {"state": "absent"}
    return {
        "bridge": ("bridge", {"name": bridge_of(host), **absent}, f"{network} shop"),
        "docker0": ("topology", {"links": [{"name": "docker0", "kind": "bridge"}], **absent}, f"{network} bridge"),
        "custom name": ("bridge", {"name": "custom", **absent}, f"{network} named"),
        "replaced": (
            "topology",
            {"links": [{"name": "docker0", "kind": "ifb", "recreate": True}]},
            f"{network} bridge",
        ),
        "host end": ("veth", {"name": veth_of(host), **absent}, container),
        "container end": ("veth", {"name": "eth0", "netns": "container:web", **absent}, container),
        "recreated": ("macvlan", {"name": "eth0", "netns": "container:web", "parent": "lo", "recreate": True}, ""),
    }


@pytest.mark.parametrize(
    "case", ["bridge", "docker0", "custom name", "replaced", "host end", "container end", "recreated"]
)
def test_links_of_docker_are_not_removed(docker: DockerHost, case: str) -> None:
    module, args, words = refusals(docker)[case]
    before = links_of(docker)
    for check in (True, False):
        done = docker.module(module, args, check=check)
        assert done.failed and words in done.msg, done.msg
    assert links_of(docker) == before


def test_own_links_are_removed(docker: DockerHost) -> None:
    """Not refused: a bridge with a name that Docker could choose, and a pair that reaches into a container."""
    pair = {"name": "tap0", "peer": {"name": "lan0", "netns": "container:web"}}
    assert docker.module("veth", {**pair, "master": "docker0"}).changed
    assert docker.module("veth", {"name": "lan0", "netns": "container:web", "state": "absent"}).changed
    assert docker.module("bridge", {"name": "br-0123456789ab", "state": "absent"}).changed
    assert not {"tap0", "br-0123456789ab"} & {one["ifname"] for one in docker.ip("link")}


def test_links_of_docker_are_removed_with_force() -> None:
    with DockerHost() as host:
        assert host.module("bridge", {"name": "docker0", "state": "absent", "force": True}).changed
        assert "docker0" not in {one["ifname"] for one in host.ip("link")}


def test_without_an_engine_bridges_are_recognized_by_name(box: Sandbox) -> None:
    box.sh("ip link add br-0123456789ab type bridge")
    done = box.module("bridge", {"name": "br-0123456789ab", "state": "absent"})
    assert done.failed and "a bridge of Docker, by its name br-0123456789ab" in done.msg
    assert box.module("bridge", {"name": "br-0123456789ab", "state": "absent", "force": True}).changed


def test_networks_of_swarm_are_not_removed(docker: DockerHost) -> None:
    docker.docker("network", "create", "docker_gwbridge")
    for args in ({"state": "absent"}, {"internal": True}):
        done = docker.network(name="docker_gwbridge", **args)
        assert done.failed and "docker_gwbridge belongs to Swarm and is not " in done.msg
    assert docker.inspect("network", "docker_gwbridge")
    assert docker.network(name="docker_gwbridge", state="absent", force=True).changed


def test_network_with_the_ssh_connection_is_not_removed(docker: DockerHost) -> None:
    gateway = docker.inspect("network", "shop")["IPAM"]["Config"][0]["Gateway"]
    args = {"name": "shop", "state": "absent", "_ansible_check_mode": True}
    done = docker.fresh("network", args, *LIKE_SUDO, SSH_CONNECTION=f"192.0.2.9 50000 {gateway} 22")
    assert done.failed and f"network shop carries the SSH connection to {gateway} and is not deleted" in done.msg
    assert docker.inspect("network", "shop")


# Links that lead to the server's address, and the runs that would interrupt it.
LINKS = {
    "plain": ["ip link add up0 type ifb", f"ip addr add {SERVER}/24 dev up0"],
    "parent": [
        "ip link add up0 type ifb",
        "ip link add link up0 name over type macvlan",
        f"ip addr add {SERVER}/24 dev over",
    ],
    "bridge": [
        "ip link add up0 type vxlan id 5 dstport 4789",
        "ip link add lan type bridge",
        "ip link set up0 master lan",
        f"ip addr add {SERVER}/24 dev lan",
    ],
    "pair": [
        "ip link add up0 type veth peer name there netns red",
        f"ip addr add {SERVER}/24 dev up0",
    ],
    "parent of the other end": [
        "ip link add one type veth peer name there netns red",
        "ip link add link one name up0 type macvlan",
        f"ip addr add {SERVER}/24 dev up0",
    ],
    "later address": [
        "ip link add up0 type ifb",
        "ip addr add 198.51.100.9/24 dev up0",
        f"ip addr add {SERVER}/24 dev up0",
    ],
}
INTERRUPTIONS: dict[str, dict[str, Any]] = {
    "deleted": {"state": "absent", "links": [{"name": "up0", "kind": "ifb"}]},
    "recreated": {"links": [{"name": "up0", "kind": "bridge", "recreate": True}]},
    "down": {"links": [{"name": "up0", "up": False}]},
    "namespace": {"state": "absent", "namespaces": [{"name": "red"}]},
    "other end": {"state": "absent", "links": [{"name": "there", "netns": "red", "kind": "veth"}]},
}


@pytest.mark.parametrize(
    ("links", "change", "way"),
    [
        *((links, "deleted", ()) for links in ("plain", "parent", "bridge", "later address")),
        *(
            (links, change, ())
            for links in ("pair", "parent of the other end")
            for change in ("namespace", "other end")
        ),
        ("plain", "recreated", ()),
        ("plain", "down", ()),
        ("plain", "deleted", LIKE_SUDO),
    ],
)
def test_link_with_the_ssh_connection_is_not_interrupted(
    box: Sandbox, links: str, change: str, way: tuple[str, ...]
) -> None:
    args = INTERRUPTIONS[change]
    if links == "bridge" and change == "deleted":
        args = {"state": "absent", "links": [{"name": "up0", "kind": "vxlan"}]}
    box.sh(*LINKS[links], "ip link set up0 up")
    before = box.snapshot()
    done = box.fresh("topology", args, *way, SSH_CONNECTION=CONNECTION)
    assert done.failed and f"carries the SSH connection to {SERVER}; set force=true" in done.msg, done.msg
    assert box.snapshot() == before


def test_namespace_is_deleted_with_the_connection_only_with_force(box: Sandbox) -> None:
    absent = {"name": "red", "state": "absent"}
    box.sh(*LINKS["pair"], "ip link set up0 up")
    done = box.fresh("netns", absent, SSH_CONNECTION=CONNECTION)
    assert done.failed and f"up0 in host carries the SSH connection to {SERVER}; set force=true" in done.msg, done.msg
    assert box.fresh("netns", {**absent, "force": True}, SSH_CONNECTION=CONNECTION).changed
    assert "up0" not in {one["ifname"] for one in box.ip("link")}


def test_other_links_are_interrupted(box: Sandbox) -> None:
    """Without a connection, with the connection on another link, and with force."""
    box.sh(*LINKS["plain"], "ip link set up0 up", "ip link add other type ifb")
    down, absent = INTERRUPTIONS["down"], INTERRUPTIONS["deleted"]
    assert box.fresh("topology", down, "env", "-u", "SSH_CONNECTION").changed
    box.sh("ip link set up0 up")
    other = {"state": "absent", "links": [{"name": "other", "kind": "ifb"}]}
    assert box.fresh("topology", other, SSH_CONNECTION=CONNECTION).changed
    assert box.fresh("topology", {**absent, "force": True}, SSH_CONNECTION=CONNECTION).changed
    assert {one["ifname"] for one in box.ip("link")} == {"lo"}
