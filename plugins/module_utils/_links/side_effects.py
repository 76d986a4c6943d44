# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Side effects of the kernel, as pure functions from State to State."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._core.validators import IPV6_MIN_MTU
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import (
    Endpoint,
    Fdb,
    Link,
    Neighbour,
    Netns,
    Route,
    Rule,
    State,
    format_unnamed_link,
    is_default,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.sysctl_effects import (
    find_changed_sysctls,
    get_link_of_sysctl,
    get_links_without_ipv6,
)
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import Value

# Kinds of links whose MTU the kernel keeps at most as large as that of their parent.
_LIMITED_BY_PARENT = ("macvlan", "macvtap", "vlan")
# Kinds of which a new link has this MTU.
_ETHERNET, _ETHERNET_MTU = ("bridge", "dummy", "ifb", "veth"), 1500


def build_new_namespace(group: int, up: bool) -> Netns:
    """Return a new namespace, with its loopback link up or down."""
    lo = Link("lo", kind="loopback", up=up, addresses=(), altnames=(), master="", alias="", mtu=65536, group=group)
    return Netns(links={"lo": lo}, routes=(), rules=(), neighbours=())


def find_initial_mtu(state: State, label: str, link: Link) -> int | None:
    """Return the MTU of a new link: the given one, that of its parent, or that of its kind; None if it is unknown."""
    if link.mtu is not None:
        return link.mtu
    if link.kind in _ETHERNET:
        return _ETHERNET_MTU
    if link.kind in _LIMITED_BY_PARENT and link.parent:
        parent = state.get_link(link.parent.netns or label, link.parent.name)
        return parent.mtu if parent else None
    return None


def build_new_link(
    link: Link,
    peer: Endpoint | None,
    master: str = "",
    initial: Mapping[str, Value] = MappingProxyType({}),
) -> Link:
    """Return a new link with the attributes of its request; it is down."""
    return Link(
        link.name,
        kind=link.kind,
        mtu=link.mtu,
        mac=link.mac,
        up=False,
        master=master,
        alias="",
        altnames=(),
        addresses=(),
        peer=peer,
        parent=link.parent,
        underlay=link.underlay,
        fdb=(),
        options={**initial, **link.options},
        group=link.group or 0,
    )


def remove_link(state: State, label: str, name: str) -> State:
    """Remove a link, its peer and the links on it, and release its ports."""
    return remove_links(state, [Endpoint(label, name)])


def remove_links(state: State, places: Iterable[Endpoint]) -> State:
    """Remove links, their peers and the links on them, and release their ports."""
    gone: dict[str, dict[str, Link]] = {}
    stacked: dict[Endpoint, list[Endpoint]] | None = None
    waiting = list(places)
    while waiting:
        place = waiting.pop()
        label = place.netns
        link = None if label is None else state.get_link(label, place.name)
        if link is None or label is None or place.name in gone.get(label, ()):
            continue
        gone.setdefault(label, {})[place.name] = link
        if stacked is None:
            stacked = _group_links_by_parent(state)
        waiting += [link.peer] if link.peer else []
        waiting += stacked.get(place, [])
    namespaces = dict(state.namespaces)
    for label, links in gone.items():
        namespaces[label] = _remove_from_netns(namespaces[label], links)
    return State(namespaces)


def _group_links_by_parent(state: State) -> dict[Endpoint, list[Endpoint]]:
    found: dict[Endpoint, list[Endpoint]] = {}
    for label, link in state.iterate_links():
        if link.parent:
            found.setdefault(link.parent, []).append(Endpoint(label, link.name))
    return found


def _remove_from_netns(netns: Netns, gone: Mapping[str, Link]) -> Netns:
    """Return a namespace without some links, and with the changes to the links that referred to them."""
    links = {}
    for name, link in netns.links.items():
        if name not in gone:
            kept = release_port(link) if link.master in gone else link
            links[name] = _mark_stale(kept, gone) if kept.fdb else kept
    routes = netns.routes and tuple(route for route in netns.routes if route.dev not in gone)
    neighbours = netns.neighbours and tuple(entry for entry in netns.neighbours if entry.dev not in gone)
    fields = {
        field: {key: value for key, value in getattr(netns, field).items() if get_link_of_sysctl(key) not in gone}
        for field in ("sysctls", "other_sysctls")
    }
    return replace_fields(netns, links=links, routes=routes, neighbours=neighbours, **fields)


def adjust_bridge_mtu(state: State, label: str, name: str, mtu: int | None) -> State:
    """Set the MTU of a bridge to the lowest one of its ports after a port has got the given MTU.

    The kernel does so unless the MTU of the bridge was set. This is not visible, so a declared MTU is set again.
    """
    netns = state.get_netns(label)
    bridge = netns.links.get(name)
    if bridge is None or bridge.kind != "bridge" or None in (mtu, bridge.mtu) or mtu == bridge.mtu:
        return state
    ports = [link.mtu for link in netns.links.values() if link.master == name and link.mtu is not None]
    return state.with_link(label, replace_fields(bridge, mtu=min(ports, default=bridge.mtu)))


def limit_mtu_of_children(state: State, parent: Endpoint, mtu: int) -> State:
    """Return the state after the MTU of a parent was reduced; the kernel reduces that of links on it."""
    for label, link in state.iterate_links():
        if link.parent == parent and link.kind in _LIMITED_BY_PARENT and (link.mtu or 0) > mtu:
            state = state.with_link(label, replace_fields(link, mtu=mtu))
            state = remove_ipv6(state, label, [link.name]) if mtu < IPV6_MIN_MTU else state
            state = limit_mtu_of_children(state, Endpoint(label, link.name), mtu)
    return state


def release_port(link: Link) -> Link:
    """Return a link without its master, its port options and its entries in the master's table."""
    fdb = link.fdb and tuple(entry for entry in link.fdb if not entry.master)
    return replace_fields(link, master="", port={}, fdb=fdb)


def remove_device_entries(state: State, label: str, name: str) -> State:
    """Remove the routes and neighbours of a link that is down or deleted."""
    netns = state.get_netns(label)
    routes = netns.routes and tuple(route for route in netns.routes if route.dev != name)
    neighbours = netns.neighbours and tuple(entry for entry in netns.neighbours if entry.dev != name)
    return state.with_netns(label, replace_fields(netns, routes=routes, neighbours=neighbours))


def remove_neighbours(state: State, label: str, name: str) -> State:
    """Remove the neighbours of a link whose MAC address changed, except proxy entries."""
    netns = state.get_netns(label)
    kept = netns.neighbours and tuple(entry for entry in netns.neighbours if entry.dev != name or entry.proxy)
    return state.with_netns(label, replace_fields(netns, neighbours=kept))


def mark_stale_entries(state: State, label: str, gone: Link) -> State:
    """Replace a deleted link in forwarding entries by its index, as the kernel does."""
    for link in list(state.get_netns(label).links.values()):
        if link.fdb:
            state = state.with_link(label, _mark_stale(link, {gone.name: gone}))
    return state


def _mark_stale(link: Link, gone: Mapping[str, Link]) -> Link:
    if not any(entry.via in gone for entry in link.fdb or ()):
        return link
    names = {name: format_unnamed_link(one.index or 0) for name, one in gone.items()}
    fdb = tuple(replace_fields(entry, via=names.get(entry.via or "", entry.via)) for entry in link.fdb or ())
    return replace_fields(link, fdb=fdb)


def add_forwarding(state: State, label: str, name: str, entry: Fdb) -> State:
    """Add a forwarding entry, which replaces another entry of its unicast MAC address in the same table."""
    master = (state.get_netns(label).links[name].master or "") if entry.master else ""
    same = replace_fields(entry, dst=None) if entry.is_only_destination else entry
    for other in list(state.get_netns(label).links.values()):
        # A bridge has one table for all its ports.
        if other.name == name or (master and other.master == master):
            state = remove_forwarding(state, label, other.name, same)
    link = state.get_netns(label).links[name]
    return state.with_link(label, remove_default_destination(replace_fields(link, fdb=(*(link.fdb or ()), entry))))


def remove_forwarding(state: State, label: str, name: str, entry: Fdb) -> State:
    """Remove a forwarding entry; without a destination or VLAN, all entries of its MAC address."""
    link = state.get_link(label, name)
    if link is None or link.fdb is None:
        return state
    kept = tuple(one for one in link.fdb if not _covers(entry, one))
    return state.with_link(label, replace_fields(link, fdb=kept))


def _covers(entry: Fdb, one: Fdb) -> bool:
    if (entry.mac, entry.master) != (one.mac, one.master):
        return False
    if entry.master:
        return entry.vlan in (None, one.vlan)
    return entry.dst is None or entry == one


def remove_default_destination(link: Link) -> Link:
    """Return a VXLAN link without the entry of its default destination, which is in its options."""
    kept = link.fdb and tuple(entry for entry in link.fdb if not is_default(entry, link.options))
    return replace_fields(link, fdb=kept)


def add_addresses(state: State, label: str, name: str, added: Iterable[str]) -> State:
    """Add addresses where the kernel does: last for IPv4, first of its scope for IPv6."""
    link = state.get_link(label, name)
    if link is None:
        return state
    added = list(added)
    new = set(added)
    kept = [cidr for cidr in link.addresses or () if cidr not in new]
    ipv4 = [cidr for cidr in (*kept, *added) if ":" not in cidr]
    ipv6 = [cidr for cidr in (*reversed(added), *kept) if ":" in cidr]
    return state.with_link(label, replace_fields(link, addresses=(*ipv4, *sorted(ipv6, key=is_link_local))))


@functools.lru_cache(maxsize=65536)
def parse_interface(cidr: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface:
    """Return an address with its network, which is that of the peer if there is one."""
    return ipaddress.ip_interface(cidr.rpartition(" peer ")[2])


def is_link_local(cidr: str) -> bool:
    """Return whether an address has link scope, which the kernel lists last."""
    return parse_interface(cidr).is_link_local


def remove_addresses(state: State, label: str, name: str, removed: Iterable[str]) -> State:
    """Remove addresses and the routes that depend on them; with the first of an IPv4 subnet, all of the subnet."""
    link = state.get_link(label, name)
    if link is None:
        return state
    subnets: dict[object, list[str]] = {}
    for cidr in link.addresses or ():
        subnets.setdefault(parse_interface(cidr).network, []).append(cidr)
    lost: set[str] = set()
    for cidr in removed:
        subnet = parse_interface(cidr).network
        group = [one for one in subnets.get(subnet, ()) if one not in lost]
        lost.update(group if subnet.version == 4 and group[:1] == [cidr] else [cidr])
    kept = tuple(cidr for cidr in link.addresses or () if cidr not in lost)
    state = state.with_link(label, replace_fields(link, addresses=kept))
    sources = {cidr.partition("/")[0].partition(" ")[0] for cidr in lost if ":" not in cidr}
    if not sources:
        return state
    netns = state.get_netns(label)
    # A link without an IPv4 address has no IPv4 routes.
    silent = all(":" in cidr for cidr in (*kept, *link.other_addresses))
    routes = netns.routes and tuple(
        route
        for route in netns.routes
        if route.src not in sources and not (silent and route.dev == name and ":" not in route.dst)
    )
    return state.with_netns(label, replace_fields(netns, routes=routes))


def set_sysctl(state: State, label: str, key: str, value: str) -> State:
    """Set a sysctl, and those that the kernel changes with it; without IPv6, a link loses its addresses and routes."""
    netns = state.get_netns(label)
    changed = find_changed_sysctls(key, value, {**netns.other_sysctls, **netns.sysctls})
    sysctls = {**{one: changed.get(one, old) for one, old in netns.sysctls.items()}, key: value}
    others = {one: changed.get(one, old) for one, old in netns.other_sysctls.items()}
    state = state.with_netns(label, replace_fields(netns, sysctls=sysctls, other_sysctls=others))
    name = get_links_without_ipv6(key, value)
    return state if name is None else remove_ipv6(state, label, netns.links if name == "all" else [name])


def remove_ipv6(state: State, label: str, names: Iterable[str]) -> State:
    """Remove the IPv6 addresses, routes and neighbours of links."""
    netns, gone = state.get_netns(label), set(names)
    links = dict(netns.links)
    for name in gone & links.keys():
        kept, others = (
            tuple(cidr for cidr in cidrs if ":" not in cidr)
            for cidrs in (links[name].addresses or (), links[name].other_addresses)
        )
        fields = {"addresses": kept} if links[name].addresses is not None else {}
        links[name] = replace_fields(links[name], other_addresses=others, **fields)
    routes = netns.routes and tuple(one for one in netns.routes if one.dev not in gone or ":" not in one.dst)
    neighbours = netns.neighbours and tuple(
        one for one in netns.neighbours if one.dev not in gone or ":" not in one.dst
    )
    return state.with_netns(label, replace_fields(netns, links=links, routes=routes, neighbours=neighbours))


def repoint_links(state: State, old: Endpoint, new: Endpoint) -> State:
    """Update peers and parents of links that refer to a moved link; delete VXLAN links on it."""
    for label, link in list(state.iterate_links()):
        if link.parent == old and link.underlay is not None:
            state = remove_link(state, label, link.name)
    for label, link in list(state.iterate_links()):
        if link.peer == old:
            state = state.with_link(label, replace_fields(link, peer=new))
        if link.parent == old:
            state = state.with_link(label, replace_fields(link, parent=new))
        if label == old.netns and link.master == old.name:
            state = state.with_link(label, release_port(link))
    return state


def change_altnames(state: State, label: str, name: str, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> State:
    """Apply a change to a link's alternative names."""
    link = state.get_link(label, name)
    if link is None:
        return state
    return state.with_link(label, replace_fields(link, altnames=change(link.altnames or ())))


def add_entries(state: State, label: str, added: Sequence[Neighbour | Route | Rule]) -> State:
    """Add routes, rules or neighbours, all of one type; a neighbour replaces the one with its address."""
    netns = state.get_netns(label)
    key = _TABLES[type(added[0])]
    there: Iterable[Neighbour | Route | Rule] = getattr(netns, key) or ()
    if key == "neighbours":
        new = {_get_neighbour_key(entry) for entry in added}
        there = (entry for entry in there if _get_neighbour_key(entry) not in new)
    return state.with_netns(label, replace_fields(netns, **{key: (*there, *added)}))


def remove_entries(state: State, label: str, removed: Sequence[Neighbour | Route | Rule]) -> State:
    """Remove routes, rules or neighbours, all of one type."""
    netns = state.get_netns(label)
    key = _TABLES[type(removed[0])]
    gone = set(removed)
    kept = tuple(entry for entry in getattr(netns, key) or () if entry not in gone)
    return state.with_netns(label, replace_fields(netns, **{key: kept}))


_TABLES = {Neighbour: "neighbours", Route: "routes", Rule: "rules"}


def _get_neighbour_key(entry: Neighbour | Route | Rule) -> object:
    return (entry.dst, entry.dev, entry.proxy) if isinstance(entry, Neighbour) else entry
