# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routes and rules with properties that cannot be declared; the witness is ip(8)."""

from __future__ import annotations

from typing import Any

import pytest

from .quartet import assert_met, converge, refused
from .sandbox import Sandbox
from .snapshot import assert_same

_WIRE = (
    "ip link add a0 netns red type veth peer name b0 netns blue",
    "for name in a0 lo; do ip -n red link set $name up; done; for name in b0 lo; do ip -n blue link set $name up; done",
    "ip -n red addr add 192.0.2.1/24 dev a0",
    "ip -n red addr add 2001:db8::1/64 dev a0 nodad",
)
# Conditions of ip(8), each of a rule with priority 100 and table 200.
_CONDITIONS = [
    "not from 192.0.2.0/24",
    "ipproto tcp dport 22",
    "ipproto udp sport 53-60",
    "uidrange 1000-1999",
    "tos 0x10",
    "suppress_prefixlength 0",
    "suppress_ifgroup 7",
    "tun_id 9",
    "fwmark 0x1/0xff",
    "from 192.0.2.0/24",
    "iif lo",
]
_ACTIONS = ["goto 300", "nop", "l3mdev"]
# Routes of ip(8) that differ from a route to 10.1.0.0/16 by 192.0.2.2.
_ROUTES = [
    "10.1.0.0/16 via 192.0.2.2 mtu lock 1300 initcwnd 20",
    "10.1.0.0/16 via 192.0.2.2 tos 0x10",
    "10.1.0.0/16 nexthop via 192.0.2.2 weight 2 nexthop via 192.0.2.3",
    "10.1.0.0/16 nhid 7",
    "10.1.0.0/16 via 192.0.2.2 realm 3",
    "10.1.0.0/16 dev a0 scope host",
    "10.1.0.0/16 via 192.0.2.2 src 192.0.2.1",
    "10.1.0.0/16 via 192.0.2.2 dev a0 onlink",
    "throw 10.1.0.0/16",
    "10.1.0.0/16 via 192.0.2.2 quickack 1",
]
_ROUTES6 = [
    "2001:db8:1::/64 via 2001:db8::2 mtu 1400",
    "2001:db8:1::/64 nexthop via 2001:db8::2 nexthop via 2001:db8::3 weight 3",
    "2001:db8:1::/64 via 2001:db8::2 pref high",
    "2001:db8:1::/64 from 2001:db8:9::/64 via 2001:db8::2",
    "throw 2001:db8:1::/64",
]
_PLAIN: list[dict[str, Any]] = [
    {"dst": "10.1.0.0/16", "gateway": "192.0.2.2"},
    {"dst": "2001:db8:1::/64", "gateway": "2001:db8::2"},
]
_UNREACHABLE: dict[str, Any] = {"dst": "10.98.0.0/16", "gateway": "172.30.0.1"}


def _prepare(box: Sandbox, *commands: str) -> None:
    box.sh(*_WIRE, "ip -n red nexthop add id 7 via 192.0.2.2 dev a0", *(f"ip -n red {one}" for one in commands))


def _add_rule(condition: str) -> str:
    return f"rule add priority 100 {condition}" + ("" if condition in _ACTIONS else " table 200")


def _count_rules(box: Sandbox) -> int:
    return len([rule for rule in box.ip("rule", "show", netns="red") if rule["priority"] == 100])


@pytest.mark.parametrize("condition", _CONDITIONS + _ACTIONS)
def test_rule_with_another_condition_is_not_the_declared_one(box: Sandbox, condition: str) -> None:
    _prepare(box, _add_rule(condition))
    rule = {"priority": 100, "table": 200}
    converge(box, "netns", {"name": "red", "rules": [rule], "rules_append": True})
    assert _count_rules(box) == 2
    converge(box, "netns", {"name": "red", "rules": [rule]})
    assert _count_rules(box) == 1
    (left,) = (rule for rule in box.ip("rule", "show", netns="red") if rule["priority"] == 100)
    assert left == {"priority": 100, "src": "all", "table": "200", "protocol": "static"}


@pytest.mark.parametrize("route", _ROUTES + _ROUTES6)
def test_route_with_other_properties_is_not_the_declared_one(box: Sandbox, route: str) -> None:
    _prepare(box, f"route add {route}")
    plain = _PLAIN[":" in route]
    converge(box, "netns", {"name": "red", "routes": [plain]})
    shown = box.ip("-6" if ":" in route else "-4", "route", "show", plain["dst"], netns="red")
    assert [(one["gateway"], one.get("metrics"), one.get("prefsrc")) for one in shown] == [
        (plain["gateway"], None, None)
    ]


