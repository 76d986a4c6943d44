# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of host_state: a role's variables → what the host is asked → one result for the role."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import snapshot_codec
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.argument_spec import role_spec, role_variables
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.module_runner import ModuleFailed
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.action import RoleAction
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.fleet import REGISTERED
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.needs import ROLES, Needs, needs_of, needs_of_data

# What the tasks register that apply something.
_APPLIED = ("bridge_applied", "macvlan_applied", "overlay_applied")


class ActionModule(RoleAction):
    """Ask the host, unless an earlier task has asked it all and nothing has changed since."""

    def work(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is known of the host."""
        role = arguments["role"]
        variables = {role: self._variables(role)}
        needs = needs_of(role, variables[role])
        earlier = self.task_vars.get(REGISTERED) or {}
        if arguments["reuse"]:
            if self._is_current(earlier, needs):
                return {**earlier, "changed": False, "variables": {**earlier["variables"], **variables}}
            for one, values in self._other_roles(role):
                needs = needs.combine(needs_of(one, values))
        return {**self._gather(needs, variables), "variables": variables, "needs": needs.as_data()}

    def _is_current(self, earlier: Mapping[str, Any], needs: Needs) -> bool:
        is_whole = "state" in earlier and not earlier.get("incomplete")
        has_changed = any((self.task_vars.get(name) or {}).get("changed") for name in _APPLIED)
        return is_whole and not has_changed and needs.is_covered_by(needs_of_data(earlier["needs"]))

    def _variables(self, role: str) -> dict[str, Any]:
        names = [name for name in role_spec(role) if name in self.task_vars]
        return role_variables(role, {name: self.template(name) for name in names})

    def _other_roles(self, role: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give the roles that have a variable on this host; those whose variables have no value yet ask later."""
        for one in ROLES:
            if one != role and any(name in self.task_vars for name in role_spec(one)):
                with contextlib.suppress(AnsibleError, NetfleetError):
                    yield one, self._variables(one)

    def _gather(self, needs: Needs, variables: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        installing = [role for role, values in variables.items() if values[f"{role}_install_requirements"]]
        found = self._ask(needs, install=bool(installing))
        missing = found["checked"]["missing_libraries"]
        if installing and missing:
            packages = sorted({name for role in installing for name in variables[role][f"{role}_packages"]})
            self.runner.run_action("ansible.builtin.package", {"name": packages, "state": "present"})
            if self.is_check_mode:
                return {"state": {}, "cards": {}, "missing": found["checked"]["missing"], "incomplete": True}
            found = self._ask(needs, install=False)
        optional = [row for row in found["checked"]["missing"] if not row["required"]]
        return {"state": found["state"], "cards": found["cards"], "missing": optional, "incomplete": False}

    def _ask(self, needs: Needs, install: bool) -> dict[str, Any]:
        """Return what the module returned; where libraries are to be installed, their lack is no error yet."""
        data = needs.as_data()
        libraries = (
            {"libraries": [], "optional_libraries": data["libraries"]} if install else {"optional_libraries": []}
        )
        arguments = {"role": self._task.args["role"], "needs": {**data, **libraries}}
        with snapshot_codec.suppress_output(self):
            packed = self.runner.run("netfleet.docker.host_state", arguments)["packed"]
        found = snapshot_codec.decompress(packed)
        if found["checked"].get("failed"):
            raise ModuleFailed({"failed": True, "msg": found["checked"]["msg"], "missing": found["checked"]["missing"]})
        if needs.subset and found["state"].get("docker") is None and "docker" in needs.subset:
            raise NetfleetError(f"no Docker Engine answers on {self.task_vars['inventory_hostname']}")
        return found
