# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generated States: observed ones are consistent like a kernel's, desired ones contain anything."""

from __future__ import annotations

import dataclasses
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._links import side_effects
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import (
    FLOOD,
    Endpoint,
    Fdb,
    Link,
    Neighbour,
    Netns,
    Route,
    Rule,
    State,
)
from hypothesis import strategies as st

LABELS = ("host", "red", "blue")
NAMES = ("a", "b", "c", "d")
CIDRS = ("10.0.0.1/24", "10.0.0.2/24", "10.0.0.3/24", "10.1.0.1/16", "fd00::1/64", "fd00::2/64", "fe80::1/64")
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
BRIDGE_OPTIONS: dict[str, list[Any]] = {"stp": [True, False], "priority": [0, 4096], "forward_delay": [200, 201, 1500]}
MACVLAN_OPTIONS: dict[str, list[Any]] = {"mode": ["bridge", "private", "passthru"], "broadcast_queue_length": [1, 1000]}
VXLAN_OPTIONS: dict[str, list[Any]] = {
    "vni": [7, 8],
    "remote": ["", "192.0.2.8"],
    "ttl": [0, 5],
    "proxy": [True, False],
}
PORT_OPTIONS: dict[str, list[Any]] = {"isolated": [True, False], "cost": [2, 100]}
SYSCTLS = ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/ipv4/conf/a/rp_filter")

labels = st.sampled_from(LABELS)
names = st.sampled_from(NAMES)
places = st.builds(Endpoint, labels, names)
cidr_lists = st.lists(st.sampled_from(CIDRS), unique=True, max_size=4).map(tuple)
altname_lists = st.lists(st.sampled_from(["long-one", "long-two"]), unique=True).map(tuple)
routes = st.builds(
    Route,
    dst=st.sampled_from(["0.0.0.0/0", "192.0.2.0/24", "::/0"]),
    gateway=st.sampled_from([None, "10.0.0.9"]),
    metric=st.sampled_from([0, 100]),
    foreign=st.booleans(),
)
rules = st.builds(Rule, priority=st.integers(1, 3), table=st.sampled_from([100, 101]), foreign=st.just(False))

neighbours = st.builds(
    Neighbour, dst=st.sampled_from(["10.0.0.7", "fd00::7"]), mac=st.sampled_from(MACS), dev=st.sampled_from(NAMES)
) | st.builds(Neighbour, dst=st.just("10.0.0.8"), dev=st.sampled_from(NAMES), proxy=st.just(True))
floods = st.builds(
    Fdb,
    mac=st.sampled_from([FLOOD, FLOOD, *MACS, "01:00:5e:00:00:01"]),
    dst=st.sampled_from(["192.0.2.7", "192.0.2.8"]),
    port=st.sampled_from([None, None, 99]),
    vni=st.sampled_from([None, 7]),
    via=st.sampled_from([None, None, None, *NAMES]),
)
statics = st.builds(Fdb, mac=st.sampled_from(MACS), vlan=st.sampled_from([None, None, 1]), master=st.just(True))


def _own_key(entry: Fdb) -> object:
    """Return the key that is unique in a table."""
    return (entry.master, entry.mac) if entry.is_only_destination else entry


def _same_neighbour(entry: Neighbour) -> object:
    return (entry.dst, entry.dev, entry.proxy)


neighbour_lists = st.lists(neighbours, unique_by=_same_neighbour, max_size=3).map(tuple)
flood_lists = st.lists(floods, unique_by=_own_key, max_size=4).map(tuple)
static_lists = st.lists(statics, unique_by=_own_key, max_size=2).map(tuple)


