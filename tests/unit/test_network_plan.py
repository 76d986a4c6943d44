# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Laws of the planner of Docker networks for any network and members, and individual decisions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter, PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._core.records import replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks import api_mapping, options
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.diff import (
    compare_networks,
    merge_networks,
)
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.model import (
    ActualNetwork,
    DesiredNetwork,
    Member,
    Network,
    Pool,
    parse_plain_member,
    parse_plain_network,
    to_plain,
)
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.operations import (
    ConnectMember,
    DisconnectMember,
    Op,
    RemoveNetwork,
)
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.planner import NetworkPlan, plan
from hypothesis import given, reject
from hypothesis import strategies as st

FOURS = (Pool("10.1.0.0/24", gateway="10.1.0.1", aux={}), Pool("10.2.0.0/24", gateway="10.2.0.1", aux={}))
SIX = Pool("fd00:1::/64", gateway="fd00:1::1", aux={})
NAMES = ("web", "db", "off", "far")


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


TEXTS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("12"), max_size=2)
# Data of a network from the engine is complete.
NETWORKS = st.builds(
    Network,
    name=st.just("one"),
    driver=st.sampled_from(["bridge", "macvlan"]),
    options=TEXTS,
    ipam_driver=st.just("default"),
    ipam_options=st.just({}),
    pools=st.sampled_from([(FOURS[0],), (FOURS[1],), (FOURS[0], SIX), (FOURS[1], SIX)]),
    ipv6=st.just(True),
    internal=st.booleans(),
    attachable=st.booleans(),
    ingress=st.just(False),
    scope=st.just("local"),
    config_only=st.just(False),
    config_from=st.just(""),
    labels=TEXTS,
)
WISHES = st.builds(
    Network,
    name=st.just("one"),
    driver=st.sampled_from(["bridge", "macvlan"]),
    options=maybe(TEXTS),
    pools=maybe(st.sampled_from([(Pool("10.1.0.0/24"),), (Pool("10.2.0.0/24"),), (Pool("10.2.0.0/24"), SIX)])),
    internal=maybe(st.booleans()),
    labels=maybe(TEXTS),
)


@st.composite
def members(draw: st.DrawFn) -> dict[str, Member]:
    """Return the members of a network as the engine lists them."""
    found = {}
    for number, name in enumerate(draw(st.lists(st.sampled_from(NAMES), unique=True))):
        running = draw(st.booleans())
        pool = draw(st.sampled_from([1, 2]))
        ipv4 = f"10.{pool}.0.{number + 5}" if running or draw(st.booleans()) else None
        one = Member(
            name,
            id=name * 3,
            ipv4=ipv4,
            ipv6=draw(maybe(st.just(f"fd00:1::{number + 5}"))) if running else None,
            mac=draw(st.sampled_from([f"02:42:0a:{pool:02x}:00:{number + 5:02x}", f"02:00:00:00:00:0{number}"]))
            if running
            else None,
            aliases=tuple(draw(st.lists(st.sampled_from("xyz"), unique=True))),
            driver_opts={},
            running=running,
            chosen=("ipv4",) if ipv4 and draw(st.booleans()) else (),
        )
        found[one.id] = one
    return found


@st.composite
def actuals(draw: st.DrawFn) -> ActualNetwork:
    """Return the current state: a network or none, and sometimes the journal of a killed run."""
    everybody = draw(members())
    network = draw(maybe(NETWORKS))
    if not draw(st.booleans()):
        return ActualNetwork(network, "f" * 64, everybody) if network else ActualNetwork()
    away = draw(st.sets(st.sampled_from(sorted(everybody)))) if everybody and network else set(everybody)
    return ActualNetwork(
        network,
        "f" * 64 if network else "",
        {key: one for key, one in everybody.items() if key not in away},
        draw(NETWORKS),
        draw(st.sampled_from(["f" * 64, "e" * 64])),
        {key: one for key, one in everybody.items() if key in away},
    )


@st.composite
def wanted_members(draw: st.DrawFn) -> tuple[Member, ...]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    return tuple(
        Member(name, id=name * 3, aliases=draw(maybe(st.sampled_from([(), ("x",), ("y", "z")])))) for name in names
    )


