# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module role_variables: check and convert the variables of roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.action import RoleAction
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.needs import ROLES


class ActionModule(RoleAction):
    """Check the variables on the control node."""

    _requires_connection = False

    def work(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the converted variables of the role; without a role, check those of all roles and hosts."""
        if arguments["role"]:
            return {"changed": False, "variables": self.convert_variables(arguments["role"])}
        self.check_variables_of_hosts(ROLES)
        return {"changed": False}
