# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compute the slices of shared subnets for all hosts, and write them to a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import host_file
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.action import RoleAction
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.fleet import InventoryFleet
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.needs import list_declared_networks
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices import slices_file
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices.networks import allocate_network_slices, is_sliced

Row = dict[str, Any]


class ActionModule(RoleAction):
    """Run once for all hosts, without a connection."""

    _requires_connection = False

    def work(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the slices, and whether the file changed."""
        role, fleet = arguments["role"], self.fleet
        names = (f"{role}_networks", f"{role}_host_networks")
        networks = {
            host: list_declared_networks(role, variables)
            for host, variables in fleet.iterate_declared_variables(role, names)
        }
        own = get_shared_variables(role, fleet, networks)
        path = slices_file.resolve_path(self._loader, str(own[f"{role}_slices_file"]))
        used = {
            host: (fleet.get_info(host).get("docker") or {}).get("networks") or []
            for host in fleet.in_run
            if fleet.get_info(host)
        }
        before = slices_file.read_slices(path)
        found = allocate_network_slices(
            {host: one for host, one in networks.items() if one},
            before,
            used=used,
            recover=own[f"{role}_recover_slices"],
        )
        result = {"slices": found, "path": str(path)}
        if not found or found == before:
            return {**result, "changed": False}
        content = slices_file.render_slices(found)
        # Written before any host uses a slice, so that the next run reads it even if this one fails.
        if not self.is_check_mode:
            host_file.write_file(path, content.encode(), mode=0o644)
        texts = {"before": slices_file.render_slices(before) if before else "", "after": content}
        return {**result, "changed": True, "diff": [{**texts, "before_header": str(path), "after_header": str(path)}]}


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
