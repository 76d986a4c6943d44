# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the nodes of a Swarm for all hosts of a play, or execute one step of the plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.action import RoleAction
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_inventory import build_plan
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_session import SwarmSession

# By task: all steps of a plan are items of one loop, which runs in one process.
_SESSIONS: dict[str, SwarmSession] = {}


class ActionModule(RoleAction):
    """Plan without a connection; execute a step with modules of community.docker."""

    def work(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the plan, or the result of a step."""
        if arguments["step"]:
            return self._run_step(arguments["step"], arguments)
        fleet = self.fleet
        own, _host = fleet.get_own_host("overlay")
        planned = build_plan(fleet, own)
        left = [step["text"] for step in planned["steps"] if step["changes"]]
        if arguments["verify"] and left:
            raise NetfleetError(f"verification failed: remaining steps: {'; '.join(left)}")
        return planned

    def _run_step(self, step: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
        if not self.is_check_mode:
            session = _SESSIONS.setdefault(str(self._task._uuid), SwarmSession())
            session.run_step(step, self.runner, arguments["docker_host"], arguments["drain_timeout"])
        changes = bool(step["changes"])
        return {"changed": changes, "operations": [step["text"]] if changes else []}
