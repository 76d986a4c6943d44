# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bridges: options, ports and options of each port."""

from __future__ import annotations

from typing import Any

import pytest

from .quartet import Case, assert_met, assert_there, converge, look, quartet, refused
from .sandbox import Sandbox
from .snapshot import assert_same

pytestmark = pytest.mark.libraries

_PORTS = tuple(f"ip link add {name} address 02:00:00:00:01:0{name[-1]} type ifb" for name in ("p1", "p2", "p3"))

_OPTIONS = Case(
    "every option, then other values in place",
    {
        "name": "br0",
        "netns": "red",
        "stp": False,
        "forward_delay": 301,
        "hello_time": 101,
        "max_age": 603,
        "ageing_time": 12345,
        "priority": 4096,
        "group_fwd_mask": 0x4000,
        "multicast_snooping": False,
        "nf_call_iptables": False,
        "nf_call_ip6tables": True,
        "nf_call_arptables": False,
        "mtu": 1400,
        "mac": "02:00:00:00:00:01",
        "addresses": ["192.0.2.1/24"],
        "up": True,
        "alias": "lab",
        "altnames": ["laboratory"],
    },
    {
        ("red", "br0"): {
            "kind": "bridge",
            "stp_state": 0,
            "priority": 4096,
            "group_fwd_mask": "0x4000",
            "mcast_snooping": 0,
            "nf_call_iptables": 0,
            "nf_call_ip6tables": 1,
            "nf_call_arptables": 0,
            "mtu": 1400,
            "mac": "02:00:00:00:00:01",
            "addresses": ["192.0.2.1/24"],
            "up": True,
            "alias": "lab",
            "altnames": ["laboratory"],
        }
    },
    {
        "stp": True,
        "forward_delay": 200,
        "hello_time": 100,
        "max_age": 600,
        "ageing_time": 0,
        "priority": 65535,
        "group_fwd_mask": 0,
        "multicast_snooping": True,
        "nf_call_iptables": True,
        "nf_call_ip6tables": False,
        "nf_call_arptables": True,
        "mtu": 9000,
        "addresses": ["192.0.2.2/24"],
        "altnames": [],
    },
    {
        ("red", "br0"): {
            "stp_state": 1,
            "priority": 65535,
            "group_fwd_mask": "0",
            "mcast_snooping": 1,
            "nf_call_iptables": 1,
            "nf_call_ip6tables": 0,
            "nf_call_arptables": 1,
            "mtu": 9000,
            "addresses": ["192.0.2.2/24"],
            "altnames": [],
        }
    },
)

_WITH_PORTS = Case(
    "ports with options, then other ports and other options",
    {
        "name": "br0",
        "mac": "02:00:00:00:00:01",
        "ports": [
            "p1",
            {"name": "p2", "isolated": True, "hairpin": True, "learning": False, "cost": 7, "priority": 9},
        ],
    },
    {
        ("host", "br0"): {"kind": "bridge", "up": False},
        ("host", "p1"): {"master": "br0", "port": {"isolated": False, "hairpin": False, "learning": True}},
        ("host", "p2"): {
            "master": "br0",
            "port": {"isolated": True, "hairpin": True, "learning": False, "cost": 7, "priority": 9},
        },
        ("host", "p3"): {"master": ""},
    },
    {"ports": [{"name": "p2", "isolated": "no", "cost": 65535, "neigh_suppress": True}, "p3"]},
    {
        ("host", "p1"): {"master": ""},
        ("host", "p2"): {
            "master": "br0",
            "port": {"isolated": False, "hairpin": True, "cost": 65535, "neigh_suppress": True},
        },
        ("host", "p3"): {"master": "br0"},
    },
    prepare=_PORTS,
)

_BARE = Case(
    "a bare bridge that gets an address",
    {"name": "v0", "netns": "red", "mac": "02:00:00:00:00:07"},
    {("red", "v0"): {"kind": "bridge"}},
    {"addresses": ["2001:db8::1/64"], "up": True},
    {("red", "v0"): {"addresses": ["2001:db8::1/64"], "up": True}},
)


