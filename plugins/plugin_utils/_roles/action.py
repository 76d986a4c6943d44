# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Base class of the actions of the roles: arguments, module runner, and conversion of errors to results."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter, NetfleetError
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import argument_spec
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.module_runner import ModuleFailed, ModuleRunner
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.turns import EarlierFailure, take_turn
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.fleet import InventoryFleet
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.topology import check_topology

_MODULES = "ansible_collections.netfleet.docker.plugins.modules"


# Once for all hosts, before Ansible forks workers.
for _role in argument_spec.list_roles():
    argument_spec.build_role_spec(_role)


class RoleAction(ActionBase):  # type: ignore[misc]
    """An action that plans on the controller and runs modules on its host."""

    _supports_check_mode = True
    _supports_async = False
    task_vars: dict[str, Any]
    runner: ModuleRunner
    _argument_spec: dict[str, Any]

    def __init_subclass__(cls) -> None:
        """Read the documentation of the action when it is loaded: once for all hosts, before Ansible forks workers."""
        super().__init_subclass__()
        documented = importlib.import_module(f"{_MODULES}.{cls.__module__.rpartition('.')[2]}")
        cls._argument_spec = argument_spec.build_argument_spec(documented)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of ``work``, merged with the changes, operations and diffs of its modules."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        self.task_vars = task_vars or {}
        self.runner = ModuleRunner(self, self.task_vars)
        _validated, arguments = self.validate_argument_spec(argument_spec=self._argument_spec)
        try:
            found = self.work(arguments)
        except ModuleFailed as error:
            return {**result, **error.result}
        except BadParameter as error:
            return {**result, "failed": True, "msg": str(error), "parameter": error.parameter}
        except NetfleetError as error:
            return {**result, "failed": True, "msg": str(error)}
        return {**result, **self.runner.result, **found}

    def work(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result except for the changes of modules; raise NetfleetError or ModuleFailed."""
        raise NotImplementedError

    @property
    def fleet(self) -> InventoryFleet:
        """The hosts of the run."""
        return InventoryFleet(self.task_vars)

    @property
    def is_check_mode(self) -> bool:
        """Whether the task runs in check mode."""
        return bool(self._task.check_mode)

    def template(self, name: str) -> Any:
        """Return the value of a variable of the task."""
        return self._templar.template(self.task_vars[name])

    def convert_variables(self, role: str) -> dict[str, Any]:
        """Return the variables of a role, converted; raise BadParameter for a wrong value or a misspelled name."""
        return _convert_variables(role, self.task_vars, self._templar)

    def check_variables_of_hosts(self, roles: Iterable[str]) -> None:
        """Raise BadParameter if a host of the run has a wrong or misspelled variable of a role.

        Variables that refer to variables that are not defined yet are not checked.
        """
        hostvars = self.task_vars["hostvars"]
        for host in self.fleet.in_run:
            values = {**hostvars.raw_get(host), "hostvars": hostvars}
            templar = self._templar.copy_with_new_env(available_variables=values)
            for role in roles:
                try:
                    _convert_variables(role, values, templar)
                except BadParameter as error:
                    raise BadParameter(f"{host}: {error.parameter}", error.reason) from None
                except AnsibleError:
                    continue

    def apply_networks(
        self, networks: list[dict[str, Any]], docker_host: str, topology: dict[str, Any] | None = None
    ) -> list[Any]:
        """Apply Docker networks and links of the host in one call, and return each network as inspected.

        If running containers lose their connection, hosts are changed one at a time, and none after a failure: several
        hosts can run the same service.
        """
        if not networks and not topology:
            return []
        arguments = {"networks": networks, "docker_host": docker_host, "topology": topology}
        found = self.runner.run("netfleet.docker.networks", {**arguments, "interrupt": False})
        if not found["held"]:
            return list(found["networks"])
        try:
            with take_turn(constants.DEFAULT_LOCAL_TMP, self._task._uuid, str(self.task_vars["inventory_hostname"])):
                return list(self.runner.run("netfleet.docker.networks", arguments)["networks"])
        except EarlierFailure as error:
            reason = f"no network with running containers was changed on this host, because {error.host} failed"
            raise NetfleetError(reason) from None


def _convert_variables(role: str, values: Mapping[str, Any], templar: Any) -> dict[str, Any]:
    argument_spec.refuse_misspelled_variables(role, values)
    names = [name for name in argument_spec.build_role_spec(role) if name in values]
    found = argument_spec.convert_role_variables(role, {name: templar.template(values[name]) for name in names})
    if role == "topology":
        check_topology(found)
    return found