DESIRES = st.builds(
    DesiredNetwork,
    WISHES,
    present=st.sampled_from([True, True, True, False]),
    connected=maybe(wanted_members()),
    appends=st.booleans(),
    recreate=st.sampled_from([False, False, True]),
)


def plan_possible(desired: DesiredNetwork, actual: ActualNetwork, keeps_macs: bool) -> NetworkPlan:
    """Return the plan; reject the example if a requested address is not free."""
    try:
        return plan(desired, actual, keeps_macs)
    except BadParameter:
        reject()


def simulated(actual: ActualNetwork, operations: list[Op]) -> ActualNetwork:
    for op in operations:
        actual = op.simulate(actual)
    return actual


@given(DESIRES, actuals(), st.booleans())
def test_plan_leads_to_the_desired_network(desired: DesiredNetwork, actual: ActualNetwork, keeps_macs: bool) -> None:
    after = simulated(actual, plan_possible(desired, actual, keeps_macs).operations)
    assert plan(replace_fields(desired, recreate=False), after, keeps_macs).operations == []
    assert (after.network is not None) == desired.present
    assert not after.lost or (desired.connected is not None and not desired.appends)


@given(NETWORKS, members(), st.booleans())
def test_matching_network_needs_no_plan(network: Network, there: dict[str, Member], keeps_macs: bool) -> None:
    actual = ActualNetwork(network, "f" * 64, there)
    everybody = tuple(Member(one.name, id=key, ipv4=one.ipv4, aliases=one.aliases) for key, one in there.items())
    assert plan(DesiredNetwork(network, connected=everybody), actual, keeps_macs).operations == []
    assert plan(DesiredNetwork(Network("one")), actual, keeps_macs).operations == []


@given(DESIRES, actuals(), st.booleans())
def test_no_member_is_lost(desired: DesiredNetwork, actual: ActualNetwork, keeps_macs: bool) -> None:
    after = simulated(actual, plan_possible(desired, actual, keeps_macs).operations)
    if not desired.present:
        assert not after.members
        return
    wanted = {one.id for one in desired.connected or ()}
    had = {**actual.members, **actual.lost}
    stay = set(had) if desired.connected is None or desired.appends else set()
    assert set(after.members) == stay | wanted
    for key in stay - wanted:
        assert after.members[key].aliases == had[key].aliases
        pools = after.network.pools if after.network else None
        if had[key].ipv4 and any(pool.can_assign(str(had[key].ipv4)) for pool in pools or ()):
            assert after.members[key].ipv4 == had[key].ipv4


@given(DESIRES, actuals(), st.booleans())
def test_omitted_options_are_kept(desired: DesiredNetwork, actual: ActualNetwork, keeps_macs: bool) -> None:
    old = actual.network or actual.before
    after = simulated(actual, plan_possible(desired, actual, keeps_macs).operations).network
    if old is None or after is None:
        return
    for name in ("internal", "labels"):
        if getattr(desired.network, name) is None:
            assert getattr(after, name) == getattr(old, name)
    if desired.network.options is None and desired.network.driver == old.driver:
        assert after.options == old.options


@given(WISHES, NETWORKS, members(), st.data(), st.booleans())
def test_killed_run_is_completed_from_the_journal(
    want: Network, network: Network, there: dict[str, Member], data: st.DataObject, keeps_macs: bool
) -> None:
    """After any part of a plan, one more plan from the journal leads to the state of the complete plan."""
    before, desired = ActualNetwork(network, "f" * 64, there), DesiredNetwork(want)
    operations = plan_possible(desired, before, keeps_macs).operations
    done = operations[: data.draw(st.integers(0, len(operations)))]
    now = simulated(before, done)
    away = {key: one for key, one in there.items() if key not in now.members}
    killed = replace_fields(now, before=network, before_id="f" * 64, lost=away)
    after = simulated(killed, plan_possible(desired, killed, keeps_macs).operations)
    whole = simulated(before, operations)
    assert set(after.members) == set(there)
    for key, one in after.members.items():
        # The engine can have chosen addresses of reconnected members; no member has less than after the complete plan.
        assert (one.ipv4, one.ipv6, one.aliases) == tuple(
            getattr(whole.members[key], name) for name in ("ipv4", "ipv6", "aliases")
        )


