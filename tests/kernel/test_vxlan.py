# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""VXLAN links: local and remote underlay namespaces, IPv4 and IPv6, and forwarding entries."""

from __future__ import annotations

import os
from typing import Any

import pytest

from .quartet import Case, assert_met, assert_there, converge, forwarding, look, quartet, refused
from .sandbox import Sandbox
from .snapshot import assert_same

pytestmark = pytest.mark.libraries

_PARENT = ("ip link add p0 mtu 9000 type ifb", "ip link set p0 up", "ip addr add 192.0.2.1/24 dev p0")
_FLOOD = "00:00:00:00:00:00"
_MAC_1, _MAC_2, _GROUP_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02", "01:00:5e:00:00:01"

_SAME_NAMESPACE = Case(
    "parent in the same namespace, every option",
    {
        "name": "x0",
        "vni": 16777215,
        "port": 8472,
        "parent": "p0",
        "local": "192.0.2.1",
        "remote": "192.0.2.9",
        "mac": "02:00:00:00:00:01",
        "mtu": 1400,
        "addresses": ["10.0.0.1/24", "2001:db8::1/64"],
        "up": True,
        "alias": "overlay",
        "altnames": ["over"],
        "learning": False,
        "proxy": True,
        "rsc": True,
        "l2miss": True,
        "l3miss": True,
        "ttl": 9,
        "tos": 4,
        "df": "set",
        "ageing": 77,
        "limit": 100,
        "udp_checksum": False,
        "udp_zero_checksum6_tx": True,
        "udp_zero_checksum6_rx": True,
    },
    {
        ("host", "x0"): {
            "kind": "vxlan",
            "id": 16777215,
            "udp_port": 8472,
            "link": "p0",
            "local": "192.0.2.1",
            "remote": "192.0.2.9",
            "mac": "02:00:00:00:00:01",
            "mtu": 1400,
            "addresses": ["10.0.0.1/24", "2001:db8::1/64"],
            "up": True,
            "alias": "overlay",
            "altnames": ["over"],
            "learning": False,
            "proxy": True,
            "rsc": True,
            "l2miss": True,
            "l3miss": True,
            "ttl": 9,
            "tos": "0x4",
            "df": "set",
            "ageing": 77,
            "limit": 100,
            "udp_csum": False,
            "udp_zero_csum6_tx": True,
            "udp_zero_csum6_rx": True,
        }
    },
    {
        "local": "192.0.2.2",
        "remote": "192.0.2.8",
        "learning": True,
        "ttl": 0,
        "tos": 1,
        "df": "unset",
        "ageing": 300,
        "mtu": 8950,
        "addresses": [],
    },
    {
        ("host", "x0"): {
            "local": "192.0.2.2",
            "remote": "192.0.2.8",
            "learning": True,
            "ttl": 0,
            "tos": "0x1",
            "df": "unset",
            "ageing": 300,
            "mtu": 8950,
            "addresses": [],
        }
    },
    prepare=_PARENT,
)

_OTHER_NAMESPACE = Case(
    "underlay in another namespace, without a parent",
    {"name": "x0", "netns": "red", "vni": 7, "parent_netns": "blue", "local": "192.0.2.1", "up": True},
    {("red", "x0"): {"kind": "vxlan", "id": 7, "udp_port": 4789, "local": "192.0.2.1", "up": True, "mtu": 1500}},
    {"local": "", "remote": "192.0.2.7"},
    {("red", "x0"): {"local": None, "remote": "192.0.2.7", "up": True}},
)

_FAR_PARENT = Case(
    "parent in another namespace, with a name that is in use here",
    {"name": "x0", "netns": "red", "vni": 7, "parent": "p0", "parent_netns": "host", "remote": "192.0.2.7"},
    {("red", "x0"): {"kind": "vxlan", "id": 7, "remote": "192.0.2.7", "mtu": 8950}},
    {"remote": "", "up": True},
    {("red", "x0"): {"remote": None, "up": True}},
    prepare=(*_PARENT, "ip -n red link add p0 type ifb"),
)

