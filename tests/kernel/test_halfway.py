# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rollback after a failed operation; the error names the operation, the object and the kernel message."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from .sandbox import Sandbox
from .snapshot import assert_same


@dataclasses.dataclass(frozen=True)
class Failure:
    """A declaration whose last operation fails in the kernel; ``anew`` if the rollback recreates a link."""

    id: str
    module: str
    args: dict[str, Any]
    words: tuple[str, ...]
    prepare: tuple[str, ...] = ()
    anew: bool = False

    def __str__(self) -> str:
        return self.id


_WIRE = (
    "ip link add a0 netns red mtu 1400 type veth peer name b0 netns blue",
    "ip -n red link set a0 address 02:00:00:00:00:01; ip -n blue link set b0 address 02:00:00:00:00:02",
    "ip -n red link set a0 up alias mine; ip -n red link property add dev a0 altname old",
    "ip -n red addr add 192.0.2.1/24 dev a0; ip -n red addr add 192.0.2.2/24 dev a0",
    "ip -n red addr add 2001:db8::1/64 dev a0 nodad; ip -n blue link set b0 up",
)
# The kernel rejects it, and no check knows this.
_REJECTED = ["::1/128"]
_PAIR = {"name": "a0", "netns": "red", "peer": {"name": "b0", "netns": "blue"}}
_OVERLAY: dict[str, Any] = {
    "name": "x0",
    "vni": 7,
    "parent_netns": "host",
    "fdb": [{"mac": "02:00:00:00:00:21", "dst": "192.0.2.7"}, {"mac": "02:00:00:00:00:22", "dst": "192.0.2.7"}],
}
_TOO_MANY = [{"mac": f"02:00:00:00:00:4{number}", "dst": "192.0.2.6"} for number in range(8)]
_VXLAN = (
    "ip link add p0 type ifb; ip link add p1 type ifb; ip link add br0 address 02:00:00:00:00:0b type bridge",
    "ip link add x0 address 02:00:00:00:00:41 mtu 1400 type vxlan id 7 dstport 4789 remote 192.0.2.9 maxaddress 6",
    "ip link set x0 up; ip link set x0 master br0; ip addr add 10.0.0.7/24 dev x0",
    "bridge fdb append 00:00:00:00:00:00 dev x0 dst 192.0.2.7 via p1 self",
    "bridge fdb append 00:00:00:00:00:00 dev x0 dst 192.0.2.8 port 99 vni 77 self",
    "bridge fdb add 02:00:00:00:00:42 dev x0 dst 192.0.2.7 self",
    "bridge fdb add 02:00:00:00:00:43 dev x0 master static",
)
_NEIGHBOURS = (
    "ip -n red neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev a0 nud permanent",
    "ip -n red neigh add 2001:db8::7 lladdr 02:00:00:00:00:07 dev a0 nud permanent",
    "ip -n red neigh add proxy 192.0.2.8 dev a0",
)

