# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generic link kinds, and the kernel defaults of every kind."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import (
    BRIDGE,
    BRIDGE_PORT,
    MACVLAN,
    LinkOption,
)

from .quartet import assert_met, assert_there, converge, look, refused
from .sandbox import Sandbox

pytestmark = pytest.mark.libraries

_PARENT = ("ip link add p0 mtu 1500 type ifb", "ip link set p0 up")

# Kind, options, and their ip(8) output; options changed in place, and their output; options that require recreation.
_KINDS: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("dummy", {}, {}, {"mtu": 9000}, {"mtu": 9000}, {}),
    ("ifb", {}, {}, {"mtu": 9000}, {"mtu": 9000}, {"mac": "02:00:00:00:00:01"}),
    ("macvtap", {"mode": "bridge"}, {"mode": "bridge"}, {"mode": "private"}, {"mode": "private"}, {"mode": "passthru"}),
    ("vlan", {"id": 7}, {"id": 7, "protocol": "802.1Q"}, {"mtu": 1400}, {"mtu": 1400}, {"id": 8}),
    ("vlan", {"id": 7, "protocol": "802.1ad"}, {"protocol": "802.1ad"}, {"mtu": 1400}, {}, {"protocol": "802.1Q"}),
    ("vrf", {"table": 10}, {"table": 10}, {"mtu": 1400}, {"mtu": 1400}, {"table": 11}),
    ("ipvlan", {"mode": "l2"}, {"mode": "l2"}, {"mode": "l3"}, {"mode": "l3"}, {}),
]


def _lacks(box: Sandbox, kind: str) -> str:
    """Return why this kernel does not support a kind; empty if it does."""
    arguments = {"vlan": ["id", "9"], "vrf": ["table", "9"]}.get(kind, [])
    parent = ["link", "p0"] if kind in ("vlan", "ipvlan", "macvtap") else []
    command = [*box.entering(), "ip", "link", "add", *parent, "name", "probe0", "type", kind, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    box.run("ip", "link", "del", "probe0", check=False)
    return done.stderr.strip()


@pytest.mark.parametrize("kind, options, shown, change, changed, fixed", _KINDS, ids=lambda one: str(one)[:40])
def test_create_change_recreate_and_remove(
    box: Sandbox,
    kind: str,
    options: dict[str, Any],
    shown: dict[str, Any],
    change: dict[str, Any],
    changed: dict[str, Any],
    fixed: dict[str, Any],
) -> None:
    """Create, keep, change and recreate a link of each kind, then remove it."""
    box.sh(*_PARENT)
    reason = _lacks(box, kind)
    if reason:
        pytest.skip(f"this kernel has no {kind}: {reason}")
    on = {"parent": "p0", "parent_netns": "host"} if kind in ("vlan", "ipvlan", "macvtap") else {}
    link = {"name": "k0", "netns": "red", "kind": kind, "up": True, **on, **options}
    converge(box, "topology", {"links": [link]})
    assert_there(box, {("red", "k0"): {"kind": kind, "up": True, **shown}})
    before = look(box, "red", "k0")
    converge(box, "topology", {"links": [{**link, **change}]})
    assert_there(box, {("red", "k0"): {"kind": kind, "index": before and before["index"], **changed}})
    if fixed:
        refused(box, "topology", {"links": [{**link, **fixed}]}, "k0 in red", "set recreate=true")
        converge(box, "topology", {"links": [{**link, **fixed, "recreate": True}]})
    converge(box, "topology", {"links": [link], "state": "absent"})
    assert look(box, "red", "k0") is None


def _born(specs: Mapping[str, LinkOption]) -> dict[str, Any]:
    return {name: spec.initial for name, spec in specs.items() if spec.initial is not None}


def test_defaults_match_those_of_the_kernel(box: Sandbox) -> None:
    """The defaults in the tables are those of links that this kernel creates without options."""
    box.sh(*_PARENT, "ip link add br0 type bridge", "ip link set p0 master br0")
    assert set(_born(BRIDGE)) == set(BRIDGE)
    assert_met(box, "bridge", {"name": "br0", **_born(BRIDGE), "ports": [{"name": "p0", **_born(BRIDGE_PORT)}]})
    box.sh("ip link del br0", "ip link add m0 link p0 type macvlan", "ip link add m1 link p0 type macvlan mode source")
    born = {name: list(value) if isinstance(value, tuple) else value for name, value in _born(MACVLAN).items()}
    sources = born.pop("source_macs")
    assert_met(box, "macvlan", {"name": "m0", "parent": "p0", **born})
    assert_met(box, "macvlan", {"name": "m1", "parent": "p0", **born, "mode": "source", "source_macs": sources})


def test_fixed_mac_address_is_refused_without_a_kind(box: Sandbox) -> None:
    """An ifb has no operation for its MAC address, whether the kind is declared or not."""
    box.sh("ip link add k0 address 02:00:00:00:00:01 type ifb")
    link = {"name": "k0", "mac": "02:00:00:00:00:01"}
    assert not box.module("topology", {"links": [link]}).changed
    refused(
        box, "topology", {"links": [{**link, "mac": "02:00:00:00:00:02"}]}, "k0 in host has the mac 02:00:00:00:00:01"
    )
