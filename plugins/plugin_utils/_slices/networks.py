# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slices of all shared subnets of networks, and the stored assignment; pure.

The stored assignment (memory) maps network, subnet and host to a slice: ``{name: {subnet: {host: slice}}}``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices import validators
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices.allocator import allocate_slices

Memory = dict[str, dict[str, dict[str, str]]]


class SharedSubnet(NamedTuple):
    """A shared subnet of a network, its hosts, and the options of allocate_slices."""

    name: str
    subnet: str
    hosts: list[str]
    how: dict[str, Any]


def allocate_network_slices(declared: Any, memory: Any = None, used: Any = None, recover: bool = False) -> Memory:
    """Return the slice of each host in each shared subnet, together with the stored assignment.

    ``declared`` contains the networks by host, ``used`` the existing Docker networks by host. A slice in use that is
    missing in the memory is an error, unless ``recover`` is set.
    """
    found = _read_memory(memory)
    wanted = _collect_shared_subnets(declared)
    _refuse_overlaps(wanted, found)
    for shared in wanted:
        existing = found.setdefault(shared.name, {}).setdefault(shared.subnet, {})
        forgotten = {host: one for host, one in _find_used_slices(shared, used or {}).items() if host not in existing}
        if forgotten and not recover:
            host = min(forgotten)
            raise BadParameter(
                "memory",
                f"{host} uses {forgotten[host]} of {shared.subnet} for {shared.name}, but the file of slices does not "
                "contain it; restore the file, for example from version control, or set the recover variable of the "
                "role once and run it with all hosts",
            )
        existing.update(forgotten)
        try:
            existing.update(allocate_slices(shared.subnet, sorted(shared.hosts), previous=dict(existing), **shared.how))
        except BadParameter as error:
            raise BadParameter(f"{shared.name}: {shared.subnet}: {error.parameter}", error.reason) from None
    return {name: found[name] for name in sorted(found)}


def is_sliced(subnet: Mapping[str, Any]) -> bool:
    """Return whether a subnet is shared by hosts, with a slice for each."""
    return subnet.get("slices") is not None


def _collect_shared_subnets(declared: Any) -> list[SharedSubnet]:
    """Return the shared subnets; raise BadParameter if hosts declare different options for one."""
    if not isinstance(declared, Mapping):
        raise BadParameter("_input", "must be a dictionary of networks by host")
    found: dict[tuple[str, str], SharedSubnet] = {}
    for host, networks in declared.items():
        for network in networks or ():
            for subnet in _find_sliced_subnets(network):
                how = _select_options(subnet)
                net = str(validators.parse_subnet(subnet.get("subnet")))
                shared = SharedSubnet(str(network.get("name")), net, [], how)
                shared = found.setdefault((shared.name, net), shared)
                if how != shared.how:
                    reason = f"{host} and {shared.hosts[0]} declare different slices of {net}: {how} and {shared.how}"
                    raise BadParameter(f"{shared.name}: subnets[].slices", reason)
                shared.hosts.append(host)
    return list(found.values())


def _find_sliced_subnets(network: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    present = network.get("state", "present") == "present"
    return [subnet for subnet in network.get("subnets") or () if is_sliced(subnet)] if present else []


def _select_options(subnet: Mapping[str, Any]) -> dict[str, Any]:
    cut = {key: value for key, value in subnet["slices"].items() if value is not None}
    unknown = set(cut) - {"prefix", "count", "reserved", "assigned"}
    if unknown:
        raise BadParameter(
            f"subnets[].slices.{min(unknown)}", "unknown option; must be prefix, count, reserved or assigned"
        )
    return {**cut, **{key: subnet[key] for key in ("gateway", "aux_addresses") if subnet.get(key) is not None}}


def _find_used_slices(shared: SharedSubnet, used: Mapping[str, Any]) -> dict[str, str]:
    """Return the ranges or subnets of a shared subnet that hosts use in networks with this name."""
    found = {}
    pool = ipaddress.ip_network(shared.subnet)
    for host in shared.hosts:
        for one in _find_pools(shared.name, used.get(host) or ()):
            if one.version == pool.version and one != pool and one.subnet_of(pool):  # type: ignore[arg-type]
                found[host] = str(one)
    return found


def _find_pools(name: str, networks: Iterable[Mapping[str, Any]]) -> Iterator[validators.Network]:
    for network in networks:
        if network.get("name") in (name, build_config_name(name)):
            for pool in network.get("ipam") or ():
                text = pool.get("ip_range") or pool.get("subnet")
                if text:
                    yield ipaddress.ip_network(text, strict=False)


def build_config_name(name: str) -> str:
    """Return the name of the configuration network of a Swarm network."""
    return f"{name}-config"


def _read_memory(memory: Any) -> Memory:
    try:
        return {
            name: {subnet: dict(slices) for subnet, slices in dict(subnets or {}).items()}
            for name, subnets in dict(memory or {}).items()
        }
    except (AttributeError, TypeError, ValueError):
        raise BadParameter(
            "memory", "must contain slices by network, subnet and host, as returned by an earlier run"
        ) from None


def _refuse_overlaps(wanted: list[SharedSubnet], memory: Memory) -> None:
    """Raise BadParameter if two shared subnets overlap, declared or stored."""
    known = [(shared.name, shared.subnet) for shared in wanted]
    before = [(name, subnet) for name, subnets in memory.items() for subnet in subnets if (name, subnet) not in known]
    nets = {place: ipaddress.ip_network(place[1]) for place in [*known, *before]}
    for at, one in enumerate(known):
        for other in [*known[:at], *before]:
            if nets[one].version == nets[other].version and nets[one].overlaps(nets[other]):
                hint = "" if other in known else "; delete unused entries from the file of slices"
                reason = f"{one[1]} overlaps {other[1]} of {other[0]}{hint}"
                raise BadParameter(f"{one[0]}: subnets[].subnet", reason)
