# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning of a link of any kind: existence, attributes, addresses and names."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.registry import find_kind
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Link, State, describe_netns
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import (
    AddAddress,
    AddAltname,
    DeleteGroup,
    DeleteLink,
    RemoveAddress,
    RemoveAltname,
    SetLink,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan import netns as netns_plan
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan_builder import PlanBuilder
from ansible_collections.netfleet.docker.plugins.module_utils._links.side_effects import is_link_local
from ansible_collections.netfleet.docker.plugins.module_utils._links.sysctl_effects import find_ipv6_switch
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import BRIDGE_PORT, Value

_PLAIN = ("mtu", "mac", "alias", "master")


def plan_removals(builder: PlanBuilder, desired: State) -> None:
    """Plan the removal of absent links, except those that are deleted with their namespace."""
    # If other links stay, the names must be free at once.
    nothing_stays = all(want.present is False for _label, want in desired.iterate_links())
    for label, netns in desired.namespaces.items():
        if netns.present is False and not builder.state.get_netns(label).processes:
            continue
        doomed = [
            want for want in netns.links.values() if want.present is False and _is_to_be_removed(builder, label, want)
        ]
        _plan_group_removals(builder, label, {want.name for want in doomed})
        for want in doomed:
            have = builder.state.get_link(label, want.name)
            # It may have been deleted with its peer.
            if have is not None and not (nothing_stays and _is_deleted_with_namespace(builder, desired, have)):
                builder.add_operation(DeleteLink(label, want.name, have.kind, have.peer, have.index))
    # A link that is recreated is deleted first, because it may occupy a port of a bridge.
    for label, want in desired.iterate_links():
        if want.present and want.recreate and not want.peer:
            find_kind(want.kind).plan_replacement(builder, label, want)


def _is_to_be_removed(builder: PlanBuilder, label: str, want: Link) -> bool:
    have = builder.state.get_link(label, want.name)
    if have is None:
        return False
    if want.peer and (have.kind != want.kind or not have.peer or have.peer.name != want.peer.name):
        return False
    if want.kind and have.kind != want.kind:
        kind = have.kind or "physical link"
        raise PlanError(f"{want.name} in {describe_netns(label)} is a {kind}, not a {want.kind}; it was not deleted")
    return True


def _is_deleted_with_namespace(builder: PlanBuilder, desired: State, have: Link) -> bool:
    """Return whether a link is deleted with the namespace of its peer, which is faster."""
    away = have.peer.netns if have.peer else None
    going = away is not None and away in desired.namespaces and desired.namespaces[away].present is False
    return going and not builder.state.get_netns(away or "").processes


def _plan_group_removals(builder: PlanBuilder, label: str, doomed: set[str]) -> None:
    """Plan the removal in one request of each link group of which all links are removed."""
    groups: dict[int, list[Link]] = {}
    for link in builder.state.get_netns(label).links.values():
        groups.setdefault(link.group or 0, []).append(link)
    for group, links in groups.items():
        if group and len(links) > 1 and all(link.name in doomed for link in links):
            indices = tuple((link.name, link.index or 0) for link in links)
            builder.add_operation(DeleteGroup(label, group, indices))


def plan_link(builder: PlanBuilder, desired: State, label: str, want: Link) -> None:
    """Plan one desired link: first the kernel object, then everything that can be changed in place."""
    kind = find_kind(want.kind)
    if want.present:
        kind.plan_object(builder, desired, label, want)
        netns_plan.plan_link_sysctls(builder, label, desired.get_netns(label), want.name)
    have = builder.get_link(label, want.name)
    if want.up is False and have.up:
        builder.add_operation(SetLink(label, want.name, {"up": False}))
    _plan_attributes(builder, label, want)
    kind.plan_members(builder, label, want)
    _plan_addresses(builder, label, want)
    _plan_altnames(builder, label, want)


def plan_up(builder: PlanBuilder, label: str, want: Link) -> None:
    """Plan to set a link up, after its other operations."""
    if want.up and not builder.get_link(label, want.name).up:
        builder.add_operation(SetLink(label, want.name, {"up": True}))


def find_groups_to_bring_up(builder: PlanBuilder, desired: State) -> dict[tuple[str, int], tuple[str, ...]]:
    """Return the links of each group that can be set up in one request, by namespace and group.

    No link of such a group stays down, and none has a parent or is one, which would require an order.
    """
    parents = {want.parent for _label, want in desired.iterate_links()}
    groups = {(label, want.group) for label, want in desired.iterate_links() if want.group and want.up}
    found = {}
    for label, group in groups:
        links = [link for link in builder.state.get_netns(label).links.values() if link.group == group]
        wanted = {name for name, want in desired.get_netns(label).links.items() if want.up}
        down = [link for link in links if not link.up]
        alone = all(link.parent is None and Endpoint(label, link.name) not in parents for link in down)
        if len(down) > 1 and alone and wanted.issuperset(link.name for link in down):
            found[label, group or 0] = tuple(link.name for link in links)
    return found


def _plan_attributes(builder: PlanBuilder, label: str, want: Link) -> None:
    have = builder.get_link(label, want.name)
    changed: dict[str, Value] = {
        key: value for key in _PLAIN if (value := getattr(want, key)) is not None and value != getattr(have, key)
    }
    fixed = find_kind(have.kind).describe_fixed_mac(have, str(changed["mac"])) if "mac" in changed else None
    if fixed:
        raise PlanError(f"{want.name} in {describe_netns(label)} {fixed}")
    kind = find_kind(want.kind)
    options = kind.find_differing_options(have, want)
    if options:
        for key in sorted(kind.separate_attributes & changed.keys()):
            builder.add_operation(SetLink(label, want.name, {key: changed.pop(key)}))
    if changed or options:
        builder.add_operation(SetLink(label, want.name, changed, options, kind=have.kind))
    # The kernel accepts port options only after the link has its master.
    there = builder.get_link(label, want.name).port
    port = {key: value for key, value in want.port.items() if not BRIDGE_PORT[key].matches(value, there.get(key))}
    if port:
        builder.add_operation(SetLink(label, want.name, port=port))


def _plan_addresses(builder: PlanBuilder, label: str, want: Link) -> None:
    if want.addresses is None:
        return
    # In reverse order: removing the first address of a subnet would remove its secondary addresses.
    wanted = set(want.addresses)
    there = reversed(builder.get_link(label, want.name).addresses or ())
    _plan_address_removals(builder, label, want.name, [cidr for cidr in there if cidr not in wanted])
    if want.ordered:
        _plan_reordering(builder, label, want)
    # The kernel appends a new IPv4 address and prepends a new IPv6 address.
    backwards = [cidr for cidr in reversed(want.addresses) if ":" in cidr]
    ordered = [*(cidr for cidr in want.addresses if ":" not in cidr), *backwards]
    have = builder.get_link(label, want.name)
    known = {*(have.addresses or ()), *have.other_addresses}
    missing = [cidr for cidr in (ordered if want.ordered else want.addresses) if cidr not in known]
    _refuse_disabled_ipv6(builder, label, want, missing)
    builder.add_operations([AddAddress(label, want.name, cidr, want.originals.get(cidr, b"")) for cidr in missing])


def _refuse_disabled_ipv6(builder: PlanBuilder, label: str, want: Link, added: Sequence[str]) -> None:
    netns = builder.state.get_netns(label)
    # In a rollback, addresses are restored by their originals, after the sysctls.
    cidr = next((cidr for cidr in added if ":" in cidr and cidr not in want.originals), None)
    switch = cidr and find_ipv6_switch(want.name, {**netns.other_sysctls, **netns.sysctls})
    if switch:
        reason = f"addresses: {cidr} is not possible while IPv6 is disabled; set the sysctl {switch} to 0"
        raise PlanError(f"{want.name} in {describe_netns(label)}: {reason}")


def _plan_address_removals(builder: PlanBuilder, label: str, name: str, removed: Sequence[str]) -> None:
    originals = builder.get_link(label, name).originals
    builder.add_operations([RemoveAddress(label, name, cidr, originals.get(cidr, b"")) for cidr in removed])


def _plan_reordering(builder: PlanBuilder, label: str, want: Link) -> None:
    """Plan the removal of all addresses of a family whose order cannot be reached by adding the others."""
    for is_ipv6 in (False, True):
        left, wanted = (
            [cidr for cidr in link.addresses or () if (":" in cidr) is is_ipv6]
            for link in (builder.get_link(label, want.name), want)
        )
        if is_ipv6:
            wanted.sort(key=is_link_local)
        # New IPv4 addresses follow the existing ones, new IPv6 addresses precede them.
        start = len(wanted) - len(left) if is_ipv6 else 0
        end = start + len(left)
        if left != wanted[start:end]:
            _plan_address_removals(builder, label, want.name, left[::-1])


def _plan_altnames(builder: PlanBuilder, label: str, want: Link) -> None:
    if want.altnames is None:
        return
    there = builder.get_link(label, want.name).altnames or ()
    for name in there:
        if name not in want.altnames:
            builder.add_operation(RemoveAltname(label, want.name, name))
    for name in want.altnames:
        if name not in there:
            builder.add_operation(AddAltname(label, want.name, name))
