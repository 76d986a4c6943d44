# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module host_state: gather what a role requires with one call to the host."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import snapshot_codec
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.argument_spec import build_role_spec
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.module_runner import ModuleFailed
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.action import RoleAction
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.engine import build_role_arguments
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.fleet import find_current_state
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.needs import (
    ROLES,
    RoleRequirements,
    get_requirements,
)


class ActionModule(RoleAction):
    """Run the module unless the result of an earlier task is still valid."""

    def work(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the state of the host and the converted variables."""
        role = arguments["role"]
        variables = self.convert_variables(role)
        own = get_requirements(role, variables)
        earlier = find_current_state(self.task_vars, own) if arguments["reuse"] else None
        if earlier:
            found = {**earlier, "changed": False}
        else:
            needs = own
            for one, values in self._find_other_roles(role) if arguments["reuse"] else ():
                needs = needs.combine(get_requirements(one, values).make_optional())
            found = self._gather(role, variables, needs)
        missing = [row for row in found["missing"] if row["need"] in own.required | own.optional]
        warnings = [_format_warning(row) for row in missing] if role == "engine" else []
        return {
            **found,
            "variables": {**(found.get("variables") or {}), role: variables},
            "missing_of_role": missing,
            **({"warnings": warnings} if warnings else {}),
        }

    def _find_other_roles(self, role: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return the roles with a variable on this host, except those whose variables are not defined yet."""
        for one in ROLES:
            if one not in (role, "engine") and any(name in self.task_vars for name in build_role_spec(one)):
                with contextlib.suppress(AnsibleError, NetfleetError):
                    yield one, self.convert_variables(one)

    def _gather(self, role: str, variables: Mapping[str, Any], needs: RoleRequirements) -> dict[str, Any]:
        installs = variables.get(f"{role}_install_requirements", False)
        found = self._run_module(role, variables, needs, installs)
        is_incomplete = bool(installs and found["checked"]["missing_libraries"])
        if is_incomplete:
            packages = {"name": variables[f"{role}_packages"], "state": "present"}
            self.runner.run_action("ansible.builtin.package", packages)
            if not self.is_check_mode:
                found, is_incomplete = self._run_module(role, variables, needs, installs=False), False
        return {
            "state": found["state"],
            "cards": found["cards"],
            "containers": found["containers"],
            "engine": found["engine"],
            "missing": found["checked"]["missing"],
            "missing_needs": [row["need"] for row in found["checked"]["missing"]],
            "missing_libraries": found["checked"]["missing_libraries"],
            "engine_packages": found["checked"]["engine_packages"],
            "needs": needs.to_dict(),
            "incomplete": is_incomplete,
        }

    def _run_module(
        self, role: str, variables: Mapping[str, Any], needs: RoleRequirements, installs: bool
    ) -> dict[str, Any]:
        """Return the result of the module; libraries that will be installed are not an error yet."""
        libraries = frozenset(key for key in needs.required if key.startswith("library:")) if installs else frozenset()
        asked = needs._replace(required=needs.required - libraries, optional=needs.optional | libraries)
        with snapshot_codec.suppress_output(self):
            arguments: dict[str, Any] = {"role": role, "needs": asked.to_dict()}
            if role == "engine":
                arguments["needs"]["engine"] = build_role_arguments(variables)
            found = self.runner.run("netfleet.docker.host_state", arguments)
        found["state"] = snapshot_codec.decompress(found["packed"]) if found["packed"] else {}
        checked = found["checked"]
        if checked.get("failed"):
            raise ModuleFailed({"failed": True, "msg": checked["msg"], "missing": checked["missing"]})
        is_silent = "docker" in needs.subset and not found["state"].get("docker")
        if is_silent and role != "engine" and not (self.is_check_mode and checked["missing_libraries"]):
            raise NetfleetError(f"no Docker Engine answers on {self.task_vars['inventory_hostname']}")
        return found


def _format_warning(row: Mapping[str, Any]) -> str:
    """Return a text without the host name, because Ansible displays equal warnings of several hosts once."""
    return f"{row['need'].replace(':', ' ')} is missing ({row['reason']}); {row['remedy']}"