@pytest.mark.parametrize(
    "entry", [f"route add {route}" for route in _ROUTES + _ROUTES6] + [*map(_add_rule, _CONDITIONS)]
)
def test_failed_run_restores_the_entry(box: Sandbox, entry: str) -> None:
    """The exact lists of red remove the entry; the unreachable gateway in blue makes the run fail."""
    _prepare(box, entry)
    before = box.snapshot()
    namespaces = [{"name": "red", "rules": [], "routes": []}, {"name": "blue", "routes": [_UNREACHABLE]}]
    failed = box.module("topology", {"state": "replaced", "namespaces": namespaces})
    assert failed.failed and "172.30.0.1" in failed.msg
    assert failed.msg.endswith("The changes of this run were rolled back.")
    assert_same(before, box.snapshot())


@pytest.mark.parametrize("entry", [_add_rule("ipproto tcp dport 22"), *(f"route add {one}" for one in _ROUTES[:4])])
def test_export_omits_the_entry_with_a_warning(box: Sandbox, entry: str) -> None:
    _prepare(box, entry)
    result = box.module("topology", {"state": "gathered"})
    (namespace,) = (one for one in result.data["gathered"]["namespaces"] if one["name"] == "red")
    what = "rules" if "rule" in entry else "routes"
    assert what not in namespace
    assert namespace[f"{what}_append"]
    assert "(with " in str(result.data["warnings"])


def test_other_rules_with_the_priority_are_kept(box: Sandbox) -> None:
    _prepare(box, "rule add priority 100 from 10.0.0.1 table 10")
    document = {
        "state": "merged",
        "namespaces": [{"name": "red", "rules": [{"priority": 100, "src": "10.0.0.2/32", "table": 20}]}],
    }
    converge(box, "topology", document)
    assert _count_rules(box) == 2


def test_rules_of_multicast_routing_are_not_managed(box: Sandbox) -> None:
    _prepare(box)
    box.sh("ip -n red mrule add priority 103 table 103")
    converge(box, "netns", {"name": "red", "rules": [{"priority": 103, "table": 103}]})
    assert "103" in box.sh("ip -n red rule show prio 103")
    assert "103" in box.sh("ip -n red mrule show")


@pytest.mark.parametrize(
    "rule",
    [
        {"priority": 100, "src": "0.0.0.0/0", "table": 200},
        {"priority": 100, "fwmark": 0, "table": 200},
        {"priority": 100, "dst": "::/0", "family": "ipv6", "table": 200},
        {"priority": 100, "fwmark": 5, "fwmask": 4294967295, "table": 200},
        {"priority": 100, "fwmark": 0, "fwmask": 255, "table": 200},
        {"priority": 100, "action": "blackhole"},
    ],
)
def test_rule_in_another_spelling_is_the_same(box: Sandbox, rule: dict[str, Any]) -> None:
    _prepare(box)
    converge(box, "netns", {"name": "red", "rules": [rule]})


def test_each_route_satisfies_one_declaration(box: Sandbox) -> None:
    _prepare(box, "route add 12.0.0.0/8 via 192.0.2.2 metric 100", "route add 10.0.0.0/8 via 192.0.2.2 dev a0")
    routes = [
        {"dst": "10.0.0.0/8", "dev": "a0"},
        {"dst": "12.0.0.0/8", "gateway": "192.0.2.2"},
        {"dst": "12.0.0.0/8", "gateway": "192.0.2.2", "metric": 100},
    ]
    converge(box, "netns", {"name": "red", "routes": routes})
    assert [one.get("gateway") for one in box.ip("route", "show", "10.0.0.0/8", netns="red")] == [None]
    assert len(box.ip("route", "show", "12.0.0.0/8", netns="red")) == 2
    assert_met(box, "netns", {"name": "red", "routes": routes[::-1]})


def test_duplicates_and_wrong_families_are_rejected(box: Sandbox) -> None:
    _prepare(box)
    for args, words in (
        ({"routes": [_PLAIN[0], {**_PLAIN[0], "metric": 0}]}, "routes[1]: has the same destination, table and metric"),
        (
            {"rules": [{"priority": 9, "table": 9}, {"priority": 9, "table": 9, "src": "0.0.0.0/0"}]},
            "rules[1]: has the same",
        ),
        ({"routes": [{"dst": "10.0.0.0/8", "dev": "a0", "src": "fd00::1"}]}, "routes[0].src: must be an IPv4 address"),
    ):
        refused(box, "netns", {"name": "red", **args}, words)
