# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routes and policy rules of a namespace: exact lists, append, and routes of the kernel."""

from __future__ import annotations

from typing import Any

import pytest

from .quartet import assert_met, converge, refused
from .sandbox import Sandbox

pytestmark = pytest.mark.libraries

_WIRE = (
    "ip link add a0 netns red type veth peer name b0 netns blue",
    "ip -n red link set a0 up; ip -n blue link set b0 up; ip -n red link set lo up",
    "ip -n red addr add 192.0.2.1/24 dev a0; ip -n red addr add 192.0.2.9/24 dev a0",
    "ip -n red addr add 2001:db8::1/64 dev a0 nodad",
)

_ROUTES: list[tuple[dict[str, Any], str]] = [
    ({"dst": "default", "gateway": "192.0.2.2"}, "default via 192.0.2.2 dev a0"),
    ({"dst": "default", "gateway": "2001:db8::2"}, "default via 2001:db8::2 dev a0 metric 1024"),
    ({"dst": "default", "dev": "a0", "family": "ipv6", "metric": 7}, "default dev a0 metric 7"),
    ({"dst": "default", "dev": "a0", "metric": 0, "table": 8}, "default dev a0 table 8"),
    ({"dst": "2001:db8:8::/64", "dev": "a0", "metric": 0}, "2001:db8:8::/64 dev a0 metric 1024"),
    (
        {"dst": "198.51.100.0/24", "gateway": "192.0.2.2", "metric": 50},
        "198.51.100.0/24 via 192.0.2.2 dev a0 metric 50",
    ),
    ({"dst": "198.51.100.0/24", "dev": "a0", "src": "192.0.2.9"}, "198.51.100.0/24 dev a0 src 192.0.2.9"),
    ({"dst": "198.51.100.7", "dev": "a0"}, "198.51.100.7 dev a0"),
    ({"dst": "2001:db8:1::/48", "dev": "a0"}, "2001:db8:1::/48 dev a0 metric 1024"),
    ({"dst": "203.0.113.0/24", "type": "blackhole"}, "blackhole 203.0.113.0/24"),
    ({"dst": "203.0.113.0/24", "type": "unreachable", "metric": 9}, "unreachable 203.0.113.0/24 metric 9"),
    ({"dst": "2001:db8:2::/64", "type": "blackhole"}, "blackhole 2001:db8:2::/64 dev lo metric 1024"),
    ({"dst": "2001:db8:3::/64", "type": "prohibit", "table": 7}, "prohibit 2001:db8:3::/64 dev lo table 7 metric 1024"),
    ({"dst": "198.51.100.0/24", "dev": "a0", "table": 100}, "198.51.100.0/24 dev a0 table 100"),
    ({"dst": "198.51.100.0/24", "dev": "a0", "table": 100000}, "198.51.100.0/24 dev a0 table 100000"),
    ({"dst": "198.51.100.9", "gateway": "10.9.9.9", "dev": "a0", "onlink": True}, "198.51.100.9 via 10.9.9.9 dev a0"),
    ({"dst": "198.51.100.0/25", "gateway": "2001:db8::2", "dev": "a0"}, "198.51.100.0/25 via inet6 2001:db8::2 dev a0"),
    ({"dst": "198.51.100.77", "type": "local", "dev": "lo"}, "local 198.51.100.77 dev lo"),
    ({"dst": "198.51.100.78", "type": "local", "dev": "lo", "table": 255}, "local 198.51.100.78 dev lo table local"),
]

_RULES: list[tuple[dict[str, Any], str]] = [
    ({"priority": 100, "src": "192.0.2.0/24", "table": 100}, "100: from 192.0.2.0/24 lookup 100"),
    ({"priority": 100, "dst": "2001:db8::/32", "table": 100000}, "100: from all to 2001:db8::/32 lookup 100000"),
    ({"priority": 5, "iif": "a0", "oif": "lo", "table": 7}, "5: from all iif a0 oif lo lookup 7"),
    ({"priority": 6, "fwmark": 16, "fwmask": 255, "table": 7}, "6: from all fwmark 0x10/0xff lookup 7"),
    ({"priority": 6, "fwmark": 16, "table": 7, "family": "ipv6"}, "6: from all fwmark 0x10 lookup 7"),
    ({"priority": 7, "src": "198.51.100.7", "action": "blackhole"}, "7: from 198.51.100.7 blackhole"),
    ({"priority": 7, "dst": "2001:db8::7", "action": "prohibit"}, "7: from all to 2001:db8::7 prohibit"),
    ({"priority": 8, "action": "unreachable"}, "8: from all unreachable"),
    ({"priority": 32766, "src": "192.0.2.9", "table": 254}, "32766: from 192.0.2.9 lookup main"),
    ({"priority": 0, "src": "192.0.2.8", "table": 254}, "0: from 192.0.2.8 lookup main"),
    ({"priority": 4294967295, "src": "192.0.2.8", "table": 1}, "4294967295: from 192.0.2.8 lookup 1"),
]


