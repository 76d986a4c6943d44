# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generated States: observed ones are consistent as a kernel's are, desired ones ask for anything."""

from __future__ import annotations

import dataclasses
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._model import Endpoint, Link, Netns, Route, Rule, State
from hypothesis import strategies as st

LABELS = ("host", "red", "blue")
NAMES = ("a", "b", "c", "d")
CIDRS = ("10.0.0.1/24", "10.0.0.2/24", "10.0.0.3/24", "10.1.0.1/16", "fd00::1/64", "fd00::2/64", "fe80::1/64")
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
BRIDGE_OPTIONS: dict[str, list[Any]] = {"stp": [True, False], "priority": [0, 4096], "forward_delay": [200, 201, 1500]}
MACVLAN_OPTIONS: dict[str, list[Any]] = {"mode": ["bridge", "private", "passthru"], "broadcast_queue_length": [1, 1000]}
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


def options(choices: dict[str, list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw some of the options with values."""
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in choices.items()})


@st.composite
def observed(draw: st.DrawFn) -> State:
    """Draw a State as a kernel could have it: peers point at each other, masters and parents are there."""
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
    while free:
        place = free.pop()
        kind = draw(st.sampled_from(["none", "bridge", "veth", "veth", "macvlan"]))
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
    return _with_ports(draw, _with_tables(draw, state, present))


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
    for label, link in list(state.links()):
        bridges = [one.name for one in state.netns(label).links.values() if one.kind == "bridge"]
        if link.kind == "veth" and bridges and draw(st.booleans()):
            port = draw(options(PORT_OPTIONS))
            state = state.with_link(label, dataclasses.replace(link, master=draw(st.sampled_from(bridges)), port=port))
    return state


def _with_tables(draw: st.DrawFn, state: State, present: set[str]) -> State:
    for label in sorted(present):
        netns = dataclasses.replace(
            state.netns(label),
            routes=draw(st.lists(routes, unique_by=lambda route: (route.dst, route.metric)).map(tuple)),
            rules=draw(st.lists(rules, unique_by=lambda rule: rule.priority).map(tuple)),
            sysctls={key: draw(st.sampled_from("01")) for key in SYSCTLS},
            processes=draw(st.sampled_from([(), (7,)])),
        )
        state = state.with_netns(label, netns)
    return state


@st.composite
def desired(draw: st.DrawFn) -> State:
    """Draw a State to ask for; some of them cannot be had, and plan() says so."""
    state = State({label: draw(_wanted_netns(label)) for label in sorted(draw(st.sets(labels, min_size=1)))})
    wanted = draw(st.lists(places, unique=True, max_size=5))
    while wanted:
        place = wanted.pop()
        kind = draw(st.sampled_from(["gone", "veth", "veth", "bridge", "macvlan", "any"]))
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
        elif kind == "any":
            state = _put(state, place, dataclasses.replace(draw(_wished(place, None)), present=None))
    return _with_exact_ports(draw, state)


def _wanted_netns(label: str) -> st.SearchStrategy[Netns]:
    return st.builds(
        Netns,
        present=st.none() if label == "host" else st.sampled_from([None, True, True, False]),
        sysctls=st.dictionaries(st.sampled_from(SYSCTLS[:2]), st.sampled_from("01")),
        routes=st.none() | st.lists(routes.map(_own), unique_by=lambda route: (route.dst, route.metric)).map(tuple),
        rules=st.none() | st.lists(rules, unique_by=lambda rule: rule.priority).map(tuple),
        routes_append=st.booleans(),
        rules_append=st.booleans(),
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
    )


def _put(state: State, place: Endpoint, link: Link) -> State:
    label = place.netns or ""
    if label not in state.namespaces:
        state = state.with_netns(label, Netns(present=None))
    if state.netns(label).present is False:
        return state
    return state.with_link(label, link)


def _with_exact_ports(draw: st.DrawFn, state: State) -> State:
    for label, link in list(state.links()):
        if link.kind == "bridge" and link.present and draw(st.booleans()):
            ports = tuple(one.name for one in state.netns(label).links.values() if one.master == link.name)
            state = state.with_link(label, dataclasses.replace(link, ports=ports))
            for name in ports:
                port = dataclasses.replace(state.netns(label).links[name], port=draw(options(PORT_OPTIONS)))
                state = state.with_link(label, port)
    return state
