# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links that a run must not remove without ``force``: those of Docker, and those of the SSH connection; pure.

Only a run that deletes, recreates or moves a link, or sets one down, is checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._docker.network_links import EngineLinks
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Link, State
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import (
    DeleteGroup,
    DeleteLink,
    MoveLink,
    Op,
    SetLink,
)

_REMEDY = "set force=true to do this nevertheless"
# Ports of a bridge that can lead to another host; those of containers and virtual machines have other kinds.
_UPLINKS = (None, "bond", "team", "vlan", "vxlan")


def interrupts_links(operations: Sequence[Op]) -> bool:
    """Return whether an operation removes, moves or sets down a link."""
    return any(True for op in operations for _end in _iterate_interrupted(op))


def refuse_protected_links(
    operations: Sequence[Op], before: State, here: str | None, docker: EngineLinks, server: str | None
) -> None:
    """Raise PlanError if an operation interrupts a link of Docker or of the SSH connection.

    ``here`` is the label of the namespace of this process, None if it was not observed; ``server`` is the address of
    this host in the SSH connection.
    """
    carriers = _find_carriers(before, here, server) if here is not None and server else set()
    for op in operations:
        for end in _iterate_interrupted(op):
            if end in carriers:
                raise PlanError(f"{op.describe()}: {end} carries the SSH connection to {server}; {_REMEDY}")
            owner = None if isinstance(op, SetLink) else _find_docker_owner(before, end, here, docker)
            if owner:
                raise PlanError(f"{op.describe()}: the link belongs to {owner}; {_REMEDY}")


def _iterate_interrupted(op: Op) -> Iterator[Endpoint]:
    if isinstance(op, DeleteLink):
        yield Endpoint(op.netns, op.name)
        if op.peer:
            yield op.peer
    elif isinstance(op, DeleteGroup):
        yield from (Endpoint(op.netns, name) for name, _index in op.indices)
    elif isinstance(op, MoveLink) or (isinstance(op, SetLink) and op.attributes.get("up") is False):
        yield Endpoint(op.netns, op.name)


def _find_docker_owner(before: State, end: Endpoint, here: str | None, docker: EngineLinks) -> str | None:
    link = before.get_link(end.netns, end.name) if end.netns is not None else None
    if link is None:
        return None
    if end.netns == here:
        # The other end of a veth pair is in the container.
        other = link.peer and link.peer.netns is not None and before.get_link(link.peer.netns, link.peer.name)
        bridge = docker.describe_bridge(link.name) if link.kind == "bridge" else None
        return bridge or (docker.endpoints.get(other.mac or "") if other else None)
    return docker.endpoints.get(link.mac or "")


def _find_carriers(before: State, here: str, server: str) -> set[Endpoint]:
    """Return the link with the server's address, its parents, and the uplinks of bridges among them."""
    links = before.get_netns(here).links
    waiting = [link for link in links.values() if server in _list_plain_addresses(link)]
    found: dict[str, Link] = {}
    while waiting:
        link = waiting.pop()
        if link.name in found:
            continue
        found[link.name] = link
        if link.parent and link.parent.netns == here and link.parent.name in links:
            waiting.append(links[link.parent.name])
        waiting += [port for port in links.values() if port.master == link.name and port.kind in _UPLINKS]
    return {Endpoint(here, name) for name in found}


def _list_plain_addresses(link: Link) -> list[str]:
    return [cidr.partition("/")[0].partition(" ")[0] for cidr in (*(link.addresses or ()), *link.other_addresses)]
