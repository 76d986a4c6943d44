# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations on the kernel, as data.

``describe`` returns an operation as one line, ``simulate`` returns the State after it, with the side effects of the
kernel. Nothing in this file applies an operation.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import field, record, replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._core.validators import IPV6_MIN_MTU
from ansible_collections.netfleet.docker.plugins.module_utils._links import side_effects as effects
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import (
    Endpoint,
    Fdb,
    Link,
    Neighbour,
    Netns,
    Route,
    Rule,
    State,
    describe_netns,
)
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import UNSPECIFIED, Value


@record
class Op:
    """One operation in one namespace, named by its label in the State."""

    netns: str

    def describe(self) -> str:
        """Return the operation as one line."""
        raise NotImplementedError

    def simulate(self, state: State) -> State:
        """Return the State after the operation."""
        raise NotImplementedError


@record
class CreateNetns(Op):
    """Create a named namespace; a stub of this name is used. The loopback link gets the group."""

    group: int = 0
    loopback_up: bool = False

    def describe(self) -> str:
        return f"create namespace {self.netns}"

    def simulate(self, state: State) -> State:
        return state.with_netns(self.netns, effects.build_new_namespace(self.group, self.loopback_up))


@record
class DeleteNetns(Op):
    """Delete the name of a namespace; the kernel deletes the namespace when no other object holds it."""

    # The PIDs of the processes in it.
    processes: tuple[int, ...] = ()

    def describe(self) -> str:
        text = f"delete namespace {self.netns}"
        return f"{text}, which remains without a name in {format_pids(self.processes)}" if self.processes else text

    def simulate(self, state: State) -> State:
        if not state.get_netns(self.netns).processes:
            inside = [Endpoint(self.netns, name) for name in state.get_netns(self.netns).links]
            over = [Endpoint(label, link.name) for label, link in state.iterate_links() if link.underlay == self.netns]
            state = effects.remove_links(state, inside + over)
        return state.with_netns(self.netns, Netns(present=False))


@record
class CreateLink(Op):
    """Create a link, optionally with a master, and the peer of a veth in its own namespace in the same request."""

    link: Link
    peer_netns: str = ""
    peer: Link | None = None
    # The master of the link, not of its peer, at creation.
    master: str = ""
    # The options of a new link of this kind, where the link does not set them.
    initial: Mapping[str, Value] = field(default_factory=dict)

    def describe(self) -> str:
        settings = _format_settings(self.link, self.initial)
        text = f"create {self.link.kind} {self.link.name} in {describe_netns(self.netns)}{settings}"
        if self.link.parent and self.link.parent.name:
            text += f" on parent {self.link.parent}"
        elif self.link.underlay not in (None, self.netns):
            text += f" over {describe_netns(self.link.underlay)}"
        text += f" as a port of {self.master}" if self.master else ""
        if self.peer:
            text += f" with peer {self.peer.name} in {describe_netns(self.peer_netns)}{_format_settings(self.peer)}"
        return text

    def simulate(self, state: State) -> State:
        there = Endpoint(self.peer_netns, self.peer.name) if self.peer else None
        link = replace_fields(self.link, mtu=effects.find_initial_mtu(state, self.netns, self.link))
        state = state.with_link(self.netns, effects.build_new_link(link, there, self.master, self.initial))
        state = effects.adjust_bridge_mtu(state, self.netns, self.master, link.mtu)
        if self.peer:
            here = Endpoint(self.netns, self.link.name)
            peer = replace_fields(self.peer, mtu=effects.find_initial_mtu(state, self.peer_netns, self.peer))
            state = state.with_link(self.peer_netns, effects.build_new_link(peer, here))
        return state


@record
class DeleteLink(Op):
    """Delete a link; the kernel also deletes its peer and the links on it."""

    name: str
    kind: str | None = None
    peer: Endpoint | None = None
    # The index when the link was observed; it is compared before the deletion.
    index: int | None = None

    def describe(self) -> str:
        text = f"delete {self.kind or 'link'} {self.name} in {describe_netns(self.netns)}"
        return text + (f" and its peer {self.peer}" if self.peer else "")

    def simulate(self, state: State) -> State:
        return effects.remove_link(state, self.netns, self.name)


@record
class DeleteGroup(Op):
    """Delete all links of a group in one request, which takes as long as deleting three links one by one."""

    group: int
    # The links of the group and their indices when they were observed.
    indices: tuple[tuple[str, int], ...]

    def describe(self) -> str:
        names = ", ".join(name for name, _index in self.indices)
        return f"delete {len(self.indices)} links in {describe_netns(self.netns)}: {names}"

    def simulate(self, state: State) -> State:
        return effects.remove_links(state, [Endpoint(self.netns, name) for name, _index in self.indices])


