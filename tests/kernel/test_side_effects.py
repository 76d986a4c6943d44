# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Side effects of sysctls, MTUs and recreations: predicted in check mode, and rolled back after a failure."""

from __future__ import annotations

from typing import Any

import pytest

from .quartet import converge, refused
from .sandbox import Sandbox
from .snapshot import assert_same

_WIRE = (
    "ip -n red link add e0 type veth peer name z0",
    "for name in lo e0 z0; do ip -n red link set $name up; done",
    "ip -n blue link set lo up",
)
_BOGUS = {"net.ipv4.conf.all.rp_filter": "bogus"}


def _read_sysctls(box: Sandbox, pattern: str) -> dict[str, str]:
    lines = box.sh(f"cd /proc/sys/net; grep -r --exclude=stable_secret . {pattern}", netns="red").splitlines()
    return dict(line.split(":", 1) for line in lines)


@pytest.mark.parametrize(
    "sysctls",
    [
        {"net.ipv6.conf.all.disable_ipv6": 1},
        {"net.ipv6.conf.e0.disable_ipv6": 1},
        {"net.ipv6.conf.all.forwarding": 1},
        {"net.ipv4.ip_forward": 1},
        {"net.ipv4.conf.all.forwarding": 1},
        {"net.ipv4.conf.default.rp_filter": 1},
        {"net.ipv6.conf.all.ignore_routes_with_linkdown": 1},
    ],
)
def test_side_effects_of_sysctls_are_rolled_back(box: Sandbox, sysctls: dict[str, int]) -> None:
    box.sh(
        *_WIRE,
        "ip -n red addr add fd00::1/64 dev e0 nodad; ip -n red -6 route add fd55::/64 via fd00::2",
        "ip -n red addr add fd00::9/64 dev z0 nodad noprefixroute; ip -n red addr add 192.0.2.1/24 dev e0",
    )
    box.sh(
        "cd /proc/sys/net/ipv4/conf; echo 0 >all/forwarding; echo 1 >e0/forwarding; echo 2 >z0/rp_filter", netns="red"
    )
    box.sh("cd /proc/sys/net/ipv6/conf; echo 1 >z0/forwarding; echo 1 >e0/ignore_routes_with_linkdown", netns="red")
    before, values = box.snapshot(), _read_sysctls(box, "ipv4/conf ipv6/conf")
    namespaces = [
        {"name": "red", "sysctls": sysctls},
        {"name": "blue", "routes": [{"dst": "10.98.0.0/16", "gateway": "172.30.0.1"}]},
    ]
    failed = box.module("topology", {"state": "merged", "namespaces": namespaces})
    assert failed.failed and "172.30.0.1" in failed.msg
    assert failed.msg.endswith("The changes of this run were rolled back.")
    assert _read_sysctls(box, "ipv4/conf ipv6/conf") == values
    assert_same(before, box.snapshot())


def test_failed_sysctl_restores_what_another_one_removed(box: Sandbox) -> None:
    box.sh(*_WIRE, "ip -n red addr add fd00::1/64 dev e0 nodad; ip -n red -6 route add fd55::/64 via fd00::2")
    before = box.snapshot()
    failed = box.module("netns", {"name": "red", "sysctls": {"net.ipv6.conf.all.disable_ipv6": 1, **_BOGUS}})
    assert failed.failed and "bogus" in failed.msg
    assert_same(before, box.snapshot())


def test_sysctls_are_set_in_the_order_of_their_effects(box: Sandbox) -> None:
    box.sh(*_WIRE)
    box.sh("echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv4/conf/e0/forwarding", netns="red")
    wanted = {
        "net.ipv4.conf.e0.forwarding": 0,
        "net.ipv4.conf.default.forwarding": 0,
        "net.ipv4.ip_forward": 1,
        "net.ipv6.conf.default.forwarding": 0,
        "net.ipv6.conf.all.forwarding": 1,
    }
    converge(box, "netns", {"name": "red", "sysctls": wanted})
    found = _read_sysctls(box, "ipv4/conf/*/forwarding ipv6/conf/*/forwarding")
    assert [found[f"ipv4/conf/{name}/forwarding"] for name in ("all", "default", "e0", "z0")] == ["1", "0", "0", "1"]
    assert [found[f"ipv6/conf/{name}/forwarding"] for name in ("all", "default", "e0")] == ["1", "0", "1"]


