# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generated documents: the kernel reaches the state that simulate() predicts, or stays unchanged."""

from __future__ import annotations

import copy
import ipaddress
import os
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._links import transaction
from ansible_collections.netfleet.docker.plugins.module_utils._links.kernel import Kernel
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Link, Netns, State
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import Op
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from . import forked
from .sandbox import PACKAGE, Sandbox, request, result
from .snapshot import Snapshot, assert_same

pytestmark = pytest.mark.long

NAMESPACES = ("red", "blue", "new")
NAMES = ("one", "two", "three", "four")
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
# Reasons of a failed run that check mode cannot know.
UNFORESEEN = ("no such namespace", "duplicate address detection failed")
CIDRS = ("10.0.0.1/24", "10.0.0.2/24", "10.1.0.1/16", "2001:db8::1/64", "2001:db8::2/64")


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw a value, or None for an omitted option."""
    return st.none() | strategy


def given_only(values: dict[str, Any]) -> dict[str, Any]:
    """Return the options that are not None."""
    return {key: value for key, value in values.items() if value is not None}


labels = st.sampled_from(("host", *NAMESPACES))
names = st.sampled_from(NAMES)
ends = {
    "netns": labels,
    "up": some(st.booleans()),
    "mtu": some(st.sampled_from([1300, 1500])),
    "mac": some(st.sampled_from(MACS)),
    "master": some(names),
    "alias": some(st.sampled_from(["", "mine"])),
    "altnames": some(st.lists(st.sampled_from(["long-one", "long-two"]), unique=True)),
    "addresses": some(st.lists(st.sampled_from(CIDRS), unique=True, max_size=3)),
    "bridge_port": some(st.fixed_dictionaries({"cost": st.sampled_from([5, 9])})),
}
kinds = {
    "bridge": {
        "priority": some(st.sampled_from([0, 4096])),
        "forward_delay": some(st.sampled_from([200, 1500])),
        "ports": some(st.lists(names, unique=True, max_size=2)),
    },
    "ifb": {},
    "macvlan": {
        "parent": names,
        "parent_netns": labels,
        "mode": some(st.sampled_from(["bridge", "private", "passthru"])),
    },
    "veth": {"peer": st.fixed_dictionaries({"name": names, **ends}).map(given_only)},
    "vxlan": {
        "vni": st.sampled_from([7, 8]),
        "parent_netns": labels,
        "fdb": some(st.lists(st.fixed_dictionaries({"dst": st.sampled_from(["192.0.2.1", "192.0.2.2"])}), max_size=2)),
    },
}
links = st.sampled_from(sorted(kinds)).flatmap(
    lambda kind: st.fixed_dictionaries(
        {"name": names, "kind": st.just(kind), "recreate": st.booleans(), **ends, **kinds[kind]}
    ).map(given_only)
)
namespaces = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMESPACES),
        "sysctls": some(st.fixed_dictionaries({"net.ipv4.ip_forward": st.sampled_from([0, 1])})),
        "routes": some(st.lists(st.fixed_dictionaries({"dst": st.just("203.0.113.0/24"), "dev": names}), max_size=1)),
        "rules": some(st.lists(st.fixed_dictionaries({"priority": st.just(5), "table": st.just(9)}), max_size=1)),
        "neighbours": some(
            st.lists(
                st.fixed_dictionaries({"dst": st.just("10.0.0.9"), "mac": st.sampled_from(MACS), "dev": names}),
                max_size=1,
            )
        ),
    }
).map(given_only)
documents = st.fixed_dictionaries(
    {
        "name": st.sampled_from([None, "ours"]),
        "state": st.sampled_from(["merged", "replaced", "replaced", "absent"]),
        "namespaces": st.lists(namespaces, max_size=3, unique_by=lambda one: str(one["name"])),
        "links": st.lists(links, min_size=1, max_size=5, unique_by=lambda one: (one["netns"], one["name"])),
    }
)


def sensible(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document without most invalid references."""
    document = copy.deepcopy(document)
    places: dict[tuple[str, str], str] = {}
    kept = []
    for link in document["links"]:
        own = [(link["netns"], link["name"])]
        own += [(link["peer"]["netns"], link["peer"]["name"])] if "peer" in link else []
        if len(set(own)) == len(own) and not places.keys() & set(own):
            places.update(dict.fromkeys(own, link["kind"]))
            kept.append(link)
    for link in kept:
        for end in (link, link.get("peer", {})):
            if places.get((end.get("netns", ""), end.get("master", ""))) != "bridge" or link["kind"] == "bridge":
                end.pop("master", None)
                end.pop("bridge_port", None)
        if link["kind"] == "bridge":
            link["ports"] = [port for port in link.get("ports", ()) if places.get((link["netns"], port)) == "veth"]
    parents = {place for place, kind in places.items() if kind in ("ifb", "bridge", "veth")}
    links = [one for one in kept if one["kind"] != "macvlan" or (one["parent_netns"], one["parent"]) in parents]
    there = {(link["netns"], link["name"]) for link in links if link["kind"] != "veth"}
    used = {label for label, _name in places} - {"host"}
    named = {one["name"]: one for one in document["namespaces"]}
    for netns in named.values():
        for key in ("routes", "neighbours"):
            netns[key] = [entry for entry in netns.get(key, ()) if (netns["name"], entry["dev"]) in there]
    every = [named.get(label, {"name": label}) for label in sorted(used | set(named))]
    return {**document, "namespaces": every, "links": links}


