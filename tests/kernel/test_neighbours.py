# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Permanent neighbors and proxies of a namespace: exact lists, append, and removal by the kernel."""

from __future__ import annotations

from typing import Any

import pytest

from .quartet import assert_met, converge, refused
from .sandbox import Sandbox

pytestmark = pytest.mark.libraries

_WIRE = (
    "ip link add a0 netns red type veth peer name b0 netns blue",
    "ip -n red link set a0 up; ip -n blue link set b0 up; ip -n red link set lo up",
    "ip -n red addr add 192.0.2.1/24 dev a0; ip -n red addr add 2001:db8::1/64 dev a0 nodad",
)
_MAC_1, _MAC_2 = "02:00:00:00:00:01", "02:00:00:00:00:02"

_ENTRIES: list[tuple[dict[str, Any], str]] = [
    ({"dst": "192.0.2.7", "mac": _MAC_1, "dev": "a0"}, f"192.0.2.7 dev a0 lladdr {_MAC_1}"),
    ({"dst": "2001:DB8::7", "mac": "02-00-00-00-00-02", "dev": "a0"}, f"2001:db8::7 dev a0 lladdr {_MAC_2}"),
    ({"dst": "192.0.2.8", "mac": "03:00:00:00:00:01", "dev": "a0"}, "192.0.2.8 dev a0 lladdr 03:00:00:00:00:01"),
    ({"dst": "192.0.2.7", "dev": "a0", "proxy": True}, "192.0.2.7 dev a0 proxy"),
    ({"dst": "2001:db8::9", "dev": "a0", "proxy": True}, "2001:db8::9 dev a0 proxy"),
]


def _shown(box: Sandbox) -> list[str]:
    """Return permanent neighbors and proxies as ip(8) shows them."""
    text = box.sh("ip neigh show nud permanent", "ip neigh show proxy", netns="red")
    return [" ".join(line.replace("PERMANENT", "").split()) for line in text.splitlines()]


@pytest.mark.parametrize("entry, shown", _ENTRIES)
def test_single_entry(box: Sandbox, entry: dict[str, Any], shown: str) -> None:
    box.sh(*_WIRE)
    converge(box, "netns", {"name": "red", "neighbours": [entry]})
    assert _shown(box) == [shown]
    converge(box, "netns", {"name": "red", "neighbours": []})
    assert _shown(box) == []


def test_list_of_entries(box: Sandbox) -> None:
    box.sh(*_WIRE)
    everything = [entry for entry, _text in _ENTRIES]
    converge(box, "netns", {"name": "red", "neighbours": everything})
    assert sorted(_shown(box)) == sorted(text for _entry, text in _ENTRIES)
    assert_met(box, "netns", {"name": "red", "neighbours": list(reversed(everything))})
    assert_met(box, "netns", {"name": "red", "neighbours": everything[:1], "neighbours_append": True})
    converge(box, "netns", {"name": "red", "neighbours": everything[::2]})
    assert len(_shown(box)) == len(everything[::2])
    converge(box, "netns", {"name": "red", "neighbours": everything[1::2], "neighbours_append": True})
    assert len(_shown(box)) == len(everything)


@pytest.mark.parametrize("append", [False, True])
def test_change_of_mac_address(box: Sandbox, append: bool) -> None:
    """The entry is replaced without a gap. An entry learned meanwhile does not prevent the change."""
    box.sh(*_WIRE, f"ip -n red neigh add 192.0.2.7 lladdr {_MAC_2} dev a0 nud reachable")
    for mac in (_MAC_1, _MAC_2):
        args = {
            "name": "red",
            "neighbours": [{"dst": "192.0.2.7", "mac": mac, "dev": "a0"}],
            "neighbours_append": append,
        }
        done = converge(box, "netns", args)
        assert done.operations() == ["add"]
        assert _shown(box) == [f"192.0.2.7 dev a0 lladdr {mac}"]


def test_entries_of_other_programs_are_kept(box: Sandbox) -> None:
    """Learned entries and those of routing daemons are not managed; those of Docker and ip(8) are."""
    box.sh(
        *_WIRE,
        f"ip -n red neigh add 192.0.2.7 lladdr {_MAC_1} dev a0 nud permanent extern_learn",
        f"ip -n red neigh add 192.0.2.8 lladdr {_MAC_1} dev a0 nud stale",
        f"ip -n red neigh add 192.0.2.9 lladdr {_MAC_1} dev a0 nud permanent",
        "ip -n red neigh add proxy 192.0.2.10",
    )
    converge(box, "netns", {"name": "red", "neighbours": []})
    left = [entry["dst"] for entry in box.ip("neigh", "show", "nud", "all", netns="red") if "lladdr" in entry]
    assert {"192.0.2.7", "192.0.2.8"} <= set(left)
    assert "192.0.2.9" not in _shown(box)
    assert not box.ip("neigh", "show", "proxy", netns="red")


@pytest.mark.parametrize(
    "change, lost", [({"mac": _MAC_2}, 2), ({"up": False}, 3), ({"mtu": 1400}, 0), ({"alias": "x"}, 0)], ids=str
)
def test_entries_that_the_kernel_removes_are_restored(box: Sandbox, change: dict[str, Any], lost: int) -> None:
    """A change of the link's MAC address removes neighbors. Setting the link down removes proxies as well."""
    box.sh(*_WIRE)
    entries = [_ENTRIES[0][0], _ENTRIES[1][0], _ENTRIES[3][0]]
    wanted = {"name": "red", "neighbours": entries}
    converge(box, "netns", wanted)
    pair = {"name": "a0", "netns": "red", "peer": {"name": "b0", "netns": "blue"}}
    assert box.module("veth", {**pair, **change}).changed
    assert len(_shown(box)) == len(entries) - lost
    again = box.module("netns", wanted)
    assert len(again.operations()) == lost
    assert_met(box, "netns", wanted)


def test_entry_without_its_link_is_rejected(box: Sandbox) -> None:
    box.sh(*_WIRE)
    one = _ENTRIES[0][0]
    refused(
        box,
        "netns",
        {"name": "red", "neighbours": [{**one, "dev": "nothing"}]},
        "no such link: nothing in red",
        "192.0.2.7",
    )
    refused(box, "netns", {"name": "green", "neighbours": [one]}, "no such link: a0 in green")
    refused(box, "netns", {"name": "red", "neighbours": [{**one, "proxy": True}]}, "neighbours[0].mac: ")
    refused(box, "netns", {"name": "red", "neighbours": [{"dst": "192.0.2.7", "dev": "a0"}]}, "neighbours[0].mac: ")
    refused(box, "netns", {"name": "red", "neighbours": [one, {**one, "mac": _MAC_2}]}, "neighbours[1].mac: ")
    refused(box, "netns", {"name": "red", "neighbours": [{**one, "dst": "224.0.0.1"}]}, "neighbours[0].dst: ")
    assert_met(box, "netns", {"name": "red", "neighbours": []})
