# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to aim at after a failure: everything that was changed, as it was before."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ansible_collections.netfleet.docker.plugins.module_utils._model import Link, Netns, State
from ansible_collections.netfleet.docker.plugins.module_utils._ops import (
    CreateLink,
    CreateNetns,
    DeleteGroup,
    DeleteLink,
    DeleteNetns,
    MoveLink,
    Op,
    RemoveAddress,
    SetLink,
)


def scheduled(operations: Sequence[Op]) -> tuple[Op, ...]:
    """Return the operations with those last that cannot be taken back: a name can be given again, a link is gone."""
    start = len(operations)
    while start and isinstance(operations[start - 1], (DeleteNetns, DeleteLink, DeleteGroup)):
        start -= 1
    tail = operations[start:]
    names = [op for op in tail if isinstance(op, DeleteNetns)]
    links = [op for op in tail if not isinstance(op, DeleteNetns)]
    if {op.netns for op in names} & {op.netns for op in links}:
        return tuple(operations)  # what is inside can be reached by its name only
    return (*operations[:start], *names, *links)


def may_lose(operations: Sequence[Op]) -> bool:
    """Tell whether an operation before the last may take along what nobody asked about, such as routes."""
    new: set[tuple[str, str]] = set()
    namespaces: set[str] = set()
    for op in operations[:-1]:
        if isinstance(op, CreateNetns):
            namespaces.add(op.netns)
        elif isinstance(op, CreateLink):
            new.add((op.netns, op.link.name))
            new |= {(op.peer_netns, op.peer.name)} if op.peer else set()
        elif _takes_along(op) and op.netns not in namespaces and (op.netns, getattr(op, "name", "")) not in new:
            return True
    return False


def may_linger(before: State, operations: Sequence[Op]) -> bool:
    """Tell whether a namespace goes with links in it: their other ends elsewhere go too, in the kernel's own time."""
    if not any(isinstance(op, DeleteNetns) for op in operations):
        return False
    state = before
    for op in operations:
        going = state.netns(op.netns) if isinstance(op, DeleteNetns) else Netns()
        if any(link.kind != "loopback" for link in going.links.values()):
            return True
        state = op.simulate(state)
    return False


def _takes_along(op: Op) -> bool:
    if isinstance(op, SetLink):
        return bool(op.attributes.keys() & {"mtu", "mac", "master"}) or op.attributes.get("up") is False
    return isinstance(op, (DeleteLink, DeleteGroup, MoveLink, RemoveAddress))


def target(before: State, operations: Sequence[Op]) -> State:
    """Return the desired state that undoes the operations: all that they change, side effects included, as it was."""
    after = before
    for op in operations:
        after = op.simulate(after)
    changed = {label: _undone(before.netns(label), after.netns(label)) for label in after.namespaces}
    return State({label: want for label, want in changed.items() if want is not None})


def _undone(before: Netns, after: Netns) -> Netns | None:
    if before == after:
        return None
    if not before.present:
        return Netns(present=False)
    links = {
        name: _as_it_was(before.links[name]) if name in before.links else Link(name, present=False)
        for name in {**before.links, **after.links}
        if before.links.get(name) != after.links.get(name)
    }
    return Netns(
        present=None if after.present else True,
        links=links,
        sysctls={key: value for key, value in before.sysctls.items() if after.sysctls.get(key) != value},
        routes=None if before.routes is None else tuple(route for route in before.routes if not route.foreign),
        rules=None if before.rules is None else tuple(rule for rule in before.rules if not rule.foreign),
        neighbours=before.neighbours,
    )


def _as_it_was(have: Link) -> Link:
    # The kernel can make anew only what it made at somebody's request; anything else must still be there.
    virtual = have.kind not in (None, "loopback") and (have.kind != "veth" or have.peer is not None)
    # Whatever stands in its place by now was made by the run that is undone.
    return dataclasses.replace(have, present=True if virtual else None, recreate=True, ordered=True)
