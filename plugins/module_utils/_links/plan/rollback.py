# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The desired State of a rollback: everything that was changed, as before the run."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.registry import find_kind
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Link, Netns, State
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import Op, simulate_all
from ansible_collections.netfleet.docker.plugins.module_utils._links.sysctl_effects import get_link_of_sysctl


def build_rollback_target(before: State, operations: Sequence[Op]) -> State:
    """Return the desired state that reverts the operations and their side effects."""
    after = simulate_all(before, operations)
    changed = {
        label: _build_former_netns(before.get_netns(label), after.get_netns(label)) for label in after.namespaces
    }
    return State({label: want for label, want in changed.items() if want is not None})


def _build_former_netns(before: Netns, after: Netns) -> Netns | None:
    if before == after:
        return None
    if not before.present:
        return Netns(present=False)
    links = {
        name: _build_former_link(before.links[name]) if name in before.links else Link(name, present=False)
        for name in {**before.links, **after.links}
        if before.links.get(name) != after.links.get(name)
    }
    return Netns(
        present=None if after.present else True,
        links=links,
        sysctls=_select_changed_sysctls(before, after),
        routes=None if before.routes is None else tuple(route for route in before.routes if not route.foreign),
        rules=None if before.rules is None else tuple(rule for rule in before.rules if not rule.foreign),
        neighbours=before.neighbours,
    )


def _select_changed_sysctls(before: Netns, after: Netns) -> dict[str, str]:
    """Return the former values; those of a deleted link only if it can be created again."""
    former = {**before.other_sysctls, **before.sysctls}
    if {**after.other_sysctls, **after.sysctls} == former:
        return {}
    # All of them, because resetting one can change others that have their former values now.
    links = {name for name, link in before.links.items() if name in after.links or _is_creatable(link)}
    return {
        key: value
        for key, value in former.items()
        if get_link_of_sysctl(key) is None or get_link_of_sysctl(key) in links
    }


def _is_creatable(have: Link) -> bool:
    return have.kind not in (None, "loopback") and find_kind(have.kind).is_creatable(have)


def _build_former_link(have: Link) -> Link:
    # Only virtual links can be created again; any other link must still exist.
    # A link that has its name now was created by the failed run.
    return dataclasses.replace(have, present=True if _is_creatable(have) else None, recreate=True, ordered=True)