def decided(desired: DesiredNetwork, actual: ActualNetwork, keeps_macs: bool) -> tuple[list[Op] | None, str]:
    """Return the operations, or the reason why there are none."""
    try:
        operations, losses = plan(desired, actual, keeps_macs)
    except PlanError as error:
        return None, str(error)
    return operations, "; ".join(losses)


@given(WISHES, NETWORKS, members(), st.booleans())
def test_rebuild_safe_disconnects_no_container(
    want: Network, network: Network, there: dict[str, Member], keeps_macs: bool
) -> None:
    before = ActualNetwork(network, "f" * 64, there)
    operations, words = decided(DesiredNetwork(want, rebuild="safe"), before, keeps_macs)
    if operations is None:
        assert "which rebuild=safe does not allow" in words
        return
    assert not words
    after = simulated(before, operations)
    for key, one in there.items():
        assert (after.members[key].ipv4, after.members[key].ipv6) == (one.ipv4, one.ipv6)


@given(WISHES, NETWORKS, members())
def test_rebuild_never_changes_members_only(want: Network, network: Network, there: dict[str, Member]) -> None:
    operations, words = decided(DesiredNetwork(want, rebuild="never"), ActualNetwork(network, "f" * 64, there), True)
    assert (operations is None) == bool(compare_networks(want, network))
    assert "rebuild=never forbids" in words if operations is None else not operations


@given(DESIRES, actuals(), st.booleans())
def test_members_are_disconnected_before_the_network_is_removed(
    desired: DesiredNetwork, actual: ActualNetwork, keeps_macs: bool
) -> None:
    now = actual
    for op in plan_possible(desired, actual, keeps_macs).operations:
        if isinstance(op, RemoveNetwork):
            assert not now.members
        if isinstance(op, ConnectMember):
            assert op.member.id not in now.members
        if isinstance(op, DisconnectMember):
            assert op.member.id in now.members
        assert "\n" not in op.describe()
        now = op.simulate(now)


@given(NETWORKS, members())
def test_journal_restores_the_saved_data(network: Network, there: Mapping[str, Member]) -> None:
    assert parse_plain_network(json.loads(json.dumps(to_plain(network)))) == network
    for member in there.values():
        assert parse_plain_member(json.loads(json.dumps(to_plain(member)))) == member


@given(NETWORKS)
def test_request_equals_the_inspected_network(network: Network) -> None:
    """A network created from its inspected data is inspected as the same."""
    told = api_mapping.build_creation_config(network)
    said = {**told, "IPAM": told["IPAM"], "Scope": "local"}
    assert replace_fields(api_mapping.parse_api_network(said), ipv4=None) == network


def desired(**params: Any) -> DesiredNetwork:
    """Return the desired state from the module's parameters."""
    pool = {"subnet": None, "iprange": None, "gateway": None, "aux_addresses": None}
    defaults = {name: option.get("default") for name, option in options.SPEC.items()}
    pools = params.get("ipam_config")
    filled = [{**pool, **one} for one in pools] if pools is not None else None
    return options.parse_network({**defaults, "name": "one", **params, "ipam_config": filled})


BRIDGE = Network(
    "one", "bridge", {}, "default", {}, (FOURS[0],), None, False, False, False, False, "local", False, "", {}
)


@pytest.mark.parametrize(
    "params",
    [
        {"ipam_config": [{"subnet": "10.1.0.77/24"}]},
        {"ipam_config": [{"subnet": "10.1.0.0/24", "gateway": "10.1.0.1"}]},
        {"ipam_config": []},
        {"enable_ipv4": True},
        {"enable_ipv6": False, "internal": False, "labels": {}, "driver_options": {}},
        {"config_from": ""},
    ],
)
def test_equal_values_are_no_difference(params: dict[str, Any]) -> None:
    assert compare_networks(desired(**params).network, BRIDGE) == []


