# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module bridge_networks: apply the networks of the role bridge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.action import RoleAction
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.bridge import build_bridge_networks
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.needs import list_declared_networks


class ActionModule(RoleAction):
    """Plan with the result of host_state, and run the module networks on the host."""

    def work(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the applied networks."""
        variables, host = self.fleet.get_own_host("bridge")
        planned = build_bridge_networks(
            list_declared_networks("bridge", variables), host, arguments["slices"], variables["bridge_uplink"] or None
        )
        return {"networks": self.apply_networks(planned, variables["bridge_docker_host"])}
