# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module summary: display the changes of each host of the play in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.action import RoleAction
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.summary import summarize_host


class ActionModule(RoleAction):
    """Run once for all hosts, without a connection."""

    _requires_connection = False

    def work(self, arguments: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """Return one line for each host."""
        fleet = self.fleet
        steps = [step for step in self.task_vars.get("overlay_plan", {}).get("steps") or () if step["changes"]]
        lines = [
            summarize_host(
                host, fleet.get_applied_results(host), [step["text"] for step in steps if step["host"] == host]
            )
            for host in fleet.in_run
        ]
        return {"msg": lines, "changed": False, "_ansible_verbose_always": True}
