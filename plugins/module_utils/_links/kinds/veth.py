# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""veth pairs: one kernel object with two ends, each identified by its namespace and name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.interface import DeclaredLink, LinkKind
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Link, State
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import CreateLink, DeleteLink, MoveLink
from ansible_collections.netfleet.docker.plugins.module_utils._links.options.bridge_ports import parse_port_entries
from ansible_collections.netfleet.docker.plugins.module_utils._links.options.link import (
    parse_attributes,
    parse_endpoint,
    refuse_same_endpoint,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan_builder import PlanBuilder


class Veth(LinkKind):
    """One end of a pair."""

    def build_argument_spec(self) -> dict[str, Any]:
        return {"peer": {"type": "dict"}}

    def parse(self, params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
        peer = parse_endpoint(params["peer"], f"{prefix}peer.") if params.get("peer") else None
        return {**super().parse(params, prefix), "peer": peer}

    def parse_members(self, params: Mapping[str, Any], prefix: str = "") -> list[DeclaredLink]:
        """Return the other end, which has all options of a link except those of the pair."""
        inside = f"{prefix}peer."
        here, there = parse_endpoint(params, prefix), parse_endpoint(params["peer"], inside)
        refuse_same_endpoint(here, there, prefix)
        other = Link(
            there.name,
            kind=self.name,
            peer=here,
            recreate=params["recreate"],
            fdb=parse_port_entries(params["peer"], inside),
            **parse_attributes(params["peer"], inside),
        )
        return [DeclaredLink(there, other, params["peer"], inside)]

    def plan_object(self, builder: PlanBuilder, desired: State, label: str, want: Link) -> None:
        if want.peer:
            _plan_pair(builder, desired, label, want, want.peer)
        else:
            super().plan_object(builder, desired, label, want)

    def is_creatable(self, link: Link) -> bool:
        return link.peer is not None


KIND = Veth("veth", required=("peer",))


def _plan_pair(builder: PlanBuilder, desired: State, label: str, want: Link, there: Endpoint) -> None:
    """Plan both ends, each in its namespace and with the other one as its peer."""
    here, away = Endpoint(label, want.name), there.netns or ""
    _plan_stranger_removal(builder, want, here, there)
    mine, theirs = builder.state.get_link(label, want.name), builder.state.get_link(away, there.name)
    if mine is None and theirs is None:
        other = desired.get_link(away, there.name) or Link(there.name, kind="veth")
        master = builder.choose_initial_master(label, want)
        if not master and builder.choose_initial_master(away, other):
            # Only the end that is created first can have its master from the start.
            builder.add_operation(CreateLink(away, other, label, want, builder.choose_initial_master(away, other)))
        else:
            builder.add_operation(CreateLink(label, want, away, other, master))
    elif mine and theirs is None:
        _move_end(builder, mine.peer, there)
    elif theirs and mine is None:
        _move_end(builder, theirs.peer, here)


def _plan_stranger_removal(builder: PlanBuilder, want: Link, here: Endpoint, there: Endpoint) -> None:
    """Plan the removal of links at either place that are not an end of this pair: a peer cannot be changed."""
    for place, other in ((here, there), (there, here)):
        have = builder.state.get_link(place.netns or "", place.name)
        reason = have and _find_obstacle(builder, have, other)
        if not have or not reason:
            continue
        if not want.recreate:
            raise PlanError(f"{place} {reason}; set recreate=true to delete it and create the pair")
        builder.add_operation(DeleteLink(place.netns or "", place.name, have.kind, have.peer, have.index))


def _find_obstacle(builder: PlanBuilder, have: Link, other: Endpoint) -> str | None:
    if have.kind != "veth":
        return f"is a {have.kind or 'physical link'}, not a veth, and the kernel cannot change that in place"
    if have.peer == other:
        return None
    if have.peer is None or have.peer.name != other.name:
        return f"has the peer {have.peer or 'unknown'}, not {other}, and the kernel cannot change a veth's peer"
    if have.peer.netns is None:
        return f"has its peer {other.name} in an unreachable namespace, not in {other.netns}"
    if builder.state.get_link(other.netns or "", other.name) is not None:
        return f"has the peer {have.peer}, and another link already exists at {other}"
    return None


def _move_end(builder: PlanBuilder, found: Endpoint | None, place: Endpoint) -> None:
    """Plan to move an end from another namespace to its place."""
    if found and found.netns is not None and place.netns is not None:
        builder.add_operation(
            MoveLink(found.netns, found.name, place.netns, builder.get_link(found.netns, found.name).index)
        )
