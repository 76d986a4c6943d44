# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Veth pairs that differ from the declaration: moved ends, unmanaged links with the same name, dependent addresses."""

from __future__ import annotations

import itertools

import pytest

from .quartet import assert_there, converge, look, refused
from .sandbox import Sandbox

_PAIR = {
    "name": "a0",
    "netns": "red",
    "up": True,
    "addresses": ["192.0.2.1/24", "2001:db8::1/64"],
    "peer": {"name": "b0", "netns": "blue", "up": True, "addresses": ["192.0.2.2/24"], "altnames": ["far"]},
}
_THERE = {
    ("red", "a0"): {"kind": "veth", "up": True, "addresses": ["192.0.2.1/24", "2001:db8::1/64"]},
    ("blue", "b0"): {"kind": "veth", "up": True, "addresses": ["192.0.2.2/24"], "altnames": ["far"]},
}


@pytest.mark.parametrize("end", ["near", "far"])
@pytest.mark.parametrize("where", ["green", "host", "process"])
def test_end_in_another_namespace_is_moved_back(box: Sandbox, end: str, where: str) -> None:
    """The other namespace is not declared and may have no name. The link is kept."""
    box.netns("green")
    box.module("veth", _PAIR)
    place = f"pid:{box.process()}" if where == "process" else where
    target = {"green": "green", "host": "1"}.get(where, place.partition(":")[2])
    name, home = ("a0", "red") if end == "near" else ("b0", "blue")
    before = look(box, home, name)
    box.sh(f"ip -n {home} link set {name} netns {target}")
    done = converge(box, "veth", _PAIR, *([place] if where == "process" else []))
    assert done.operations()[0] == "move" and "create" not in done.operations()
    assert_there(box, {**_THERE, (place, name): None})
    after = look(box, home, name)
    assert before and after and before["mac"] == after["mac"]


def test_pair_moved_elsewhere_is_not_reused(box: Sandbox) -> None:
    """Nothing in the declared namespaces refers to the moved pair, so a new pair is created and the old one kept."""
    box.sh("ip link add a0 type veth peer name b0")
    converge(box, "veth", _PAIR)
    assert_there(box, {**_THERE, ("host", "a0"): {"kind": "veth"}, ("host", "b0"): {"kind": "veth"}})


@pytest.mark.parametrize(
    "lines, word",
    [
        (["ip -n blue link add b0 type bridge"], "b0 in blue is a bridge, not a veth"),
        (["ip -n red link add a0 type ifb"], "a0 in red is a ifb, not a veth"),
        (["ip link add a0 netns red type veth peer name other"], "a0 in red has the peer other in host"),
        (
            ["ip -n red link add a0 type veth peer name b0", "ip -n blue link add b0 type ifb"],
            "already exists at b0 in blue",
        ),
        (
            ["ip link add a0 netns red type veth peer name b0", "ip link add b0 netns blue type veth peer name a0"],
            "another link already exists at b0 in blue",
        ),
    ],
    ids=[
        "bridge in place of the peer",
        "ifb in place of the link",
        "another peer",
        "moved and replaced",
        "ends of two pairs",
    ],
)
def test_unmanaged_link_is_rejected_or_replaced(box: Sandbox, lines: list[str], word: str) -> None:
    box.sh(*lines)
    refused(box, "veth", _PAIR, word, "recreate")
    done = converge(box, "veth", {**_PAIR, "recreate": True})
    assert "delete" in done.operations()
    assert_there(box, _THERE)


def test_removal_keeps_an_unmanaged_link(box: Sandbox) -> None:
    box.sh("ip -n red link add a0 type bridge", "ip link add x netns blue type veth peer name b0")
    refused(
        box,
        "veth",
        {"name": "a0", "netns": "red", "state": "absent"},
        "a0 in red is a bridge, not a veth; it was not deleted",
    )
    gone = {"name": "none", "netns": "red", "state": "absent", "peer": {"name": "x", "netns": "blue"}}
    assert not box.module("veth", gone).changed
    assert_there(box, {("red", "a0"): {"kind": "bridge"}, ("blue", "x"): {"kind": "veth"}})


