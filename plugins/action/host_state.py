# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module host_state: gather what a role requires with one call to the host."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
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
        if role:
            return self._prepare_role(role, arguments["reuse"])
        return self._prepare_all_roles()

    def _prepare_role(self, role: str, reuse: bool) -> dict[str, Any]:
        variables = self.convert_variables(role)
        own = get_requirements(role, variables)
        earlier = find_current_state(self.task_vars, own) if reuse else None
        if earlier:
            found = {**earlier, "changed": False}
        else:
            needs = own
            others = [one for one in ROLES if one not in (role, "engine")]
            for one, values in self._find_roles(others) if reuse else ():
                needs = needs.combine(get_requirements(one, values).make_optional())
            found = self._gather_and_install(role, variables, needs)
        missing = [row for row in found["missing"] if row["need"] in own.required | own.optional]
        warnings = [_format_warning(row) for row in missing] if role == "engine" else []
        return {
            **found,
            "variables": {**(found.get("variables") or {}), role: variables},
            "missing_of_role": missing,
            **({"warnings": warnings} if warnings else {}),
        }

    def _prepare_all_roles(self) -> dict[str, Any]:
        """Check the requirements of all roles of the run, except for the libraries that a role will install."""
        roles = dict(self._find_roles(select_roles(self.task_vars)))
        needs = RoleRequirements()
        for role, variables in roles.items():
            own = get_requirements(role, variables)
            installs = "engine" in roles or variables.get(f"{role}_install_requirements", False)
            needs = needs.combine(own.make_libraries_optional() if installs else own)
        if not roles:
            return {"state": {}, "missing": [], "missing_needs": [], "needs": needs.to_dict(), "variables": {}}
        found = self._gather(needs, roles.get("engine"), answers="engine" not in roles)
        engine = get_requirements("engine", roles["engine"]) if "engine" in roles else RoleRequirements()
        # The role overlay reports the consequences of a kernel without IPVS itself.
        reported = {"module:ip_vs"} if "overlay" in roles else set()
        missing = [row for row in found["missing"] if row["need"] in engine.optional - reported]
        warnings = [_format_warning(row) for row in missing]
        return {
            **found,
            "variables": roles,
            "missing_of_role": missing,
            "incomplete": False,
            **({"warnings": warnings} if warnings else {}),
        }

    def _find_roles(self, roles: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return the roles with a variable on this host, except those whose variables are not defined yet."""
        for role in roles:
            if any(name in self.task_vars for name in build_role_spec(role)):
                with contextlib.suppress(AnsibleError, NetfleetError):
                    yield role, self.convert_variables(role)

    def _gather_and_install(self, role: str, variables: Mapping[str, Any], needs: RoleRequirements) -> dict[str, Any]:
        """Return the state of the host; install missing libraries first if the role does that."""
        installs = bool(variables.get(f"{role}_install_requirements", False))
        engine = variables if role == "engine" else None
        # Libraries that will be installed are not an error yet.
        asked = needs.make_libraries_optional() if installs else needs
        found = self._gather(asked, engine, answers=role != "engine")
        is_incomplete = installs and bool(found["missing_libraries"])
        if is_incomplete:
            packages = {"name": variables[f"{role}_packages"], "state": "present"}
            self.runner.run_action("ansible.builtin.package", packages)
            if not self.is_check_mode:
                found, is_incomplete = self._gather(needs, engine, answers=role != "engine"), False
        return {**found, "needs": needs.to_dict(), "incomplete": is_incomplete}

    def _gather(self, needs: RoleRequirements, engine: Mapping[str, Any] | None, *, answers: bool) -> dict[str, Any]:
        """Return the result of the module; ``answers`` is whether a Docker Engine must answer."""
        with snapshot_codec.suppress_output(self):
            arguments: dict[str, Any] = {"needs": needs.to_dict()}
            if engine is not None:
                arguments["needs"]["engine"] = build_role_arguments(engine)
            found = self.runner.run("netfleet.docker.host_state", arguments)
        checked = found["checked"]
        if checked.get("failed"):
            raise ModuleFailed({"failed": True, "msg": checked["msg"], "missing": checked["missing"]})
        state = snapshot_codec.decompress(found["packed"]) if found["packed"] else {}
        is_silent = answers and "docker" in needs.subset and not state.get("docker")
        if is_silent and not (self.is_check_mode and checked["missing_libraries"]):
            raise NetfleetError(f"no Docker Engine answers on {self.task_vars['inventory_hostname']}")
        return {
            "state": state,
            "cards": found["cards"],
            "containers": found["containers"],
            "engine": found["engine"],
            "missing": checked["missing"],
            "missing_needs": [row["need"] for row in checked["missing"]],
            "missing_libraries": checked["missing_libraries"],
            "engine_packages": checked["engine_packages"],
            "needs": needs.to_dict(),
        }


def select_roles(task_vars: Mapping[str, Any]) -> list[str]:
    """Return the roles that the tags of the run select."""
    skipped = set(task_vars.get("ansible_skip_tags") or ())
    named = set(task_vars.get("ansible_run_tags") or ()) & set(ROLES)
    return [role for role in ROLES if role not in skipped and (not named or role in named)]


def _format_warning(row: Mapping[str, Any]) -> str:
    """Return a text without the host name, because Ansible displays equal warnings of several hosts once."""
    return f"{row['need'].replace(':', ' ')} is missing ({row['reason']}); {row['remedy']}"