@record
class SetGroupUp(Op):
    """Set all links of a group up in one request, before packets of the first ones reach the others."""

    group: int
    # The links of the group.
    names: tuple[str, ...]

    def describe(self) -> str:
        return f"set {len(self.names)} links in {describe_netns(self.netns)} to up: {', '.join(self.names)}"

    def simulate(self, state: State) -> State:
        netns = state.get_netns(self.netns)
        up = {name: replace_fields(netns.links[name], up=True) for name in self.names if name in netns.links}
        return state.with_netns(self.netns, replace_fields(netns, links={**netns.links, **up}))


@record
class MoveLink(Op):
    """Move a link to another namespace; the kernel sets it down and removes its addresses and its master."""

    name: str
    to: str
    index: int | None = None

    def describe(self) -> str:
        return f"move {self.name} from {describe_netns(self.netns)} to {describe_netns(self.to)}"

    def simulate(self, state: State) -> State:
        link = state.get_link(self.netns, self.name)
        if link is None:
            return state
        moved = replace_fields(effects.release_port(link), up=False, addresses=())
        state = effects.remove_device_entries(state.without_link(self.netns, self.name), self.netns, self.name)
        state = effects.mark_stale_entries(state, self.netns, link).with_link(self.to, moved)
        return effects.repoint_links(state, Endpoint(self.netns, self.name), Endpoint(self.to, self.name))


@record
class SetLink(Op):
    """Change a link in place: ``attributes`` by their names in Link, options of its kind, and those as a port."""

    name: str
    attributes: Mapping[str, Value] = field(default_factory=dict)
    options: Mapping[str, Value] = field(default_factory=dict)
    port: Mapping[str, Value] = field(default_factory=dict)
    kind: str | None = None

    @property
    def can_remove_objects(self) -> bool:
        """Whether the change can remove other objects as a side effect, such as routes."""
        return bool(self.attributes.keys() & {"mtu", "mac", "master"}) or self.attributes.get("up") is False

    def describe(self) -> str:
        words = [_format_setting(key, value) for key, value in self.attributes.items() if key != "up"]
        words += [_format_setting(key, value) for key, value in self.options.items()]
        words += [_format_setting(f"port {key}", value) for key, value in self.port.items()]
        if "up" in self.attributes:
            words.append("up" if self.attributes["up"] else "down")
        return f"set {self.name} in {describe_netns(self.netns)} to {', '.join(words)}"

    def simulate(self, state: State) -> State:
        link = state.get_link(self.netns, self.name)
        if link is None:
            return state
        attributes: dict[str, Any] = dict(self.attributes)
        options = {key: "" if value in UNSPECIFIED else value for key, value in self.options.items()}
        after = replace_fields(
            effects.release_port(link) if "master" in self.attributes else link,
            **attributes,
            options={**link.options, **options},
        )
        after = effects.remove_default_destination(replace_fields(after, port={**after.port, **self.port}))
        if self.attributes.get("up") is False and link.up is not False:
            # The kernel removes IPv6 addresses and all routes of a link that is set down.
            kept = tuple(cidr for cidr in link.addresses or () if ":" not in cidr)
            after = replace_fields(after, addresses=kept if link.addresses is not None else None)
            state = effects.remove_device_entries(state, self.netns, self.name)
        if self.attributes.get("mac", link.mac) != link.mac:
            state = effects.remove_neighbours(state, self.netns, self.name)
        state = state.with_link(self.netns, after)
        if "mtu" in self.attributes and (after.mtu or IPV6_MIN_MTU) < IPV6_MIN_MTU:
            state = effects.remove_ipv6(state, self.netns, [self.name])
        if "mtu" in self.attributes and after.mtu:
            state = effects.limit_mtu_of_children(state, Endpoint(self.netns, self.name), after.mtu)
        if self.attributes.keys() & {"mtu", "master"}:
            state = effects.adjust_bridge_mtu(state, self.netns, after.master or "", after.mtu)
        return state


@record
class AddAddress(Op):
    """Add an address in CIDR form to a link, or restore it by its original."""

    name: str
    address: str
    original: bytes = b""

    def describe(self) -> str:
        return f"add address {self.address} to {self.name} in {describe_netns(self.netns)}"

    def simulate(self, state: State) -> State:
        return effects.add_addresses(state, self.netns, self.name, [self.address])


@record
class RemoveAddress(Op):
    """Remove an address; with the first address of an IPv4 subnet the kernel also removes its secondary addresses."""

    name: str
    address: str
    original: bytes = b""

    def describe(self) -> str:
        return f"remove address {self.address} from {self.name} in {describe_netns(self.netns)}"

    def simulate(self, state: State) -> State:
        return effects.remove_addresses(state, self.netns, self.name, [self.address])


@record
class AddAltname(Op):
    """Add an alternative name to a link."""

    name: str
    altname: str

    def describe(self) -> str:
        return f"add alternative name {self.altname} to {self.name} in {describe_netns(self.netns)}"

    def simulate(self, state: State) -> State:
        return effects.change_altnames(state, self.netns, self.name, lambda names: (*names, self.altname))


