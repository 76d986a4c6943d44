# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Veth pairs: every pair of namespaces, every option of each end."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from .quartet import Case, assert_met, assert_there, converge, look, quartet
from .sandbox import Sandbox

pytestmark = pytest.mark.libraries

_KINDS = ("host", "named", "pid", "path", "none")

_ENDS = Case(
    "every option of each end, then other values in place",
    {
        "name": "eth0",
        "netns": "red",
        "mtu": 1400,
        "mac": "02:AA:00:00:00:01",
        "addresses": ["192.0.2.1/24", "2001:db8:0::1/64", "198.51.100.1/32"],
        "up": True,
        "altnames": ["uplink-of-red", "wan0"],
        "alias": "to blue",
        "peer": {
            "name": "eth0",
            "netns": "blue",
            "mtu": 1450,
            "mac": "02-aa-00-00-00-02",
            "addresses": ["192.0.2.2/24", "fe80::2/64"],
            "up": True,
            "master": "br0",
            "altnames": ["a" * 127],
            "alias": "ünïcode ; $(id) {{7*7}}",
        },
    },
    {
        ("red", "eth0"): {
            "kind": "veth",
            "mtu": 1400,
            "mac": "02:aa:00:00:00:01",
            "addresses": ["192.0.2.1/24", "198.51.100.1/32", "2001:db8::1/64"],
            "up": True,
            "altnames": ["uplink-of-red", "wan0"],
            "alias": "to blue",
            "master": "",
        },
        ("blue", "eth0"): {
            "kind": "veth",
            "mtu": 1450,
            "mac": "02:aa:00:00:00:02",
            "addresses": ["192.0.2.2/24", "fe80::2/64"],
            "up": True,
            "altnames": ["a" * 127],
            "alias": "ünïcode ; $(id) {{7*7}}",
            "master": "br0",
        },
        ("host", "eth0"): None,
    },
    {
        "mtu": 9000,
        "mac": "02:bb:00:00:00:01",
        "addresses": ["192.0.2.3/24", "2001:db8::1/64"],
        "altnames": ["wan0", "wan1"],
        "alias": "",
        "peer": {"mtu": 68, "master": "", "addresses": [], "up": False, "altnames": [], "alias": "spare"},
    },
    {
        ("red", "eth0"): {
            "mtu": 9000,
            "mac": "02:bb:00:00:00:01",
            "addresses": ["192.0.2.3/24", "2001:db8::1/64"],
            "altnames": ["wan0", "wan1"],
            "alias": "",
            "up": True,
        },
        ("blue", "eth0"): {"mtu": 68, "addresses": [], "altnames": [], "alias": "spare", "master": "", "up": False},
    },
    prepare=("ip -n blue link add br0 mtu 1500 address 02:00:00:00:00:99 type bridge",),
)

_SAME_NAMES_AS_THE_HOSTS = Case(
    "the host has an interface of the same name",
    {"name": "eth0", "netns": "red", "peer": {"name": "eth0", "netns": "blue"}},
    {("red", "eth0"): {"kind": "veth"}, ("blue", "eth0"): {"kind": "veth"}, ("host", "eth0"): {"kind": "ifb"}},
    prepare=("ip link add eth0 type ifb",),
)

_DOWN_WITH_ROUTES = Case(
    "set down and up again, addresses kept",
    {
        "name": "a0",
        "up": True,
        "addresses": ["192.0.2.1/24", "2001:db8::1/64"],
        "peer": {"name": "b0", "netns": "red", "up": True},
    },
    {("host", "a0"): {"up": True, "addresses": ["192.0.2.1/24", "2001:db8::1/64"]}},
    {"up": False, "mtu": 1280},
    {("host", "a0"): {"up": False, "mtu": 1280, "addresses": ["192.0.2.1/24", "2001:db8::1/64"]}},
)

_ABSENT_BY_THE_PEER = Case(
    "removed by the names of both ends",
    {"name": "a0", "netns": "red", "peer": {"name": "b0", "netns": "blue"}},
    {("red", "a0"): {"up": False}, ("blue", "b0"): {"up": False}},
    absent={"peer": {"name": "b0", "netns": "blue"}},
)

_STRANGE_NAMES = Case(
    "unusual names that are allowed",
    {
        "name": "{{7*7}}",
        "netns": "red",
        "altnames": ["$(id)", "..", "-rf"],
        "peer": {"name": "--help", "alias": "\x1b[31m<b>\n"},
    },
    {
        ("red", "{{7*7}}"): {"kind": "veth", "altnames": ["$(id)", "-rf", ".."]},
        ("host", "--help"): {"kind": "veth", "alias": "\x1b[31m<b>\n"},
    },
)


@pytest.mark.parametrize(
    "case",
    [_ENDS, _SAME_NAMES_AS_THE_HOSTS, _DOWN_WITH_ROUTES, _ABSENT_BY_THE_PEER, _STRANGE_NAMES],
    ids=str,
)
def test_create_change_and_remove(box: Sandbox, case: Case) -> None:
    quartet(box, "veth", case)


