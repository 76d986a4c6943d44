# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning of static forwarding entries of VXLAN links and of bridge ports."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import (
    FLOOD,
    Fdb,
    Link,
    State,
    describe_netns,
    is_default,
    is_unnamed_link,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import AddFdb, RemoveFdb
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan_builder import PlanBuilder


def plan_forwarding(builder: PlanBuilder, desired: State) -> None:
    """Plan all forwarding entries, after links and masters have been planned."""
    for label, want in desired.iterate_links():
        if want.fdb is not None and want.present is not False:
            _plan_entries(builder, label, want, want.fdb)


def _plan_entries(builder: PlanBuilder, label: str, want: Link, listed: tuple[Fdb, ...]) -> None:
    link = builder.get_link(label, want.name)
    if not link.master and any(entry.master for entry in listed):
        raise PlanError(
            f"{want.name} in {describe_netns(label)} has forwarding entries in the table of its master, but no master"
        )
    wanted = [_normalize(entry, link) for entry in listed]
    # The entries of an observed link, in a rollback, are restored exactly.
    matches = _satisfies if want.index is None else operator.eq
    for have in link.fdb or ():
        theirs = want.fdb_append or (want.fdb_own and have.master)
        if _exists(builder, label, want.name, have) and not theirs and not _is_covered(have, wanted, matches):
            _plan_removal(builder, label, link, have)
    for entry in wanted:
        there = builder.get_link(label, want.name).fdb or ()
        if is_default(entry, link.options) or is_unnamed_link(entry.via):
            continue
        if any(matches(have, entry) for have in there):
            continue
        if entry.via and link.underlay not in (None, label):
            # The kernel looks up the link in this namespace when it adds the entry, and in the other one when it sends.
            raise PlanError(
                f"{want.name} in {describe_netns(label)} sends its packets in {describe_netns(link.underlay)}; "
                "the kernel accepts a forwarding entry with via only if both are one namespace"
            )
        builder.add_operation(AddFdb(label, want.name, entry))


def _normalize(entry: Fdb, link: Link) -> Fdb:
    """Return an entry as the kernel stores it: without the port and VNI of the link."""
    port = None if entry.port == link.options.get("port") else entry.port
    vni = None if entry.vni == link.options.get("vni") else entry.vni
    return dataclasses.replace(entry, port=port, vni=vni)


def _satisfies(have: Fdb, entry: Fdb) -> bool:
    # A bridge with VLAN filtering stores an entry without a VLAN once for each VLAN.
    return have == entry or (entry.master and entry.vlan is None and dataclasses.replace(have, vlan=None) == entry)


def _is_covered(have: Fdb, wanted: list[Fdb], matches: Callable[[Fdb, Fdb], bool]) -> bool:
    """Return whether an entry is desired, or will be replaced by a desired one."""
    for entry in wanted:
        is_replacement = entry.is_only_destination and not entry.master
        if matches(have, entry) or (is_replacement and (have.mac, have.master) == (entry.mac, False)):
            return True
    return False


def _exists(builder: PlanBuilder, label: str, name: str, entry: Fdb) -> bool:
    return entry in (builder.get_link(label, name).fdb or ())


def _plan_removal(builder: PlanBuilder, label: str, link: Link, entry: Fdb) -> None:
    if not is_unnamed_link(entry.via) or link.underlay != label:
        builder.add_operation(RemoveFdb(label, link.name, entry))
        return
    # The outgoing link is deleted, and the kernel does not accept its index any more: all entries of the MAC address
    # are removed, and the default destination is added again as an entry.
    builder.add_operation(RemoveFdb(label, link.name, Fdb(entry.mac)))
    default = link.options.get("remote") or link.options.get("group")
    if entry.mac == FLOOD and default:
        via = link.parent.name if link.parent and link.parent.name else None
        builder.add_operation(AddFdb(label, link.name, Fdb(FLOOD, str(default), via=via)))