@record
class RemoveAltname(Op):
    """Remove an alternative name from a link."""

    name: str
    altname: str

    def describe(self) -> str:
        return f"remove alternative name {self.altname} from {self.name} in {describe_netns(self.netns)}"

    def simulate(self, state: State) -> State:
        return effects.change_altnames(
            state, self.netns, self.name, lambda names: tuple(name for name in names if name != self.altname)
        )


@record
class SetSysctl(Op):
    """Set a sysctl of the namespace, by its path below /proc/sys."""

    key: str
    value: str

    def describe(self) -> str:
        return f"set sysctl {self.key} to {self.value} in {describe_netns(self.netns)}"

    def simulate(self, state: State) -> State:
        return effects.set_sysctl(state, self.netns, self.key, self.value)


@record
class AddEntry(Op):
    """Add a route, a policy rule or a neighbour, which replaces another one with its address."""

    entry: Route | Rule | Neighbour

    def describe(self) -> str:
        return f"add {type(self.entry).__name__.lower()} {self.entry} in {describe_netns(self.netns)}"

    def simulate(self, state: State) -> State:
        return effects.add_entries(state, self.netns, [self.entry])


@record
class RemoveEntry(Op):
    """Remove a route, a policy rule or a neighbour."""

    entry: Route | Rule | Neighbour

    def describe(self) -> str:
        return f"remove {type(self.entry).__name__.lower()} {self.entry} in {describe_netns(self.netns)}"

    def simulate(self, state: State) -> State:
        return effects.remove_entries(state, self.netns, [self.entry])


@record
class AddFdb(Op):
    """Add a static forwarding entry to a link, or to the table of its master."""

    name: str
    entry: Fdb

    def describe(self) -> str:
        return f"add forwarding entry {self.entry} to {self.name} in {describe_netns(self.netns)}"

    def simulate(self, state: State) -> State:
        if state.get_link(self.netns, self.name) is None:
            return state
        return effects.add_forwarding(state, self.netns, self.name, self.entry)


@record
class RemoveFdb(Op):
    """Remove a forwarding entry; without a destination, all entries of its MAC address."""

    name: str
    entry: Fdb

    def describe(self) -> str:
        return f"remove forwarding entry {self.entry} from {self.name} in {describe_netns(self.netns)}"

    def simulate(self, state: State) -> State:
        return effects.remove_forwarding(state, self.netns, self.name, self.entry)


def simulate_all(state: State, operations: Sequence[Op]) -> State:
    """Return the State after all operations; runs of similar ones are simulated at once, in linear time."""
    for _key, group in itertools.groupby(operations, _get_batch_key):
        first, *others = group
        if others and isinstance(first, (AddAddress, RemoveAddress)):
            change = effects.add_addresses if isinstance(first, AddAddress) else effects.remove_addresses
            addresses = [op.address for op in (first, *others) if isinstance(op, (AddAddress, RemoveAddress))]
            state = change(state, first.netns, first.name, addresses)
        elif others and isinstance(first, (AddEntry, RemoveEntry)):
            change_entries = effects.add_entries if isinstance(first, AddEntry) else effects.remove_entries
            entries = [op.entry for op in (first, *others) if isinstance(op, (AddEntry, RemoveEntry))]
            state = change_entries(state, first.netns, entries)
        else:
            state = functools.reduce(lambda before, op: op.simulate(before), (first, *others), state)
    return state


def _get_batch_key(op: Op) -> tuple[object, ...]:
    if isinstance(op, (AddAddress, RemoveAddress)):
        return type(op), op.netns, op.name
    if isinstance(op, (AddEntry, RemoveEntry)):
        return type(op), op.netns, type(op.entry)
    return (None,)


def format_pids(processes: tuple[int, ...], most: int = 20) -> str:
    """Return PIDs for use in a message."""
    shown = ", ".join(str(pid) for pid in processes[:most])
    more = f" and {len(processes) - most} more" if len(processes) > most else ""
    return f"PID {shown}{more}"


def _format_setting(key: str, value: Value) -> str:
    if isinstance(value, bool):
        text = "on" if value else "off"
    elif isinstance(value, tuple):
        text = "[" + ", ".join(value) + "]"
    else:
        text = str(value) if value not in ("", *UNSPECIFIED) else "none"
    return f"{key} {text}"


def _format_settings(link: Link, initial: Mapping[str, Value] = MappingProxyType({})) -> str:
    settings = {key: getattr(link, key) for key in ("mtu", "mac") if getattr(link, key) is not None}
    chosen = {key: value for key, value in link.options.items() if key not in initial or value != initial[key]}
    text = ", ".join(_format_setting(key, value) for key, value in {**settings, **chosen}.items())
    return f" ({text})" if text else ""
