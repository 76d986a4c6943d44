# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""MAC addresses of link kinds that the kernel of a test machine can lack."""

from __future__ import annotations

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Link, Netns, State
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.planner import plan

MAC, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:02"


def host(*links: Link) -> State:
    """Return a State with one namespace."""
    return State({"host": Netns(present=True, links={link.name: link for link in links})})


def test_ipvlan_link_has_the_mac_address_of_its_parent() -> None:
    parent = Link("p0", kind="dummy", mac=MAC, mtu=1500, up=True)
    link = Link("i0", kind="ipvlan", parent=Endpoint("host", "p0"), mac=MAC)
    assert [op.describe().partition(" (")[0] for op in plan(host(link), host(parent))] == ["create ipvlan i0 in host"]
    with pytest.raises(PlanError, match=f"mac: an ipvlan link has the MAC address {MAC} of its parent p0 in host"):
        plan(host(Link("i0", kind="ipvlan", parent=Endpoint("host", "p0"), mac=OTHER)), host(parent))


@pytest.mark.parametrize("kind", ["ifb", "ipvlan", "wireguard"])
def test_kernel_does_not_change_the_mac_address_of_a_kind(kind: str) -> None:
    there = host(Link("x0", kind=kind, mac=MAC, mtu=1500, up=True))
    assert not plan(host(Link("x0", present=None, mac=MAC)), there)
    with pytest.raises(PlanError, match=f"x0 in host has the mac {MAC}, not {OTHER}, and the kernel cannot change"):
        plan(host(Link("x0", present=None, mac=OTHER)), there)
