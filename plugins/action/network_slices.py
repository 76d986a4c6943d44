# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compute the slices of shared subnets, write them to a file, and check the networks of all hosts."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import host_file
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import overlaps
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.action import RoleAction
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.bridge import build_bridge_networks
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.fleet import InventoryFleet
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.host import HostInfo
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.macvlan import build_macvlan_networks
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.needs import list_declared_networks
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices import slices_file
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices.networks import allocate_network_slices, is_sliced

Row = dict[str, Any]


class ActionModule(RoleAction):
    """Run once for all hosts, without a connection."""

    _requires_connection = False

    def work(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the slices, and whether the file changed; raise BadParameter if a host cannot have its networks."""
        role, fleet = arguments["role"], self.fleet
        names = (f"{role}_networks", f"{role}_host_networks")
        networks = {
            host: list_declared_networks(role, variables)
            for host, variables in fleet.iterate_declared_variables(role, names)
        }
        # A run that fails on one host must change none.
        if not any(has_slices(network) for one in networks.values() for network in one):
            check_networks(role, fleet, networks, {})
            return {"slices": {}, "path": None, "changed": False}
        own = get_shared_variables(role, fleet, networks)
        path = self._resolve_path(f"{role}_slices_file", str(own[f"{role}_slices_file"]))
        # Another run that reads the file at the same time could assign the same slices to other hosts.
        with contextlib.nullcontext() if self.is_check_mode else slices_file.hold_lock(path):
            before = slices_file.read_slices(path)
            found = allocate_network_slices(
                {host: one for host, one in networks.items() if one},
                before,
                used=list_networks(fleet),
                recover=own[f"{role}_recover_slices"],
            )
            check_networks(role, fleet, networks, found)
            content = slices_file.render_slices(found)
            # Written before any host uses a slice, so that the next run reads it even if this one fails.
            if found != before and not self.is_check_mode:
                host_file.write_file(path, content.encode(), mode=0o644)
        result = {"slices": found, "path": str(path), "changed": found != before}
        if found == before:
            return result
        texts = {"before": slices_file.render_slices(before) if before else "", "after": content}
        return {**result, "diff": [{**texts, "before_header": str(path), "after_header": str(path)}]}

    def _resolve_path(self, parameter: str, name: str) -> Path:
        sources = self.task_vars.get("ansible_inventory_sources") or ()
        path = slices_file.resolve_path(self._loader, parameter, name, sources)
        slices_file.refuse_former_default(path, parameter, self.task_vars.get("inventory_dir"))
        return path


def list_networks(fleet: InventoryFleet) -> dict[str, list[Row]]:
    """Return the Docker networks of the hosts of the run."""
    infos = {host: fleet.get_info(host) for host in fleet.in_run}
    return {host: (info.get("docker") or {}).get("networks") or [] for host, info in infos.items() if info}


def check_networks(
    role: str, fleet: InventoryFleet, networks: Mapping[str, Sequence[Mapping[str, Any]]], slices: Mapping[str, Any]
) -> None:
    """Raise BadParameter if a host of the run cannot have its networks."""
    hosts = [HostInfo(name, fleet.get_info(name)) for name in fleet.in_run if fleet.get_variables(name, role)]
    uplinks = overlaps.list_uplink_addresses(hosts)
    for host in hosts:
        declared = networks.get(host.name, ())
        if role == "bridge":
            uplink = fleet.get_variables(host.name, role)["bridge_uplink"] or None
            overlaps.refuse_hidden_hosts(build_bridge_networks(declared, host, slices, uplink), host, uplinks)
        else:
            planned = build_macvlan_networks(declared, host, slices, {})
            overlaps.refuse_used_addresses(planned.networks, host, uplinks)


def get_shared_variables(role: str, fleet: InventoryFleet, networks: Mapping[str, list[Mapping[str, Any]]]) -> Row:
    """Return the variables of a host that shares a subnet; all such hosts must use the same file of slices."""
    name = f"{role}_slices_file"
    sharing = [host for host in fleet.in_run if any(has_slices(network) for network in networks.get(host, ()))]
    found = {host: fleet.get_variables(host, role) for host in sharing or [fleet.this]}
    first = next(iter(found))
    for host, variables in found.items():
        if variables[name] != found[first][name]:
            reason = (
                f"{host} has {variables[name]}, {first} has {found[first][name]}; hosts with slices must use one file"
            )
            raise BadParameter(name, reason)
    return found[first]


def has_slices(network: Mapping[str, Any]) -> bool:
    """Return whether hosts share a subnet of a network."""
    return any(is_sliced(subnet) for subnet in network.get("subnets") or ())
