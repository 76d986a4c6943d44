# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Macvlan links: parents in both namespaces, modes and their changes, source addresses."""

from __future__ import annotations

from typing import Any

import pytest

from .quartet import Case, assert_met, assert_there, converge, look, quartet, refused
from .sandbox import Sandbox

pytestmark = pytest.mark.libraries

_PARENT = ("ip link add p0 mtu 9000 address 02:00:00:00:00:0a type ifb", "ip link set p0 up")
_MODES = ("bridge", "private", "vepa", "passthru", "source")
_MAC_1, _MAC_2, _MAC_3 = (f"02:00:00:00:00:0{number}" for number in (1, 2, 3))

_SAME_NAMESPACE = Case(
    "parent in the same namespace, every shared option",
    {
        "name": "m0",
        "parent": "p0",
        "mode": "bridge",
        "mac": "02:00:00:00:00:01",
        "mtu": 1400,
        "addresses": ["192.0.2.1/24", "2001:db8::1/64"],
        "up": True,
        "alias": "on p0",
        "altnames": ["wire"],
        "broadcast_queue_length": 2000,
    },
    {
        ("host", "m0"): {
            "kind": "macvlan",
            "parent": "p0",
            "mode": "bridge",
            "mac": "02:00:00:00:00:01",
            "mtu": 1400,
            "addresses": ["192.0.2.1/24", "2001:db8::1/64"],
            "up": True,
            "alias": "on p0",
            "altnames": ["wire"],
            "bcqueuelen": 2000,
        }
    },
    {"mode": "private", "mtu": 9000, "addresses": [], "mac": "02:00:00:00:00:02", "broadcast_queue_length": 1},
    {("host", "m0"): {"mode": "private", "mtu": 9000, "addresses": [], "mac": "02:00:00:00:00:02", "bcqueuelen": 1}},
    prepare=_PARENT,
)

_OTHER_NAMESPACE = Case(
    "parent in another namespace, with a name that is in use here",
    {
        "name": "wire0",
        "netns": "red",
        "parent": "p0",
        "parent_netns": "host",
        "addresses": ["192.0.2.1/24"],
        "up": True,
    },
    {("red", "wire0"): {"kind": "macvlan", "mode": "vepa", "addresses": ["192.0.2.1/24"], "up": True}},
    {"mode": "bridge", "mtu": 1300},
    {("red", "wire0"): {"mode": "bridge", "mtu": 1300, "addresses": ["192.0.2.1/24"], "up": True}},
    prepare=(*_PARENT, "ip -n red link add p0 type ifb"),
)

_TO_THE_HOST = Case(
    "parent in a named namespace, link in the host",
    {"name": "m0", "parent": "p0", "parent_netns": "red", "mode": "private"},
    {("host", "m0"): {"kind": "macvlan", "mode": "private"}},
    {"up": False, "mac": "02:00:00:00:00:05"},
    {("host", "m0"): {"mac": "02:00:00:00:00:05"}},
    prepare=("ip -n red link add p0 type ifb",),
)

_SOURCE = Case(
    "exact lists of source addresses",
    {"name": "m0", "parent": "p0", "mode": "source", "source_macs": [_MAC_1, "02-00-00-00-00-02"], "flags": ["nodst"]},
    {("host", "m0"): {"mode": "source", "macaddr_count": 2, "nodst": True}},
    {"source_macs": [_MAC_3, _MAC_2], "flags": []},
    {("host", "m0"): {"mode": "source", "macaddr_count": 2, "nodst": None}},
    prepare=_PARENT,
)

_NO_SOURCE = Case(
    "no source addresses, then one",
    {"name": "m0", "parent": "p0", "mode": "source", "source_macs": []},
    {("host", "m0"): {"mode": "source", "macaddr_count": 0}},
    {"source_macs": [_MAC_1]},
    {("host", "m0"): {"macaddr_count": 1, "macaddr_data": [_MAC_1]}},
    prepare=_PARENT,
)

_PASSTHRU = Case(
    "passthru, which uses the parent exclusively",
    {"name": "m0", "netns": "red", "parent": "p0", "parent_netns": "host", "mode": "passthru", "flags": ["nopromisc"]},
    {("red", "m0"): {"mode": "passthru", "nopromisc": True, "mac": "02:00:00:00:00:0a"}},
    {"up": True},
    {("red", "m0"): {"mode": "passthru", "up": True}},
    prepare=_PARENT,
)

_CASES = [_SAME_NAMESPACE, _OTHER_NAMESPACE, _TO_THE_HOST, _SOURCE, _NO_SOURCE, _PASSTHRU]


@pytest.mark.parametrize("case", _CASES, ids=str)
def test_create_change_and_remove(box: Sandbox, case: Case) -> None:
    quartet(box, "macvlan", case)


