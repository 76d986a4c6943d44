# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The semantics of a topology's states: removal of undeclared objects, defaults of attributes, exact lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._links import ownership
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.registry import find_kind
from ansible_collections.netfleet.docker.plugins.module_utils._links.matching import Entry, build_key
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import (
    Link,
    Neighbour,
    Netns,
    Route,
    Rule,
    State,
)
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import BRIDGE_PORT


def add_leftovers(desired: State, actual: State, name: str) -> State:
    """Return the desired state in which every undeclared object of the topology is absent."""
    namespaces = dict(desired.namespaces)
    for label, have in actual.namespaces.items():
        want = namespaces.get(label, Netns(present=None))
        if label not in namespaces and is_owned(have, name):
            want = Netns(present=False)
        leftovers = {
            link.name: Link(link.name, present=False, kind=link.kind)
            for link in have.links.values()
            if link.name not in want.links and link.group == ownership.compute_link_group(name)
        }
        if leftovers or want.present is False:
            namespaces[label] = replace_fields(want, links={**want.links, **leftovers})
    return State(namespaces)


def add_obsolete_entries(desired: State, actual: State, recorded: Mapping[str, Sequence[Entry]]) -> State:
    """Return the desired state in which recorded entries that are no longer declared are obsolete."""
    state = desired
    for label, entries in recorded.items():
        want = desired.namespaces.get(label, Netns(present=None))
        declared = {build_key(entry) for part in (want.routes, want.rules, want.neighbours) for entry in part or ()}
        obsolete = tuple(entry for entry in entries if build_key(entry) not in declared)
        if not obsolete or want.present is False or not actual.get_netns(label).present:
            continue
        fields: dict[str, Any] = {"obsolete": obsolete}
        for key, type_ in (("routes", Route), ("rules", Rule), ("neighbours", Neighbour)):
            # Otherwise, this table of the namespace would not be read.
            if getattr(want, key) is None and any(isinstance(entry, type_) for entry in obsolete):
                fields.update({key: (), f"{key}_append": True})
        state = state.with_netns(label, replace_fields(want, **fields))
    return state


def keep_owned(desired: State, actual: State, name: str) -> State:
    """Return the part of a desired state with absent objects that the topology owns."""
    namespaces = {}
    for label, want in desired.namespaces.items():
        have = actual.get_netns(label)
        links = {
            link.name: link
            for link in want.links.values()
            if link.name in have.links and have.links[link.name].group == ownership.compute_link_group(name)
        }
        goes = want.present is False and (is_owned(have, name) or not have.present)
        if goes or links:
            namespaces[label] = replace_fields(want, present=False if goes else None, links=links)
    return State(namespaces)


def is_owned(have: Netns, name: str) -> bool:
    """Return whether the topology created the namespace, or started to create it."""
    lo = have.links.get("lo")
    return ownership.compute_netns_group(name) == (have.group if have.stub else lo and lo.group)


def add_declared_ports(desired: State) -> State:
    """Return the desired state in which links with a master are in its list of ports."""
    state = desired
    for label, link in desired.iterate_links():
        if link.ports is not None:
            others = [one.name for one in desired.get_netns(label).links.values() if one.master == link.name]
            state = state.with_link(label, replace_fields(link, ports=tuple(dict.fromkeys((*link.ports, *others)))))
    return state


def keep_existing(desired: State, actual: State) -> State:
    """Return the desired state in which existing addresses and alternative names are kept."""
    state = desired
    for label, want in desired.iterate_links():
        have = actual.get_link(label, want.name)
        kept: dict[str, Any] = {
            key: tuple(dict.fromkeys((*(getattr(have, key) or ()), *getattr(want, key))))
            for key in ("addresses", "altnames")
            if have and want.present is not False and getattr(want, key) is not None
        }
        if any(len(values) != len(getattr(want, key)) for key, values in kept.items()):
            state = state.with_link(label, replace_fields(want, **kept))
    return state


def make_append_only(desired: State) -> State:
    """Return the desired state in which no list is exact, so nothing is removed."""
    namespaces = {}
    for label, want in desired.namespaces.items():
        links = {
            name: replace_fields(link, ports=None, fdb_append=True) if (link.ports, link.fdb) != (None, None) else link
            for name, link in want.links.items()
        }
        namespaces[label] = replace_fields(
            want, links=links, routes_append=True, rules_append=True, neighbours_append=True
        )
    return State(namespaces)


def fill_defaults(desired: State) -> State:
    """Return the desired state in which unset attributes have the values of a new namespace or link.

    Unset attributes of objects that cannot be created, such as a container's namespace or a NIC, stay unmanaged.
    """
    namespaces = {}
    for label, want in desired.namespaces.items():
        links = {name: _fill_link_defaults(link) if link.present else link for name, link in want.links.items()}
        none: dict[str, Any] = {}
        if want.present:
            none = {key: getattr(want, key) or () for key in ("routes", "rules", "neighbours")}
        namespaces[label] = replace_fields(want, links=links, **none)
    return State(namespaces)


def _fill_link_defaults(want: Link) -> Link:
    kind = find_kind(want.kind)
    port = {key: option.initial for key, option in BRIDGE_PORT.items() if option.initial is not None and want.master}
    return replace_fields(
        want,
        master=want.master or "",
        alias=want.alias or "",
        altnames=want.altnames or (),
        addresses=want.addresses or (),
        fdb=want.fdb or () if kind.has_forwarding_table else want.fdb,
        options={**kind.get_initial_options(), **want.options},
        port={**port, **want.port},
    )
