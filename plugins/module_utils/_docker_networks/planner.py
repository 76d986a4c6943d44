# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done that a network and its members are as desired; pure.

A network cannot be changed, only made anew, and everybody in it has to leave it for that. Who left comes back with the
addresses, MAC address and aliases that it had, as far as the new network has room for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._core.records import replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.diff import (
    compare_members,
    compare_networks,
    merge_members,
    merge_networks,
)
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.model import (
    Actual,
    Desired,
    Member,
    Network,
)
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.operations import (
    Connect,
    Create,
    Disconnect,
    Forget,
    Op,
    Remove,
)

_PREDEFINED = ("bridge", "host", "none")


class Plan(NamedTuple):
    """What is to be done, and what members will not have any more, a line each."""

    operations: list[Op]
    losses: list[str]

    @property
    def may_lose(self) -> bool:
        """Return whether somebody is in no network meanwhile who is to be in one afterwards."""
        gone: set[str] = set()
        for op in self.operations:
            if isinstance(op, Disconnect):
                gone.add(op.member.id)
            elif isinstance(op, Connect) and op.member.id in gone:
                return True
        return False


def plan(desired: Desired, actual: Actual, keeps_macs: bool) -> Plan:
    """Return the plan; ``keeps_macs`` tells whether the engine takes a MAC address for an endpoint.

    Raise PlanError for what may not be done: nothing was done then.
    """
    name = desired.network.name
    if not desired.present:
        return _plan_removal(name, actual)
    if actual.network is None:
        made = merge_networks(desired.network, actual.before)
        back, losses = _plan_return(actual.lost.values(), made, keeps_macs)
        return Plan([Create(made), *_plan_members(name, desired, {}, back)], losses)
    different = compare_networks(desired.network, actual.network)
    unfinished = _is_unfinished(desired, actual)
    if not different and not desired.anew and not unfinished:
        here, losses = _plan_return(actual.lost.values(), actual.network, keeps_macs)
        return Plan(_plan_members(name, desired, actual.members, here), losses)
    if different or desired.anew:
        _check_replaceable(desired, actual, [str(one) for one in different])
    made = merge_networks(desired.network, actual.network)
    back, losses = _plan_return({**actual.members, **actual.lost}.values(), made, keeps_macs)
    if losses and desired.rebuild == "safe":
        raise PlanError(f"network {name} must be recreated, which rebuild=safe does not allow: {'; '.join(losses)}")
    leave: list[Op] = [Disconnect(name, member) for member in actual.members.values()]
    again: list[Op] = [*leave, Remove(name, actual.id), Create(made)]
    return Plan([*again, *_plan_members(name, desired, {}, back)], losses)


def _is_unfinished(desired: Desired, actual: Actual) -> bool:
    """Return whether what a run had begun has to be done to its end, though the network is as desired.

    In a subnet that the engine chose it gives no address on demand, so who had one there gets it back in a new network
    only, of which the same subnet is asked for.
    """
    if not actual.id or actual.id != actual.before_id:
        return False
    wanted = {member.id: member for member in desired.connected or ()}
    stays = desired.connected is None or desired.appends
    return any(bool(member.chosen) and (stays or key in wanted) for key, member in actual.lost.items())


def _plan_removal(name: str, actual: Actual) -> Plan:
    forget: list[Op] = [Forget(name)] if actual.before or actual.lost else []
    if actual.network is None:
        return Plan(forget, [])
    if name in _PREDEFINED:
        raise PlanError(f"network {name} is predefined by Docker and cannot be removed")
    services = sorted(member.name for member in actual.members.values() if member.service)
    if services:
        raise PlanError(f"network {name} is used by services: {', '.join(services)}; remove it from them first")
    leave: list[Op] = [Disconnect(name, member) for member in actual.members.values()]
    return Plan([*leave, Remove(name, actual.id), *forget], [])


def _check_replaceable(desired: Desired, actual: Actual, different: list[str]) -> None:
    name = desired.network.name
    what = "; ".join(different) or "force=true"
    if name in _PREDEFINED:
        raise PlanError(f"network {name} is predefined by Docker and cannot be recreated: {what}")
    if desired.rebuild == "never":
        raise PlanError(f"network {name} must be recreated, which rebuild=never forbids: {what}")
    services = sorted(member.name for member in actual.members.values() if member.service)
    if services:
        reason = f"tasks of services are in it, which only their service can move: {', '.join(services)}"
        raise PlanError(f"network {name} must be recreated, and {reason} ({what})")


def _plan_return(members: Iterable[Member], made: Network, keeps_macs: bool) -> tuple[dict[str, Member], list[str]]:
    """Return how members come back into a network, and what they lose by it."""
    found, losses = {}, []
    for member in members:
        back = member
        for key in ("ipv4", "ipv6"):
            address = getattr(member, key)
            # Docker takes an address from the user in a subnet of the user's only.
            if address and not any(pool.holds(address) for pool in made.pools or ()):
                back = replace_fields(back, **{key: None})
                losses.append(f"{member.name} cannot keep its address {address}")
        if back.ipv4 != member.ipv4 and member.mac == member.address_mac:
            back = replace_fields(back, mac=None)
        elif member.mac and not keeps_macs and member.mac not in (back.address_mac, member.own_mac):
            back = replace_fields(back, mac=None)
            losses.append(f"{member.name} cannot keep its MAC address {member.mac}, for which the engine is too old")
        found[member.id] = back
    return found, losses


def _plan_members(name: str, desired: Desired, here: Mapping[str, Member], back: Mapping[str, Member]) -> list[Op]:
    """Return who joins and who leaves: those who are here, those who come back, those who are wanted."""
    found: list[Op] = []
    wanted = {member.id: member for member in desired.connected or ()}
    if desired.connected is not None and not desired.appends:
        found += [Disconnect(name, member) for key, member in here.items() if key not in wanted]
    stays = {key for key in back if desired.connected is None or desired.appends or key in wanted}
    for key in [*(key for key in back if key in stays), *(key for key in wanted if key not in back)]:
        want, had = wanted.get(key), back.get(key)
        if key in here:
            continue
        found.append(Connect(name, merge_members(want, had) if want and had else (want or back[key])))
    for key, want in wanted.items():
        if key in here and compare_members(want, here[key]):
            found += [Disconnect(name, here[key]), Connect(name, merge_members(want, here[key]))]
    return found