@pytest.mark.parametrize("netns", ["host", "red"])
def test_every_change_of_mode(box: Sandbox, netns: str) -> None:
    """Modes that share a parent are changed in place. A change from or to passthru recreates the link."""
    box.sh(*_PARENT)
    base = {"name": "m0", "netns": netns, "parent": "p0", "parent_netns": "host"}
    for mode in (*_MODES, *reversed(_MODES), "source", "vepa", "source"):
        before = look(box, netns, "m0")
        args: dict[str, Any] = {**base, "mode": mode}
        anew = before is not None and mode != before["mode"] and "passthru" in (mode, before["mode"])
        if anew:
            refused(box, "macvlan", args, "passthru", "recreate")
            args["recreate"] = True
        if before is None or before["mode"] != mode:
            assert box.module("macvlan", args).changed
        assert not box.module("macvlan", args).changed
        assert_there(box, {(netns, "m0"): {"mode": mode}})
        if before and not anew:
            assert_there(box, {(netns, "m0"): {"index": before["index"]}})


def test_source_addresses_are_added_and_removed_individually(box: Sandbox) -> None:
    box.sh(*_PARENT)
    base = {"name": "m0", "parent": "p0", "mode": "source"}
    for macs in ([_MAC_1], [_MAC_1, _MAC_2, _MAC_3], [_MAC_3], [], [_MAC_2, _MAC_1, _MAC_2]):
        assert box.module("macvlan", {**base, "source_macs": macs}).changed
        assert_met(box, "macvlan", {**base, "source_macs": list(reversed(macs))})
        there = look(box, "host", "m0")
        assert there and sorted(there.get("macaddr_data", [])) == sorted(set(macs))
    refused(box, "macvlan", {"name": "m0", "parent": "p0", "mode": "bridge", "source_macs": []}, "source_macs: ")
    refused(box, "macvlan", {"name": "m0", "parent": "p0", "source_macs": [_MAC_1]}, "source_macs: ")


def test_change_of_parent_recreates_the_link(box: Sandbox) -> None:
    box.sh(*_PARENT, "ip link add p1 type ifb", "ip -n blue link add p0 type ifb")
    base = {"name": "m0", "netns": "red", "parent": "p0", "parent_netns": "host", "mode": "bridge", "up": True}
    box.module("macvlan", base)
    for other in ({"parent": "p1"}, {"parent_netns": "blue"}):
        refused(box, "macvlan", {**base, **other}, "m0 in red has the parent p0 in host", "recreate")
    converge(box, "macvlan", {**base, "parent": "p1", "recreate": True})
    parent = look(box, "host", "p1")
    assert parent
    assert_there(box, {("red", "m0"): {"below": parent["index"], "up": True}})
    converge(box, "macvlan", {**base, "parent_netns": "blue", "recreate": True})


def test_equal_interface_indexes_do_not_confuse_parents(box: Sandbox) -> None:
    """The index of the parent in its namespace is the index of another link here."""
    box.sh("ip link add p0 index 77 type ifb", "ip -n red link add trap index 77 type ifb")
    args = {"name": "m0", "netns": "red", "parent": "p0", "parent_netns": "host", "mode": "bridge"}
    converge(box, "macvlan", args)
    result = box.module("macvlan", args)
    assert result.data["macvlan"]["parent"] == {"name": "p0", "netns": "host"}
    refused(
        box, "macvlan", {**args, "parent": "trap", "parent_netns": "red"}, "has the parent p0 in host, not trap in red"
    )


def test_parent_in_an_undeclared_namespace_is_not_confused(box: Sandbox) -> None:
    """A link whose parent is in a third namespace differs from a link on a parent with the declared name."""
    pid = box.process()
    box.sh("ip link add p0 index 50 type ifb", netns=f"pid:{pid}")
    box.sh(*_PARENT, f"nsenter --net=/proc/{pid}/ns/net ip link add m0 link p0 netns 1 type macvlan")
    refused(box, "macvlan", {"name": "m0", "parent": "p0"}, f"has the parent p0 in pid:{pid}, not p0 in host")


def test_conflicting_links_are_rejected_or_replaced(box: Sandbox) -> None:
    box.sh(*_PARENT, "ip link add m0 type bridge")
    args = {"name": "m0", "parent": "p0", "mode": "bridge"}
    refused(box, "macvlan", args, "m0 in host is a bridge, not a macvlan", "recreate")
    refused(
        box, "macvlan", {"name": "m0", "state": "absent"}, "m0 in host is a bridge, not a macvlan; it was not deleted"
    )
    refused(box, "macvlan", {**args, "parent": "nothing", "name": "m1"}, "nothing")
    refused(box, "macvlan", {"name": "m1", "mode": "bridge"}, "parent")
    converge(box, "macvlan", {**args, "recreate": True})


