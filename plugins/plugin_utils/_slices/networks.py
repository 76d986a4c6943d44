# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slices of all subnets that networks of many hosts share, and who has had which; pure.

The memory maps a network's name and a subnet to the slice of each host: ``{name: {subnet: {host: slice}}}``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices import validators
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices.allocator import ip_slices

Memory = dict[str, dict[str, dict[str, str]]]


class Shared(NamedTuple):
    """A subnet of a network that hosts share, who they are, and how it is cut: options of ip_slices."""

    name: str
    subnet: str
    hosts: list[str]
    how: dict[str, Any]


def network_slices(declared: Any, memory: Any = None, used: Any = None, recover: bool = False) -> Memory:
    """Return the slice of each host in each subnet that is to be sliced, and all that the memory has besides.

    ``declared`` has the networks of each host by its name, ``used`` what Docker has there by now. A host that uses a
    slice of which the memory knows nothing is an error, unless it is to ``recover`` from a memory that was lost.
    """
    found = _remembered(memory)
    wanted = _wanted(declared)
    _see_disjoint(wanted, found)
    for shared in wanted:
        had = found.setdefault(shared.name, {}).setdefault(shared.subnet, {})
        forgotten = {host: one for host, one in _in_use(shared, used or {}).items() if host not in had}
        if forgotten and not recover:
            host = min(forgotten)
            raise BadParameter(
                "memory",
                f"{host} uses {forgotten[host]} of {shared.subnet} for {shared.name}, and the file of slices does not "
                "know of it: bring the file back, from version control for example; where it is lost for good, run "
                "once with all hosts and with the role's variable to recover it",
            )
        had.update(forgotten)
        try:
            had.update(ip_slices(shared.subnet, sorted(shared.hosts), previous=dict(had), **shared.how))
        except BadParameter as error:
            raise BadParameter(f"{shared.name}: {shared.subnet}: {error.parameter}", error.reason) from None
    return {name: found[name] for name in sorted(found)}


def is_sliced(subnet: Mapping[str, Any]) -> bool:
    """Return whether a subnet of a network is shared by hosts, each with a slice of it."""
    return subnet.get("slices") is not None


def _wanted(declared: Any) -> list[Shared]:
    """Return what is shared, and see that all hosts say alike how it is cut."""
    if not isinstance(declared, Mapping):
        raise BadParameter("_input", "must have the networks of each host by its name")
    found: dict[tuple[str, str], Shared] = {}
    for host, networks in declared.items():
        for network in networks or ():
            for subnet in _sliced_subnets(network):
                how = _how(subnet)
                net = str(validators.subnet(subnet.get("subnet")))
                shared = Shared(str(network.get("name")), net, [], how)
                shared = found.setdefault((shared.name, net), shared)
                if how != shared.how:
                    reason = f"{host} and {shared.hosts[0]} differ in how {net} is cut: {how} and {shared.how}"
                    raise BadParameter(f"{shared.name}: subnets[].slices", reason)
                shared.hosts.append(host)
    return list(found.values())


def _sliced_subnets(network: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    present = network.get("state", "present") == "present"
    return [subnet for subnet in network.get("subnets") or () if is_sliced(subnet)] if present else []


def _how(subnet: Mapping[str, Any]) -> dict[str, Any]:
    cut = {key: value for key, value in subnet["slices"].items() if value is not None}
    unknown = set(cut) - {"prefix", "count", "reserved", "assigned"}
    if unknown:
        raise BadParameter(f"subnets[].slices.{min(unknown)}", "there are prefix, count, reserved and assigned")
    return {**cut, **{key: subnet[key] for key in ("gateway", "aux_addresses") if subnet.get(key) is not None}}


def _in_use(shared: Shared, used: Mapping[str, Any]) -> dict[str, str]:
    """Return what hosts have of a shared subnet in networks of that name: a range of it, or a part as their subnet."""
    found = {}
    pool = ipaddress.ip_network(shared.subnet)
    for host in shared.hosts:
        for one in _pools(shared.name, used.get(host) or ()):
            if one.version == pool.version and one != pool and one.subnet_of(pool):  # type: ignore[arg-type]
                found[host] = str(one)
    return found


def _pools(name: str, networks: Iterable[Mapping[str, Any]]) -> Iterator[validators.Network]:
    for network in networks:
        if network.get("name") in (name, config_name(name)):
            for pool in network.get("ipam") or ():
                text = pool.get("ip_range") or pool.get("subnet")
                if text:
                    yield ipaddress.ip_network(text, strict=False)


def config_name(name: str) -> str:
    """Return the name of the configuration from which each host of a Swarm makes its part of a network."""
    return f"{name}-config"


def _remembered(memory: Any) -> Memory:
    try:
        return {
            name: {subnet: dict(slices) for subnet, slices in dict(subnets or {}).items()}
            for name, subnets in dict(memory or {}).items()
        }
    except (AttributeError, TypeError, ValueError):
        raise BadParameter("memory", "must have slices by network, subnet and host, as this filter returns") from None


def _see_disjoint(wanted: list[Shared], memory: Memory) -> None:
    """See that no two shared subnets overlap, be it that one of them was declared in another way before."""
    known = [(shared.name, shared.subnet) for shared in wanted]
    before = [(name, subnet) for name, subnets in memory.items() for subnet in subnets if (name, subnet) not in known]
    nets = {place: ipaddress.ip_network(place[1]) for place in [*known, *before]}
    for at, one in enumerate(known):
        for other in [*known[:at], *before]:
            if nets[one].version == nets[other].version and nets[one].overlaps(nets[other]):
                hint = "" if other in known else "; what is not used any more is to be taken out of the file of slices"
                reason = f"{one[1]} overlaps {other[1]} of {other[0]}, and hosts have slices of both{hint}"
                raise BadParameter(f"{one[0]}: subnets[].subnet", reason)
