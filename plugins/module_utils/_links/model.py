# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of network namespaces as plain data.

The same types describe what is desired and what was observed. In a desired state ``None`` means unmanaged and an
empty string or tuple means none; in an observed state ``None`` means unknown. Values are normalized by the validators,
so equal values compare equal.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import field, record, replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._links.original import Original
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import Value


class Endpoint(NamedTuple):
    """A link by the label of its namespace (None for a namespace that the State does not contain) and its name."""

    netns: str | None
    name: str

    def __str__(self) -> str:
        return f"{self.name} in {describe_netns(self.netns)}" if self.name else "none"


def describe_netns(label: str | None) -> str:
    """Return a namespace's label for use in a message."""
    return "an unreachable namespace" if label is None else label or "the current namespace"


@record
class Route:
    """A route of one table. ``dst`` is a network in CIDR form, the default route's is 0.0.0.0/0 or ::/0."""

    dst: str
    gateway: str | None = None
    dev: str | None = None
    table: int = 254
    metric: int | None = None
    src: str | None = None
    type: str = "unicast"
    onlink: bool | None = None
    # Observed only: routes of the kernel, of router advertisements and of routing daemons are not managed.
    foreign: bool = field(default=False, compare=False)
    original: Original | None = field(default=None, compare=False)
    # The original if the other fields do not describe the route completely, so that it equals no declared route.
    opaque: bytes = b""

    @property
    def has_default_metric(self) -> bool:
        """Whether the metric is that of a route that is added without one."""
        return self.metric in (None, 0) or (self.metric == 1024 and ":" in self.dst)

    def __str__(self) -> str:
        words = [self.type] if self.type != "unicast" else []
        words += ["default" if self.dst.endswith("/0") else self.dst]
        words += [f"via {self.gateway}"] if self.gateway else []
        words += [f"dev {self.dev}"] if self.dev else []
        words += [f"src {self.src}"] if self.src else []
        words += [f"metric {self.metric}"] if not self.has_default_metric else []
        words += [f"table {self.table}"] if self.table != 254 else []
        words += ["onlink"] if self.onlink else []
        return " ".join(words + _describe_unmodelled(self.original))


@record
class Rule:
    """A policy rule; ``family`` is 4 or 6, ``src`` and ``dst`` are networks in CIDR form."""

    priority: int
    family: int = 4
    src: str | None = None
    dst: str | None = None
    iif: str | None = None
    oif: str | None = None
    fwmark: int | None = None
    fwmask: int | None = None
    table: int | None = None
    action: str = "lookup"
    # Observed only: the default rules of every namespace, and as for a Route.
    foreign: bool = field(default=False, compare=False)
    original: Original | None = field(default=None, compare=False)
    opaque: bytes = b""

    @property
    def has_mask(self) -> bool:
        """Whether only a part of a mark is compared."""
        return self.fwmask not in (None, 2**32 - 1)

    def __str__(self) -> str:
        words = [f"{self.priority}:", f"from {self.src or 'all'}"]
        words += [f"to {self.dst}"] if self.dst else []
        words += [f"iif {self.iif}"] if self.iif else []
        words += [f"oif {self.oif}"] if self.oif else []
        if self.fwmark is not None:
            words += [f"fwmark {self.fwmark:#x}" + (f"/{self.fwmask:#x}" if self.has_mask else "")]
        words += [f"lookup {self.table}" if self.action == "lookup" else self.action]
        words += ["(IPv6)"] if self.family == 6 else []
        return " ".join(words + _describe_unmodelled(self.original))


def _describe_unmodelled(original: Original | None) -> list[str]:
    names = original.unmodelled if original else ()
    return [f"(with {', '.join(names)})"] if names else []


@record
class Neighbour:
    """A permanent neighbour entry, or with ``proxy`` a proxy entry, which has no MAC address."""

    dst: str
    mac: str | None = None
    dev: str | None = None
    proxy: bool = False

    def __str__(self) -> str:
        words = ["proxy"] if self.proxy else []
        words += [self.dst]
        words += [f"at {self.mac}"] if self.mac else []
        return " ".join(words + ([f"dev {self.dev}"] if self.dev else []))


FLOOD = "00:00:00:00:00:00"