def agreeing() -> None:
    """Run the module through main() and compare the predicted with the actual state."""
    change = transaction.apply_operations

    def watched(kernel: Kernel, desired: State, before: State, operations: tuple[Op, ...]) -> State:
        foretold = transaction.observe_state(kernel, desired, fully=True)
        for op in operations:
            foretold = op.simulate(foretold)
        after = change(kernel, desired, before, operations)
        found = list(differences(desired, foretold, transaction.observe_state(kernel, desired, fully=True)))
        assert not found, "; ".join([*found, *(op.describe() for op in operations)])
        return after

    with mock.patch.object(transaction, "apply_operations", watched):
        forked.entry(f"{PACKAGE}.topology")()


def differences(desired: State, foretold: State, seen: State) -> Iterator[str]:
    """Yield differences of two States, except an MTU or MAC address that the kernel chose."""
    for label in foretold.namespaces:
        one, other = foretold.get_netns(label), seen.get_netns(label)
        if bool(one.present) != bool(other.present):
            yield f"{label}: {one.present}, {other.present}"
        elif one.present:
            yield from of_netns(label, desired.get_netns(label), one, other)


def of_netns(label: str, want: Netns, one: Netns, other: Netns) -> Iterator[str]:
    """Yield differences of a namespace in two States."""
    if set(one.links) != set(other.links):
        yield f"{label}: {sorted(one.links)}, {sorted(other.links)}"
        return
    for name in one.links:
        yield from of_link(f"{name} in {label}", want.links.get(name), one.links[name], other.links[name])
    for key in ("routes", "rules", "neighbours"):
        mine, theirs = (
            sorted(str(entry) for entry in getattr(state, key) or () if not getattr(entry, "foreign", False))
            for state in (one, other)
        )
        # The kernel adds its default metric to a route without gateway or metric.
        if len(mine) != len(theirs):
            yield f"{label}: {key} {mine}, {theirs}"


def of_link(place: str, want: Link | None, one: Link, other: Link) -> Iterator[str]:
    """Yield differences of a link in two States."""
    if in_subnets(one) != in_subnets(other):
        yield f"{place}: addresses {one.addresses}, {other.addresses}"
    for key in ("kind", "up", "master", "alias", "peer", "parent", "underlay"):
        mine, theirs = getattr(one, key), getattr(other, key)
        if mine is not None and mine != theirs:
            yield f"{place}: {key} {mine}, {theirs}"
    for key in ("altnames", "fdb"):
        mine, theirs = set(getattr(one, key) or ()), set(getattr(other, key) or ())
        if mine != theirs:
            yield f"{place}: {key} {mine}, {theirs}"
    for key in ("mtu", "mac"):
        if want and getattr(want, key) is not None and getattr(one, key) != getattr(other, key):
            yield f"{place}: {key} {getattr(one, key)}, {getattr(other, key)}"
    for key in ("options", "port"):
        mine, theirs = getattr(one, key), getattr(other, key)
        for option in mine.keys() & theirs.keys():
            if mine[option] != theirs[option] and not (option == "cost" and not (want and want.port)):
                yield f"{place}: {option} {mine[option]}, {theirs[option]}"


def in_subnets(link: Link) -> dict[str, list[str]]:
    """Return the addresses by subnet; their order matters within an IPv4 subnet only."""
    found: dict[str, list[str]] = {}
    for cidr in link.addresses or ():
        found.setdefault(str(ipaddress.ip_interface(cidr).network), []).append(cidr)
    return {subnet: sorted(cidrs) if ":" in subnet else cidrs for subnet, cidrs in found.items()}


def in_any_order(found: Snapshot) -> Snapshot:
    """Return a snapshot with sorted routes: the order of two links in one subnet is not restored."""
    return {
        place: {what: sorted(rows, key=str) if what.startswith("route ") else rows for what, rows in tables.items()}
        if isinstance(tables, dict)
        else tables
        for place, tables in found.items()
    }


@settings(
    max_examples=int(os.environ.get("NETFLEET_EXAMPLES", "100")),
    # The gate uses the same examples each time; a given number of examples is random.
    derandomize="NETFLEET_EXAMPLES" not in os.environ,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(documents | documents.map(sensible), min_size=1, max_size=3))
def test_simulation_agrees_with_the_kernel(story: list[dict[str, Any]]) -> None:
    with Sandbox() as box:
        box.netns("red", "blue")
        box.sh("ip link set lo up; ip -n red link set lo up; ip -n blue link set lo up")
        for document in story:
            before = box.snapshot()
            foretold = box.module("topology", given_only(document), check=True)
            assert_same(before, box.snapshot(), "check mode changed something")
            done = result(*forked.run(box.pid, agreeing, request(given_only(document), False)))
            # Check mode assumes that an earlier task creates a missing namespace, and detects no duplicate addresses.
            if not (done.failed and any(words in done.msg for words in UNFORESEEN)):
                assert foretold.failed is done.failed, foretold.msg if foretold.failed else done.msg
            if not done.failed:
                assert foretold.plan == done.plan
            if done.failed:
                assert "Not rolled back" not in done.msg, done.msg
                assert_same(in_any_order(before), in_any_order(box.snapshot()), done.msg)
            else:
                again = box.module("topology", given_only(document))
                assert not again.changed, again.data["operations"]
