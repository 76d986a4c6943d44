# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning for static forwarding entries: of VXLAN links themselves, and of ports in their bridge's table."""

from __future__ import annotations

import dataclasses

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
    """Plan all forwarding entries; by now the links through which they lead are there, and ports have their masters."""
    for label, want in desired.links():
        if want.fdb is not None and want.present is not False:
            _plan_entries(builder, label, want, want.fdb)


def _plan_entries(builder: PlanBuilder, label: str, want: Link, listed: tuple[Fdb, ...]) -> None:
    link = builder.link(label, want.name)
    if not link.master and any(entry.master for entry in listed):
        raise PlanError(
            f"{want.name} in {describe_netns(label)} has forwarding entries in the table of its master, but no master"
        )
    wanted = [_normalize(entry, link) for entry in listed]
    for have in link.fdb or ():
        theirs = want.fdb_append or (want.fdb_own and have.master)
        if _exists(builder, label, want.name, have) and not theirs and not _is_covered(have, wanted):
            _plan_removal(builder, label, link, have)
    for entry in wanted:
        there = builder.link(label, want.name).fdb or ()
        if (
            is_default(entry, link.options)
            or is_unnamed_link(entry.via)
            or any(_satisfies(have, entry) for have in there)
        ):
            continue
        if entry.via and link.underlay not in (None, label):
            # The kernel looks the link up here when it is told of it, and over there when it sends.
            raise PlanError(
                f"{want.name} in {describe_netns(label)} sends its packets in {describe_netns(link.underlay)}; "
                "the kernel accepts a forwarding entry with via only if both are one namespace"
            )
        builder.add(AddFdb(label, want.name, entry))


def _normalize(entry: Fdb, link: Link) -> Fdb:
    """Return an entry as the kernel keeps it: a port and a VNI that are the link's own go without saying."""
    port = None if entry.port == link.options.get("port") else entry.port
    vni = None if entry.vni == link.options.get("vni") else entry.vni
    return dataclasses.replace(entry, port=port, vni=vni)


def _satisfies(have: Fdb, entry: Fdb) -> bool:
    # A bridge that filters VLANs makes of one entry without a VLAN one for each.
    return have == entry or (entry.master and entry.vlan is None and dataclasses.replace(have, vlan=None) == entry)


def _is_covered(have: Fdb, wanted: list[Fdb]) -> bool:
    """Tell whether an entry is wanted, or will be replaced by one that is."""
    return any(
        _satisfies(have, entry) or (entry.single and not entry.master and (have.mac, have.master) == (entry.mac, False))
        for entry in wanted
    )


def _exists(builder: PlanBuilder, label: str, name: str, entry: Fdb) -> bool:
    return entry in (builder.link(label, name).fdb or ())


def _plan_removal(builder: PlanBuilder, label: str, link: Link, entry: Fdb) -> None:
    if not is_unnamed_link(entry.via) or link.underlay != label:
        builder.add(RemoveFdb(label, link.name, entry))
        return
    # The link through which it leads is gone, and the kernel takes no index that it does not have: all of the MAC
    # address have to go, the default destination too, which then is an entry like others.
    builder.add(RemoveFdb(label, link.name, Fdb(entry.mac)))
    default = link.options.get("remote") or link.options.get("group")
    if entry.mac == FLOOD and default:
        via = link.parent.name if link.parent and link.parent.name else None
        builder.add(AddFdb(label, link.name, Fdb(FLOOD, str(default), via=via)))
