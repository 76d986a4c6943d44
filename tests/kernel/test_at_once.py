# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations on many objects: namespaces created in advance, and ports set up together."""

from __future__ import annotations

from typing import Any
from unittest import mock

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import KernelError
from ansible_collections.netfleet.docker.plugins.module_utils._links import netns_prefetch
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import CreateNetns

from . import forked
from .quartet import converge
from .sandbox import PACKAGE, Sandbox, request, result
from .snapshot import assert_same

SPACES = [f"space{number}" for number in range(5)]


def star(**bridge: Any) -> dict[str, Any]:
    """Return a bridge with a port for each namespace."""
    return {
        "name": "star",
        "namespaces": [{"name": name} for name in SPACES],
        "links": [
            *(
                {
                    "name": f"{name}-port",
                    "kind": "veth",
                    "master": "hub",
                    "peer": {"name": "eth0", "netns": name, "addresses": [f"10.9.0.{number}/24"]},
                }
                for number, name in enumerate(SPACES, 1)
            ),
            {"name": "hub", "kind": "bridge", **bridge},
        ],
    }


def up(box: Sandbox) -> dict[str, bool]:
    """Return the links of the host that are up, from ip(8)."""
    return {link["ifname"]: "UP" in link["flags"] for link in box.ip("link", "show") if link["ifname"] != "lo"}


def test_ports_of_a_bridge_are_set_up_together(box: Sandbox) -> None:
    made = converge(box, "topology", star())
    assert sum(op.startswith("set ") and " host to up" in op for op in made.data["operations"]) == 1
    assert up(box) == dict.fromkeys(("hub", *(f"{name}-port" for name in SPACES)), True)
    for name in SPACES:
        assert ["UP" in link["flags"] for link in box.ip("link", "show", "eth0", netns=name)] == [True]
    box.run("ping", "-c1", "-w10", "10.9.0.5", netns="space0")


def test_links_declared_down_stay_down(box: Sandbox) -> None:
    document = star(up=False)
    document["links"][0]["up"] = False
    converge(box, "topology", document)
    assert up(box) == {"hub": False, **{f"{name}-port": name != "space0" for name in SPACES}}


def test_unmanaged_link_of_the_same_group_is_unchanged(box: Sandbox) -> None:
    group = box.module("topology", star(), check=True).data["topology"]["group"]
    box.sh(f"ip link add stranger group {group} type ifb")
    converge(box, "topology", star())
    assert up(box) == {"stranger": False, "hub": True, **{f"{name}-port": True for name in SPACES}}


def refusing() -> None:
    """Run the module with a limit of two namespaces."""
    real = netns_prefetch.create_namespace

    def born(op: CreateNetns) -> netns_prefetch.NewNamespace:
        if op.netns == SPACES[2]:
            raise KernelError(op.describe(), 28, "No space left on device")
        return real(op)

    with mock.patch.object(netns_prefetch, "create_namespace", born):
        forked.entry(f"{PACKAGE}.topology")()


def test_failed_namespace_creation_rolls_back_the_others(box: Sandbox) -> None:
    before = box.snapshot()
    failed = result(*forked.run(box.pid, refusing, request(star(), False)))
    assert failed.failed and "create namespace space2: No space left on device" in failed.msg, failed.msg
    assert "The changes of this run were rolled back" in failed.msg, failed.msg
    assert_same(before, box.snapshot())
