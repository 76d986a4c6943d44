# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning for a link of any kind: there or not, its attributes, addresses and names."""

from __future__ import annotations

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Link, State, where
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import (
    AddAddress,
    AddAltname,
    CreateLink,
    DeleteGroup,
    DeleteLink,
    RemoveAddress,
    RemoveAltname,
    SetLink,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan import bridge as bridge_plan
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan import macvlan as macvlan_plan
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan import veth as veth_plan
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan import vxlan as vxlan_plan
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.builder import Draft
from ansible_collections.netfleet.docker.plugins.module_utils._links.side_effects import is_link_local
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_kinds import BRIDGE_PORT, KINDS, Value, same

_PLAIN = ("mtu", "mac", "alias", "master")


def remove(draft: Draft, desired: State) -> None:
    """Plan the removal of the links that are not to be there, but for those that go with their namespace."""
    # Where something does, what goes has to make way for it at once.
    nothing_stays = all(want.present is False for _label, want in desired.links())
    for label, netns in desired.namespaces.items():
        if netns.present is False and not draft.state.netns(label).processes:
            continue
        doomed = [want for want in netns.links.values() if want.present is False and _goes(draft, label, want)]
        _remove_groups(draft, label, {want.name for want in doomed})
        for want in doomed:
            have = draft.state.link(label, want.name)
            # The other end of its pair may have taken it along.
            if have is not None and not (nothing_stays and _goes_along(draft, desired, have)):
                draft.do(DeleteLink(label, want.name, have.kind, have.peer, have.index))
    # What is made anew goes before anything takes a place in a bridge, where it holds one.
    for label, want in desired.links():
        if want.present and want.recreate and want.kind != "veth":
            _make_way(draft, label, want)


def _goes(draft: Draft, label: str, want: Link) -> bool:
    have = draft.state.link(label, want.name)
    if have is None:
        return False
    if want.peer and (have.kind != want.kind or not have.peer or have.peer.name != want.peer.name):
        return False
    if want.kind and have.kind != want.kind:
        raise PlanError(
            f"{want.name} in {where(label)} is a {have.kind or 'physical link'}, not a {want.kind}; it stays"
        )
    return True


def _goes_along(draft: Draft, desired: State, have: Link) -> bool:
    """Tell whether it goes with the namespace of its peer, of which the kernel takes many apart at one stroke."""
    away = have.peer.netns if have.peer else None
    going = away is not None and away in desired.namespaces and desired.namespaces[away].present is False
    return going and not draft.state.netns(away or "").processes


def _remove_groups(draft: Draft, label: str, doomed: set[str]) -> None:
    """Plan the removal, at one stroke, of each group of links of which all are doomed."""
    groups: dict[int, list[Link]] = {}
    for link in draft.state.netns(label).links.values():
        groups.setdefault(link.group or 0, []).append(link)
    for group, links in groups.items():
        if group and len(links) > 1 and all(link.name in doomed for link in links):
            indices = tuple((link.name, link.index or 0) for link in links)
            draft.do(DeleteGroup(label, group, indices))


def settle(draft: Draft, desired: State, label: str, want: Link) -> None:
    """Plan one link that is to be there: the kernel object first, then everything that can be changed in place."""
    if want.kind == "veth" and want.peer:
        veth_plan.pair(draft, desired, label, want, want.peer)
    elif want.present:
        _exist(draft, label, want)
    have = draft.link(label, want.name)
    if want.up is False and have.up:
        draft.do(SetLink(label, want.name, {"up": False}))
    _attributes(draft, label, want)
    if want.ports is not None:
        bridge_plan.release_others(draft, label, want)
    _addresses(draft, label, want)
    _altnames(draft, label, want)


def bring_up(draft: Draft, label: str, want: Link) -> None:
    """Plan for a link to be up, once everything else about it is as it is to be."""
    if want.up and not draft.link(label, want.name).up:
        draft.do(SetLink(label, want.name, {"up": True}))


def going_up_at_once(draft: Draft, desired: State) -> dict[tuple[str, int], tuple[str, ...]]:
    """Return, by namespace and group, all the links of the groups that can go up as one.

    No link of such a group is to stay down, and none has anything to do with a parent, which would have to go first.
    """
    parents = {want.parent for _label, want in desired.links()}
    groups = {(label, want.group) for label, want in desired.links() if want.group and want.up}
    found = {}
    for label, group in groups:
        links = [link for link in draft.state.netns(label).links.values() if link.group == group]
        wanted = {name for name, want in desired.netns(label).links.items() if want.up}
        down = [link for link in links if not link.up]
        alone = all(link.parent is None and Endpoint(label, link.name) not in parents for link in down)
        if len(down) > 1 and alone and wanted.issuperset(link.name for link in down):
            found[label, group or 0] = tuple(link.name for link in links)
    return found


def _exist(draft: Draft, label: str, want: Link) -> None:
    _make_way(draft, label, want)
    if draft.state.link(label, want.name) is None:
        draft.do(CreateLink(label, want, master=draft.master(label, want)))


def _make_way(draft: Draft, label: str, want: Link) -> None:
    """Plan for nothing to be in the link's place that it cannot be made of."""
    have = draft.state.link(label, want.name)
    reason = have and _cannot_become(have, want)
    if have and reason:
        if not want.recreate:
            raise PlanError(f"{want.name} in {where(label)} {reason}; set recreate to delete it and make it anew")
        draft.do(DeleteLink(label, want.name, have.kind, have.peer, have.index))


def _cannot_become(have: Link, want: Link) -> str | None:
    if have.kind != want.kind:
        return f"is a {have.kind or 'physical link'}, not a {want.kind}, and the kernel cannot change that in place"
    if want.parent and have.parent != want.parent:
        return f"has the parent {have.parent or 'none'}, not {want.parent}, and the kernel cannot change that in place"
    for name, spec in KINDS.get(want.kind or "", {}).items():
        old, new = have.options.get(name), want.options.get(name)
        if new is not None and not spec.changeable and not same(spec, new, old):
            old = "none" if old in (None, "") else old
            return f"has the {name} {old}, not {new or 'none'}, and the kernel cannot change that in place"
    if want.kind in ("macvlan", "macvtap"):
        return macvlan_plan.cannot_become(have, want)
    return vxlan_plan.cannot_become(have, want) if want.kind == "vxlan" else None


def _attributes(draft: Draft, label: str, want: Link) -> None:
    have = draft.link(label, want.name)
    changed: dict[str, Value] = {
        key: value for key in _PLAIN if (value := getattr(want, key)) is not None and value != getattr(have, key)
    }
    specs = KINDS.get(want.kind or "", {})
    options = {key: value for key, value in want.options.items() if not same(specs[key], value, have.options.get(key))}
    if want.kind == "vxlan":
        options = vxlan_plan.in_its_family(options, have.options)
        if "mtu" in changed and options:
            # The kernel takes options of a VXLAN link only in a message that says no MTU.
            draft.do(SetLink(label, want.name, {"mtu": changed.pop("mtu")}))
    if changed or options:
        draft.do(SetLink(label, want.name, changed, options, kind=have.kind))
    # A link takes options as a port only once it has its master.
    there = draft.link(label, want.name).port
    port = {key: value for key, value in want.port.items() if not same(BRIDGE_PORT[key], value, there.get(key))}
    if port:
        draft.do(SetLink(label, want.name, port=port))


def _addresses(draft: Draft, label: str, want: Link) -> None:
    if want.addresses is None:
        return
    # From the end, so that secondaries go before the first address of their subnet would take them along.
    for cidr in reversed(draft.link(label, want.name).addresses or ()):
        if cidr not in want.addresses:
            draft.do(RemoveAddress(label, want.name, cidr))
    if want.ordered:
        _remove_disordered(draft, label, want)
    # The last one that is added is the last of IPv4, and the first of IPv6.
    backwards = [cidr for cidr in reversed(want.addresses) if ":" in cidr]
    ordered = [*(cidr for cidr in want.addresses if ":" not in cidr), *backwards]
    for cidr in ordered if want.ordered else want.addresses:
        have = draft.link(label, want.name)
        if cidr not in (have.addresses or ()) and cidr not in have.other_addresses:
            draft.do(AddAddress(label, want.name, cidr))


def _remove_disordered(draft: Draft, label: str, want: Link) -> None:
    """Plan the removal of all addresses of a family that would not come into their order by adding the others."""
    for is_ipv6 in (False, True):
        left, wanted = (
            [cidr for cidr in link.addresses or () if (":" in cidr) is is_ipv6]
            for link in (draft.link(label, want.name), want)
        )
        if is_ipv6:
            wanted.sort(key=is_link_local)
        # New ones come behind those of IPv4 that are there, and before those of IPv6.
        start = len(wanted) - len(left) if is_ipv6 else 0
        end = start + len(left)
        if left != wanted[start:end]:
            for cidr in reversed(left):
                draft.do(RemoveAddress(label, want.name, cidr))


def _altnames(draft: Draft, label: str, want: Link) -> None:
    if want.altnames is None:
        return
    there = draft.link(label, want.name).altnames or ()
    for name in there:
        if name not in want.altnames:
            draft.do(RemoveAltname(label, want.name, name))
    for name in want.altnames:
        if name not in there:
            draft.do(AddAltname(label, want.name, name))
