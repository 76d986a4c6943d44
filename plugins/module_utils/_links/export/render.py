# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Render a declared topology as ip(8) commands for a host that has only the referenced objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._links.desired.topology import TopologyDocument
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import (
    Endpoint,
    Link,
    Netns,
    State,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan import states
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.planner import plan


def render_commands(params: Mapping[str, Any]) -> list[str]:
    """Return the commands that create the declared objects, on a host that has only the referenced objects."""
    from ansible_collections.netfleet.docker.plugins.module_utils._links.export.iproute2 import to_commands

    desired = states.add_declared_ports(TopologyDocument({**params, "state": "merged"}).build_desired_state())
    return [line for op in plan(desired, _build_assumed_state(desired)) for line in to_commands(op)]


def _build_assumed_state(desired: State) -> State:
    """Return the State of a host without the declared objects and with all referenced objects."""
    state = State()
    referred: list[Endpoint] = []
    for label, netns in desired.namespaces.items():
        sysctls = dict.fromkeys(netns.sysctls, "")
        state = state.with_netns(label, Netns(present=not netns.present, sysctls=sysctls))
        devices = [route.dev for route in netns.routes or ()] + [entry.dev for entry in netns.neighbours or ()]
        referred += [Endpoint(label, name) for name in devices if name]
    for label, want in desired.iterate_links():
        referred += [want.parent] if want.parent else []
        referred += [Endpoint(label, want.master)] if want.master else []
        referred += [] if want.present else [Endpoint(label, want.name)]
        referred += [Endpoint(label, entry.via) for entry in want.fdb or () if entry.via]
    for place in referred:
        declared = desired.get_link(place.netns or "", place.name)
        is_declared = (declared is not None and declared.present) or desired.get_netns(place.netns or "").present
        if place.name and not is_declared:
            bare = Link(place.name, master="", up=False, addresses=(), altnames=(), alias="")
            state = state.with_link(place.netns or "", bare)
    return state
