# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host as one document: create, change, own, gather, render and remove."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest

from .quartet import assert_met, assert_there, converge, refused
from .sandbox import Sandbox
from .snapshot import assert_same

pytestmark = pytest.mark.libraries

DMZ: dict[str, Any] = {
    "namespaces": [
        {
            "name": "dmz",
            "sysctls": {"net.ipv4.ip_forward": 1, "net.ipv4.conf.eth0.rp_filter": 2},
            "routes": [{"dst": "default", "gateway": "10.20.1.1"}],
            "rules": [{"priority": 100, "src": "10.20.1.0/24", "table": 100}],
            "neighbours": [{"dst": "10.20.1.9", "mac": "02:00:00:00:00:09", "dev": "eth0"}],
        },
        {"name": "app"},
    ],
    "links": [
        {
            "name": "eth0",
            "netns": "dmz",
            "kind": "veth",
            "mac": "02:00:00:00:01:02",
            "addresses": ["10.20.1.2/24", "2001:db8:1::2/64"],
            "peer": {
                "name": "dmz-host",
                "netns": "host",
                "mac": "02:00:00:00:01:03",
                "master": "br-dmz",
                "bridge_port": {"hairpin": True},
            },
        },
        {"name": "m0", "netns": "app", "kind": "macvlan", "parent": "card", "parent_netns": "host", "mode": "bridge"},
        {
            "name": "vx",
            "netns": "host",
            "kind": "vxlan",
            "vni": 42,
            "local": "192.0.2.1",
            "fdb": [{"dst": "192.0.2.2"}, {"mac": "02:00:00:00:00:22", "dst": "192.0.2.2"}],
            "master": "br-dmz",
        },
        {
            "name": "br-dmz",
            "netns": "host",
            "kind": "bridge",
            "mac": "02:00:00:00:01:01",
            "addresses": ["10.20.1.1/24"],
            "priority": 4096,
        },
        {"name": "card", "netns": "host", "kind": "ifb", "up": False},
    ],
}


def changed(**changes: Any) -> dict[str, Any]:
    """Return the document with other top-level values."""
    return {**copy.deepcopy(DMZ), **changes}


def assert_dmz(box: Sandbox) -> None:
    """Assert by ip(8) and bridge(8) that the host matches the document."""
    assert_there(
        box,
        {
            ("dmz", "eth0"): {"kind": "veth", "up": True, "addresses": ["10.20.1.2/24", "2001:db8:1::2/64"]},
            ("host", "dmz-host"): {"kind": "veth", "up": True, "master": "br-dmz", "port": {"hairpin": True}},
            ("host", "br-dmz"): {"kind": "bridge", "up": True, "addresses": ["10.20.1.1/24"], "priority": 4096},
            ("host", "vx"): {"kind": "vxlan", "id": 42, "master": "br-dmz", "up": True},
            ("app", "m0"): {"kind": "macvlan", "mode": "bridge", "up": True},
            ("host", "card"): {"kind": "ifb", "up": False},
        },
    )
    assert [route["gateway"] for route in box.ip("route", "show", "default", netns="dmz")] == ["10.20.1.1"]
    assert [rule["table"] for rule in box.ip("rule", "show", "priority", "100", netns="dmz")] == ["100"]
    assert box.run("cat", "/proc/sys/net/ipv4/conf/eth0/rp_filter", netns="dmz") == "2\n"
    [neighbour] = [one for one in box.ip("neigh", "show", netns="dmz") if one["dst"] == "10.20.1.9"]
    assert (neighbour["lladdr"], neighbour["state"]) == ("02:00:00:00:00:09", ["PERMANENT"])
    entries = {(one["mac"], one["dst"]) for one in box.bridge("fdb", "show", "dev", "vx") if "dst" in one}
    assert entries == {("00:00:00:00:00:00", "192.0.2.2"), ("02:00:00:00:00:22", "192.0.2.2")}
    box.run("ping", "-c1", "-w10", "10.20.1.1", netns="dmz")


@pytest.mark.parametrize("name", [None, "dmz"])
@pytest.mark.parametrize("state", ["merged", "replaced"])
def test_topology_is_created_changed_and_removed(box: Sandbox, state: str, name: str | None) -> None:
    before = box.snapshot()
    args = changed(state=state, **({"name": name} if name else {}))
    converge(box, "topology", args)
    assert_dmz(box)
    converge(box, "topology", {**args, "state": "absent"})
    assert_same(before, box.snapshot(), "something was left behind")
    assert_met(box, "topology", {**args, "state": "absent"})


