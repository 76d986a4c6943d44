# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which planned operations are applied, and properties of the ordered operations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, State
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import (
    CreateLink,
    CreateNetns,
    DeleteGroup,
    DeleteLink,
    DeleteNetns,
    MoveLink,
    Op,
    RemoveAddress,
    SetLink,
    SetSysctl,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.sysctl_effects import (
    get_links_without_ipv6,
    list_related_patterns,
)


def schedule(operations: Sequence[Op]) -> tuple[Op, ...]:
    """Return the operations in the order to apply them.

    A namespace is created when it is first needed, so that the prefetch thread can run ahead. Operations that cannot be
    rolled back come last: a name can be restored, a deleted link cannot.
    """
    return _delay_creations(_put_losses_last(operations))


def _delay_creations(operations: Sequence[Op]) -> tuple[Op, ...]:
    needed = {label for op in operations if not isinstance(op, CreateNetns) for label in iterate_labels(op)}
    waiting: dict[str, Op] = {}
    order: list[Op] = []
    for op in operations:
        if isinstance(op, CreateNetns) and op.netns in needed:
            waiting[op.netns] = op
        else:
            order += [waiting.pop(label) for label in iterate_labels(op) if label in waiting]
            order.append(op)
    return tuple(order)


def iterate_labels(op: Op) -> Iterator[str]:
    """Yield the labels of the namespaces that an operation affects."""
    yield op.netns
    if isinstance(op, CreateLink):
        ends = (op.peer_netns if op.peer else None, op.link.underlay, op.link.parent and op.link.parent.netns)
        yield from (end for end in ends if end is not None)
    elif isinstance(op, MoveLink):
        yield op.to


def find_finished_namespaces(operations: Sequence[Op]) -> dict[int, list[str]]:
    """Return the namespaces that are complete after a number of operations, by that number.

    There are none if an operation can have side effects in another namespace.
    """
    if any(_has_side_effects(op) for op in operations):
        return {}
    created = {op.netns for op in operations if isinstance(op, CreateNetns)}
    last = {
        label: number for number, op in enumerate(operations, 1) for label in iterate_labels(op) if label in created
    }
    found: dict[int, list[str]] = {}
    for label, number in last.items():
        found.setdefault(number, []).append(label)
    return found


def _put_losses_last(operations: Sequence[Op]) -> tuple[Op, ...]:
    start = len(operations)
    while start and isinstance(operations[start - 1], (DeleteNetns, DeleteLink, DeleteGroup)):
        start -= 1
    tail = operations[start:]
    names = [op for op in tail if isinstance(op, DeleteNetns)]
    links = [op for op in tail if not isinstance(op, DeleteNetns)]
    if {op.netns for op in names} & {op.netns for op in links}:
        return tuple(operations)  # the contents are accessible only by its name
    return (*operations[:start], *names, *links)


def may_lose(operations: Sequence[Op]) -> bool:
    """Return whether an operation before the last one can have side effects, such as removed routes."""
    new: set[tuple[str, str]] = set()
    namespaces: set[str] = set()
    for op in operations[:-1]:
        if isinstance(op, CreateNetns):
            namespaces.add(op.netns)
        elif isinstance(op, CreateLink):
            new.add((op.netns, op.link.name))
            new |= {(op.peer_netns, op.peer.name)} if op.peer else set()
        elif _has_side_effects(op) and op.netns not in namespaces and (op.netns, getattr(op, "name", "")) not in new:
            return True
    return False


def find_departing_ends(before: State, operations: Sequence[Op]) -> set[Endpoint]:
    """Return the reachable peers of links that are deleted with a namespace; the kernel deletes them asynchronously."""
    namespaces = {op.netns for op in operations if isinstance(op, DeleteNetns) and not op.processes}
    gone: set[Endpoint | None] = set()
    for op in operations if namespaces else ():
        if isinstance(op, DeleteLink):
            gone |= {Endpoint(op.netns, op.name), op.peer}
        elif isinstance(op, DeleteGroup):
            links = [before.get_link(op.netns, name) for name, _index in op.indices]
            gone |= {Endpoint(op.netns, link.name) for link in links if link} | {link.peer for link in links if link}
    ends = {
        link.peer
        for label in namespaces
        for name, link in before.get_netns(label).links.items()
        if link.peer and Endpoint(label, name) not in gone
    }
    below = {
        Endpoint(label, link.name)
        for label, link in (before.iterate_links() if namespaces else ())
        if link.underlay in namespaces or (link.parent and link.parent.netns in namespaces)
    }
    return {end for end in ends | below if end.netns not in (None, *namespaces) and end not in gone}


def _has_side_effects(op: Op) -> bool:
    if isinstance(op, SetLink):
        return op.can_remove_objects
    if isinstance(op, SetSysctl):
        return bool(list_related_patterns([op.key])) or get_links_without_ipv6(op.key, op.value) is not None
    return isinstance(op, (DeleteLink, DeleteGroup, MoveLink, RemoveAddress))


def find_leaving_links(operations: Sequence[Op]) -> dict[str, set[str]]:
    """Return the links that the operations delete or move, by namespace: they lose their sysctls."""
    found: dict[str, set[str]] = {}
    for op in operations:
        if isinstance(op, (DeleteLink, MoveLink)):
            found.setdefault(op.netns, set()).add(op.name)
        elif isinstance(op, DeleteGroup):
            found.setdefault(op.netns, set()).update(name for name, _index in op.indices)
    return found
