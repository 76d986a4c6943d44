# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of the members of a network: conflicts, and the order to request them. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.records import replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.model import (
    DesiredNetwork,
    Member,
    Network,
    Pool,
)

_KEYS = ("ipv4", "ipv6")


def assign_addresses(
    desired: DesiredNetwork, network: Network, stays: Iterable[Member], join: Iterable[Member]
) -> tuple[list[Member], list[str]]:
    """Return the members to connect in order, and the addresses that they lose, one line each.

    First come those with an address that the user requested, then those with an address that the engine assigned
    before, then the others, which get any free address. Raise BadParameter for a requested address that is not free.
    """
    places = {member.id: place for place, member in enumerate(desired.connected or ())}
    taken = {address: member.name for member in stays for _key, address in _iterate_addresses(member)}
    found, losses = [], []
    for member in sorted(join, key=_get_rank):
        for key, address in _iterate_addresses(member):
            reason = _find_conflict(network, address, taken, member)
            if reason and key not in member.chosen:
                place = places.get(member.id)
                parameter = "connected" if place is None else f"connected[{place}].{key}_address"
                raise BadParameter(parameter, f"{member.name} cannot have the address {address}: {reason}")
            if reason:
                member = _without_address(member, key)  # noqa: PLW2901 (both addresses can be lost)
                losses.append(f"{member.name} cannot keep its address {address}: {reason}")
            else:
                taken[address] = member.name
        found.append(member)
    return found, losses


def _iterate_addresses(member: Member) -> Iterator[tuple[str, str]]:
    for key in _KEYS:
        address = getattr(member, key)
        if address:
            yield key, address


def _get_rank(member: Member) -> int:
    keys = [key for key, _address in _iterate_addresses(member)]
    return 0 if any(key not in member.chosen for key in keys) else 1 if keys else 2


def _find_conflict(network: Network, address: str, taken: dict[str, str], member: Member) -> str:
    if taken.get(address, member.name) != member.name:
        return f"{taken[address]} uses it in network {network.name}"
    pools = [_add_gateway(network, pool) for pool in network.pools or ()]
    if pools and not any(pool.can_assign(address) for pool in pools):
        return f"it is a gateway or a reserved address of network {network.name}, or outside of its subnets"
    return ""


def _add_gateway(network: Network, pool: Pool) -> Pool:
    """Return the subnet with the gateway that the engine assigns if none is given."""
    if pool.gateway or pool.iprange or network.driver not in ("bridge", "overlay"):
        return pool
    return replace_fields(pool, gateway=str(ipaddress.ip_network(pool.subnet)[1]))


def _without_address(member: Member, key: str) -> Member:
    mac = None if key == "ipv4" and member.mac == member.address_mac else member.mac
    return replace_fields(member, mac=mac, **{key: None}, chosen=tuple(one for one in member.chosen if one != key))
