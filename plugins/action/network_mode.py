# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module network_mode: compare containers that host_state has read in the same play."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._facts import network_modes
from ansible_collections.netfleet.docker.plugins.module_utils._facts.options import NETWORK_MODE_OPTIONS
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import argument_spec
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.fleet import find_current_state
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.needs import get_requirements

_ROLE = "containers"
_VARIABLES = {"host": "containers_on_host", "none": "containers_on_none"}


class ActionModule(ActionBase):
    """Run the module unless the containers that an earlier task has read are still valid."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the module."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        try:
            self._task.args.update(self._convert_names(variables))
        except BadParameter as error:
            return {**result, "failed": True, "msg": str(error), "parameter": error.parameter}
        _validated, arguments = self.validate_argument_spec(argument_spec=NETWORK_MODE_OPTIONS)
        earlier = find_current_state(variables, get_requirements(_ROLE, {})) if arguments["reuse"] else None
        if earlier:
            return {**result, **network_modes.build_result(earlier["containers"], arguments["host"], arguments["none"])}
        found: dict[str, Any] = self._execute_module(task_vars=variables, wrap_async=self._task.async_val)
        return {**result, **found}

    def _convert_names(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the lists of names, converted like the variables of the role, which has no other task."""
        argument_spec.refuse_misspelled_variables(_ROLE, variables)
        given = {_VARIABLES[name]: value for name, value in self._task.args.items() if name in _VARIABLES}
        converted = argument_spec.convert_role_variables(_ROLE, given)
        return {name: converted[variable] for name, variable in _VARIABLES.items()}
