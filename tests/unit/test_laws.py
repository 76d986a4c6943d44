# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Laws of planning on generated States, without a kernel."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._links import operations as ops
from ansible_collections.netfleet.docker.plugins.module_utils._links import output
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Link, State
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.planner import plan
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.rollback import build_rollback_target
from ansible_collections.netfleet.docker.plugins.module_utils._links.sysctl_effects import get_link_of_sysctl
from ansible_collections.netfleet.docker.tests.unit.strategies import observed, pairs
from hypothesis import HealthCheck, assume, given, settings

laws = settings(
    max_examples=int(os.environ.get("NETFLEET_EXAMPLES", "60")),
    # The gate uses the same examples each time; a given number of examples is random.
    derandomize="NETFLEET_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def planned(want: State, have: State) -> tuple[ops.Op, ...]:
    """Return the plan of a desired state that is possible."""
    try:
        return plan(want, have)
    except PlanError:
        assume(False)
        raise


def simulated(state: State, operations: Sequence[ops.Op]) -> State:
    """Return the state after the operations."""
    for op in operations:
        state = op.simulate(state)
    return state


@laws
@given(pairs())
def test_plan_leads_to_the_desired_state(pair: tuple[State, State]) -> None:
    """After a plan is applied, a second plan is empty."""
    want, have = pair
    assert plan(want, simulated(have, planned(want, have))) == ()


@laws
@given(observed())
def test_matching_state_needs_no_plan(have: State) -> None:
    """A desired state that equals the current state gives an empty plan."""
    namespaces = {
        label: dataclasses.replace(
            netns,
            present=None,
            routes=tuple(route for route in netns.routes or () if not route.foreign),
        )
        for label, netns in have.namespaces.items()
        if netns.present
    }
    assert plan(State(namespaces), have) == ()


@laws
@given(pairs())
def test_unmanaged_links_are_unchanged(pair: tuple[State, State]) -> None:
    """A link that is neither declared nor part of a deleted object is unchanged."""
    want, have = pair
    operations = planned(want, have)
    after = simulated(have, operations)
    disturbed = _disturbed(have, operations)
    for label, link in have.iterate_links():
        if want.get_link(label, link.name) is None and Endpoint(label, link.name) not in disturbed:
            now = after.get_link(label, link.name)
            assert now is not None
            assert dataclasses.replace(now, fdb=None) == dataclasses.replace(link, fdb=None)
            assert _own(now) == _own(link)
    for label, netns in have.namespaces.items():
        wanted = want.get_netns(label)
        if label not in want.namespaces:
            # A deleted link takes its sysctls with it.
            gone = netns.links.keys() - after.get_netns(label).links.keys()
            kept = {key: value for key, value in netns.sysctls.items() if get_link_of_sysctl(key) not in gone}
            assert after.get_netns(label).sysctls == kept
        if netns.present and wanted.present is not False:
            left = after.get_netns(label).routes or ()
            assert all(any(route is one for one in left) for route in netns.routes or () if route.foreign)


@laws
@given(pairs())
def test_omitted_attributes_are_kept(pair: tuple[State, State]) -> None:
    """A link that is neither recreated nor moved keeps each attribute that the desired state omits."""
    want, have = pair
    operations = planned(want, have)
    after = simulated(have, operations)
    disturbed = _disturbed(have, operations)
    for label, wish in want.iterate_links():
        before, now = have.get_link(label, wish.name), after.get_link(label, wish.name)
        if not before or not now or wish.present is False or Endpoint(label, wish.name) in disturbed:
            continue
        for key in ("mtu", "mac", "alias", "altnames", "up", "master"):
            if getattr(wish, key) is None:
                assert getattr(now, key) == getattr(before, key), key
        default = {wish.options.get(key) for key in ("remote", "group")}
        if wish.fdb is None:
            assert {entry for entry in _own(now) if entry[1] not in default} == {
                entry for entry in _own(before) if entry[1] not in default
            }


@laws
@given(pairs())
def test_diff_shows_the_predicted_changes(pair: tuple[State, State]) -> None:
    """The states before and after differ exactly where a managed value changes."""
    want, have = pair
    operations = planned(want, have)
    before, after = (output.select_managed_part(want, state) for state in (have, simulated(have, operations)))
    if before != after:
        assert operations
    if not operations:
        assert before == after


@laws
@given(pairs())
def test_plan_can_be_rolled_back(pair: tuple[State, State]) -> None:
    """A plan leads back from every intermediate state, for all that the kernel can restore."""
    want, have = pair
    operations = planned(want, have)
    assume(not any(isinstance(op, ops.DeleteNetns) for op in operations))
    for stop in range(len(operations) + 1):
        done = operations[:stop]
        there = simulated(have, done)
        aim = build_rollback_target(have, done)
        back = simulated(there, plan(aim, there))
        for label, link in have.iterate_links():
            now = back.get_link(label, link.name)
            assert now is not None, f"{link.name} in {label} is lost"
            if aim.get_link(label, link.name):
                assert _lasting(now) == _lasting(link)
        for label, netns in have.namespaces.items():
            if netns.present:
                assert set(back.get_netns(label).neighbours or ()) == set(netns.neighbours or ())
        assert {label for label, netns in back.namespaces.items() if netns.present} == {
            label for label, netns in have.namespaces.items() if netns.present
        }


def _own(link: Link) -> set[tuple[str, str | None]]:
    """Return the entries in a link's own table; in the table of its master, a MAC address can move to another port."""
    return {(entry.mac, entry.dst) for entry in link.fdb or () if not entry.master}


def _lasting(link: Link) -> dict[str, object]:
    """Return the part of a link that can be restored."""
    keys = ("kind", "mtu", "mac", "up", "alias", "peer", "parent", "underlay", "master")
    return {**{key: getattr(link, key) for key in keys}, "fdb": set(link.fdb or ())}


def _disturbed(have: State, operations: Sequence[ops.Op]) -> set[Endpoint]:
    """Return links that are deleted, moved or created, with all links that depend on them."""
    found: set[Endpoint] = set()
    for op in operations:
        if isinstance(op, (ops.DeleteLink, ops.MoveLink, ops.SetLink)):
            if not isinstance(op, ops.SetLink) or op.attributes.get("master") == "":
                found.add(Endpoint(op.netns, op.name))
        elif isinstance(op, (ops.CreateNetns, ops.DeleteNetns)):
            found |= {Endpoint(op.netns, link.name) for link in have.get_netns(op.netns).links.values()}
            found |= {Endpoint(label, link.name) for label, link in have.iterate_links() if link.underlay == op.netns}
        elif isinstance(op, ops.CreateLink):
            found.add(Endpoint(op.netns, op.link.name))
    while True:
        more = {
            Endpoint(label, link.name)
            for label, link in have.iterate_links()
            if {link.peer, link.parent, Endpoint(label, link.master or "")} & found
        }
        if more <= found:
            return found
        found |= more
