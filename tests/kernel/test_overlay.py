# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Traffic through VXLAN links between namespaces that represent hosts, with static entries only."""

from __future__ import annotations

from typing import Any

import pytest

from .sandbox import Sandbox

pytestmark = pytest.mark.libraries

_HOSTS = ("red", "blue", "green")


def _wire(box: Sandbox) -> None:
    """Connect three hosts with a bridge, with the addresses .1, .2 and .3 of each family."""
    box.netns("green")
    box.sh("ip link add wire type bridge mcast_snooping 0", "ip link set wire up")
    for number, host in enumerate(_HOSTS, 1):
        box.sh(
            f"ip link add w{number} type veth peer name eth0 netns {host}",
            f"ip link set w{number} master wire up",
            f"ip -n {host} addr add 192.0.2.{number}/24 dev eth0",
            f"ip -n {host} addr add 2001:db8::{number}/64 dev eth0 nodad",
            f"ip -n {host} link set eth0 up",
        )


def _address(number: int, version: int) -> str:
    return f"192.0.2.{number}" if version == 4 else f"2001:db8::{number}"


def _vtep(number: int, version: int, **more: Any) -> dict[str, Any]:
    """Return the declaration of a host: the overlay with each of the other hosts as a destination."""
    others = [other for other in (1, 2, 3) if other != number]
    return {
        "name": "x0",
        "netns": _HOSTS[number - 1],
        "parent_netns": _HOSTS[number - 1],
        "vni": 42,
        "local": _address(number, version),
        "fdb": [{"dst": _address(other, version)} for other in others],
        "up": True,
        **more,
    }


def _pings(box: Sandbox, netns: str, address: str) -> bool:
    """Return whether a ping is answered within about five seconds."""
    # A ping that fails early ("host unreachable") was resolved before the change, so it is repeated.
    asked = (box.run("ping", "-n", "-c", "1", "-W", "1", address, netns=netns, check=False) for _attempt in range(5))
    return any("1 received" in said for said in asked)


def _silent(box: Sandbox, netns: str, address: str) -> bool:
    """Return whether no answer arrives within a second."""
    return "1 received" not in box.run("ping", "-n", "-c", "1", "-w", "1", address, netns=netns, check=False)


@pytest.mark.parametrize("version", [4, 6])
def test_mesh_of_vxlan_links(box: Sandbox, version: int) -> None:
    """All hosts reach each other. A host is unreachable while it is removed from a list."""
    _wire(box)
    for number in (1, 2, 3):
        args = _vtep(number, version, addresses=[f"10.0.0.{number}/24"], mac=f"02:00:00:00:00:0{number}")
        assert box.module("vxlan", args).changed
    for number, host in enumerate(_HOSTS, 1):
        for other in {1, 2, 3} - {number}:
            assert _pings(box, host, f"10.0.0.{other}"), f"{host} does not reach 10.0.0.{other}"
    alone = _vtep(1, version, fdb=[{"dst": _address(2, version)}], learning=False)
    assert box.module("vxlan", alone).changed
    box.sh("ip -n red neigh flush dev x0", "bridge -n red fdb flush dev x0 self dynamic 2>/dev/null || true")
    assert _pings(box, "red", "10.0.0.2")
    # Learned entries remain until they expire, so the test uses a link with learning disabled.
    box.sh("ip -n red link set x0 down", "ip -n red link set x0 up", "ip -n green link set x0 down")
    assert _silent(box, "red", "10.0.0.3")
    box.sh("ip -n green link set x0 up")
    assert box.module("vxlan", _vtep(1, version, learning=True)).changed
    assert _pings(box, "red", "10.0.0.3")


@pytest.mark.parametrize("version", [4, 6])
def test_multicast_group_of_vxlan_links(box: Sandbox, version: int) -> None:
    _wire(box)
    for number, host in enumerate(_HOSTS, 1):
        args = _vtep(number, version, parent="eth0", group="239.1.1.1" if version == 4 else "ff05::7")
        args = {key: value for key, value in args.items() if key != "fdb"}
        assert box.module("vxlan", {**args, "addresses": [f"10.0.0.{number}/24"]}).changed
        assert host == args["netns"]
    assert _pings(box, "red", "10.0.0.2") and _pings(box, "green", "10.0.0.1")


def test_vxlan_links_join_bridges(box: Sandbox) -> None:
    """The veths of the containers are ports of the hosts' bridges, and the overlay joins the bridges."""
    _wire(box)
    box.netns("one", "two")
    for number, container in ((1, "one"), (2, "two")):
        host = _HOSTS[number - 1]
        assert box.module("bridge", {"name": "br0", "netns": host, "up": True}).changed
        assert box.module("vxlan", _vtep(number, 4, master="br0", mtu=1450)).changed
        near = {"name": "eth0", "netns": container, "addresses": [f"10.0.0.{number}/24"], "mtu": 1450, "up": True}
        assert box.module("veth", {**near, "peer": {"name": "p0", "netns": host, "master": "br0", "up": True}}).changed
    assert _pings(box, "one", "10.0.0.2") and _pings(box, "two", "10.0.0.1")
    assert not box.module("vxlan", _vtep(1, 4, master="br0", mtu=1450)).changed, "learned entries are no difference"


def test_vxlan_link_with_its_underlay_in_another_namespace(box: Sandbox) -> None:
    """The namespace of the link has no other path to the network."""
    _wire(box)
    box.netns("one")
    leg = {**_vtep(1, 4, addresses=["10.0.0.1/24"]), "netns": "one"}
    assert box.module("vxlan", leg).changed
    assert box.module("vxlan", _vtep(2, 4, addresses=["10.0.0.2/24"])).changed
    assert [link["ifname"] for link in box.ip("link", netns="one")] == ["lo", "x0"]
    assert _pings(box, "one", "10.0.0.2") and _pings(box, "blue", "10.0.0.1")
    assert not box.module("vxlan", leg).changed


def test_static_entries_prevent_flooding(box: Sandbox) -> None:
    """With a neighbor and a forwarding entry for each host, no request is flooded and nothing is learned."""
    _wire(box)
    for number in (1, 2):
        other = 3 - number
        entries = [{"mac": f"02:00:00:00:00:0{other}", "dst": _address(other, 4)}]
        link = _vtep(number, 4, fdb=entries, learning=False, addresses=[f"10.0.0.{number}/24", f"fd00::{number}/64"])
        assert box.module("vxlan", {**link, "mac": f"02:00:00:00:00:0{number}"}).changed
        known = [
            {"dst": dst, "mac": f"02:00:00:00:00:0{other}", "dev": "x0"}
            for dst in (f"10.0.0.{other}", f"fd00::{other}")
        ]
        assert box.module("netns", {"name": _HOSTS[number - 1], "neighbours": known}).changed
    assert _pings(box, "red", "10.0.0.2") and _pings(box, "red", "fd00::2")
    assert [entry["dst"] for entry in box.bridge("fdb", "show", "dev", "x0", netns="red") if "dst" in entry] == [
        "192.0.2.2"
    ]
    assert box.module("netns", {"name": "red", "neighbours": []}).changed
    assert _silent(box, "red", "10.0.0.2")