def test_passthru_link_cannot_have_another_address_than_a_new_parent(box: Sandbox) -> None:
    """The MAC address of a new bridge is random, so no run with another declared one can succeed."""
    parent = {"name": "br1", "kind": "bridge"}
    link = {"name": "m0", "kind": "macvlan", "parent": "br1", "mode": "passthru", "mac": "02:00:00:00:00:01"}
    for check in (True, False):
        found = box.module("topology", {"links": [parent, link]}, check=check)
        assert found.failed
        assert "m0 in host: mac: a macvlan in mode passthru has the MAC address of its parent" in found.msg
        assert not box.run("ip", "link", "show", "br1", check=False)
    assert box.module("topology", {"links": [{**parent, "mac": link["mac"]}, link]}).changed
    assert {one["address"] for one in box.ip("link") if one["ifname"] in ("br1", "m0")} == {link["mac"]}


def test_second_link_on_a_passthru_parent_is_rejected(box: Sandbox) -> None:
    """Only the kernel detects this. It rejects the link, and nothing is left behind."""
    box.sh(*_PARENT)
    box.module("macvlan", {"name": "m0", "parent": "p0", "mode": "passthru"})
    before = box.snapshot()
    result = box.module(
        "macvlan", {"name": "m1", "netns": "red", "parent": "p0", "parent_netns": "host", "mode": "bridge"}
    )
    assert result.failed and "create macvlan m1 in red" in result.msg and "nvalid argument" in result.msg
    assert before == box.snapshot()


def test_parent_that_is_a_macvlan_is_rejected(box: Sandbox) -> None:
    """The kernel would create the link on the parent of the parent, which never matches the declared one."""
    box.sh(*_PARENT, "ip link add m0 link p0 type macvlan mode bridge")
    refused(box, "macvlan", {"name": "m1", "parent": "m0"}, "the parent m0 in host is a macvlan", "specify p0 in host")
    links = [{"name": name, "kind": "macvlan", "parent": on} for name, on in (("m2", "p0"), ("m3", "m2"))]
    refused(box, "topology", {"links": links}, "m3 in host: the parent m2 in host is a macvlan")


def test_mac_of_a_passthru_link_is_that_of_its_parent(box: Sandbox) -> None:
    box.sh(*_PARENT)
    args = {"name": "m0", "parent": "p0", "mode": "passthru", "mac": "02:00:00:00:00:99"}
    refused(box, "macvlan", args, "mac: a macvlan in mode passthru has the MAC address of its parent", "set mac of")
    converge(box, "macvlan", {**args, "mac": "02:00:00:00:00:0a"})
    # The parent gets the address in the same run.
    parent = {"name": "p1", "kind": "ifb", "mac": "02:00:00:00:00:77"}
    link = {"name": "m1", "kind": "macvlan", "parent": "p1", "mode": "passthru", "mac": "02:00:00:00:00:77"}
    converge(box, "topology", {"links": [link, parent]})
    assert {one["address"] for one in box.ip("link") if one["ifname"] in ("p1", "m1")} == {"02:00:00:00:00:77"}


def test_mtu_is_limited_by_the_parent(box: Sandbox) -> None:
    """A larger MTU is rejected before any change; a smaller one of the parent also applies to its links."""
    box.sh(*_PARENT, "ip link set p0 mtu 1400")
    refused(
        box, "macvlan", {"name": "m0", "parent": "p0", "mtu": 1500}, "mtu: 1500 exceeds the MTU 1400 of the parent p0"
    )
    new = [{"name": "new", "kind": "ifb"}, {"name": "m1", "kind": "macvlan", "parent": "new", "mtu": 1501}]
    refused(box, "topology", {"links": new}, "m1 in host: mtu: 1501 exceeds the MTU 1500 of the parent new in host")
    converge(box, "macvlan", {"name": "m0", "netns": "red", "parent": "p0", "parent_netns": "host", "mtu": 1400})
    links: list[dict[str, Any]] = [
        {"name": "p0", "mtu": 1200},
        {"name": "m0", "netns": "red", "kind": "macvlan", "parent": "p0", "parent_netns": "host"},
    ]
    converge(box, "topology", {"links": links})
    assert [one["mtu"] for one in box.ip("link", "show", "m0", netns="red")] == [1200]
    larger = [{**links[0], "mtu": 1450}, {**links[1], "mtu": 1450}]
    converge(box, "topology", {"links": larger})
    assert [one["mtu"] for one in box.ip("link", "show", "m0", netns="red")] == [1450]