@record
class Fdb:
    """A static forwarding entry of a link.

    For a VXLAN link, the VTEP ``dst`` of a MAC address; ``FLOOD`` applies to all addresses without an entry. With
    ``master``, a MAC address behind this port of its bridge. ``port``, ``vni`` and ``via`` are None for those of the
    link, ``vlan`` is None for any VLAN.
    """

    mac: str = FLOOD
    dst: str | None = None
    port: int | None = None
    vni: int | None = None
    via: str | None = None
    vlan: int | None = None
    master: bool = False

    def __str__(self) -> str:
        words = [self.mac]
        words += [f"dst {self.dst}"] if self.dst else []
        for key in ("port", "vni", "via", "vlan"):
            words += [f"{key} {getattr(self, key)}"] if getattr(self, key) is not None else []
        return " ".join(words + (["master"] if self.master else []))

    @property
    def is_only_destination(self) -> bool:
        """Whether the table allows only one destination: for every unicast MAC address."""
        return self.mac != FLOOD and not int(self.mac[:2], 16) & 1


def is_default(entry: Fdb, options: Mapping[str, Value]) -> bool:
    """Return whether an entry is the default entry of a VXLAN link, to its remote or group."""
    plain = entry.mac == FLOOD and entry.dst and entry.port is None and entry.vni is None
    return bool(plain) and entry.dst in (options.get("remote"), options.get("group"))


@record
class Link:
    """A network interface.

    ``present``: True to exist, False to be absent, None to exist already (desired states only). ``addresses`` are those
    that users manage, in the kernel's order, such as ``10.0.0.1/24`` or ``10.0.0.1 peer 10.0.0.2/32``.
    ``mtu`` is in bytes. ``options`` are those of the kind, ``port`` those as
    a port of the master. ``parent`` with an empty name means none; ``underlay`` is the namespace of a VXLAN link's UDP
    socket and parent.
    """

    name: str
    present: bool | None = True
    kind: str | None = None
    mtu: int | None = None
    mac: str | None = None
    up: bool | None = None
    master: str | None = None
    alias: str | None = None
    altnames: tuple[str, ...] | None = None
    addresses: tuple[str, ...] | None = None
    peer: Endpoint | None = None
    parent: Endpoint | None = None
    underlay: str | None = None
    fdb: tuple[Fdb, ...] | None = None
    options: Mapping[str, Value] = field(default_factory=dict)
    port: Mapping[str, Value] = field(default_factory=dict)
    # The link group of the topology that owns the link; it is set at creation and never changed.
    group: int | None = None
    # Desired only: the exact ports of a bridge; whether the link may be recreated; whether the order of the addresses
    # matters (the first of a subnet is the source address); whether unlisted forwarding entries are kept, and whether
    # entries in the master's table are unmanaged.
    ports: tuple[str, ...] | None = None
    recreate: bool = False
    ordered: bool = False
    fdb_append: bool = False
    fdb_own: bool = False
    # Observed only. ``other_addresses`` are those of the kernel itself, of router advertisements and of leases.
    index: int | None = None
    running: bool | None = None
    other_addresses: tuple[str, ...] = ()
    tentative: tuple[str, ...] = ()
    dad_failed: tuple[str, ...] = ()
    # For a rollback, properties that cannot be declared: the request that restores each address, all data of the kind,
    # and the length of the queue.
    originals: Mapping[str, bytes] = field(default_factory=dict, compare=False)
    kind_data: bytes = field(default=b"", compare=False)
    queue_length: int | None = field(default=None, compare=False)


@record
class Netns:
    """A network namespace and its contents. ``present`` as for a Link; ``sysctls`` by path below /proc/sys."""

    present: bool | None = True
    links: Mapping[str, Link] = field(default_factory=dict)
    sysctls: Mapping[str, str] = field(default_factory=dict)
    routes: tuple[Route, ...] | None = None
    rules: tuple[Rule, ...] | None = None
    neighbours: tuple[Neighbour, ...] | None = None
    # Desired only: keep unlisted routes, rules or neighbours; delete the name despite processes in the namespace.
    routes_append: bool = False
    rules_append: bool = False
    neighbours_append: bool = False
    # Desired only: entries to remove even if unlisted ones are kept.
    obsolete: tuple[Route | Rule | Neighbour, ...] = ()
    force: bool = False
    # The link group for the loopback link of a new namespace; observed for a stub.
    group: int | None = None
    # Observed only: other sysctls that the managed ones change or that a deleted link loses, a name without a
    # namespace, and the PIDs of the processes in the namespace.
    other_sysctls: Mapping[str, str] = field(default_factory=dict)
    stub: bool = False
    processes: tuple[int, ...] = ()