def test_aliases_with_different_values_are_rejected(box: Sandbox) -> None:
    wanted = {"net.ipv4.ip_forward": 1, "net.ipv4.conf.all.forwarding": 0}
    refused(box, "netns", {"name": "red", "sysctls": wanted}, "sysctls.net.ipv4.conf.all.forwarding")


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [("net.ipv4.conf.all.rp_filter", "0x1", "1"), ("net.ipv4.ip_local_port_range", "20000\t30000", "20000\t30000")],
)
def test_value_in_another_spelling_is_the_same(box: Sandbox, key: str, value: str, shown: str) -> None:
    converge(box, "netns", {"name": "red", "sysctls": {key: value}})
    assert box.sh(f"cat /proc/sys/{key.replace('.', '/')}", netns="red").strip() == shown


def test_bridge_keeps_its_declared_mtu(box: Sandbox) -> None:
    box.sh(*_WIRE, "ip -n red link add z1 type veth peer name z2")
    bridge: dict[str, Any] = {"name": "br0", "netns": "red", "mtu": 1400, "up": True}
    converge(box, "bridge", {**bridge, "ports": ["e0"]})
    converge(box, "bridge", {**bridge, "name": "br1", "mtu": 1450})
    converge(box, "bridge", {**bridge, "name": "br1", "mtu": 1450, "ports": ["z1"]})
    links = {link["ifname"]: link["mtu"] for link in box.ip("link", "show", "type", "bridge", netns="red")}
    assert links == {"br0": 1400, "br1": 1450}


def test_mtu_below_1280_on_a_link_with_ipv4_addresses(box: Sandbox) -> None:
    box.sh(*_WIRE)
    link = {"name": "e0", "netns": "red", "mtu": 1000, "addresses": ["192.0.2.1/24"]}
    converge(box, "veth", {**link, "peer": {"name": "z0", "netns": "red", "mtu": 1000}})
    shown = next(one for one in box.ip("addr", "show", "e0", netns="red"))
    assert (shown["mtu"], [one["local"] for one in shown["addr_info"]]) == (1000, ["192.0.2.1"])


def test_failed_run_restores_addresses_after_a_small_mtu(box: Sandbox) -> None:
    box.sh(*_WIRE, "ip -n red addr add fd00::1/64 dev e0 nodad; ip -n red -6 route add fd55::/64 via fd00::2")
    before = box.snapshot()
    links = [
        {"name": "e0", "netns": "red", "mtu": 1000},
        {"name": "z0", "netns": "red", "up": True, "addresses": ["192.0.2.1/24"]},
    ]
    namespaces = [{"name": "blue", "routes": [{"dst": "10.98.0.0/16", "gateway": "172.30.0.1"}]}]
    failed = box.module("topology", {"state": "merged", "links": links, "namespaces": namespaces})
    assert failed.failed and failed.msg.endswith("The changes of this run were rolled back."), failed.msg
    assert_same(before, box.snapshot())


def test_failed_run_restores_a_recreated_link(box: Sandbox) -> None:
    box.sh(*_WIRE, "ip -n red link add vx0 txqueuelen 77 type vxlan external dstport 4789")
    box.sh("echo 2 >/proc/sys/net/ipv4/conf/vx0/rp_filter; echo 1 >/proc/sys/net/ipv4/conf/vx0/proxy_arp", netns="red")
    before, values = box.snapshot(), _read_sysctls(box, "ipv4/conf/vx0")
    links = [{"name": "vx0", "netns": "red", "kind": "bridge", "recreate": True}]
    namespaces = [{"name": "blue", "routes": [{"dst": "10.98.0.0/16", "gateway": "172.30.0.1"}]}]
    failed = box.module("topology", {"state": "merged", "links": links, "namespaces": namespaces})
    assert failed.failed and failed.msg.endswith("The changes of this run were rolled back."), failed.msg
    (link,) = box.ip("link", "show", "vx0", netns="red")
    assert link["linkinfo"]["info_data"]["external"] is True
    assert link["txqlen"] == 77
    assert _read_sysctls(box, "ipv4/conf/vx0") == values
    assert_same(before, box.snapshot())


