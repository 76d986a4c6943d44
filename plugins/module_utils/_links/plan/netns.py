# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning for namespaces themselves: their names, sysctls, routes, rules and neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Union

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Neighbour, Netns, Route, Rule, State
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import (
    AddEntry,
    CreateNetns,
    DeleteNetns,
    RemoveEntry,
    SetSysctl,
    pids,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.builder import Draft
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.dependencies import of_a_link
from ansible_collections.netfleet.docker.plugins.module_utils._links.side_effects import replaced

Entry = Union[Neighbour, Route, Rule]
_IPV6_METRIC = 1024  # a route's that was given none; IPv4 has 0


def create(draft: Draft, desired: State) -> None:
    """Plan the namespaces that are to be there, and the sysctls that links are born with."""
    for label, want in desired.namespaces.items():
        if want.present and not draft.state.netns(label).present:
            lo = want.links.get("lo")
            draft.do(CreateNetns(label, want.group or 0, bool(lo and lo.up)))
        _sysctls(draft, label, want, late=False)


def finish(draft: Draft, desired: State) -> None:
    """Plan what needs the links: their own sysctls, then neighbours, routes and rules."""
    for label, want in desired.namespaces.items():
        _sysctls(draft, label, want, late=True)
        have = draft.state.netns(label)
        for wanted, there, append in (
            (want.neighbours, have.neighbours, want.neighbours_append),
            (want.routes, have.routes, want.routes_append),
            (want.rules, have.rules, want.rules_append),
        ):
            if wanted is not None:
                _entries(draft, label, wanted, there or (), append)


def delete(draft: Draft, desired: State) -> None:
    """Plan the removal of namespaces, which must be empty of processes unless the user forces it."""
    for label, want in desired.namespaces.items():
        have = draft.state.netns(label)
        if want.present is not False or not (have.present or have.stub):
            continue
        if have.processes and not want.force:
            raise PlanError(
                f"namespace {label} still has processes inside: {pids(have.processes)}; "
                "stop them, or set force to remove the name and leave the namespace to them"
            )
        draft.do(DeleteNetns(label, have.processes))


def _sysctls(draft: Draft, label: str, want: Netns, late: bool) -> None:
    for key, value in want.sysctls.items():
        if of_a_link(key) is late and draft.state.netns(label).sysctls.get(key) != value:
            draft.do(SetSysctl(label, key, value))


def _entries(draft: Draft, label: str, wanted: Sequence[Entry], there: Sequence[Entry], append: bool) -> None:
    for have in there:
        if _foreign(have) or any(_meets(have, want) or replaced(have, want) for want in wanted):
            continue
        if not append or any(_same_place(have, want) for want in wanted):
            draft.do(RemoveEntry(label, have))
    for want in wanted:
        if not any(_meets(have, want) for have in there):
            draft.do(AddEntry(label, want))


def _foreign(entry: Entry) -> bool:
    return not isinstance(entry, Neighbour) and entry.foreign


def _meets(have: Entry, want: Entry) -> bool:
    """Tell whether an entry has every value that the wanted one gives."""
    if type(have) is not type(want):
        return False
    return all(value is None or getattr(have, key) == value for key, value in vars(want).items() if key != "foreign")


def _same_place(have: Entry, want: Entry) -> bool:
    """Tell whether the kernel's table has room for only one of the two."""
    if isinstance(have, Route) and isinstance(want, Route):
        default = _IPV6_METRIC if ":" in want.dst else 0
        metric = default if want.metric is None else want.metric
        return (have.dst, have.table, have.metric) == (want.dst, want.table, metric)
    if isinstance(have, Rule) and isinstance(want, Rule):
        return (have.priority, have.family) == (want.priority, want.family)
    return False