def options(choices: dict[str, list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw some of the options with values."""
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in choices.items()})


@st.composite
def observed(draw: st.DrawFn) -> State:
    """Draw a State that a kernel can have: peers match, masters and parents exist."""
    present = draw(st.sets(labels)) | {"host"}
    state = State(
        {
            label: Netns(
                present=label in present, links=_born_with(label in present), sysctls=dict.fromkeys(SYSCTLS, "0")
            )
            for label in LABELS
        }
    )
    free = [Endpoint(label, name) for label in sorted(present) for name in NAMES]
    free = draw(st.permutations(free))
    bridges: list[Endpoint] = []
    sockets: set[tuple[str, Any]] = set()
    while free:
        place = free.pop()
        kind = draw(st.sampled_from(["none", "bridge", "veth", "veth", "macvlan", "vxlan"]))
        if kind == "bridge":
            bridges.append(place)
            state = state.with_link(place.netns or "", _seen(draw, place, kind, options(BRIDGE_OPTIONS)))
        elif kind == "veth" and free:
            other = free.pop()
            for one, peer in ((place, other), (other, place)):
                state = state.with_link(one.netns or "", dataclasses.replace(_seen(draw, one, kind), peer=peer))
        elif kind == "macvlan" and bridges:
            parent = draw(st.sampled_from(bridges))
            link = dataclasses.replace(_seen(draw, place, kind, options(MACVLAN_OPTIONS)), parent=parent)
            state = state.with_link(place.netns or "", link)
        elif kind == "vxlan":
            underlay = draw(st.sampled_from(sorted(present)))
            parents = [bridge for bridge in bridges if bridge.netns == underlay]
            link = dataclasses.replace(
                _seen(
                    draw, place, kind, st.fixed_dictionaries({k: st.sampled_from(v) for k, v in VXLAN_OPTIONS.items()})
                ),
                parent=draw(st.sampled_from([Endpoint(underlay, ""), *parents])),
                underlay=underlay,
            )
            # The kernel allows one VXLAN link with a VNI over a namespace.
            if (underlay, link.options["vni"]) not in sockets:
                sockets.add((underlay, link.options["vni"]))
                state = state.with_link(place.netns or "", link)
    return _with_forwarding(draw, _with_ports(draw, _with_tables(draw, state, present)))


def _with_forwarding(draw: st.DrawFn, state: State) -> State:
    for label, link in list(state.iterate_links()):
        fdb = tuple(_listed(entry, link) for entry in draw(flood_lists)) if link.kind == "vxlan" else ()
        names = {one.name for one in state.get_netns(label).links.values()}
        usable = [entry for entry in fdb if entry.via is None or (entry.via in names and link.underlay == label)]
        state = state.with_link(label, dataclasses.replace(link, fdb=()))
        for entry in (*dict.fromkeys(usable), *(draw(static_lists) if link.master else ())):
            state = side_effects.add_forwarding(state, label, link.name, entry)
    return state


def _listed(entry: Fdb, link: Link) -> Fdb:
    """Return an entry as the kernel lists it."""
    return dataclasses.replace(entry, vni=None if entry.vni == link.options["vni"] else entry.vni)


def _born_with(present: bool) -> dict[str, Link]:
    return {"lo": Link("lo", kind="loopback", up=False, master="", addresses=())} if present else {}


def _seen(draw: st.DrawFn, place: Endpoint, kind: str, some: st.SearchStrategy[dict[str, Any]] | None = None) -> Link:
    return Link(
        place.name,
        kind=kind,
        mtu=draw(st.sampled_from([1400, 1500])),
        mac=draw(st.sampled_from(MACS)),
        up=draw(st.booleans()),
        master="",
        alias=draw(st.sampled_from(["", "text"])),
        altnames=draw(altname_lists),
        addresses=draw(cidr_lists),
        options=draw(some) if some is not None else {},
        index=draw(st.integers(2, 9)),
    )


def _with_ports(draw: st.DrawFn, state: State) -> State:
    for label, link in list(state.iterate_links()):
        bridges = [one.name for one in state.get_netns(label).links.values() if one.kind == "bridge"]
        if link.kind == "veth" and bridges and draw(st.booleans()):
            port = draw(options(PORT_OPTIONS))
            state = state.with_link(label, dataclasses.replace(link, master=draw(st.sampled_from(bridges)), port=port))
    return state


def _with_tables(draw: st.DrawFn, state: State, present: set[str]) -> State:
    for label in sorted(present):
        netns = dataclasses.replace(
            state.get_netns(label),
            routes=draw(st.lists(routes, unique_by=lambda route: (route.dst, route.metric)).map(tuple)),
            rules=draw(st.lists(rules, unique_by=lambda rule: rule.priority).map(tuple)),
            neighbours=tuple(entry for entry in draw(neighbour_lists) if entry.dev in state.get_netns(label).links),
            sysctls={key: draw(st.sampled_from("01")) for key in SYSCTLS},
            processes=draw(st.sampled_from([(), (7,)])),
        )
        state = state.with_netns(label, netns)
    return _with_unique_altnames(state)


def _with_unique_altnames(state: State) -> State:
    """Return the State in which no two links of a namespace have the same alternative name."""
    for label, netns in state.namespaces.items():
        used: set[str] = set()
        for link in netns.links.values():
            kept = tuple(name for name in link.altnames or () if name not in used)
            used.update(kept)
            if kept != (link.altnames or ()):
                state = state.with_link(label, dataclasses.replace(link, altnames=kept))
    return state


@st.composite
def desired(draw: st.DrawFn) -> State:
    """Draw a desired State; some are impossible, and plan() rejects them."""
    state = State({label: draw(_wanted_netns(label)) for label in sorted(draw(st.sets(labels, min_size=1)))})
    wanted = draw(st.lists(places, unique=True, max_size=5))
    while wanted:
        place = wanted.pop()
        kind = draw(st.sampled_from(["gone", "veth", "veth", "bridge", "macvlan", "vxlan", "any"]))
        if kind == "gone":
            state = _put(state, place, Link(place.name, present=False))
        elif kind == "veth" and wanted:
            other, again = wanted.pop(), draw(st.booleans())
            for one, peer in ((place, other), (other, place)):
                link = dataclasses.replace(draw(_wished(one, "veth")), peer=peer, recreate=again)
                state = _put(state, one, link)
        elif kind == "bridge":
            link = dataclasses.replace(
                draw(_wished(place, kind)),
                options=draw(options(BRIDGE_OPTIONS)),
                master=None,
                recreate=draw(st.booleans()),
            )
            state = _put(state, place, link)
        elif kind == "macvlan":
            link = dataclasses.replace(
                draw(_wished(place, kind)), options=draw(options(MACVLAN_OPTIONS)), parent=draw(places), master=None
            )
            state = _put(state, place, link)
        elif kind == "vxlan":
            underlay = draw(labels)
            link = dataclasses.replace(
                draw(_wished(place, kind)),
                options=draw(options(VXLAN_OPTIONS)),
                underlay=underlay,
                parent=draw(
                    st.sampled_from([None, Endpoint(underlay, "")]) | st.builds(Endpoint, st.just(underlay), names)
                ),
                fdb=draw(st.none() | flood_lists),
                fdb_own=draw(st.booleans()),
                recreate=draw(st.booleans()),
            )
            state = _put(state, place, link)
        elif kind == "any":
            state = _put(state, place, dataclasses.replace(draw(_wished(place, None)), present=None))
    return _with_exact_ports(draw, state)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[State, State]:
    """Draw a desired and a current State; in half of the cases the desired one is a change of the current one."""
    have = draw(observed())
    if draw(st.booleans()):
        return draw(desired()), have
    want = State()
    for label, netns in have.namespaces.items():
        if not netns.present or draw(st.booleans()):
            continue
        devices = st.sampled_from(sorted(netns.links))
        near = st.builds(dataclasses.replace, neighbours, dev=devices)
        lists = st.lists(near, unique_by=_same_neighbour, max_size=3).map(tuple)
        wish = dataclasses.replace(draw(_wanted_netns(label)), neighbours=draw(st.none() | lists))
        want = want.with_netns(label, dataclasses.replace(wish, present=draw(st.sampled_from([None, None, True]))))
    for label, link in have.iterate_links():
        if label in want.namespaces and link.kind in _CHOICES and draw(st.booleans()):
            want = want.with_link(label, draw(_changed(label, link)))
    return want, have


_CHOICES = {"bridge": BRIDGE_OPTIONS, "macvlan": MACVLAN_OPTIONS, "vxlan": VXLAN_OPTIONS, "veth": {}}


@st.composite
def _changed(draw: st.DrawFn, label: str, link: Link) -> Link:
    if draw(st.integers(0, 9)) == 0:
        return Link(link.name, present=False)
    wish = draw(_wished(Endpoint(label, link.name), link.kind))
    return dataclasses.replace(
        wish,
        master=draw(st.sampled_from([None, "", link.master])),
        peer=draw(st.sampled_from([None, link.peer])),
        parent=draw(st.sampled_from([None, link.parent])),
        underlay=link.underlay,
        options=draw(options(_CHOICES[link.kind or ""])),
        fdb=draw(st.none() | flood_lists) if link.kind == "vxlan" else wish.fdb,
        fdb_own=link.kind == "vxlan" and draw(st.booleans()),
        recreate=draw(st.booleans()),
    )


def _wanted_netns(label: str) -> st.SearchStrategy[Netns]:
    return st.builds(
        Netns,
        present=st.none() if label == "host" else st.sampled_from([None, True, True, False]),
        sysctls=st.dictionaries(st.sampled_from(SYSCTLS[:2]), st.sampled_from("01")),
        routes=st.none() | st.lists(routes.map(_own), unique_by=lambda route: (route.dst, route.metric)).map(tuple),
        rules=st.none() | st.lists(rules, unique_by=lambda rule: rule.priority).map(tuple),
        routes_append=st.booleans(),
        rules_append=st.booleans(),
        neighbours=st.none() | st.none() | neighbour_lists,
        neighbours_append=st.booleans(),
        force=st.booleans(),
    )


def _own(route: Route) -> Route:
    return dataclasses.replace(route, foreign=False)


def _wished(place: Endpoint, kind: str | None) -> st.SearchStrategy[Link]:
    return st.builds(
        Link,
        name=st.just(place.name),
        kind=st.just(kind),
        mtu=st.sampled_from([None, 1400, 9000]),
        mac=st.sampled_from([None, *MACS]),
        up=st.sampled_from([None, True, False]),
        master=st.sampled_from([None, None, "", *NAMES]),
        alias=st.sampled_from([None, "", "text"]),
        altnames=st.none() | altname_lists,
        addresses=st.none() | cidr_lists,
        fdb=st.none() | st.none() | static_lists,
        fdb_append=st.booleans(),
    )


def _put(state: State, place: Endpoint, link: Link) -> State:
    label = place.netns or ""
    if label not in state.namespaces:
        state = state.with_netns(label, Netns(present=None))
    if state.get_netns(label).present is False:
        return state
    return state.with_link(label, link)


def _with_exact_ports(draw: st.DrawFn, state: State) -> State:
    for label, link in list(state.iterate_links()):
        if link.kind == "bridge" and link.present and draw(st.booleans()):
            ports = tuple(one.name for one in state.get_netns(label).links.values() if one.master == link.name)
            state = state.with_link(label, dataclasses.replace(link, ports=ports))
            for name in ports:
                port = dataclasses.replace(state.get_netns(label).links[name], port=draw(options(PORT_OPTIONS)))
                state = state.with_link(label, port)
    return state