_TO_THE_HOST = Case(
    "underlay in a named namespace, link in the host",
    {"name": "x0", "vni": 0, "parent_netns": "red", "remote": "2001:db8::7"},
    {("host", "x0"): {"kind": "vxlan", "id": 0, "remote6": "2001:db8::7"}},
    {"remote": "2001:db8::8", "local": "2001:db8::1", "mac": _MAC_1},
    {("host", "x0"): {"remote6": "2001:db8::8", "local6": "2001:db8::1", "mac": _MAC_1}},
)

_MULTICAST = Case(
    "a multicast group",
    {"name": "x0", "vni": 7, "parent": "p0", "group": "239.1.1.1", "up": True},
    {("host", "x0"): {"kind": "vxlan", "group": "239.1.1.1", "link": "p0"}},
    {"ttl": 5, "fdb": [{"dst": "192.0.2.5"}]},
    {("host", "x0"): {"group": "239.1.1.1", "ttl": 5}},
    prepare=_PARENT,
)

_MULTICAST_6 = Case(
    "an IPv6 multicast group",
    {"name": "x0", "vni": 7, "parent": "p0", "group": "FF05::7", "local": "2001:db8::1"},
    {("host", "x0"): {"kind": "vxlan", "group6": "ff05::7", "local6": "2001:db8::1", "link": "p0", "mtu": 8930}},
    {"up": True},
    {("host", "x0"): {"group6": "ff05::7", "up": True}},
    prepare=_PARENT,
)

_PORT = Case(
    "a port of a bridge",
    {"name": "x0", "vni": 7, "netns": "red", "master": "br0", "up": True, "fdb": [{"dst": "192.0.2.7"}]},
    {("red", "x0"): {"kind": "vxlan", "master": "br0", "up": True}},
    {"master": "", "fdb": []},
    {("red", "x0"): {"master": ""}},
    prepare=("ip -n red link add br0 address 02:00:00:00:00:0b type bridge",),
)

_CASES = [_SAME_NAMESPACE, _OTHER_NAMESPACE, _FAR_PARENT, _TO_THE_HOST, _MULTICAST, _MULTICAST_6, _PORT]


@pytest.mark.parametrize("case", _CASES, ids=str)
def test_create_change_and_remove(box: Sandbox, case: Case) -> None:
    quartet(box, "vxlan", case)


# The IP version does not depend on the namespaces.
@pytest.mark.parametrize(
    "netns, underlay, version", [("host", "host", 4), ("red", "red", 6), ("red", "host", 4), ("host", "red", 6)]
)
def test_forwarding_entries(box: Sandbox, netns: str, underlay: str, version: int) -> None:
    """Exact lists with several default destinations, appended entries, and a MAC address that moves."""
    one, two, three = (f"192.0.2.{number}" if version == 4 else f"2001:db8::{number}" for number in (1, 2, 3))
    base = {"name": "x0", "netns": netns, "parent_netns": underlay, "vni": 7, "local": one, "up": True}

    def converged(entries: list[dict[str, Any]], *shown: str, **more: Any) -> None:
        before = look(box, netns, "x0")
        converge(box, "vxlan", {**base, "fdb": entries, **more})
        assert forwarding(box, netns, "x0") == sorted(shown)
        now = look(box, netns, "x0")
        assert before is None or now is None or before["index"] == now["index"]

    converged([{"dst": two}, {"dst": three}], f"{_FLOOD} {two}", f"{_FLOOD} {three}")
    converged([{"dst": three}, {"mac": _MAC_1, "dst": two}], f"{_FLOOD} {three}", f"{_MAC_1} {two}")
    converged([{"mac": _MAC_1.upper(), "dst": three, "port": 99, "vni": 8}], f"{_MAC_1} {three} 99 8")
    converged([{"mac": _MAC_2, "dst": two}], f"{_MAC_1} {three} 99 8", f"{_MAC_2} {two}", fdb_append=True)
    converged([{"mac": _MAC_2, "dst": three}], f"{_MAC_1} {three} 99 8", f"{_MAC_2} {three}", fdb_append=True)
    same = [{"mac": _MAC_1, "dst": three, "port": 99, "vni": 8}, {"mac": _MAC_2, "dst": three, "port": 4789, "vni": 7}]
    assert_met(box, "vxlan", {**base, "fdb": same})
    converged(
        [
            {"dst": two, "port": 1},
            {"dst": two, "vni": 9},
            {"mac": _GROUP_MAC, "dst": two},
            {"mac": _GROUP_MAC, "dst": one},
        ],
        f"{_FLOOD} {two} 1",
        f"{_FLOOD} {two} 9",
        f"{_GROUP_MAC} {one}",
        f"{_GROUP_MAC} {two}",
    )
    converged([])


