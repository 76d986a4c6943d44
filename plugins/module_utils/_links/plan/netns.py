# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning of namespaces: names, sysctls, routes, rules and neighbours."""

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
    format_pids,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.dependencies import is_link_sysctl
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan_builder import PlanBuilder
from ansible_collections.netfleet.docker.plugins.module_utils._links.side_effects import is_replaced_by

Entry = Union[Neighbour, Route, Rule]
_IPV6_METRIC = 1024  # the default of IPv6; that of IPv4 is 0


def plan_creation(builder: PlanBuilder, desired: State) -> None:
    """Plan the creation of namespaces, and the sysctls that new links inherit."""
    for label, want in desired.namespaces.items():
        if want.present and not builder.state.get_netns(label).present:
            lo = want.links.get("lo")
            builder.add_operation(CreateNetns(label, want.group or 0, bool(lo and lo.up)))
        _plan_sysctls(builder, label, want, late=False)


def plan_tables(builder: PlanBuilder, desired: State) -> None:
    """Plan the parts that require links: sysctls of links, then neighbours, routes and rules."""
    for label, want in desired.namespaces.items():
        _plan_sysctls(builder, label, want, late=True)
        have = builder.state.get_netns(label)
        for wanted, there, append in (
            (want.neighbours, have.neighbours, want.neighbours_append),
            (want.routes, have.routes, want.routes_append),
            (want.rules, have.rules, want.rules_append),
        ):
            if wanted is not None:
                _plan_entries(builder, label, wanted, there or (), append)


def plan_deletion(builder: PlanBuilder, desired: State) -> None:
    """Plan the removal of namespaces; raise PlanError for processes inside, unless forced."""
    for label, want in desired.namespaces.items():
        have = builder.state.get_netns(label)
        if want.present is not False or not (have.present or have.stub):
            continue
        if have.processes and not want.force:
            raise PlanError(
                f"namespace {label} contains processes: {format_pids(have.processes)}; "
                "stop them, or set force=true to remove the name and keep the namespace until they end"
            )
        builder.add_operation(DeleteNetns(label, have.processes))


def _plan_sysctls(builder: PlanBuilder, label: str, want: Netns, late: bool) -> None:
    for key, value in want.sysctls.items():
        if is_link_sysctl(key) is late and builder.state.get_netns(label).sysctls.get(key) != value:
            builder.add_operation(SetSysctl(label, key, value))


def _plan_entries(
    builder: PlanBuilder, label: str, wanted: Sequence[Entry], there: Sequence[Entry], append: bool
) -> None:
    for have in there:
        if _is_foreign(have) or any(_satisfies(have, want) or is_replaced_by(have, want) for want in wanted):
            continue
        if not append or any(_has_same_key(have, want) for want in wanted):
            builder.add_operation(RemoveEntry(label, have))
    for want in wanted:
        if not any(_satisfies(have, want) for have in there):
            builder.add_operation(AddEntry(label, want))


def _is_foreign(entry: Entry) -> bool:
    return not isinstance(entry, Neighbour) and entry.foreign


def _satisfies(have: Entry, want: Entry) -> bool:
    """Return whether an entry has every value that the desired one sets."""
    if type(have) is not type(want):
        return False
    return all(value is None or getattr(have, key) == value for key, value in vars(want).items() if key != "foreign")


def _has_same_key(have: Entry, want: Entry) -> bool:
    """Return whether the kernel's table allows only one of two entries."""
    if isinstance(have, Route) and isinstance(want, Route):
        default = _IPV6_METRIC if ":" in want.dst else 0
        metric = default if want.metric is None else want.metric
        return (have.dst, have.table, have.metric) == (want.dst, want.table, metric)
    if isinstance(have, Rule) and isinstance(want, Rule):
        return (have.priority, have.family) == (want.priority, want.family)
    return False
