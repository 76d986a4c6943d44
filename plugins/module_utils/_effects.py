# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel does of its own when something changes, as pure functions from State to State."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Callable
from typing import Union

from ansible_collections.netfleet.docker.plugins.module_utils._model import Endpoint, Link, Netns, Route, Rule, State

Entries = tuple[Union[Route, Rule], ...]


def born(group: int) -> Netns:
    """Return a namespace as the kernel makes it."""
    lo = Link("lo", kind="loopback", up=False, addresses=(), altnames=(), master="", alias="", mtu=65536, group=group)
    return Netns(links={"lo": lo}, routes=(), rules=())


def created(link: Link, peer: Endpoint | None) -> Link:
    """Return a link as it is right after creation: with what the request carried, down and bare."""
    return Link(
        link.name,
        kind=link.kind,
        mtu=link.mtu,
        mac=link.mac,
        up=False,
        master="",
        alias="",
        altnames=(),
        addresses=(),
        peer=peer,
        parent=link.parent,
        options=link.options,
        group=link.group or 0,
    )


def without_link(state: State, label: str, name: str) -> State:
    """Remove a link, its peer, what is stacked on it, and its ports' membership."""
    link = state.link(label, name)
    if link is None:
        return state
    state = without_device(state.without_link(label, name), label, name)
    if link.peer and link.peer.netns is not None:
        state = without_link(state, link.peer.netns, link.peer.name)
    for other_label, other in list(state.links()):
        if other.parent == Endpoint(label, name):
            state = without_link(state, other_label, other.name)
        elif other_label == label and other.master == name:
            state = state.with_link(label, dataclasses.replace(other, master="", port={}))
    return state


def without_device(state: State, label: str, name: str) -> State:
    """Remove the routes that leave through a link which went down or away."""
    netns = state.netns(label)
    if netns.routes is None:
        return state
    kept = tuple(route for route in netns.routes if route.dev != name)
    return state.with_netns(label, dataclasses.replace(netns, routes=kept))


def without_address(state: State, label: str, name: str, address: str) -> State:
    """Remove an address, and with the first of an IPv4 subnet all of that subnet."""
    link = state.link(label, name)
    if link is None:
        return state
    subnet = ipaddress.ip_interface(address).network
    group = [cidr for cidr in link.addresses or () if ipaddress.ip_interface(cidr).network == subnet]
    lost = group if subnet.version == 4 and group[:1] == [address] else [address]
    kept = tuple(cidr for cidr in link.addresses or () if cidr not in lost)
    return state.with_link(label, dataclasses.replace(link, addresses=kept))


def repointed(state: State, old: Endpoint, new: Endpoint) -> State:
    """Let every link that named a moved one as its peer or parent name it in its new place."""
    for label, link in list(state.links()):
        if link.peer == old:
            state = state.with_link(label, dataclasses.replace(link, peer=new))
        if link.parent == old:
            state = state.with_link(label, dataclasses.replace(link, parent=new))
        if label == old.netns and link.master == old.name:
            state = state.with_link(label, dataclasses.replace(link, master="", port={}))
    return state


def with_altnames(state: State, label: str, name: str, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> State:
    """Apply a change to a link's alternative names."""
    link = state.link(label, name)
    if link is None:
        return state
    return state.with_link(label, dataclasses.replace(link, altnames=change(link.altnames or ())))


def with_entries(state: State, label: str, change: Callable[[Entries], Entries], kind: type) -> State:
    """Apply a change to a namespace's routes or rules."""
    netns = state.netns(label)
    if kind is Route:
        routes = tuple(entry for entry in change(netns.routes or ()) if isinstance(entry, Route))
        return state.with_netns(label, dataclasses.replace(netns, routes=routes))
    rules = tuple(entry for entry in change(netns.rules or ()) if isinstance(entry, Rule))
    return state.with_netns(label, dataclasses.replace(netns, rules=rules))