def test_entries_with_an_outgoing_link(box: Sandbox) -> None:
    """An entry whose link is gone can only be removed with all entries of its MAC address. The others are restored."""
    box.sh(*_PARENT, "ip link add p1 type ifb")
    base = {"name": "x0", "vni": 7, "parent": "p0"}
    entries = [
        {"dst": "192.0.2.7", "via": "p1"},
        {"dst": "192.0.2.7"},
        {"mac": _MAC_1, "dst": "192.0.2.7", "via": "p0"},
    ]
    converge(box, "vxlan", {**base, "fdb": entries})
    shown = [f"{_FLOOD} 192.0.2.7", f"{_FLOOD} 192.0.2.7 p1", f"{_MAC_1} 192.0.2.7 p0"]
    assert forwarding(box, "host", "x0") == shown
    box.sh("ip link del p1")
    assert "no such link: p1 in host" in box.module("vxlan", {**base, "fdb": entries}).msg
    assert_met(box, "vxlan", {**base, "fdb": entries[1:], "fdb_append": True})
    converge(box, "vxlan", {**base, "fdb": entries[1:]})
    assert forwarding(box, "host", "x0") == [shown[0], shown[2]]
    far = {**base, "name": "x1", "netns": "red", "parent_netns": "host"}
    refused(box, "vxlan", {**far, "vni": 8, "fdb": [{"dst": "192.0.2.7", "via": "lo"}]}, "via", "one namespace")


@pytest.mark.parametrize("own", [{"remote": "192.0.2.9"}, {"group": "239.1.1.1"}])
def test_entry_of_the_remote_is_not_managed(box: Sandbox, own: dict[str, str]) -> None:
    """An empty list keeps it, and a list that contains it is no change, also after the other parent was removed."""
    (address,) = own.values()
    box.sh(*_PARENT, "ip link add p1 type ifb")
    base = {"name": "x0", "vni": 7, "parent": "p0", **own}
    converge(box, "vxlan", {**base, "fdb": []})
    assert forwarding(box, "host", "x0") == [f"{_FLOOD} {address} p0"]
    assert_met(box, "vxlan", {**base, "fdb": [{"dst": address}]})
    converge(box, "vxlan", {**base, "fdb": [{"dst": "192.0.2.7", "via": "p1"}]})
    box.sh("ip link del p1")
    converge(box, "vxlan", {**base, "fdb": []})
    assert forwarding(box, "host", "x0") == [f"{_FLOOD} {address} p0"]


