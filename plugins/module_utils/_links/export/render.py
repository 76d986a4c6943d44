# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Render a declared topology as ip(8) commands for a host that has only the referenced objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._links.desired.topology import TopologyDocument
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import (
    Netns,
    State,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan import assumed, states
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.planner import plan


def render_commands(params: Mapping[str, Any]) -> list[str]:
    """Return the commands that create the declared objects, on a host that has only the referenced objects."""
    from ansible_collections.netfleet.docker.plugins.module_utils._links.export.iproute2 import to_commands

    desired = states.add_declared_ports(TopologyDocument({**params, "state": "merged"}).build_desired_state())
    return [line for op in plan(desired, _build_assumed_state(desired)) for line in to_commands(op)]


def _build_assumed_state(desired: State) -> State:
    """Return the State of a host without the declared objects and with all referenced objects."""
    state = State()
    for label, netns in desired.namespaces.items():
        sysctls = dict.fromkeys(netns.sysctls, "")
        state = state.with_netns(label, Netns(present=not netns.present, sysctls=sysctls))
    for place in assumed.iterate_referenced_links(desired):
        if not desired.get_netns(place.netns or "").present:
            state = state.with_link(place.netns or "", assumed.build_assumed_link(place.name))
    return state