def test_order_in_the_document_does_not_matter(box: Sandbox) -> None:
    for links in itertools.islice(itertools.permutations(DMZ["links"]), 0, 120, 17):
        box.module("topology", changed(links=list(links), namespaces=DMZ["namespaces"][::-1]))
        assert_dmz(box)
        assert box.module("topology", changed(state="absent")).changed


def test_undeclared_links_are_removed_and_unmanaged_links_kept(box: Sandbox) -> None:
    box.sh("ip link add others type bridge", "ip netns add others")
    box.module("topology", changed(name="one"))
    two = {"name": "two", "namespaces": [{"name": "second"}], "links": [{"name": "ifb2", "kind": "ifb"}]}
    box.module("topology", two)
    box.sh("ip -n dmz link add stranger type ifb")
    less = changed(name="one", state="replaced")
    less["namespaces"] = less["namespaces"][:1]
    less["links"] = [link for link in less["links"] if link["name"] in ("eth0", "br-dmz", "card")]
    converge(box, "topology", less)
    names = {link["ifname"] for link in box.ip("link")}
    assert names == {"lo", "others", "ifb2", "br-dmz", "card", "dmz-host"}
    assert {link["ifname"] for link in box.ip("link", netns="dmz")} == {"lo", "eth0", "stranger"}
    there = set(box.run("ip", "netns").split()) & {"dmz", "app", "second", "others"}
    assert there == {"dmz", "second", "others"}
    # All owned links are removed together, also without a document.
    converge(box, "topology", {"name": "one", "state": "absent"})
    assert {link["ifname"] for link in box.ip("link")} == {"lo", "others", "ifb2"}
    assert set(box.run("ip", "netns").split()) & {"dmz", "second", "others"} == {"second", "others"}


def test_loopback_with_an_address_has_the_state_of_its_namespace(box: Sandbox) -> None:
    box.sh("ip -n red link set lo up", "ip -n blue link set lo up")
    lo: list[dict[str, Any]] = [
        {"name": "lo", "netns": netns, "addresses": ["10.5.5.5/32"]} for netns in ("green", "red", "blue")
    ]
    namespaces = [{"name": "green"}, {"name": "red", "loopback_up": False}, {"name": "blue", "loopback_up": False}]
    # An entry in the list of links takes precedence.
    lo[2]["up"] = True
    converge(box, "topology", {"namespaces": namespaces, "links": lo})
    up = {netns: "UP" in box.ip("link", "show", "lo", netns=netns)[0]["flags"] for netns in ("green", "red", "blue")}
    assert up == {"green": True, "red": False, "blue": True}


def test_existing_links_are_not_owned(box: Sandbox) -> None:
    box.sh("ip link add br-dmz type bridge", "ip netns add dmz")
    box.module("topology", changed(name="one", state="replaced"))
    assert_dmz(box)
    box.module("topology", {"name": "one", "state": "replaced"})
    assert {link["ifname"] for link in box.ip("link")} == {"lo", "br-dmz"}
    assert {"dmz"} == set(box.run("ip", "netns").split()) & {"dmz", "app"}
    refused_none = box.module("topology", changed(name="one", state="absent"))
    assert not refused_none.changed


def test_replaced_resets_omitted_options(box: Sandbox) -> None:
    box.module("topology", changed())
    box.sh(
        "ip link set br-dmz type bridge forward_delay 900",
        "ip link set br-dmz alias mine",
        "ip addr add 10.99.0.1/24 dev br-dmz",
        "bridge link set dev dmz-host isolated on",
        "ip -n dmz route add 203.0.113.0/24 via 10.20.1.1",
        "bridge fdb append 00:00:00:00:00:00 dev vx dst 192.0.2.77 self permanent",
    )
    assert_met(box, "topology", changed())
    converge(box, "topology", changed(state="replaced"))
    assert_dmz(box)
    link = box.ip("link", "show", "br-dmz")[0]
    assert (link["linkinfo"]["info_data"]["forward_delay"], link.get("ifalias")) == (1500, None)
    assert not box.ip("route", "show", "203.0.113.0/24", netns="dmz")
    assert not box.ip("link", "show", "dmz-host")[0]["linkinfo"]["info_slave_data"]["isolated"]


