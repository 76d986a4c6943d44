# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the networks of all roles on all hosts before the first change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.action import RoleAction
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.network_checks import (
    check_networks,
    collect_networks,
    get_shared_variables,
    has_slices,
    list_existing_networks,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.prediction import PredictedFleet
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_inventory import build_plan
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices import slices_file
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices.networks import allocate_network_slices


class ActionModule(RoleAction):
    """Run once for all hosts, without a connection, with the results of host_state."""

    _requires_connection = False

    def work(self, _arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the hosts whose networks were not checked; raise BadParameter if a host cannot have its networks."""
        fleet = PredictedFleet(self.task_vars)
        for role in ("bridge", "macvlan"):
            if any(fleet.get_variables(host, role) for host in fleet.in_run):
                self._check_role(role, fleet)
        self._check_swarm(fleet)
        hosts = ", ".join(fleet.without_engine)
        warning = f"the networks of {hosts} are checked when their roles run, because Docker Engine does not answer yet"
        return {"not_checked": fleet.without_engine, **({"warnings": [warning]} if hosts else {})}

    def _check_role(self, role: str, fleet: PredictedFleet) -> None:
        networks = collect_networks(role, fleet)
        slices: Mapping[str, Any] = {}
        if any(has_slices(network) for one in networks.values() for network in one):
            own = get_shared_variables(role, fleet, networks)
            name = f"{role}_slices_file"
            path = slices_file.find_file(self._loader, name, own.get(name), self.task_vars)
            slices = allocate_network_slices(
                {host: one for host, one in networks.items() if one},
                slices_file.read_slices(path),
                used=list_existing_networks(fleet),
                recover=own[f"{role}_recover_slices"],
            )
        for host, options in check_networks(role, fleet, networks, slices).items():
            fleet.apply_networks(host, options)

    def _check_swarm(self, fleet: PredictedFleet) -> None:
        nodes = [host for host in self.fleet.in_run if fleet.get_variables(host, "overlay")]
        # The plan of a Swarm is made for all of its nodes.
        if nodes and not set(nodes) & set(fleet.without_engine):
            build_plan(fleet, fleet.get_variables(nodes[0], "overlay"))
