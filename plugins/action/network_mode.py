# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module network_mode: compare containers that host_state has read in the same play."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.netfleet.docker.plugins.module_utils._facts import network_modes
from ansible_collections.netfleet.docker.plugins.module_utils._facts.options import NETWORK_MODE_OPTIONS
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.fleet import find_current_state
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.needs import get_requirements


class ActionModule(ActionBase):
    """Run the module unless the containers that an earlier task has read are still valid."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the module."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, arguments = self.validate_argument_spec(argument_spec=NETWORK_MODE_OPTIONS)
        requirements = get_requirements("containers", {})
        earlier = find_current_state(task_vars or {}, requirements) if arguments["reuse"] else None
        if earlier:
            return {**result, **network_modes.build_result(earlier["containers"], arguments["host"], arguments["none"])}
        found: dict[str, Any] = self._execute_module(task_vars=task_vars or {}, wrap_async=self._task.async_val)
        return {**result, **found}