def test_entries_of_other_programs_are_kept(box: Sandbox) -> None:
    """Learned entries, those of a routing daemon, and those of a bridge for its port."""
    box.sh(
        "ip link add br0 type bridge",
        "ip link add x0 master br0 type vxlan id 7 dstport 4789",
        f"bridge fdb add {_MAC_1} dev x0 dst 192.0.2.7 self dynamic",
        f"bridge fdb add {_MAC_2} dev x0 dst 192.0.2.7 self extern_learn",
        "bridge fdb add 02:00:00:00:00:03 dev x0 master static",
        "bridge fdb add 02:00:00:00:00:04 dev x0 dst 192.0.2.7 self static",
    )
    before = box.bridge("fdb", "show")
    args = {"name": "x0", "vni": 7}
    converge(box, "vxlan", {**args, "fdb": []})
    left = [entry["mac"] for entry in before if entry not in box.bridge("fdb", "show")]
    assert left == ["02:00:00:00:00:04"]
    converge(box, "vxlan", {**args, "fdb": [{"mac": _MAC_1, "dst": "192.0.2.7"}, {"mac": _MAC_2, "dst": "192.0.2.8"}]})
    assert forwarding(box, "host", "x0") == [f"{_MAC_1} 192.0.2.7", f"{_MAC_2} 192.0.2.8"]


_FIXED: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"vni": 8}, ("has the vni 7, not 8",)),
    ({"port": 8472}, ("has the port 4789, not 8472",)),
    ({"proxy": True}, ("has the proxy False, not True",)),
    ({"rsc": True}, ("has the rsc",)),
    ({"l2miss": True}, ("has the l2miss",)),
    ({"l3miss": True}, ("has the l3miss",)),
    ({"limit": 5}, ("has the limit 0, not 5",)),
    ({"udp_checksum": False}, ("has the udp_checksum",)),
    ({"udp_zero_checksum6_tx": True}, ("has the udp_zero_checksum6_tx",)),
    ({"udp_zero_checksum6_rx": True}, ("has the udp_zero_checksum6_rx",)),
    ({"parent": "p0"}, ("has the parent none, not p0 in host",)),
    ({"parent_netns": "red"}, ("has its UDP socket in host, not in red",)),
    ({"parent": "p0", "group": "239.1.1.1"}, ("has the parent none",)),
    ({"local": "2001:db8::1"}, ("over IPv4",)),
]


@pytest.mark.parametrize("netns", ["blue", "host"] if os.environ.get("ALL") else ["blue"])
def test_options_are_changed_in_place_or_by_recreation(box: Sandbox, netns: str) -> None:
    """Each option is either changed in place, or rejected by name and then changed by recreating the link."""
    box.sh(*_PARENT)
    base = {"name": "x0", "netns": netns, "vni": 7, "parent_netns": "host", "mtu": 1400, "up": True}
    for options, words in _FIXED:
        assert box.module("vxlan", base).changed
        refused(box, "vxlan", {**base, **options}, "x0 in", *words, "set recreate=true")
        converge(box, "vxlan", {**base, **options, "recreate": True})
        assert_there(box, {(netns, "x0"): {"up": True, "mtu": 1400}})
        assert box.module("vxlan", {"name": "x0", "netns": netns, "state": "absent"}).changed


def test_change_between_group_and_remote(box: Sandbox) -> None:
    """Kernels before 6.15 change the group without joining it."""
    box.sh(*_PARENT)
    base = {"name": "x0", "vni": 7, "parent": "p0", "up": True}
    box.module("vxlan", {**base, "group": "239.1.1.1"})
    refused(box, "vxlan", {**base, "group": "239.1.1.2"}, "has the group 239.1.1.1, not 239.1.1.2", "recreate")
    refused(box, "vxlan", {**base, "group": ""}, "has the group 239.1.1.1, not none", "recreate")
    refused(box, "vxlan", {**base, "remote": "192.0.2.7"}, "has the group 239.1.1.1", "recreate")
    converge(box, "vxlan", {**base, "remote": "192.0.2.7", "recreate": True})
    refused(box, "vxlan", {**base, "group": "239.1.1.1"}, "has the group none, not 239.1.1.1", "recreate")
    converge(box, "vxlan", {**base, "parent": "", "recreate": True})
    assert_there(box, {("host", "x0"): {"link": None, "remote": None}})
    converge(box, "vxlan", {**base, "group": "239.1.1.1", "recreate": True})
    assert "239.1.1.1" in box.run("ip", "maddr", "show", "dev", "p0")