def _shown(box: Sandbox, what: str) -> list[str]:
    """Return routes or rules created by users as ip(8) shows them."""
    lines = []
    for family in ("-4", "-6"):
        command = "route show table all" if what == "routes" else "rule show"
        text = box.sh(f"ip {family} -o {command}", netns="red")
        for line in text.replace("\t", " ").splitlines():
            words = line.split()
            if (
                "kernel" in words
                or "ra" in words
                or line.startswith(("0: from all lookup local", "32766: from all ", "32767: "))
            ):
                continue
            lines.append(" ".join(words))
    return lines


def _assert_listed(box: Sandbox, what: str, entry: str, there: bool = True) -> None:
    # ip(8) adds protocol, scope and flags.
    found = [line for line in _shown(box, what) if set(entry.split()) <= set(line.split())]
    assert bool(found) is there, (entry, _shown(box, what))


@pytest.mark.parametrize(
    "what, entry, shown", [("routes", *one) for one in _ROUTES] + [("rules", *one) for one in _RULES]
)
def test_single_route(box: Sandbox, what: str, entry: dict[str, Any], shown: str) -> None:
    """The route is added, kept, and removed again because the list is exact."""
    box.sh(*_WIRE)
    assert _shown(box, what) == []
    converge(box, "netns", {"name": "red", what: [entry]})
    _assert_listed(box, what, shown)
    converge(box, "netns", {"name": "red", what: []})
    assert _shown(box, what) == []


@pytest.mark.parametrize("what, table", [("routes", _ROUTES), ("rules", _RULES)])
def test_list_of_routes(box: Sandbox, what: str, table: list[tuple[dict[str, Any], str]]) -> None:
    box.sh(*_WIRE)
    everything = [entry for entry, _shown in table]
    converge(box, "netns", {"name": "red", what: everything})
    for _entry, shown in table:
        _assert_listed(box, what, shown)
    assert len(_shown(box, what)) == len(table), "\n".join(_shown(box, what))
    assert_met(box, "netns", {"name": "red", what: list(reversed(everything))})
    assert_met(box, "netns", {"name": "red", what: everything[:1], f"{what}_append": True})
    converge(box, "netns", {"name": "red", what: everything[::2]})
    assert len(_shown(box, what)) == len(everything[::2])
    converge(box, "netns", {"name": "red", what: everything[1::2], f"{what}_append": True})
    assert len(_shown(box, what)) == len(table)


def test_change_of_a_route(box: Sandbox) -> None:
    box.sh(*_WIRE)
    first = {"dst": "198.51.100.0/24", "gateway": "192.0.2.2"}
    second = {"dst": "198.51.100.0/24", "gateway": "192.0.2.3"}
    for append in (False, True):
        converge(box, "netns", {"name": "red", "routes": [first], "routes_append": append})
        converge(box, "netns", {"name": "red", "routes": [second], "routes_append": append})
        assert [line.split()[2] for line in _shown(box, "routes")] == ["192.0.2.3"]


def test_routes_of_other_programs_are_kept(box: Sandbox) -> None:
    """Routes of routing daemons and of the kernel are not managed; those of ip(8) are."""
    box.sh(
        *_WIRE,
        "ip -n red route add 198.51.100.0/24 dev a0 proto bird",
        "ip -n red route add 203.0.113.0/24 dev a0",
        "ip -n red -6 route add 2001:db8:9::/64 dev a0 proto static",
    )
    converge(box, "netns", {"name": "red", "routes": []})
    assert [line.split()[0] for line in _shown(box, "routes")] == ["198.51.100.0/24"]
    assert box.ip("route", "show", "192.0.2.0/24", netns="red")


def test_route_without_its_link_is_rejected(box: Sandbox) -> None:
    box.sh(*_WIRE)
    for routes, words in (
        ([{"dst": "198.51.100.0/24", "dev": "nothing"}], ("nothing",)),
        ([{"dst": "198.51.100.0/24"}], ("routes[0].gateway: ",)),
        ([{"dst": "198.51.100.0/24", "type": "blackhole", "dev": "a0"}], ("routes[0].type: ",)),
        ([{"dst": "198.51.100.0/24", "dev": "a0"}, {"dst": "198.51.100.1/24", "dev": "a0"}], ("routes[1].dst: ",)),
    ):
        before = box.snapshot()
        result = box.module("netns", {"name": "red", "routes": routes})
        assert result.failed and all(word in result.msg for word in words), result.msg
        assert before == box.snapshot()
    refused(
        box,
        "netns",
        {"name": "red", "rules": [{"priority": 1, "src": "192.0.2.0/24", "dst": "fd00::/64", "table": 1}]},
        "rules[0].family: ",
    )
    refused(box, "netns", {"name": "red", "rules": [{"priority": 1}]}, "rules[0].table: ")


@pytest.mark.parametrize("dst", ["203.0.113.0/24", "2001:db8:9::/64"])
def test_route_over_a_link_that_is_down_is_refused(box: Sandbox, dst: str) -> None:
    box.sh("ip -n red link add down0 type ifb")
    namespaces = [{"name": "red", "routes": [{"dst": dst, "dev": "down0"}]}]
    refused(box, "topology", {"namespaces": namespaces}, f"add route {dst} dev down0 in red: the link down0 is down")
    converge(box, "topology", {"namespaces": namespaces, "links": [{"name": "down0", "netns": "red", "up": True}]})
