# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a Swarm from the variables and the state of the hosts of a run; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.fleet import InventoryFleet
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.overlay import build_overlay_networks
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_planner import plan, require_managers
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_steps import build_steps


def build_plan(fleet: InventoryFleet, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plan of the Swarm, its steps, and the networks that its manager applies.

    ``own`` are the variables of the role overlay on the host whose task plans.
    """
    managers = list(fleet.groups.get(own["overlay_manager_group"], ()))
    workers = list(fleet.groups.get(own["overlay_worker_group"], ()))
    declared = {}
    for host in dict.fromkeys((*managers, *workers)):
        variables = fleet.get_variables(host, "overlay") if host in fleet.in_run else {}
        if variables:
            declared[host] = {
                "role": "manager" if host in managers else "worker",
                "state": variables["overlay_node_state"],
                "advertise": variables["overlay_advertise_addr"],
                "data_path": variables["overlay_data_path_addr"],
                "info": fleet.get_info(host),
            }
    planned = plan(declared, managers, own["overlay_data_path_port"])
    require_managers(own["overlay_manager_group"], fleet.groups, own["overlay_networks"])
    missing = {
        need: {
            host: row["reason"]
            for host in declared
            for row in fleet.get_host_state(host)["missing"]
            if row["need"] == f"feature:{need}"
        }
        for need in ("esp", "ipvs")
    }
    infos = {host: one["info"] for host, one in declared.items()}
    networks = build_overlay_networks(
        own["overlay_networks"], planned, infos, missing["esp"], own["overlay_ingress"] or {}
    )
    settings = {
        "data_path_port": own["overlay_data_path_port"],
        "default_addr_pool": own["overlay_default_addr_pool"],
        "subnet_size": own["overlay_subnet_size"],
    }
    todo = build_steps(planned, settings)
    probes = own["overlay_probe_seconds"] > 0 and (planned["membership_changes"] or own["overlay_probe_ports"])
    warnings = [*planned["warnings"], *_build_ipvs_warnings(missing["ipvs"])]
    return {
        "steps": todo,
        "operations": [step["text"] for step in todo if step["changes"]],
        "members": planned["members"],
        "manager": planned["manager"],
        "port": planned["port"],
        "probes": bool(probes),
        "networks": networks if planned["members"] else [],
        **({"warnings": warnings} if warnings else {}),
    }


def _build_ipvs_warnings(reasons: Mapping[str, str]) -> list[str]:
    if not reasons:
        return []
    hosts, reason = ", ".join(reasons), next(iter(reasons.values()))
    warning = (
        f"{hosts}: the kernel has no IPVS ({reason}), so services with a virtual IP and ports that are published "
        "through ingress do not work there; use endpoint_mode=dnsrr and mode=host, or load ip_vs"
    )
    return [warning]
