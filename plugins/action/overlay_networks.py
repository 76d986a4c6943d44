# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apply the gateway bridge of a node, and the overlay networks on one manager of a Swarm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.action import RoleAction
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.overlay import build_gwbridge


class ActionModule(RoleAction):
    """Run the module networks on the host if there are networks to apply."""

    def work(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the applied networks."""
        variables, host = self.fleet.get_own_host("overlay")
        plan = arguments["plan"]
        wanted = []
        is_member = host.name in [member["host"] for member in plan["members"]]
        if variables["overlay_gwbridge"] and is_member:
            in_swarm = (host.docker.get("engine") or {}).get("swarm_state") == "active"
            wanted.append(build_gwbridge(variables["overlay_gwbridge"], in_swarm))
        if arguments["part"] == "all" and host.name == plan["manager"]:
            wanted += plan["networks"]
        return {"networks": self.apply_networks(wanted, variables["overlay_docker_host"])}
