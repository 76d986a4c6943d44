# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to aim at after a failure: everything that was touched, as it was before."""

from __future__ import annotations

import dataclasses
from typing import Sequence

from ansible_collections.netfleet.docker.plugins.module_utils._model import Endpoint, Link, Netns, State
from ansible_collections.netfleet.docker.plugins.module_utils._ops import (
    AddEntry,
    CreateLink,
    CreateNetns,
    DeleteLink,
    MoveLink,
    Op,
    RemoveEntry,
    SetSysctl,
)


def target(before: State, operations: Sequence[Op]) -> State:
    """Return the desired state that undoes the operations: the objects that they touched, as they were in ``before``."""
    desired = State()
    for place in dict.fromkeys(place for op in operations for place in _touched(before, op)):
        if place.netns is None or not before.netns(place.netns).present:
            continue
        have = before.link(place.netns, place.name)
        want = _as_it_was(have) if have else Link(place.name, present=False)
        desired = _managed(desired, place.netns).with_link(place.netns, want)
    for op in operations:
        have_netns = before.netns(op.netns)
        if isinstance(op, CreateNetns):
            desired = desired.with_netns(op.netns, Netns(present=False))
        elif isinstance(op, SetSysctl) and op.key in have_netns.sysctls:
            desired = _managed(desired, op.netns)
            wanted = desired.netns(op.netns)
            sysctls = {**wanted.sysctls, op.key: have_netns.sysctls[op.key]}
            desired = desired.with_netns(op.netns, dataclasses.replace(wanted, sysctls=sysctls))
        elif isinstance(op, (AddEntry, RemoveEntry)) and have_netns.present:
            desired = _managed(desired, op.netns)
            users_routes = tuple(route for route in have_netns.routes or () if not route.foreign)
            users_rules = tuple(rule for rule in have_netns.rules or () if not rule.foreign)
            wanted = dataclasses.replace(
                desired.netns(op.netns),
                routes=users_routes if have_netns.routes is not None else None,
                rules=users_rules if have_netns.rules is not None else None,
            )
            desired = desired.with_netns(op.netns, wanted)
    return desired


def _managed(state: State, label: str) -> State:
    return state if label in state.namespaces else state.with_netns(label, Netns(present=None))


def _touched(before: State, op: Op) -> list[Endpoint]:
    if isinstance(op, CreateLink):
        peer = [Endpoint(op.peer_netns, op.peer.name)] if op.peer else []
        return [Endpoint(op.netns, op.link.name), *peer]
    name = getattr(op, "name", None)
    if name is None:
        return []
    places = [Endpoint(op.netns, name)]
    have = before.link(op.netns, name)
    if have and have.peer and isinstance(op, (DeleteLink, MoveLink)):
        places.append(have.peer)
    return places + ([Endpoint(op.to, name)] if isinstance(op, MoveLink) else [])


def _as_it_was(have: Link) -> Link:
    # The kernel can make anew only what it made at somebody's request; anything else must still be there.
    virtual = have.kind not in (None, "loopback") and (have.kind != "veth" or have.peer is not None)
    # Whatever stands in its place by now was made by the run that is undone.
    return dataclasses.replace(have, present=True if virtual else None, recreate=True)
