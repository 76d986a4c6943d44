# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs killed at any moment: no link in a wrong namespace, one run completes, the next changes nothing.

NETFLEET_KILLS is the number of runs (40).
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

import pytest

from . import forked
from .quartet import look
from .sandbox import PACKAGE, Sandbox
from .snapshot import names_in_run

pytestmark = pytest.mark.long

_KILLS = int(os.environ.get("NETFLEET_KILLS", "40"))

_PAIR: dict[str, Any] = {
    "name": "eth7",
    "netns": "red",
    "mtu": 1400,
    "up": True,
    "addresses": ["192.0.2.1/24", "198.51.100.1/24"],
    "altnames": ["uplink"],
    "peer": {"name": "eth7", "netns": "blue", "up": True, "master": "br0", "alias": "far"},
}
_BRIDGE: dict[str, Any] = {
    "name": "eth7",
    "netns": "blue",
    "stp": True,
    "addresses": ["192.0.2.1/24"],
    "up": True,
    "ports": [{"name": "port", "isolated": True}],
}
_MACVLAN: dict[str, Any] = {
    "name": "eth7",
    "netns": "blue",
    "parent": "wire",
    "mode": "source",
    "source_macs": ["02:00:00:00:00:01"],
    "addresses": ["192.0.2.1/24"],
    "up": True,
}
_VXLAN: dict[str, Any] = {
    "name": "eth7",
    "netns": "blue",
    "parent": "wire",
    "parent_netns": "host",
    "vni": 7,
    "remote": "192.0.2.9",
    "fdb": [{"dst": "192.0.2.7"}, {"dst": "192.0.2.8"}, {"mac": "02:00:00:00:00:01", "dst": "192.0.2.7"}],
    "addresses": ["192.0.2.1/24"],
    "up": True,
}
_NETNS: dict[str, Any] = {"name": "green", "sysctls": {"net.ipv4.ip_forward": 1}}


def _killed(box: Sandbox, module: str, args: dict[str, Any], after: float) -> bool:
    """Run a module and kill it after the given seconds; return whether it was still running."""
    request = json.dumps(
        {"ANSIBLE_MODULE_ARGS": {**args, "_ansible_remote_tmp": "/tmp", "_ansible_no_log": True}}
    ).encode()
    _out, _err, status = forked.run(box.pid, forked.entry(f"{PACKAGE}.{module}"), request, kill_after=after)
    assert status in (0, -9), _out + _err
    return status == -9


def _links(box: Sandbox) -> list[list[str]]:
    """Return the names of the links in host, red and blue from ip(8)."""
    text = box.sh("ip -br link", "echo =", "ip -n red -br link", "echo =", "ip -n blue -br link")
    return [
        sorted(line.split()[0].partition("@")[0] for line in part.splitlines() if line) for part in text.split("=\n")
    ]


class _Clock:
    """Random moments in a run, most of them late, when the kernel is changed; adapts to the load of the machine."""

    def __init__(self) -> None:
        self.whole = 0.1

    def moment(self) -> float:
        """Return seconds after the start."""
        return self.whole * random.triangular(0.0, 1.0, 0.75)

    def learn(self, was_running: bool) -> int:
        """Adapt to whether the run was still active, so that about one in eight ends before the kill."""
        self.whole = min(max(self.whole * (1.02 if was_running else 0.87), 0.005), 5.0)
        return int(was_running)


def test_killed_run_leaves_no_veth_in_a_wrong_namespace(box: Sandbox) -> None:
    box.sh("ip -n blue link add br0 type bridge")
    clock = _Clock()
    killed = 0
    for number in range(_KILLS):
        killed += clock.learn(_killed(box, "veth", _PAIR, clock.moment()))
        in_host, in_red, in_blue = _links(box)
        assert in_host == ["lo"], f"after kill {number}: {in_host} in the host"
        ends = {tuple(in_red), tuple(in_blue)}
        assert ends in ({("lo",), ("br0", "lo")}, {("eth7", "lo"), ("br0", "eth7", "lo")}), (
            f"after kill {number}: {ends}"
        )
        healed = box.module("veth", _PAIR)
        assert not healed.failed, healed.msg
        if number % 10 == 0:
            assert not box.module("veth", _PAIR).changed
            assert [len(box.ip("link", "show", netns=netns)) for netns in ("red", "blue")] == [2, 3]
        assert box.module("veth", {"name": "eth7", "netns": "red", "state": "absent"}).changed
    assert killed > _KILLS // 2, f"only {killed} of {_KILLS} runs were still active when they were killed"


def test_namespace_of_a_killed_run_is_repaired(box: Sandbox) -> None:
    """A run killed between creating the file and mounting it leaves a stub, which the next run repairs or removes."""
    clock = _Clock()
    left = {"nothing": 0, "stub": 0, "namespace": 0}
    # On a busy machine, it takes more kills until the clock has adapted.
    for number in range(3 * _KILLS):
        if number >= _KILLS // 3 and left["nothing"] and left["namespace"]:
            break
        clock.learn(_killed(box, "netns", _NETNS, clock.moment()))
        entry = names_in_run(box).get("green", "")
        left["namespace" if entry.startswith("nsfs") else "stub" if entry else "nothing"] += 1
        if number % 4 == 3:
            assert not box.module("netns", {"name": "green", "state": "absent"}).failed
            assert "green" not in names_in_run(box)
            continue
        assert not box.module("netns", _NETNS).failed
        assert box.run("cat", "/proc/sys/net/ipv4/ip_forward", netns="green") == "1\n"
        assert not box.module("netns", _NETNS).changed
        assert box.module("netns", {"name": "green", "state": "absent"}).changed
    assert left["nothing"] and left["namespace"], left


@pytest.mark.parametrize("module", ["bridge", "macvlan", "vxlan"])
def test_link_of_a_killed_run_is_repaired(box: Sandbox, module: str) -> None:
    box.sh("ip -n blue link add port type ifb", "ip link add wire type ifb")
    args = {"bridge": _BRIDGE, "macvlan": _MACVLAN, "vxlan": _VXLAN}[module]
    clock = _Clock()
    for number in range(_KILLS // 6):
        clock.learn(_killed(box, module, args, clock.moment()))
        in_host, in_red, in_blue = _links(box)
        assert (in_host, in_red) == (["lo", "wire"], ["lo"]), f"after kill {number}"
        assert in_blue in (["lo", "port"], ["eth7", "lo", "port"]), f"after kill {number}"
        healed = box.module(module, args)
        assert not healed.failed, healed.msg
        if number % 10 == 0:
            assert not box.module(module, args).changed
        assert box.module(module, {"name": "eth7", "netns": "blue", "state": "absent"}).changed


def test_killed_removal_is_completed(box: Sandbox) -> None:
    pair = {"name": "eth7", "netns": "red", "peer": {"name": "eth7", "netns": "blue"}}
    for number in range(_KILLS // 10):
        assert not box.module("veth", pair).failed
        _killed(box, "veth", {"name": "eth7", "netns": "red", "state": "absent"}, random.uniform(0, 0.05))
        assert (look(box, "red", "eth7") is None) == (look(box, "blue", "eth7") is None), number
        gone = box.module("veth", {"name": "eth7", "netns": "red", "state": "absent"})
        assert not gone.failed and look(box, "red", "eth7") is None
