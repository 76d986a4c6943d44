# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module macvlan_networks: apply the networks of the role macvlan and the links of the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.action import RoleAction
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.fleet import InventoryFleet
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.host import HostInfo
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.macvlan import (
    MacvlanPlan,
    build_macvlan_networks,
    list_hints,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.needs import list_declared_networks


class ActionModule(RoleAction):
    """Plan with the result of host_state, and run the module networks on the host."""

    def work(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the applied networks, and whether Swarm networks wait for a Swarm."""
        fleet = self.fleet
        variables, host = fleet.get_own_host("macvlan")
        networks = list_declared_networks("macvlan", variables)
        # Converting the variables of all hosts is slow, and only routed networks require it.
        routed = any(network.get("routes") for network in networks)
        addresses = fleet.get_addresses("macvlan_host_address") if routed else {}
        planned = build_macvlan_networks(networks, host, arguments["slices"], addresses)
        manager = find_first_manager(fleet) if planned.swarm else None
        is_first = fleet.this == manager
        # A Swarm network is removed before its config-only network, and created after it.
        absent = [one for one in planned.swarm if one.get("state") == "absent"] if is_first else []
        present = [one for one in planned.swarm if one.get("state") != "absent"] if is_first else []
        # Docker creates the parent of a VLAN, so check mode may not find it yet.
        skips_topology = self.is_check_mode and lacks_parents(planned, host)
        topology = None if skips_topology else build_topology(planned, variables["macvlan_topology_name"])
        wanted = [*absent, *planned.networks, *present]
        found = self.apply_networks(wanted, variables["macvlan_docker_host"], topology)
        cards = fleet.get_host_state(fleet.this)["cards"]
        lines = list_hints(networks, cards, fleet.this) if variables["macvlan_hints"] else []
        warnings = [*self.runner.result.pop("warnings", []), *lines]
        return {
            "networks": found,
            "waits_for_swarm": bool(planned.swarm) and manager is None,
            **({"warnings": warnings} if warnings else {}),
        }


def find_first_manager(fleet: InventoryFleet) -> str | None:
    """Return the first host of the play that is a Swarm manager."""
    engines = {host: (fleet.get_info(host).get("docker") or {}).get("engine") or {} for host in fleet.in_run}
    return next((host for host, engine in engines.items() if engine.get("swarm_role") == "manager"), None)


def build_topology(planned: MacvlanPlan, name: str) -> dict[str, Any]:
    """Return the parameters of the module topology, which removes links that are no longer in the inventory."""
    routes = {"name": "host", "routes": planned.routes, "routes_append": True}
    return {
        "name": name,
        "state": "replaced",
        "links": planned.links,
        "namespaces": [routes] if planned.routes else [],
    }


def lacks_parents(planned: MacvlanPlan, host: HostInfo) -> bool:
    """Return whether a parent is missing, such as a VLAN link before Docker creates it."""
    return not {link["parent"] for link in planned.links} <= set(host.links)