@pytest.mark.parametrize("case", [_OPTIONS, _WITH_PORTS, _BARE], ids=str)
def test_create_change_and_remove(box: Sandbox, case: Case) -> None:
    quartet(box, "bridge", case)


@pytest.mark.parametrize(
    "option, low, high", [("forward_delay", 200, 3000), ("hello_time", 100, 1000), ("max_age", 600, 4000)]
)
def test_rounded_timers_are_no_change(box: Sandbox, option: str, low: int, high: int) -> None:
    """The kernel stores jiffies, so a hundredth of a second can be lost. That is neither a failure nor a change."""
    box.module("bridge", {"name": "br0", "max_age": 4000, "forward_delay": 3000})
    for value in (low, low + 1, 333 if option == "hello_time" else 999, high - 1, high):
        args = {"name": "br0", option: value}
        result = box.module("bridge", args)
        assert not result.failed, result.msg
        there = look(box, "host", "br0")
        assert there and abs(there[option] - value) <= 1
        assert_met(box, "bridge", args)


def test_append_keeps_other_ports(box: Sandbox) -> None:
    box.sh(
        *_PORTS,
        "ip link add br0 type bridge",
        "ip link set p1 master br0",
        "ip link add br1 type bridge",
        "ip link set p3 master br1",
    )
    converge(box, "bridge", {"name": "br0", "ports": ["p2"], "ports_append": True})
    assert sorted(port["ifname"] for port in box.bridge("link") if port["master"] == "br0") == ["p1", "p2"]
    converge(box, "bridge", {"name": "br0", "ports": ["p2"]})
    assert [port["ifname"] for port in box.bridge("link") if port["master"] == "br0"] == ["p2"]
    converge(box, "bridge", {"name": "br0", "ports": []})
    assert [(port["ifname"], port["master"]) for port in box.bridge("link")] == [("p3", "br1")]
    assert_met(box, "bridge", {"name": "br0"})


def test_port_of_another_bridge_is_moved(box: Sandbox) -> None:
    box.sh(*_PORTS, "ip link add br1 type bridge", "ip link set p1 master br1")
    converge(box, "bridge", {"name": "br0", "ports": [{"name": "p1", "cost": 9}]})
    assert_there(box, {("host", "p1"): {"master": "br0", "port": {"cost": 9}}})


def test_port_is_looked_up_in_the_namespace_of_the_bridge(box: Sandbox) -> None:
    """The host has links with the same names."""
    box.sh(*_PORTS, "ip -n red link add p1 type ifb")
    converge(box, "bridge", {"name": "br0", "netns": "red", "ports": ["p1"]})
    assert_there(box, {("red", "p1"): {"master": "br0"}, ("host", "p1"): {"master": ""}})
    refused(box, "bridge", {"name": "br0", "netns": "red", "ports": ["p2"]}, "p2", "red")


def test_link_of_another_kind_is_rejected_or_replaced(box: Sandbox) -> None:
    box.sh("ip link add br0 type ifb", *_PORTS)
    args = {"name": "br0", "ports": ["p1"], "up": True}
    refused(box, "bridge", args, "br0 in host is a ifb, not a bridge", "recreate")
    refused(box, "bridge", {"name": "br0", "state": "absent"}, "br0 in host is a ifb, not a bridge; it was not deleted")
    converge(box, "bridge", {**args, "recreate": True})
    assert_there(box, {("host", "br0"): {"kind": "bridge", "up": True}, ("host", "p1"): {"master": "br0"}})


@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
def test_vlan_filtering_without_kernel_support_is_reported(box: Sandbox, there: bool) -> None:
    """The module fails and leaves no bridge behind."""
    box.sh("ip link add probe type bridge")
    try:
        box.sh("ip link set probe type bridge vlan_filtering 1")
        supported = box.ip("link", "show", "probe")[0]["linkinfo"]["info_data"]["vlan_filtering"]
    except (AssertionError, KeyError):
        supported = 0
    box.sh("ip link del probe", *(["ip link add br0 type bridge"] if there else []))
    args = {"name": "br0", "vlan_filtering": True, "up": True}
    if supported:
        converge(box, "bridge", args)
        return
    before = box.snapshot()
    result = box.module("bridge", args)
    assert result.failed and "vlan_filtering" in result.msg and "br0" in result.msg
    assert_same(before, box.snapshot())