@record
class State:
    """Network namespaces by label, the reference that leads to each; empty for the current namespace."""

    namespaces: Mapping[str, Netns] = field(default_factory=dict)

    def get_netns(self, label: str) -> Netns:
        """Return a namespace; an absent one if the State does not contain it."""
        return self.namespaces.get(label, _ABSENT)

    def get_link(self, label: str, name: str) -> Link | None:
        """Return a link, None if it does not exist."""
        return self.get_netns(label).links.get(name)

    def iterate_links(self) -> Iterator[tuple[str, Link]]:
        """Yield all links with the labels of their namespaces."""
        for label, netns in self.namespaces.items():
            for link in netns.links.values():
                yield label, link

    def with_netns(self, label: str, netns: Netns) -> State:
        """Return this State with one namespace replaced."""
        return State({**self.namespaces, label: netns})

    def with_link(self, label: str, link: Link) -> State:
        """Return this State with one link added or replaced."""
        netns = self.get_netns(label)
        return self.with_netns(label, replace_fields(netns, links={**netns.links, link.name: link}))

    def without_link(self, label: str, name: str) -> State:
        """Return this State without one link."""
        netns = self.get_netns(label)
        links = {key: link for key, link in netns.links.items() if key != name}
        return self.with_netns(label, replace_fields(netns, links=links))

    def relabel(self, labels: Mapping[str, str]) -> State:
        """Return this State with namespaces renamed; two names of one namespace become one entry.

        Raises ValueError where the two entries contradict each other.
        """

        def relabel_endpoint(end: Endpoint | None) -> Endpoint | None:
            return end and Endpoint(labels.get(end.netns or "", end.netns), end.name)

        namespaces: dict[str, Netns] = {}
        for old, netns in self.namespaces.items():
            links = {}
            for name, link in netns.links.items():
                peer, parent = relabel_endpoint(link.peer), relabel_endpoint(link.parent)
                underlay = link.underlay if link.underlay is None else labels.get(link.underlay, link.underlay)
                same = (peer, parent, underlay) == (link.peer, link.parent, link.underlay)
                links[name] = link if same else replace_fields(link, peer=peer, parent=parent, underlay=underlay)
            label = labels.get(old, old)
            entry, known = replace_fields(netns, links=links), namespaces.get(label)
            namespaces[label] = entry if known is None else combine_links(known, entry, describe_netns(label))
        return State(namespaces)


Part = TypeVar("Part", Netns, Link)


def combine_links(one: Part, other: Part, what: str) -> Part:
    """Return the combination of two desired states of one object; raise ValueError if they contradict."""
    fields: dict[str, Any] = {}
    for part in dataclasses.fields(one):
        here, there = getattr(one, part.name), getattr(other, part.name)
        if here == there:
            continue
        if part.name == "present":
            fields[part.name] = _combine_present(here, there, what)
        elif isinstance(here, Mapping):
            fields[part.name] = _combine_fields(here, there, what)
        elif here in (None, False):
            fields[part.name] = there
        elif there not in (None, False):
            raise ValueError(f"{what} is declared twice, with a different {part.name}: {here} and {there}")
    return replace_fields(one, **fields)


def _combine_present(here: bool | None, there: bool | None, what: str) -> bool:
    if False in (here, there):
        raise ValueError(f"{what} is declared both present and absent")
    return True


def _combine_fields(here: Mapping[str, Any], there: Mapping[str, Any], what: str) -> dict[str, Any]:
    both = {**here, **there}
    for key in here.keys() & there.keys():
        if here[key] == there[key]:
            continue
        if not isinstance(here[key], Link):
            raise ValueError(f"{what} is declared twice, with a different {key}: {here[key]} and {there[key]}")
        both[key] = combine_links(here[key], there[key], f"{key} in {what}")
    return both


_ABSENT = Netns(present=False)


def format_unnamed_link(index: int) -> str:
    """Return a placeholder for a link of which only the index is known; no link can have this name."""
    return f"interface {index}"


def is_unnamed_link(name: str | None) -> bool:
    """Return whether a name is a placeholder for a link of which only the index is known."""
    return name is not None and " " in name