@pytest.mark.parametrize(
    ("params", "have", "what"),
    [
        ({"labels": {}}, {"labels": {"a": "b"}}, ["labels.a"]),
        ({"driver_options": {}}, {"options": {"a": "b"}}, ["driver_options.a"]),
        ({"driver_options": {"a": True}}, {"options": {"a": "1"}}, ["driver_options.a"]),
        ({"driver": "macvlan"}, {}, ["driver"]),
        ({"enable_ipv4": False}, {}, ["enable_ipv4"]),
        (
            {"ipam_config": [{"subnet": "10.3.0.0/24", "gateway": "10.3.0.9", "iprange": "10.3.0.0/25"}]},
            {},
            ["ipam_config[0].subnet", "ipam_config[0].iprange", "ipam_config[0].gateway"],
        ),
        ({"ipam_config": [{"subnet": "10.1.0.0/24", "gateway": "10.1.0.9"}]}, {}, ["ipam_config[0].gateway"]),
        ({"ipam_driver_options": {"a": "c"}}, {"ipam_options": {"a": "b"}}, ["ipam_driver_options.a"]),
    ],
)
def test_difference_is_reported_by_option(params: dict[str, Any], have: dict[str, Any], what: list[str]) -> None:
    assert [one.option for one in compare_networks(desired(**params).network, replace_fields(BRIDGE, **have))] == what


def test_values_added_by_the_engine_are_no_difference() -> None:
    written = {
        "com.docker.network.driver.overlay.vxlanid_list": "4097",
        "com.docker.network.enable_ipv6": "false",
    }
    assert compare_networks(desired(driver_options={}).network, replace_fields(BRIDGE, options=written)) == []
    (one,) = compare_networks(
        desired(driver_options={"com.docker.network.driver.overlay.vxlanid_list": "5"}).network,
        replace_fields(BRIDGE, options=written),
    )
    assert one.actual == "4097"


def test_omitted_options_keep_an_existing_network_of_another_driver() -> None:
    overlay = Network("one", driver="overlay", scope="swarm", attachable=True, options={"a": "b"}, labels={"c": "d"})
    wanted = desired(connected=[])
    assert compare_networks(wanted.network, overlay) == []
    assert merge_networks(wanted.network, None).driver == "bridge"


def test_change_of_driver_drops_driver_options() -> None:
    made = merge_networks(
        Network("one", driver="macvlan"), replace_fields(BRIDGE, options={"a": "b"}, labels={"c": "d"})
    )
    assert (made.options, made.labels) == (None, {"c": "d"})


def test_killed_run_with_automatic_addresses_is_completed() -> None:
    """A killed run is completed although nothing differs and although rebuild is never."""
    web = Member("web", id="w", ipv4="10.1.0.5", chosen=("ipv4",))
    given = replace_fields(web, chosen=())
    for lost, verbs in ((web, ["remove", "create", "connect"]), (given, ["connect"])):
        killed = ActualNetwork(BRIDGE, "f", {}, BRIDGE, "f", {"w": lost})
        operations = plan(DesiredNetwork(Network("one"), rebuild="never"), killed, False).operations
        assert [op.describe().partition(" ")[0] for op in operations] == verbs
    elsewhere = ActualNetwork(BRIDGE, "e", {}, BRIDGE, "f", {"w": web})
    assert len(plan(DesiredNetwork(Network("one")), elsewhere, False).operations) == 1


@pytest.mark.parametrize("keeps_macs", [True, False])
def test_mac_address_unsupported_by_an_old_engine(keeps_macs: bool) -> None:
    members_ = {
        "a": Member("a", id="a", ipv4="10.1.0.5", mac="02:00:00:00:00:05"),
        "b": Member("b", id="b", ipv4="10.1.0.6", mac="02:42:0a:01:00:06"),
        "c": Member("c", id="c", ipv4="10.1.0.7", mac="02:00:00:00:00:07", own_mac="02:00:00:00:00:07"),
    }
    losses = plan(
        DesiredNetwork(Network("one"), recreate=True), ActualNetwork(BRIDGE, "f", members_), keeps_macs
    ).losses
    assert losses == (
        [] if keeps_macs else ["a cannot keep its MAC address 02:00:00:00:00:05: not supported by this engine"]
    )