def test_removal_finds_the_pair_by_its_peer(box: Sandbox) -> None:
    box.module("veth", _PAIR)
    box.sh("ip -n red link set a0 netns 1")
    gone = {"name": "a0", "netns": "red", "state": "absent", "peer": {"name": "b0", "netns": "blue"}}
    converge(box, "veth", gone)
    assert_there(box, {("host", "a0"): None, ("blue", "b0"): None})


def test_removal_without_the_namespaces(box: Sandbox) -> None:
    gone = {"name": "a0", "netns": "nowhere", "state": "absent", "peer": {"name": "b0", "netns": "pid:99999"}}
    assert not box.module("veth", gone).changed
    assert not box.module("veth", gone, check=True).changed


@pytest.mark.parametrize("promote", [0, 1])
def test_secondary_addresses_in_any_order(box: Sandbox, promote: int) -> None:
    """Removing the primary IPv4 address of a subnet removes the secondary ones, unless the kernel promotes them."""
    box.sh(
        f"echo {promote} >/proc/sys/net/ipv4/conf/all/promote_secondaries",
        f"echo {promote} >/proc/sys/net/ipv4/conf/default/promote_secondaries",
        netns="red",
    )
    one, two, three, other = "192.0.2.1/24", "192.0.2.2/24", "192.0.2.3/24", "198.51.100.1/24"
    base = {"name": "a0", "netns": "red", "peer": {"name": "b0", "netns": "blue"}}
    box.module("veth", {**base, "addresses": [one, two, three, other]})
    steps = [
        [two, three],
        [three, one],
        [one, two, three, other],
        [three],
        [two, one, other],
        [other],
        [],
        [three, two],
    ]
    for addresses in steps:
        converge(box, "veth", {**base, "addresses": addresses})
        there = look(box, "red", "a0")
        assert there and sorted(there["addresses"]) == sorted(addresses)
    for order in itertools.permutations([three, two]):
        assert not box.module("veth", {**base, "addresses": list(order)}).changed


def test_duplicate_address_is_an_error(box: Sandbox) -> None:
    """Duplicate address detection takes one or two seconds, and the module waits for the result."""
    box.netns("green", "white", dad=True)
    ends = {"name": "a0", "netns": "green", "up": True, "peer": {"name": "b0", "netns": "white", "up": True}}
    box.module("veth", ends)
    box.sh("ip -n white addr add 2001:db8::1/64 dev b0 nodad")
    result = box.module("veth", {**ends, "addresses": ["2001:db8::1/64"]})
    assert result.failed
    for word in ("duplicate address", "2001:db8::1/64", "a0 in green"):
        assert word in result.msg
    unique = {**ends, "addresses": ["2001:db8::2/64"]}
    assert box.module("veth", unique).changed
    shown = {one["local"]: one for one in box.ip("addr", "show", "a0", netns="green")[0]["addr_info"]}
    assert "tentative" not in shown["2001:db8::2"] and "2001:db8::1" not in shown
    assert not box.module("veth", unique).changed


def test_duplicate_address_remains_an_error(box: Sandbox) -> None:
    """A second run does not accept an address that failed duplicate address detection."""
    box.netns("green", "white", dad=True)
    ends = {"name": "a0", "netns": "green", "up": True, "peer": {"name": "b0", "netns": "white", "up": True}}
    box.module("veth", ends)
    box.sh("ip -n white addr add 2001:db8::1/64 dev b0 nodad")
    for _attempt in range(2):
        assert "duplicate address" in box.module("veth", {**ends, "addresses": ["2001:db8::1/64"]}).msg


def test_link_local_addresses_of_the_kernel_are_kept(box: Sandbox) -> None:
    ends = {"name": "a0", "netns": "red", "up": True, "peer": {"name": "b0", "netns": "blue", "up": True}}
    box.module("veth", ends)

    def link_local() -> list[str]:
        shown = box.ip("addr", "show", "a0", netns="red")[0]["addr_info"]
        return [one["local"] for one in shown if one["local"].startswith("fe80")]

    box.sh("for n in $(seq 50); do ip -n red -6 addr show a0 | grep -q fe80 && exit; sleep 0.1; done; false")
    own = link_local()
    assert len(own) == 1
    for addresses in (["fe80::5/64"], ["2001:db8::1/64"], []):
        converge(box, "veth", {**ends, "addresses": addresses})
        assert own[0] in link_local()
    assert link_local() == own
    assert not box.module("veth", {**ends, "addresses": []}).changed