_FAILURES = [
    Failure(
        "new pair",
        "veth",
        {**_PAIR, "up": True, "addresses": ["192.0.2.1/24", *_REJECTED], "altnames": ["free"]},
        ("add address ::1/128 to a0 in red",),
    ),
    Failure(
        "changed pair",
        "veth",
        {**_PAIR, "mtu": 9000, "alias": "", "addresses": ["192.0.2.1/24", *_REJECTED], "altnames": ["free"]},
        ("add address ::1/128 to a0 in red",),
        _WIRE,
    ),
    Failure(
        "set down first",
        "veth",
        {**_PAIR, "up": False, "mac": "02:00:00:00:00:09", "addresses": _REJECTED},
        ("add address ::1/128 to a0 in red",),
        _WIRE,
    ),
    Failure(
        "address that the kernel rejects",
        "veth",
        {**_PAIR, "mtu": 9000, "addresses": ["192.0.2.9/24", *_REJECTED]},
        ("add address ::1/128 to a0 in red",),
        _WIRE,
    ),
    Failure(
        "end moved back, then a failure",
        "veth",
        {**_PAIR, "up": True, "addresses": _REJECTED},
        ("add address ::1/128 to a0 in red",),
        (*_WIRE, "ip -n red link set a0 netns 1; ip link set a0 up; ip addr add 192.0.2.7/24 dev a0"),
        anew=True,
    ),
    Failure(
        "recreated, then a failure",
        "veth",
        {**_PAIR, "recreate": True, "addresses": _REJECTED},
        ("add address ::1/128 to a0 in red",),
        ("ip -n red link add a0 address 02:00:00:00:00:03 mtu 1400 type bridge forward_delay 900 stp_state 1",),
        anew=True,
    ),
    Failure(
        "bridge with ports",
        "bridge",
        {"name": "br0", "netns": "red", "ports": [{"name": "a0", "cost": 9}], "mtu": 1300, "addresses": _REJECTED},
        ("add address ::1/128 to br0 in red",),
        _WIRE,
    ),
    Failure(
        "port removed, port added, and a link that cannot be a port",
        "bridge",
        {"name": "br0", "netns": "red", "priority": 1, "stp": True, "ports": ["a0", "lo"]},
        ("lo in red",),
        (
            *_WIRE,
            "ip -n red link add br0 address 02:00:00:00:00:77 type bridge",
            "ip -n red link add q type ifb; ip -n red link set q master br0",
        ),
    ),
    Failure(
        "unreachable gateway",
        "netns",
        {
            "name": "red",
            "loopback_up": True,
            "sysctls": {"net.ipv4.ip_forward": 0},
            "rules": [],
            "routes": [{"dst": "198.51.100.0/24", "dev": "a0"}, {"dst": "203.0.113.0/24", "gateway": "10.9.9.9"}],
        },
        ("add route 203.0.113.0/24 via 10.9.9.9 in red", "unreachable"),
        (*_WIRE, "ip -n red route add 198.51.100.0/24 via 192.0.2.77 metric 4"),
    ),
    Failure(
        "route in a new namespace",
        "netns",
        {"name": "green", "routes": [{"dst": "203.0.113.0/24", "gateway": "10.9.9.9"}]},
        ("add route 203.0.113.0/24 via 10.9.9.9 in green",),
    ),
    Failure(
        "sysctl with an invalid value",
        "netns",
        {"name": "red", "sysctls": {"net.ipv4.ip_forward": 0, "net.ipv4.ip_local_port_range": "no range"}},
        ("set sysctl net/ipv4/ip_local_port_range to no range in red", "nvalid argument"),
    ),
    Failure(
        "sysctl of a new namespace with an invalid value",
        "netns",
        {"name": "green", "sysctls": {"net.ipv4.ip_local_port_range": "no range"}},
        ("set sysctl net/ipv4/ip_local_port_range to no range in green", "nvalid argument"),
    ),
    Failure(
        "read-only sysctl",
        "netns",
        {"name": "red", "loopback_up": True, "sysctls": {"net.ipv6.conf.all.stable_secret": "nonsense"}},
        ("net/ipv6/conf/all/stable_secret",),
    ),
    Failure(
        "rules changed, one rejected",
        "netns",
        {
            "name": "red",
            "rules": [
                {"priority": 7, "table": 9},
                {"priority": 8, "src": "192.0.2.0/24", "table": 1},
                {"priority": 8, "fwmark": 1, "fwmask": 0, "table": 3, "iif": "a0"},
            ],
            "routes": [{"dst": "10.0.0.0/8", "gateway": "10.9.9.9"}],
        },
        ("10.9.9.9",),
        (*_WIRE, "ip -n red rule add priority 7 lookup 8"),
    ),
    Failure(
        "macvlan on a parent that another link uses exclusively",
        "macvlan",
        {"name": "m0", "netns": "blue", "parent": "p0", "parent_netns": "red", "mode": "passthru", "up": True},
        ("create macvlan m0 in blue", "nvalid argument"),
        ("ip -n red link add p0 type ifb; ip -n red link add m1 link p0 type macvlan",),
    ),
    Failure(
        "macvlan recreated on another parent, then a failure",
        "macvlan",
        {
            "name": "m0",
            "netns": "red",
            "parent": "p1",
            "parent_netns": "host",
            "recreate": True,
            "addresses": _REJECTED,
        },
        ("add address ::1/128 to m0 in red",),
        (
            "ip link add p0 type ifb; ip link add p1 type ifb",
            "ip link add m0 link p0 netns red address 02:00:00:00:00:04 type macvlan mode private",
        ),
        anew=True,
    ),
    Failure(
        "macvlan recreated with an MTU larger than that of its parent",
        "macvlan",
        {"name": "m0", "parent": "p1", "mode": "bridge", "mtu": 9000, "recreate": True},
        ("m0 in host",),
        (
            "ip link add p0 type ifb; ip link add p1 type ifb",
            "ip link add m0 link p0 address 02:00:00:00:00:04 type macvlan mode source macaddr set 02:00:00:00:00:05",
        ),
        anew=True,
    ),
    Failure(
        "new VXLAN link with more entries than its limit",
        "vxlan",
        {**_OVERLAY, "netns": "red", "name": "x9", "limit": 1, "up": True, "addresses": ["10.0.0.1/24"]},
        ("add forwarding entry 02:00:00:00:00:22 dst 192.0.2.7 to x9 in red", "No space left"),
    ),
    Failure(
        "changed VXLAN link with more entries than its limit",
        "vxlan",
        {**_OVERLAY, "remote": "192.0.2.8", "ttl": 9, "mtu": 1300, "up": False, "fdb": _TOO_MANY},
        ("add forwarding entry", "to x0 in host", "No space left"),
        _VXLAN,
    ),
    Failure(
        "VXLAN link recreated, then a failure",
        "vxlan",
        {**_OVERLAY, "vni": 8, "recreate": True, "fdb": _TOO_MANY, "limit": 3},
        ("add forwarding entry", "to x0 in host", "No space left"),
        _VXLAN,
        anew=True,
    ),
    Failure(
        "VXLAN link recreated, entries not managed",
        "vxlan",
        {"name": "x0", "vni": 8, "parent": "p0", "recreate": True, "addresses": _REJECTED},
        ("add address ::1/128 to x0 in host",),
        _VXLAN,
        anew=True,
    ),
    Failure(
        "neighbours and a route",
        "netns",
        {
            "name": "red",
            "neighbours": [{"dst": "192.0.2.7", "mac": "02:00:00:00:00:11", "dev": "a0"}],
            "routes": [{"dst": "203.0.113.0/24", "gateway": "10.9.9.9"}],
        },
        ("add route 203.0.113.0/24 via 10.9.9.9 in red", "unreachable"),
        (*_WIRE, *_NEIGHBOURS),
    ),
    Failure(
        "neighbours on a link that goes down and up again",
        "topology",
        {
            "namespaces": [
                {
                    "name": "red",
                    "neighbours": [{"dst": "192.0.2.9", "mac": "02:00:00:00:00:11", "dev": "a0"}],
                    "routes": [{"dst": "203.0.113.0/24", "gateway": "10.9.9.9"}],
                }
            ],
            "links": [{"name": "a0", "netns": "red", "mac": "02:00:00:00:00:33", "up": False}],
        },
        ("add route 203.0.113.0/24 via 10.9.9.9 in red", "unreachable"),
        (*_WIRE, *_NEIGHBOURS),
    ),
]


