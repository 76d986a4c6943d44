# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links that a run must not remove without ``force``: those of Docker, and those of the SSH connection; pure.

Only a run that deletes, recreates or moves a link, sets one down, or deletes a namespace is checked.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._docker.network_links import EngineLinks
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Link, State
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import (
    DeleteGroup,
    DeleteLink,
    DeleteNetns,
    MoveLink,
    Op,
    SetLink,
)

_REMEDY = "set force=true to do this nevertheless"
# Ports of a bridge that can lead to another host; those of containers and virtual machines have other kinds.
_UPLINKS = (None, "bond", "team", "vlan", "vxlan")


def interrupts_links(operations: Sequence[Op]) -> bool:
    """Return whether an operation removes, moves or sets down a link."""
    return any(_interrupts(op) for op in operations)


def refuse_protected_links(
    operations: Sequence[Op], before: State, here: str | None, docker: EngineLinks, server: str | None
) -> None:
    """Raise PlanError if an operation interrupts a link of Docker or of the SSH connection.

    Links that the kernel removes together with another link or a namespace are included. ``here`` is the label of the
    namespace of this process, None if it was not observed; ``server`` is the address of this host in the SSH
    connection.
    """
    carriers = _find_carriers(before, here, server) if here is not None and server else set()
    ends = [Endpoint(label, link.name) for label, link in before.iterate_links()]
    owners = {end: owner for end in ends if (owner := _find_docker_owner(before, end, here, docker))}
    state = before
    for op in operations:
        after = op.simulate(state)
        if _interrupts(op):
            for end in carriers:
                if _is_up(state, end) and not _is_up(after, end):
                    raise PlanError(f"{op.describe()}: {end} carries the SSH connection to {server}; {_REMEDY}")
            gone = [end for end in owners if _is_there(state, end) and not _is_there(after, end)]
            own = Endpoint(op.netns, getattr(op, "name", ""))
            for end in sorted(gone, key=lambda end: end != own):
                belongs = "the link belongs to" if end == own else f"{end} belongs to"
                raise PlanError(f"{op.describe()}: {belongs} {owners[end]}; {_REMEDY}")
        state = after


def _interrupts(op: Op) -> bool:
    if isinstance(op, SetLink):
        return op.attributes.get("up") is False
    if isinstance(op, DeleteNetns):
        return not op.processes  # the namespace of a process keeps its links
    return isinstance(op, (DeleteGroup, DeleteLink, MoveLink))


def _is_there(state: State, end: Endpoint) -> bool:
    return end.netns is not None and state.get_link(end.netns, end.name) is not None


def _is_up(state: State, end: Endpoint) -> bool:
    link = state.get_link(end.netns, end.name) if end.netns is not None else None
    return link is not None and link.up is not False


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