@pytest.mark.parametrize("kinds", list(itertools.product(_KINDS, repeat=2)), ids="-".join)
def test_every_pair_of_namespaces(box: Sandbox, kinds: tuple[str, str]) -> None:
    """Both ends have the same name where the namespaces differ, and each end shows the other as its peer."""
    box.netns("green", "white")
    references, places = [], []
    for number, kind in enumerate(kinds):
        pid = box.process() if kind in ("pid", "path") else 0
        if kind == "path":
            box.sh(f"touch /run/{pid} && mount --bind /proc/{pid}/ns/net /run/{pid}")
        places.append(
            {"named": ("green", "white")[number], "pid": f"pid:{pid}", "path": f"pid:{pid}"}.get(kind, "host")
        )
        references.append({"host": "host", "path": f"path:/run/{pid}", "none": None}.get(kind, places[-1]))
    args: dict[str, Any] = {"name": "eth7", "up": True, "peer": {"name": "eth7", "up": True, "mtu": 1300}}
    if places[0] == places[1]:
        args["peer"]["name"] = "eth8"
    for options, reference in zip((args, args["peer"]), references):
        if reference is not None:
            options["netns"] = reference
    others = tuple({place for place in places if ":" in place})
    far = args["peer"]["name"]
    case = Case(
        "", args, {(places[0], "eth7"): {"up": True}, (places[1], far): {"up": True, "mtu": 1300}}, others=others
    )
    converge(box, "veth", args, *others)
    assert_there(box, case.want)
    near_end, far_end = look(box, places[0], "eth7"), look(box, places[1], far)
    assert near_end and far_end
    assert (near_end["below"] or _named(box, places[0], near_end)) == far_end["index"]
    assert (far_end["below"] or _named(box, places[1], far_end)) == near_end["index"]
    gone: dict[str, Any] = {key: args[key] for key in ("name", "netns") if key in args}
    assert box.module("veth", {**gone, "state": "absent"}).changed
    assert_there(box, {(places[0], "eth7"): None, (places[1], far): None})


def _named(box: Sandbox, netns: str, end: dict[str, Any]) -> Any:
    """Return the index of a peer in the same namespace, which ip(8) shows by name."""
    peer = look(box, netns, end["parent"])
    return peer and peer["index"]


def test_namespace_of_the_module(box: Sandbox) -> None:
    args = {"name": "a0", "peer": {"name": "b0", "netns": "host"}}
    result = box.module("veth", args, netns="red")
    assert result.changed and result.data["veth"]["netns"] == "current"
    assert not box.module("veth", args, netns="red").changed
    assert not box.module("veth", {"name": "a0", "netns": "red", "peer": {"name": "b0"}}).changed
    assert_there(box, {("red", "a0"): {"kind": "veth"}, ("host", "b0"): {"kind": "veth"}, ("host", "a0"): None})


def test_equal_values_in_another_form_are_no_change(box: Sandbox) -> None:
    end = {"mac": "02:AA:BB:00:00:01", "addresses": ["fd00:0::1/64", "192.0.2.1/24"]}
    peer = {"name": "b0", "netns": "blue"}
    converge(box, "veth", {"name": "a0", "netns": "red", **end, "peer": peer})
    for mac in ("02:aa:bb:00:00:01", "02-AA-bb-00-00-01"):
        for address in ("fd00::1/64", "FD00:0000::0001/64"):
            other_form = {"mac": mac, "addresses": [address, "192.0.2.1/24", "192.0.2.1/24"]}
            assert_met(box, "veth", {"name": "a0", "netns": "red", **other_form, "peer": peer})


def test_omitted_options_are_kept(box: Sandbox) -> None:
    box.sh(
        "ip link add a0 netns red mtu 1400 type veth peer name b0 netns blue",
        "ip -n red link set a0 up alias mine address 02:00:00:00:00:07",
        "ip -n red addr add 192.0.2.1/24 dev a0",
        "ip -n red link property add dev a0 altname other",
        "ip -n blue link set b0 up",
    )
    assert_met(box, "veth", {"name": "a0", "netns": "red", "peer": {"name": "b0", "netns": "blue"}})


def test_equal_ends_are_rejected(box: Sandbox) -> None:
    places: list[dict[str, Any]] = [{}, {"netns": "red"}]
    for netns in places:
        result = box.module("veth", {"name": "a0", **netns, "peer": {"name": "a0", **netns}})
        assert result.failed and result.msg.startswith("peer.name: ")


def test_equal_names_and_indexes_in_two_namespaces(box: Sandbox) -> None:
    """Both namespaces use the same names and indexes. Each pair is found, and the right one is removed."""
    for place in ("red", "blue"):
        box.sh(f"for n in 1 2 3; do ip -n {place} link add eth$n type ifb; done", f"ip -n {place} link del eth2")
        box.sh(f"ip -n {place} link add eth2 index 3 type veth peer name twin index 9")
    pair = {"name": "eth5", "netns": "red", "peer": {"name": "eth5", "netns": "blue"}}
    converge(box, "veth", pair)
    inner = {"name": "eth2", "netns": "red", "peer": {"name": "twin", "netns": "red"}}
    assert_met(box, "veth", inner)
    converge(box, "veth", {"name": "twin", "netns": "blue", "state": "absent"})
    assert_there(box, {("blue", "eth2"): None, ("red", "eth2"): {"kind": "veth"}, ("red", "twin"): {"kind": "veth"}})
    assert_met(box, "veth", inner)
    assert_met(box, "veth", pair)