@pytest.mark.parametrize("name", [None, "one"])
def test_gathered_topology_can_be_applied_elsewhere(box: Sandbox, name: str | None) -> None:
    for line in ("ip link add eth0 type veth peer name wire", "ip link set eth0 up"):
        box.sh(line)
    box.module("topology", changed(name=name) if name else changed())
    box.sh("bridge fdb add 02:00:00:00:00:77 dev dmz-host master static")
    found = box.module("topology", {"state": "gathered", **({"name": name} if name else {})})
    assert not found.changed
    document = found.data["gathered"]
    assert_met(box, "topology", {**document, "state": "replaced"})
    with Sandbox() as other:
        other.netns("red", "blue")
        other.module("topology", {**document, "state": "replaced"})
        if name:
            other.sh("ip link add eth0 type veth peer name wire", "ip link set eth0 up")
        assert_same(comparable(box), comparable(other), "the other host differs")
        assert "02:00:00:00:00:77" in [one["mac"] for one in other.bridge("fdb", "show", "dev", "dmz-host")]


def test_unsupported_links_are_reported_and_kept(box: Sandbox) -> None:
    box.module("topology", changed())
    box.sh("ip -n dmz route add 203.0.113.0/24 nexthop via 10.20.1.1 nexthop via 10.20.1.9")
    found = box.module("topology", {"state": "gathered"})
    assert "left out in dmz: route 203.0.113.0/24" in str(found.data["warnings"])
    assert_met(box, "topology", {**found.data["gathered"], "state": "replaced"})


def test_empty_list_changes_nothing(box: Sandbox) -> None:
    box.module("topology", changed())
    nothing = {"name": "br-dmz", "kind": "bridge", "netns": "host", "addresses": [], "altnames": [], "ports": []}
    vxlan = {"name": "vx", "kind": "vxlan", "netns": "host", "vni": 42, "fdb": []}
    assert_met(box, "topology", {"links": [nothing, vxlan]})
    assert_dmz(box)


def comparable(box: Sandbox) -> Any:
    """Return a snapshot without values that differ between hosts: indexes and automatic addresses."""
    found = box.snapshot(indexes=False)
    del found["/run/netns"]
    for netns in found.values():
        for key in ("link show 4", "addr show 4"):
            for link in netns[key]:
                if link["ifname"] in ("eth0", "wire"):
                    link.pop("address", None)
                # A bridge numbers its ports in the order of creation.
                for number in ("id", "designated_port"):
                    link.get("linkinfo", {}).get("info_slave_data", {}).pop(number, None)
    return found


def test_rendered_commands_create_the_topology(box: Sandbox) -> None:
    before = box.snapshot()
    said = box.module("topology", changed(name="one", state="rendered"))
    assert_same(before, box.snapshot())
    assert not said.changed
    box.sh(*said.data["rendered"])
    assert_dmz(box)
    assert_met(box, "topology", changed(name="one", state="replaced"))
    assert box.module("topology", {"name": "one", "state": "absent"}).changed
    assert_same(before, box.snapshot())


@pytest.mark.parametrize(
    ("links", "words"),
    [
        ([{"name": "m0", "kind": "macvlan", "parent": "nowhere"}], "no such link: nowhere in host, the parent of m0"),
        ([{"name": "a", "kind": "ifb", "master": "nowhere"}], "no such link: nowhere in host, the master of a"),
        ([{"name": "b", "kind": "bridge", "ports": ["nowhere"]}], "no such link: nowhere in host"),
        ([{"name": "nowhere", "mtu": 1400}], "no such link: nowhere in host"),
        ([{"name": "a", "kind": "ifb"}, {"name": "a", "kind": "bridge"}], "links[1].name: a in the current namespace"),
        ([{"name": "a", "kind": "ifb"}, {"name": "a", "kind": "bridge", "netns": "host"}], "declared twice"),
        ([{"name": "a", "kind": "ifb", "vni": 3}], "links[0].vni: not supported for kind=ifb"),
        ([{"name": "a", "kind": "bridge", "mode": "bridge"}], "links[0].mode: not supported for kind=bridge"),
        ([{"name": "a", "stp": False}], "links[0].stp: requires kind"),
        ([{"name": "a", "kind": "vxlan"}], "links[0].vni: required for kind=vxlan"),
        ([{"name": "a", "kind": "veth"}], "links[0].peer: required for kind=veth"),
        ([{"name": "a", "kind": "macvlan"}], "links[0].parent: required for kind=macvlan"),
        (
            [{"name": "a", "kind": "macvlan", "parent": "b", "mode": "l2"}],
            "links[0].mode: must be one of private, vepa",
        ),
        ([{"name": "a", "kind": "bridge", "priority": 70000}], "links[0].priority: must be between 0 and 65535"),
        ([{"name": "a", "kind": "veth", "peer": {"name": "b", "mtu": 3}}], "links[0].peer.mtu: must be between"),
        ([{"name": "a", "kind": "ifb", "bridge_port": {"cost": 0}}], "links[0].bridge_port.cost: must be between"),
        (
            [{"name": "a", "kind": "ifb", "fdb": [{"dst": "192.0.2.1"}]}],
            "links[0].fdb[0].dst: supported only for kind=vxlan",
        ),
        (
            [{"name": "a", "kind": "ifb", "bridge_port": {"cost": 5}}],
            "bridge_port requires a bridge, but it has no master",
        ),
        (
            [{"name": name, "kind": "ifb", "altnames": ["long-name"]} for name in ("a", "b")],
            "b in host: the alternative name long-name is that of a there",
        ),
        ([{"name": "a/b", "kind": "ifb"}], "links[0].name: must be printable ASCII"),
        ([{"name": "a", "kind": "veth", "peer": {"name": "a"}}], "links[0].peer.name: both ends cannot be a"),
    ],
)
def test_impossible_document_is_rejected_before_any_change(box: Sandbox, links: list[Any], words: str) -> None:
    namespaces = [{"name": "fresh"}]
    refused(box, "topology", {"namespaces": namespaces, "links": links}, words)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"namespaces": [{"name": "x"}, {"name": "x"}]}, "namespaces[1].name: the namespace x is declared twice"),
        ({"namespaces": [{"name": "../x"}]}, "namespaces[0].name: must be 1 to 255"),
        ({"namespaces": [{"name": "container:none"}]}, "namespaces[0].name: "),
        ({"namespaces": [{"name": "x", "routes": [{"dst": "nonsense"}]}]}, "namespaces[0].routes[0].dst: "),
        ({"namespaces": [{"name": "x", "sysctls": {"kernel.hostname": "x"}}]}, "namespaces[0].sysctls.kernel.hostname"),
        ({"namespaces": [{"name": "x", "rules": [{"priority": -1, "table": 1}]}]}, "namespaces[0].rules[0].priority"),
        ({"name": "no good"}, "name: must be 1 to 100"),
        ({"state": "absent"}, "name: state=absent needs name"),
    ],
)
def test_invalid_document_is_rejected(box: Sandbox, args: dict[str, Any], words: str) -> None:
    refused(box, "topology", args, words)