def test_mac_address_like_those_that_older_engines_derive_is_one_that_the_user_chose() -> None:
    """From Docker Engine 28 on, no driver of a local network derives a MAC address from the IPv4 address."""
    member = Member("b", id="b", ipv4="10.1.0.6", mac="02:42:0a:01:00:06", mac_derived=False)
    aim, actual = DesiredNetwork(Network("one"), recreate=True), ActualNetwork(BRIDGE, "f", {"b": member})
    assert plan(aim, actual, False).losses == [
        "b cannot keep its MAC address 02:42:0a:01:00:06: not supported by this engine"
    ]
    (kept,) = (op.member for op in plan(aim, actual, True).operations if isinstance(op, ConnectMember))
    assert kept.mac == member.mac
    with pytest.raises(PlanError, match="b cannot keep its MAC address"):
        plan(replace_fields(aim, rebuild="safe"), actual, False)
    # It also stays when the member gets another IPv4 address.
    elsewhere = Network("one", pools=(Pool("10.2.0.0/24"),))
    moved = plan(DesiredNetwork(elsewhere), actual, True).operations
    (kept,) = (op.member for op in moved if isinstance(op, ConnectMember))
    assert (kept.ipv4, kept.mac) == (None, member.mac)


def test_default_options_of_the_engine_are_no_difference() -> None:
    have = replace_fields(BRIDGE, options={"a": "1", "b": "2"})
    actual = ActualNetwork(have, "f", default_options=frozenset("ab"))
    assert plan(DesiredNetwork(desired(driver_options={}).network), actual, True).operations == []
    assert plan(DesiredNetwork(desired(driver_options={"a": "1"}).network), actual, True).operations == []
    # A value that the user declares is compared, and an option that the engine does not add as well.
    for options_, defaults in (({"a": "3"}, "ab"), ({"c": "3"}, "ab"), ({}, "a")):
        changed = replace_fields(actual, default_options=frozenset(defaults))
        assert plan(DesiredNetwork(desired(driver_options=options_).network), changed, True).operations


@pytest.mark.parametrize(
    ("wanted", "there", "differs"),
    [
        (["0.0.0.0/24"], ["10.9.0.0/24"], []),
        (["0.0.0.0/24"], ["10.9.0.0/16"], ["ipam_config[0].subnet"]),
        (["::/96"], ["10.9.0.0/16", "fd00:9::/96"], []),
        (["0.0.0.0/24", "::/96"], ["10.9.0.0/24", "fd00:9::/96"], []),
        (["10.9.0.0/24", "0.0.0.0/24"], ["10.9.0.0/24"], ["ipam_config[1].subnet"]),
        (["0.0.0.0/24", "10.9.0.0/24"], ["10.9.0.0/24", "10.8.0.0/24"], []),
        (["0.0.0.0/24", "0.0.0.0/24"], ["10.9.0.0/24"], ["ipam_config[1].subnet"]),
    ],
)
def test_subnet_from_the_pools_is_one_of_the_same_size(wanted: list[str], there: list[str], differs: list[str]) -> None:
    want = desired(ipam_config=[{"subnet": subnet} for subnet in wanted]).network
    have = replace_fields(BRIDGE, ipv6=True, pools=tuple(Pool(subnet) for subnet in there))
    assert [one.option for one in compare_networks(want, have)] == differs
    # A recreation for another reason keeps the subnets, so that members keep their addresses.
    if not differs:
        made = merge_networks(replace_fields(want, labels={"a": "b"}), have)
        assert {pool.subnet for pool in made.pools or ()} == set(there)


def test_network_of_services_is_kept() -> None:
    actual = ActualNetwork(BRIDGE, "f", {"a": Member("task.1", id="a", service=True)})
    for aim in (DesiredNetwork(Network("one"), present=False), DesiredNetwork(Network("one"), recreate=True)):
        with pytest.raises(PlanError, match=r"services.*task.1"):
            plan(aim, actual, True)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"name": "a b"}, "name: 'a b' is not a network name"),
        ({"ipam_config": [{"subnet": "10.0.0.0/33"}]}, '"10.0.0.0/33" is not a valid CIDR'),
        ({"ipam_config": [{"gateway": "10.0.0.1"}]}, "ipam_config[0].subnet: required"),
        ({"connected": [{"name": "a", "priority": "high"}]}, "connected[0].priority: must be an integer"),
        ({"connected": [{"name": "a", "aliases": "b"}]}, "connected[0].aliases: must be a list of names"),
        ({"connected": [{"name": "a", "mac_address": "x"}]}, "connected[0].mac_address: "),
    ],
)
def test_invalid_value_is_rejected_by_its_option(params: dict[str, Any], words: str) -> None:
    with pytest.raises(BadParameter) as refused:
        desired(**params)
    assert words in str(refused.value)
