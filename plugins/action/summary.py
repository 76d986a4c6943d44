# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module summary: display the changes of each host of the play in one line."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.fleet import InventoryFleet
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.summary import summarize_host


class ActionModule(ActionBase):
    """Run once for all hosts, without a connection."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return one line for each host."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        self.validate_argument_spec(argument_spec={})
        values = task_vars or {}
        fleet = InventoryFleet(values)
        steps = [step for step in values.get("overlay_plan", {}).get("steps") or () if step["changes"]]
        lines = [
            summarize_host(
                host, fleet.get_applied_results(host), [step["text"] for step in steps if step["host"] == host]
            )
            for host in fleet.in_run
        ]
        return {**result, "msg": lines, "_ansible_verbose_always": True}