def test_stp_with_timers_out_of_range(box: Sandbox) -> None:
    """The kernel accepts any delay while STP is off and corrects it when STP is enabled."""
    box.sh("ip link add br0 type bridge", "ip link set br0 type bridge forward_delay 100")
    args = {"name": "br0", "stp": True}
    assert box.module("bridge", args).changed
    assert_there(box, {("host", "br0"): {"stp_state": 1, "forward_delay": 200}})
    assert_met(box, "bridge", args)
    converge(box, "bridge", {**args, "forward_delay": 1500, "max_age": 2000, "hello_time": 200})


_BAD: list[dict[str, Any]] = [
    {"forward_delay": 199},
    {"forward_delay": 3001},
    {"hello_time": 99},
    {"hello_time": 1001},
    {"max_age": 599},
    {"max_age": 4001},
    {"ageing_time": -1},
    {"ageing_time": 2**31},
    {"priority": -1},
    {"priority": 65536},
    {"group_fwd_mask": 65536},
    {"ports": [{"name": "p1", "cost": 0}]},
    {"ports": [{"name": "p1", "cost": 65536}]},
    {"ports": [{"name": "p1", "priority": 64}]},
    {"ports": [{"name": "p1", "isolated": "maybe"}]},
    {"ports": [{"name": "p1", "speed": 1}]},
    {"ports": [{"name": "p1"}, "p1"]},
    {"ports": [{"cost": 1}]},
    {"ports": [7]},
    {"ports": ["br0"]},
]


@pytest.mark.parametrize("options", _BAD, ids=str)
def test_values_out_of_range_are_rejected(box: Sandbox, options: dict[str, Any]) -> None:
    box.sh(*_PORTS)
    refused(box, "bridge", {"name": "br0", **options}, next(iter(options)))


def test_kernel_errors_are_reported_verbatim(box: Sandbox) -> None:
    """Bits 0 to 2 of the mask are reserved for STP and pause frames."""
    before = box.snapshot()
    result = box.module("bridge", {"name": "br0", "group_fwd_mask": 7, "up": True})
    assert result.failed and "group_fwd_mask" in result.msg and "nvalid argument" in result.msg
    assert_same(before, box.snapshot())


@pytest.mark.parametrize(
    ("lines", "links", "words"),
    [
        ((), [{"name": "br1", "kind": "bridge", "master": "br0"}], "a bridge cannot be a port of the bridge br0"),
        ((), [{"name": "br0", "master": "p0"}], "the master p0 is a ifb, which does not accept ports"),
        ((), [{"name": "p1", "kind": "ifb", "master": "p0"}], "the master p0 is a ifb, which does not accept ports"),
        (
            ("ip link add m0 link p0 type macvlan",),
            [{"name": "p0", "master": "br0"}],
            "it cannot be a port of the bridge br0, because it is the parent of the macvlan m0 in host",
        ),
        (
            ("ip link set p0 master br0",),
            [{"name": "m0", "kind": "macvlan", "parent": "p0"}],
            "m0 in host: the parent p0 in host is a port of the bridge br0",
        ),
    ],
)
def test_port_that_the_kernel_rejects_is_refused(
    box: Sandbox, lines: tuple[str, ...], links: list[dict[str, Any]], words: str
) -> None:
    box.sh("ip link add br0 type bridge; ip link add p0 type ifb", *lines)
    refused(box, "topology", {"links": links}, words)


def test_parent_of_a_removed_macvlan_becomes_a_port(box: Sandbox) -> None:
    box.sh("ip link add br0 type bridge; ip link add p0 type ifb; ip link add m0 link p0 type macvlan")
    assert box.module("macvlan", {"name": "m0", "state": "absent"}).changed
    converge(box, "topology", {"links": [{"name": "p0", "master": "br0"}]})