def test_two_references_to_one_namespace_are_merged(box: Sandbox) -> None:
    pid = box.process()
    box.sh(f"touch /run/netns/same; mount --bind /proc/{pid}/ns/net /run/netns/same")
    args: dict[str, Any] = {
        "namespaces": [{"name": f"pid:{pid}", "sysctls": {"net.ipv4.ip_forward": 1}}, {"name": "same"}],
        "links": [
            {"name": "a", "kind": "ifb", "netns": "same"},
            {"name": "b", "kind": "bridge", "netns": f"pid:{pid}", "ports": ["a"]},
        ],
    }
    converge(box, "topology", args)
    assert [link.get("master") for link in box.ip("link", netns="same") if link["ifname"] == "a"] == ["b"]
    args["namespaces"][1]["sysctls"] = {"net.ipv4.ip_forward": 0}
    refused(box, "topology", args, "declared twice, with a different net/ipv4/ip_forward")


def test_run_ends_after_the_links_of_a_removed_namespace_are_deleted(box: Sandbox) -> None:
    for number in range(10):
        names = [f"away{number}-{one}" for one in range(5)]
        box.sh(*(f"ip netns add {name}; ip link add {name} type veth peer name eth0 netns {name}" for name in names))
        done = box.module("topology", {"state": "absent", "namespaces": [{"name": name} for name in names]})
        assert done.changed, done
        assert {link["ifname"] for link in box.ip("link", "show")} == {"lo"}


def test_namespace_with_a_declared_link_is_not_removed(box: Sandbox) -> None:
    assert box.module("topology", {"name": "ours", "namespaces": [{"name": "new"}]}).changed
    tunnel = {"name": "tunnel", "kind": "vxlan", "netns": "red", "vni": 7, "parent_netns": "new"}
    refused(
        box,
        "topology",
        {"name": "ours", "state": "replaced", "links": [tunnel]},
        "new cannot be removed: tunnel in red",
    )


def test_links_in_a_namespace_that_stays_open_are_removed(box: Sandbox) -> None:
    document = {
        "name": "ours",
        "namespaces": [{"name": "held"}],
        "links": [{"name": "held-host", "kind": "veth", "peer": {"name": "eth0", "netns": "held"}}],
    }
    assert box.module("topology", document).changed
    box.sh("touch /run/holder; mount --bind /run/netns/held /run/holder")
    assert box.module("topology", {"name": "ours", "state": "absent"}).changed
    assert {link["ifname"] for link in box.ip("link", "show")} == {"lo"}
    assert "held" not in box.run("ls", "/run/netns")