def test_address_with_a_peer_is_removed_and_restored(box: Sandbox) -> None:
    box.sh(*_WIRE, "ip -n red addr add 192.0.2.2/24 dev e0; ip -n red addr add 10.7.0.1 peer 10.7.0.2/32 dev e0")
    before = box.snapshot()
    links = [{"name": "e0", "netns": "red", "addresses": ["192.0.2.2/24"]}]
    namespaces = [{"name": "blue", "routes": [{"dst": "10.98.0.0/16", "gateway": "172.30.0.1"}]}]
    failed = box.module("topology", {"state": "replaced", "links": links, "namespaces": namespaces})
    assert failed.failed and "172.30.0.1" in failed.msg
    assert_same(before, box.snapshot())
    pair = {"name": "e0", "netns": "red", "addresses": ["192.0.2.2/24"], "peer": {"name": "z0", "netns": "red"}}
    converge(box, "veth", pair)
    (link,) = box.ip("addr", "show", "e0", netns="red")
    assert [one["local"] for one in link["addr_info"] if one["family"] == "inet"] == ["192.0.2.2"]


@pytest.mark.parametrize(
    ("links", "words"),
    [
        (
            [{"name": "z0", "netns": "red", "altnames": ["z0"]}],
            "z0 in red: the alternative name z0 is the name of a link",
        ),
        (
            [{"name": "z0", "netns": "red", "altnames": ["e0"]}],
            "z0 in red: the alternative name e0 is the name of a link",
        ),
        ([{"name": "z0", "netns": "red", "master": "z0"}], "z0 in red: a link cannot be its own master"),
        (
            [{"name": name, "netns": "red", "kind": "vxlan", "vni": 7} for name in ("v1", "v2")],
            "have the same VNI 7 and UDP port",
        ),
    ],
)
def test_impossible_links_are_rejected(box: Sandbox, links: list[dict[str, Any]], words: str) -> None:
    box.sh(*_WIRE)
    refused(box, "topology", {"state": "merged", "links": links}, words)


def test_sysctl_of_a_link_that_is_neither_there_nor_declared_is_rejected(box: Sandbox) -> None:
    sysctls = {"net.ipv4.conf.e7.rp_filter": 1}
    refused(box, "netns", {"name": "red", "sysctls": sysctls}, "no such link: e7 in red, for the sysctl")
    namespaces = [{"name": "red", "sysctls": sysctls}]
    link = {"name": "e7", "netns": "red", "kind": "veth", "peer": {"name": "z7", "netns": "red"}}
    converge(box, "topology", {"namespaces": namespaces, "links": [link]})


def test_new_bridge_keeps_its_declared_mtu_with_new_ports(box: Sandbox) -> None:
    """The kernel gives a bridge the lowest MTU of its ports, also that of ports which are created with it."""
    bridge = {"name": "br2", "kind": "bridge", "netns": "red", "mtu": 1300}
    pair = {"name": "w0", "kind": "veth", "netns": "blue", "peer": {"name": "w1", "netns": "red", "master": "br2"}}
    converge(box, "topology", {"links": [pair, bridge]})
    assert [link["mtu"] for link in box.ip("link", "show", "br2", netns="red")] == [1300]


def test_ipv6_address_without_ipv6_is_refused(box: Sandbox) -> None:
    """Of a link on which IPv6 is disabled, and of a new link that inherits this; the sysctl can be declared with it."""
    box.sh(*_WIRE)
    box.sh("cd /proc/sys/net/ipv6/conf; echo 1 >e0/disable_ipv6; echo 1 >default/disable_ipv6", netns="red")
    link = {"name": "e0", "netns": "red", "addresses": ["192.0.2.1/24", "fd00::1/64"]}
    words = "e0 in red: addresses: fd00::1/64 is not possible while IPv6 is disabled; set the sysctl net/ipv6/conf/"
    refused(box, "topology", {"links": [link]}, f"{words}e0/disable_ipv6 to 0")
    new = {**link, "name": "n0", "kind": "ifb"}
    refused(box, "topology", {"links": [new]}, "fd00::1/64", "net/ipv6/conf/default/disable_ipv6 to 0")
    sysctls = {"net.ipv6.conf.e0.disable_ipv6": 0, "net.ipv6.conf.n0.disable_ipv6": 0}
    links = [link, {**new, "addresses": ["fd00::2/64"]}]
    converge(box, "topology", {"namespaces": [{"name": "red", "sysctls": sysctls}], "links": links})
    shown = {one["ifname"]: one["addr_info"] for one in box.ip("addr", netns="red")}
    for name, want in (("e0", "fd00::1"), ("n0", "fd00::2")):
        assert want in {entry["local"] for entry in shown[name]}


@pytest.mark.parametrize("address", ["::/64", "0.0.0.0/24", "ff02::5/64"])
def test_address_that_no_link_can_have_is_refused(box: Sandbox, address: str) -> None:
    refused(
        box, "topology", {"links": [{"name": "lo", "addresses": [address]}]}, "addresses", "must be a unicast address"
    )
