# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of a run, as the action host_state registered each of them, for the actions of the roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.argument_spec import role_variables
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.host import Host

# The variable in which the tasks of the roles register the result of host_state.
REGISTERED = "netfleet_host"


class Fleet:
    """What is known of the hosts of the inventory, by a task's variables."""

    def __init__(self, task_vars: Mapping[str, Any]) -> None:
        """Take the variables of the task."""
        self._task_vars = task_vars
        self._hostvars = task_vars["hostvars"]
        self.groups: Mapping[str, list[str]] = task_vars["groups"]
        self.this = str(task_vars["inventory_hostname"])
        self.in_run: list[str] = list(task_vars["ansible_play_hosts"])

    def registered(self, host: str) -> Mapping[str, Any]:
        """Return what host_state returned of a host, nothing where it did not run there."""
        # Not as a template: it is data of hosts, and much of it.
        values = self._task_vars if host == self.this else self._hostvars.raw_get(host)
        found = values.get(REGISTERED) or {}
        return found if "state" in found else {}

    def variables(self, host: str, role: str) -> dict[str, Any]:
        """Return the converted variables of a role on a host of the run; nothing where the role is not run there."""
        found: dict[str, Any] = self.registered(host).get("variables", {}).get(role) or {}
        return found

    def state(self, host: str) -> Mapping[str, Any]:
        """Return what netns_info gathered of a host."""
        found: Mapping[str, Any] = self.registered(host).get("state") or {}
        return found

    def own(self, role: str) -> tuple[dict[str, Any], Host]:
        """Return the role's variables on the host of the task, and the host."""
        variables = self.variables(self.this, role)
        if not variables:
            reason = f"has nothing of the role {role}; run netfleet.docker.host_state with role={role} first"
            raise BadParameter(f"{REGISTERED} of {self.this}", reason)
        return variables, Host(self.this, self.state(self.this))

    def declared(self, role: str, names: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give each host with its variables of these names: of the run as converted there, else of the inventory."""
        for host in dict.fromkeys((*self.groups["all"], *self.in_run)):
            found = self.variables(host, role) if host in self.in_run else {}
            if host not in self.in_run:
                values = self._hostvars[host]
                given = {name: values[name] for name in names if name in values}
                try:
                    found = role_variables(role, given, only=names) if given else {}
                except BadParameter as error:
                    raise BadParameter(f"{host}: {error.parameter}", error.reason) from None
            if found:
                yield host, found

    def addresses(self, variable: str) -> dict[str, str]:
        """Return by host the address in a variable, or else the one by which Ansible reaches it."""
        return {host: self._address(host, variable) for host in self.groups["all"]}

    def _address(self, host: str, variable: str) -> str:
        values = self._hostvars[host]
        return str(values.get(variable) or values.get("ansible_host") or host)
