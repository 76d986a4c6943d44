# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of the networks that the roles bridge and macvlan declare for the hosts of a run; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import overlaps
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.bridge import build_bridge_networks
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.fleet import InventoryFleet
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.host import HostInfo
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.macvlan import build_macvlan_networks
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.needs import list_declared_networks
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices.networks import is_sliced

Networks = Mapping[str, Sequence[Mapping[str, Any]]]


def collect_networks(role: str, fleet: InventoryFleet) -> dict[str, list[Mapping[str, Any]]]:
    """Return the declared networks of each host of the inventory."""
    names = (f"{role}_networks", f"{role}_host_networks")
    return {
        host: list_declared_networks(role, variables)
        for host, variables in fleet.iterate_declared_variables(role, names)
    }


def list_existing_networks(fleet: InventoryFleet) -> dict[str, list[dict[str, Any]]]:
    """Return the Docker networks of the hosts of the run."""
    infos = {host: fleet.get_info(host) for host in fleet.in_run}
    return {host: (info.get("docker") or {}).get("networks") or [] for host, info in infos.items() if info}


def check_networks(
    role: str, fleet: InventoryFleet, networks: Networks, slices: Mapping[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """Return the parameters of the networks of each host; raise BadParameter if a host cannot have its networks."""
    hosts = [HostInfo(name, fleet.get_info(name)) for name in fleet.in_run if fleet.get_variables(name, role)]
    uplinks = overlaps.list_uplink_addresses(hosts)
    found: dict[str, list[dict[str, Any]]] = {}
    for host in hosts:
        declared = networks.get(host.name, ())
        if role == "bridge":
            uplink = fleet.get_variables(host.name, role)["bridge_uplink"] or None
            found[host.name] = build_bridge_networks(declared, host, slices, uplink)
            overlaps.refuse_hidden_hosts(found[host.name], host, uplinks)
        else:
            found[host.name] = build_macvlan_networks(declared, host, slices, {}).networks
            overlaps.refuse_used_addresses(found[host.name], host, uplinks)
    return found


def get_shared_variables(role: str, fleet: InventoryFleet, networks: Networks) -> dict[str, Any]:
    """Return the variables of a host that shares a subnet; all such hosts must use the same file of slices."""
    name = f"{role}_slices_file"
    hosts = [host for host in fleet.in_run if fleet.get_variables(host, role)]
    sharing = [host for host in hosts if any(has_slices(network) for network in networks.get(host, ()))]
    # Only hosts outside of this run can share a subnet.
    found = {host: fleet.get_variables(host, role) for host in sharing or hosts[:1]}
    first = next(iter(found))
    for host, variables in found.items():
        here, there = variables.get(name), found[first].get(name)
        if here != there:
            reason = f"{host} has {here}, {first} has {there}; hosts with slices must use one file"
            raise BadParameter(name, reason)
    return found[first]


def has_slices(network: Mapping[str, Any]) -> bool:
    """Return whether hosts share a subnet of a network."""
    return any(is_sliced(subnet) for subnet in network.get("subnets") or ())
