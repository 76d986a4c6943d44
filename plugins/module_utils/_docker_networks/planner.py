# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the operations that lead to the desired network and members; pure.

Docker cannot change a network, so a change recreates it and disconnects all members. They are connected again with
their addresses, MAC addresses and aliases as far as the new network allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._core.records import replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.addresses import assign_addresses
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.diff import (
    compare_members,
    compare_networks,
    merge_members,
    merge_networks,
)
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.model import (
    ActualNetwork,
    DesiredNetwork,
    Member,
    Network,
)
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.operations import (
    ConnectMember,
    CreateNetwork,
    DiscardMembers,
    DisconnectMember,
    Op,
    RemoveNetwork,
)

_PREDEFINED = ("bridge", "host", "none")


class NetworkPlan(NamedTuple):
    """The operations, and the lost properties of members, one line each."""

    operations: list[Op]
    losses: list[str]

    @property
    def can_lose_members(self) -> bool:
        """Return whether a member is disconnected during the plan."""
        gone: set[str] = set()
        for op in self.operations:
            if isinstance(op, DisconnectMember):
                gone.add(op.member.id)
            elif isinstance(op, ConnectMember) and op.member.id in gone:
                return True
        return False


def plan(desired: DesiredNetwork, actual: ActualNetwork, keeps_macs: bool) -> NetworkPlan:
    """Return the plan; ``keeps_macs`` is whether the engine accepts MAC addresses of endpoints.

    Raise PlanError for operations that are not allowed; nothing is changed then.
    """
    name = desired.network.name
    if not desired.present:
        return _plan_removal(name, actual)
    if actual.network is None:
        made = merge_networks(desired.network, actual.before)
        back, losses = _plan_reconnection(actual.lost.values(), made, keeps_macs)
        members, more = _plan_members(desired, made, {}, back)
        return NetworkPlan([CreateNetwork(made), *members], losses + more)
    different = compare_networks(desired.network, actual.network, actual.default_options)
    unfinished = _is_unfinished(desired, actual)
    if not different and not desired.recreate and not unfinished:
        here, losses = _plan_reconnection(actual.lost.values(), actual.network, keeps_macs)
        members, more = _plan_members(desired, actual.network, actual.members, here)
        return NetworkPlan(members, losses + more)
    if different or desired.recreate:
        _check_replaceable(desired, actual, [str(one) for one in different])
    made = merge_networks(desired.network, actual.network)
    back, losses = _plan_reconnection({**actual.members, **actual.lost}.values(), made, keeps_macs)
    members, more = _plan_members(desired, made, {}, back)
    losses += more
    if losses and desired.rebuild == "safe":
        raise PlanError(f"network {name} must be recreated, which rebuild=safe does not allow: {'; '.join(losses)}")
    leave: list[Op] = [DisconnectMember(name, member) for member in actual.members.values()]
    return NetworkPlan([*leave, RemoveNetwork(name, actual.id), CreateNetwork(made), *members], losses)


def _is_unfinished(desired: DesiredNetwork, actual: ActualNetwork) -> bool:
    """Return whether a killed run must be completed although the network matches the desired state.

    The engine assigns no requested address from an automatic subnet, so such members get their address back only in a
    network that is created with this subnet.
    """
    if not actual.id or actual.id != actual.before_id:
        return False
    wanted = {member.id: member for member in desired.connected or ()}
    stays = desired.connected is None or desired.appends
    return any(bool(member.chosen) and (stays or key in wanted) for key, member in actual.lost.items())


def _plan_removal(name: str, actual: ActualNetwork) -> NetworkPlan:
    forget: list[Op] = [DiscardMembers(name)] if actual.before or actual.lost else []
    if actual.network is None:
        return NetworkPlan(forget, [])
    if name in _PREDEFINED:
        raise PlanError(f"network {name} is predefined by Docker and cannot be removed")
    services = sorted(member.name for member in actual.members.values() if member.service)
    if services:
        raise PlanError(f"network {name} is used by services: {', '.join(services)}; remove it from them first")
    leave: list[Op] = [DisconnectMember(name, member) for member in actual.members.values()]
    return NetworkPlan([*leave, RemoveNetwork(name, actual.id), *forget], [])


def _check_replaceable(desired: DesiredNetwork, actual: ActualNetwork, different: list[str]) -> None:
    name = desired.network.name
    what = "; ".join(different) or "force=true"
    if name in _PREDEFINED:
        raise PlanError(f"network {name} is predefined by Docker and cannot be recreated: {what}")
    if desired.rebuild == "never":
        raise PlanError(f"network {name} must be recreated, which rebuild=never forbids: {what}")
    services = sorted(member.name for member in actual.members.values() if member.service)
    if services:
        reason = f"it contains tasks that only their services can move: {', '.join(services)}"
        raise PlanError(f"network {name} must be recreated, but {reason} ({what})")


def _plan_reconnection(
    members: Iterable[Member], made: Network, keeps_macs: bool
) -> tuple[dict[str, Member], list[str]]:
    """Return the endpoints of members that are connected again, and the properties that they lose."""
    found, losses = {}, []
    for member in members:
        back = member
        for key in ("ipv4", "ipv6"):
            address = getattr(member, key)
            # Docker accepts requested addresses only in a subnet that the user configured.
            if address and not any(pool.can_assign(address) for pool in made.pools or ()):
                back = replace_fields(back, **{key: None})
                losses.append(f"{member.name} cannot keep its address {address}")
        if not member.mac_chosen or (back.ipv4 != member.ipv4 and member.mac == member.address_mac):
            back = replace_fields(back, mac=None)
        elif member.mac and not keeps_macs and member.mac not in (back.address_mac, member.own_mac):
            back = replace_fields(back, mac=None)
            losses.append(f"{member.name} cannot keep its MAC address {member.mac}: not supported by this engine")
        found[member.id] = back
    return found, losses


def _plan_members(
    desired: DesiredNetwork, network: Network, here: Mapping[str, Member], back: Mapping[str, Member]
) -> tuple[list[Op], list[str]]:
    """Return the members to disconnect and to connect, and what they lose: current, lost and desired ones.

    All are disconnected before the first is connected, and those with an address before those without, so that an
    address is free when it is requested.
    """
    wanted = {member.id: member for member in desired.connected or ()}
    keeps_others = desired.connected is None or desired.appends
    leave = [] if keeps_others else [member for key, member in here.items() if key not in wanted]
    join = []
    for key in dict.fromkeys((*back, *wanted)):
        want, former = wanted.get(key), back.get(key)
        if key not in here and (want or keeps_others):
            join.append(merge_members(want, former) if want and former else (want or back[key]))
    for key, want in wanted.items():
        if key in here and compare_members(want, here[key]):
            leave.append(here[key])
            join.append(merge_members(want, here[key]))
    join, losses = assign_addresses(desired, network, _without(here, leave), join)
    name = desired.network.name
    connections: list[Op] = [ConnectMember(name, member) for member in join]
    return [*(DisconnectMember(name, member) for member in leave), *connections], losses


def _without(here: Mapping[str, Member], leave: Iterable[Member]) -> list[Member]:
    gone = {member.id for member in leave}
    return [member for key, member in here.items() if key not in gone]
