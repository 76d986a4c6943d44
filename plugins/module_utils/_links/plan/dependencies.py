# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""References of a desired State to other objects, and the order of links that results from them."""

from __future__ import annotations

import graphlib
from collections.abc import Mapping, Sequence

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import (
    Endpoint,
    Link,
    Netns,
    State,
    describe_netns,
    is_unnamed_link,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.sysctl_effects import get_link_of_sysctl

# Kinds that are no masters of other links.
_NO_MASTERS = ("dummy", "ifb", "ipvlan", "loopback", "macvlan", "macvtap", "veth", "vlan", "vxlan")
# Kinds whose parent cannot be a port of a bridge: both receive all packets of the link.
_EXCLUSIVE = ("macvlan", "macvtap", "ipvlan")


def check_references(desired: State, actual: State) -> None:
    """Raise PlanError for a reference to an object that neither exists nor is declared."""
    for label, netns in desired.namespaces.items():
        nothing_wanted = all(link.present is False for link in netns.links.values())
        if netns.present is None and not actual.get_netns(label).present and not nothing_wanted:
            raise PlanError(f"no such namespace: {label}")
        if netns.present is not False:
            _check_sysctls(desired, actual, label, netns)
            _check_devices(desired, actual, label, netns)
    _check_vxlan_ids(desired, actual)
    _check_altnames(desired, actual)
    for label, want in desired.iterate_links():
        _check_names(desired, actual, label, want)
        if want.present is None and not _is_known(desired, actual, Endpoint(label, want.name), declared=False):
            raise PlanError(f"no such link: {want.name} in {describe_netns(label)}")
        if want.present is False:
            continue
        if want.master and not _is_known(desired, actual, Endpoint(label, want.master)):
            raise PlanError(f"no such link: {want.master} in {describe_netns(label)}, the master of {want.name}")
        _check_master(desired, actual, label, want)
        _check_port(desired, actual, label, want)
        _check_parent(desired, actual, label, want)
        if want.parent and want.parent.name and not _is_known(desired, actual, want.parent):
            raise PlanError(f"no such link: {want.parent}, the parent of {want.name}")
        if want.underlay is not None and _is_removed(desired, want.underlay):
            place = f"{want.name} in {describe_netns(label)}"
            raise PlanError(f"{describe_netns(want.underlay)} cannot be removed: {place} has its UDP socket there")
        _check_forwarding(desired, actual, label, want)


def _check_altnames(desired: State, actual: State) -> None:
    """Raise PlanError for an alternative name that another link has, or that two links declare."""
    for label, netns in desired.namespaces.items():
        owners: dict[str, str] = {}
        for have in actual.get_netns(label).links.values():
            want = netns.links.get(have.name)
            if want is None or (want.present is not False and want.altnames is None):
                owners.update(dict.fromkeys(have.altnames or (), have.name))
        for want in netns.links.values():
            for name in want.altnames or () if want.present is not False else ():
                owner = owners.setdefault(name, want.name)
                if owner != want.name:
                    place = f"{want.name} in {describe_netns(label)}"
                    raise PlanError(f"{place}: the alternative name {name} is that of {owner} there")


def _check_master(desired: State, actual: State, label: str, want: Link) -> None:
    """Raise PlanError for a master that does not accept the link."""
    if not want.master:
        return
    place, master = f"{want.name} in {describe_netns(label)}", _find_kind(desired, actual, label, want.master)
    if master in _NO_MASTERS:
        raise PlanError(f"{place}: the master {want.master} is a {master}, which does not accept ports")
    if master != "bridge":
        return
    if _find_kind(desired, actual, label, want.name) == "bridge":
        raise PlanError(f"{place}: a bridge cannot be a port of the bridge {want.master}")
    here = Endpoint(label, want.name)
    for state in (desired, actual):
        for other, link in state.iterate_links():
            kept = desired.get_link(other, link.name)
            if link.parent == here and link.kind in _EXCLUSIVE and (kept is None or kept.present):
                reason = f"it is the parent of the {link.kind} {link.name} in {describe_netns(other)}"
                raise PlanError(f"{place}: it cannot be a port of the bridge {want.master}, because {reason}")


def _check_parent(desired: State, actual: State, label: str, want: Link) -> None:
    """Raise PlanError for a macvlan on a link that is and stays a port of a bridge."""
    if want.kind not in _EXCLUSIVE or not want.parent or actual.get_link(label, want.name):
        return
    there = want.parent.netns or label
    declared, have = desired.get_link(there, want.parent.name), actual.get_link(there, want.parent.name)
    if declared and (declared.master is not None or declared.recreate):
        return
    if have and have.master and _find_kind(desired, actual, there, have.master) == "bridge":
        reason = f"the parent {want.parent} is a port of the bridge {have.master}"
        raise PlanError(f"{want.name} in {describe_netns(label)}: {reason}")


def _find_kind(desired: State, actual: State, label: str, name: str) -> str | None:
    links = (desired.get_link(label, name), actual.get_link(label, name))
    return next((link.kind for link in links if link and link.kind), None)


def _check_port(desired: State, actual: State, label: str, want: Link) -> None:
    """Raise PlanError for options of a bridge port on a link that is not in a bridge."""
    if not any(value is not None for value in want.port.values()):
        return
    master = want.master
    if master is None:
        have = actual.get_link(label, want.name)
        # The ports of a declared bridge need not declare their master.
        lists = [one.name for one in desired.get_netns(label).links.values() if want.name in (one.ports or ())]
        master = next(iter(lists), (have.master if have else None) or "")
    if not master or (_find_kind(desired, actual, label, master) or "bridge") != "bridge":
        reason = f"its master {master} is not a bridge" if master else "it has no master"
        raise PlanError(f"{want.name} in {describe_netns(label)}: bridge_port requires a bridge, but {reason}")


def _check_names(desired: State, actual: State, label: str, want: Link) -> None:
    place = f"{want.name} in {describe_netns(label)}"
    if want.master == want.name:
        raise PlanError(f"{place}: a link cannot be its own master")
    for name in want.altnames or ():
        if name == want.name or _is_known(desired, actual, Endpoint(label, name)):
            raise PlanError(f"{place}: the alternative name {name} is the name of a link there")


def _check_vxlan_ids(desired: State, actual: State) -> None:
    """Raise PlanError for two VXLAN links with the same VNI and UDP port over one namespace."""
    known: dict[object, Endpoint] = {}
    for state in (desired, actual):
        for label, link in state.iterate_links():
            place = Endpoint(label, link.name)
            want = desired.get_link(label, link.name)
            is_replaced = state is actual and want is not None and (want.present is False or want.kind == "vxlan")
            if link.kind != "vxlan" or not link.options.get("vni") or link.present is False or is_replaced:
                continue
            addresses = "".join(str(link.options.get(key) or "") for key in ("remote", "group", "local"))
            underlay = label if link.underlay is None else link.underlay
            key = (underlay, link.options["vni"], link.options.get("port"), ":" in addresses)
            other = known.setdefault(key, place)
            if other != place and state is desired:
                raise PlanError(f"{place} and {other} have the same VNI {link.options['vni']} and UDP port")
            if other != place and desired.get_link(other.netns or "", other.name) is not None:
                raise PlanError(f"{other}: {place} has the same VNI {link.options['vni']} and UDP port")


def _check_devices(desired: State, actual: State, label: str, want: Netns) -> None:
    for what, entries in (("route", want.routes), ("neighbour", want.neighbours)):
        for entry in entries or ():
            if entry.dev and not _is_known(desired, actual, Endpoint(label, entry.dev)):
                raise PlanError(f"no such link: {entry.dev} in {describe_netns(label)}, for the {what} {entry}")


def _check_forwarding(desired: State, actual: State, label: str, want: Link) -> None:
    for entry in want.fdb or ():
        known = (
            entry.via is None or is_unnamed_link(entry.via) or _is_known(desired, actual, Endpoint(label, entry.via))
        )
        if not known and want.underlay in (None, label):
            raise PlanError(
                f"no such link: {entry.via} in {describe_netns(label)}, for the forwarding entry {entry} of {want.name}"
            )


def _check_sysctls(desired: State, actual: State, label: str, want: Netns) -> None:
    # The sysctls of a link exist with the link, which may be created later.
    there = actual.get_netns(label).sysctls
    missing = {key: get_link_of_sysctl(key) for key in want.sysctls if key not in there}
    unknown = [key for key, link in missing.items() if link is None]
    if unknown:
        raise PlanError(f"no such sysctl in {describe_netns(label)}: {', '.join(unknown)}")
    for key, link in missing.items():
        if link and not _is_known(desired, actual, Endpoint(label, link)):
            raise PlanError(f"no such link: {link} in {describe_netns(label)}, for the sysctl {key}")


def sort_for_creation(desired: State) -> list[tuple[str, Link]]:
    """Return the desired links in the order of creation: masters and parents first."""
    wanted = _index_desired_links(desired)
    needed: dict[Endpoint, list[Endpoint]] = {}
    for place, link in wanted.items():
        needs = [Endpoint(place.netns, link.master)] if link.master else []
        needs += [link.parent] if link.parent else []
        # A pair is created in one request.
        peer = wanted.get(link.peer) if link.peer else None
        needs += [Endpoint(link.peer.netns, peer.master)] if link.peer and peer and peer.master else []
        if needs:
            needed[place] = [need for need in needs if need in wanted and need != place]
    try:
        return _sort(wanted, needed)
    except graphlib.CycleError as error:
        circle = " needs ".join(place.name for place in error.args[1])
        raise PlanError(f"circular dependency of links: {circle}") from None


def sort_for_activation(desired: State) -> list[tuple[str, Link]]:
    """Return the desired links in the order of going up: parents before their links, masters after their ports.

    A bridge that is up forwards the packets that each new port sends to all other ports.
    """
    wanted = _index_desired_links(desired)
    needed: dict[Endpoint, list[Endpoint]] = {}
    for place, link in wanted.items():
        if link.parent in wanted:
            needed.setdefault(place, []).append(link.parent)
        master = Endpoint(place.netns, link.master) if link.master else None
        if master in wanted:
            needed.setdefault(master, []).append(place)
    try:
        return _sort(wanted, needed)
    except graphlib.CycleError:
        return sort_for_creation(desired)  # a port whose parent is its master


def _is_removed(desired: State, label: str) -> bool:
    return label in desired.namespaces and desired.namespaces[label].present is False


def _sort(wanted: Mapping[Endpoint, Link], needed: Mapping[Endpoint, Sequence[Endpoint]]) -> list[tuple[str, Link]]:
    """Return the links sorted by their dependencies; raise CycleError for a circular dependency."""
    order = graphlib.TopologicalSorter(needed).static_order() if needed else ()
    # Sorting is slow, and most links have no dependency.
    places = dict.fromkeys(order)
    others = [place for place in wanted if place not in places]
    return [(place.netns or "", wanted[place]) for place in (*others, *places)]


def _index_desired_links(desired: State) -> dict[Endpoint, Link]:
    return {Endpoint(label, link.name): link for label, link in desired.iterate_links() if link.present is not False}


def _is_known(desired: State, actual: State, place: Endpoint, declared: bool = True) -> bool:
    if place.name == "lo" and desired.get_netns(place.netns or "").present:
        return True  # every namespace has it
    want = desired.get_link(place.netns or "", place.name)
    if want is not None and want.present is False:
        return False
    if declared and want is not None and want.present:
        return True
    return place.netns is not None and actual.get_link(place.netns, place.name) is not None
