# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module engine: change hosts one at a time, and none after a failure."""

from __future__ import annotations

from typing import Any

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.turns import EarlierFailure, take_turn
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.engine import find_prediction, select_arguments


class ActionModule(ActionBase):
    """Predict the changes, and run the module in the host's turn if there are any."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the module."""
        super().run(tmp, task_vars)
        is_check = bool(self._task.check_mode)
        predicted = self._predict(task_vars or {})
        if is_check or predicted.get("failed") or not predicted.get("changed"):
            return predicted
        host = str((task_vars or {}).get("inventory_hostname", ""))
        try:
            with take_turn(constants.DEFAULT_LOCAL_TMP, self._task._uuid, host) as turn:
                result = self._run_module(task_vars, check_mode=False)
                if result.get("failed"):
                    turn.fail()
                return result
        except EarlierFailure as error:
            reason = f"Nothing was changed on this host, because {error.host} failed with its new settings."
            return {"failed": True, "changed": False, "msg": reason}

    def _predict(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return the result of the module in check mode, or the equal one that host_state has read."""
        given = {name: value for name, value in self._task.args.items() if name != "reuse"}
        reuse = boolean(self._task.args.get("reuse", False), strict=False)
        earlier = find_prediction(task_vars, given) if reuse else None
        return earlier or self._run_module(task_vars, check_mode=True)

    def _run_module(self, task_vars: dict[str, Any] | None, check_mode: bool) -> dict[str, Any]:
        given = select_arguments(self._task.args)
        self._task.check_mode = check_mode
        result: dict[str, Any] = self._execute_module(
            module_name="netfleet.docker.engine", module_args=given, task_vars=task_vars or {}
        )
        return result