def test_default_options_are_no_change(box: Sandbox) -> None:
    """Options with the default values of the kernel require no change, before and after creation."""
    box.sh("ip link add x0 type vxlan id 7 dstport 4789")
    born = {
        **dict.fromkeys(("local", "remote", "group", "parent"), ""),
        **dict.fromkeys(("proxy", "rsc", "l2miss", "l3miss", "udp_zero_checksum6_tx", "udp_zero_checksum6_rx"), False),
        **dict.fromkeys(("ttl", "tos", "limit"), 0),
        "learning": True,
        "df": "unset",
        "ageing": 300,
        "udp_checksum": True,
        "fdb": [],
    }
    assert_met(box, "vxlan", {"name": "x0", "vni": 7, **born})
    box.sh("ip link del x0")
    converge(box, "vxlan", {"name": "x0", "vni": 7, **born})


def test_conflicting_links_are_rejected_or_replaced(box: Sandbox) -> None:
    box.sh(*_PARENT, "ip link add x0 type bridge", "ip link add other type vxlan id 7 dstport 4789")
    args = {"name": "x0", "vni": 8}
    refused(box, "vxlan", args, "x0 in host is a bridge, not a vxlan", "recreate")
    refused(box, "vxlan", {"name": "x0", "state": "absent"}, "x0 in host is a bridge, not a vxlan; it was not deleted")
    refused(box, "vxlan", {**args, "parent": "nothing", "name": "x1"}, "nothing")
    refused(box, "vxlan", {"name": "x1"}, "vni")
    converge(box, "vxlan", {**args, "recreate": True})
    before = box.snapshot()
    for netns in ("host", "red"):
        taken = box.module("vxlan", {"name": "x1", "netns": netns, "vni": 7})
        assert taken.failed and f"x1 in {netns}: " in taken.msg and "has the same VNI 7 and UDP port" in taken.msg
    assert_same(before, box.snapshot())


def test_mtu_larger_than_the_parent_allows(box: Sandbox) -> None:
    """The kernel silently reduces the MTU at creation."""
    box.sh(*_PARENT)
    before = box.snapshot()
    result = box.module("vxlan", {"name": "x0", "vni": 7, "parent": "p0", "mtu": 9000})
    assert result.failed and "mtu 9000" in result.msg, result.msg
    assert_same(before, box.snapshot())


def test_links_are_removed_with_their_parent_or_underlay(box: Sandbox) -> None:
    """Links are removed with their parent, and those in another namespace with the namespace of their underlay."""
    box.sh(*_PARENT, "ip link add a0 type veth peer name b0")
    near = {"name": "x0", "vni": 7, "parent": "a0"}
    far = {"name": "x1", "netns": "red", "vni": 7, "parent_netns": "blue"}
    for args in (near, far):
        converge(box, "vxlan", args)
    pair = {"name": "a0", "netns": "red", "peer": {"name": "b0", "netns": "host"}}
    moved = box.module("veth", pair, check=True)
    assert moved.plan == box.module("veth", pair).plan
    assert look(box, "host", "x0") is None  # the kernel does not update it
    box.module("netns", {"name": "blue", "state": "absent"})
    box.sh("for n in $(seq 50); do ip -n red link show x1 >/dev/null 2>&1 || exit 0; sleep 0.1; done; false")


def test_removal_without_the_underlay_namespace(box: Sandbox) -> None:
    pid = box.process()
    box.sh(f"nsenter --net=/proc/{pid}/ns/net ip link add x0 netns 1 type vxlan id 7 dstport 4789")
    refused(box, "vxlan", {"name": "x0", "vni": 7}, f"has its UDP socket in pid:{pid}, not in host")
    converge(box, "vxlan", {"name": "x0", "state": "absent"})
