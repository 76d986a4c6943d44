# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning of namespaces: names, sysctls, routes, rules and neighbours."""

from __future__ import annotations

from collections.abc import Container, Sequence

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._links.matching import (
    Entry,
    build_key,
    count_conditions,
    find_rules_in_the_way,
    match_entries,
    satisfies,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import (
    Neighbour,
    Netns,
    Route,
    Rule,
    State,
    describe_netns,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import (
    AddEntry,
    CreateNetns,
    DeleteNetns,
    RemoveEntry,
    SetSysctl,
    format_pids,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan_builder import PlanBuilder
from ansible_collections.netfleet.docker.plugins.module_utils._links.sysctl_effects import get_link_of_sysctl, get_rank


def plan_creation(builder: PlanBuilder, desired: State) -> None:
    """Plan the creation of namespaces, and the sysctls that new links inherit."""
    for label, want in desired.namespaces.items():
        if want.present and not builder.state.get_netns(label).present:
            lo = want.links.get("lo")
            builder.add_operation(CreateNetns(label, want.group or 0, bool(lo and lo.up)))
        _plan_sysctls(builder, label, want, {None, *builder.state.get_netns(label).links})


def plan_tables(builder: PlanBuilder, desired: State) -> None:
    """Plan the parts that require links: sysctls of links, then neighbours, routes and rules."""
    for label, want in desired.namespaces.items():
        _plan_sysctls(builder, label, want, {get_link_of_sysctl(key) for key in want.sysctls})
        have = builder.state.get_netns(label)
        for wanted, there, append in (
            (want.neighbours, have.neighbours, want.neighbours_append),
            (want.routes, have.routes, want.routes_append),
            (want.rules, have.rules, want.rules_append),
        ):
            if wanted is not None:
                obsolete = want.obsolete if append else None
                _plan_entries(builder, label, wanted, there or (), obsolete)


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


def plan_link_sysctls(builder: PlanBuilder, label: str, want: Netns, name: str) -> None:
    """Plan the sysctls of a new link, without which its addresses may not be possible."""
    _plan_sysctls(builder, label, want, {name})


def _plan_sysctls(builder: PlanBuilder, label: str, want: Netns, links: Container[str | None]) -> None:
    """Plan the sysctls of these links; None stands for the sysctls that belong to no link."""
    # Those that change others come first.
    for key, value in sorted(want.sysctls.items(), key=lambda item: get_rank(item[0])):
        if get_link_of_sysctl(key) in links and builder.state.get_netns(label).sysctls.get(key) != value:
            builder.add_operation(SetSysctl(label, key, value))


def _plan_entries(
    builder: PlanBuilder,
    label: str,
    wanted: Sequence[Entry],
    there: Sequence[Entry],
    obsolete: Sequence[Entry] | None,
) -> None:
    """Plan the entries of a table; the other ones are removed if they are ``obsolete``, or all with None."""
    missing, others = match_entries(wanted, there)
    keys = {build_key(want) for want in missing}
    removed = []
    for have in others:
        is_in_the_way = not isinstance(have, Rule) and build_key(have) in keys
        # The kernel replaces a neighbour, but rejects a second route with the same key.
        is_replaced = is_in_the_way and isinstance(have, Neighbour)
        goes = obsolete is None or is_in_the_way or any(satisfies(have, one) for one in obsolete)
        if goes and not is_replaced and not _is_foreign(have):
            removed.append(have)
    _refuse_routes_over_links_that_are_down(builder, label, missing)
    again = find_rules_in_the_way(removed, there)
    removed = sorted([*removed, *again], key=count_conditions, reverse=True)
    builder.add_operations([RemoveEntry(label, have) for have in removed])
    builder.add_operations([AddEntry(label, want) for want in (*missing, *again)])


def _refuse_routes_over_links_that_are_down(builder: PlanBuilder, label: str, entries: Sequence[Entry]) -> None:
    links = builder.state.get_netns(label).links
    for entry in entries:
        device = links.get(entry.dev or "") if isinstance(entry, Route) else None
        # A rollback restores only routes that the kernel had.
        if isinstance(entry, Route) and device and device.up is False and not entry.original:
            raise PlanError(f"add route {entry} in {describe_netns(label)}: the link {entry.dev} is down; set up=true")


def _is_foreign(entry: Entry) -> bool:
    return not isinstance(entry, Neighbour) and entry.foreign
