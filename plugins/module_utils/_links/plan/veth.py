# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning for veth pairs: two ends, each named by its place, that are one kernel object."""

from __future__ import annotations

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Link, State
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import CreateLink, DeleteLink, MoveLink
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.builder import Draft


def pair(draft: Draft, desired: State, label: str, want: Link, there: Endpoint) -> None:
    """Plan for both ends to be there, each in its namespace and each the other's peer."""
    here, away = Endpoint(label, want.name), there.netns or ""
    _free_from_strangers(draft, want, here, there)
    mine, theirs = draft.state.link(label, want.name), draft.state.link(away, there.name)
    if mine is None and theirs is None:
        other = desired.link(away, there.name) or Link(there.name, kind="veth")
        master = draft.master(label, want)
        if not master and draft.master(away, other):
            # Only the end that is created first can have its master from the start.
            draft.do(CreateLink(away, other, label, want, draft.master(away, other)))
        else:
            draft.do(CreateLink(label, want, away, other, master))
    elif mine and theirs is None:
        _fetch(draft, mine.peer, there)
    elif theirs and mine is None:
        _fetch(draft, theirs.peer, here)


def _free_from_strangers(draft: Draft, want: Link, here: Endpoint, there: Endpoint) -> None:
    """Leave at both places nothing, or an end of this very pair: the kernel cannot give an end another peer."""
    for place, other in ((here, there), (there, here)):
        have = draft.state.link(place.netns or "", place.name)
        reason = have and _stranger(draft, have, other)
        if not have or not reason:
            continue
        if not want.recreate:
            raise PlanError(f"{place} {reason}; set recreate to delete it and make the pair anew")
        draft.do(DeleteLink(place.netns or "", place.name, have.kind, have.peer, have.index))


def _stranger(draft: Draft, have: Link, other: Endpoint) -> str | None:
    if have.kind != "veth":
        return f"is a {have.kind or 'physical link'}, not a veth, and the kernel cannot change that in place"
    if have.peer == other:
        return None
    if have.peer is None or have.peer.name != other.name:
        return f"has the peer {have.peer or 'unknown'}, not {other}, and the kernel cannot change a veth's peer"
    if have.peer.netns is None:
        return f"has its peer {other.name} in a namespace that cannot be reached from here, not in {other.netns}"
    if draft.state.link(other.netns or "", other.name) is not None:
        return f"has the peer {have.peer}, and another link already stands at {other}"
    return None


def _fetch(draft: Draft, found: Endpoint | None, place: Endpoint) -> None:
    """Move an end that lies elsewhere to the place where it is to be."""
    if found and found.netns is not None and place.netns is not None:
        draft.do(MoveLink(found.netns, found.name, place.netns, draft.link(found.netns, found.name).index))