@pytest.mark.parametrize("failure", _FAILURES, ids=str)
def test_failure_rolls_back_the_changes(box: Sandbox, failure: Failure) -> None:
    # The kernel adds the loopback address when lo is first set up, and keeps it.
    box.sh("ip -n red link set lo up; ip -n red link set lo down", *failure.prepare)
    before = box.snapshot(indexes=not failure.anew)
    result = box.module(failure.module, failure.args)
    assert result.failed, result.data
    for word in failure.words:
        assert word in result.msg, result.msg
    assert "Not rolled back" not in result.msg, result.msg
    assert_same(before, box.snapshot(indexes=not failure.anew), result.msg)


def test_rollback_keeps_the_primary_address(box: Sandbox) -> None:
    box.sh(
        "ip link add a0 netns red type veth peer name b0 netns blue",
        "ip -n red addr add 192.0.2.1/24 dev a0",
        "ip -n red addr add 192.0.2.2/24 dev a0",
        "ip -n red link set a0 up",
        "ip -n blue link set b0 up",
    )
    before = box.snapshot()
    args = {"name": "a0", "netns": "red", "addresses": ["192.0.2.2/24", *_REJECTED]}
    assert box.module("veth", {**args, "peer": {"name": "b0", "netns": "blue"}}).failed
    assert_same(before, box.snapshot())


def test_duplicate_address_is_rolled_back(box: Sandbox) -> None:
    box.netns("green", "white", dad=True)
    ends = {"name": "a0", "netns": "green", "up": True, "peer": {"name": "b0", "netns": "white", "up": True}}
    box.module("veth", ends)
    box.sh("ip -n white addr add 2001:db8::1/64 dev b0 nodad")
    before = box.snapshot()
    failed = box.module("veth", {**ends, "addresses": ["2001:db8::1/64"]})
    assert "duplicate address detection failed" in failed.msg
    assert "The changes of this run were rolled back" in failed.msg
    assert_same(before, box.snapshot())
