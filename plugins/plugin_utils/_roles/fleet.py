# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of a run with the registered results of host_state, for the actions of the roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.argument_spec import convert_role_variables
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.host import HostInfo
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.needs import RoleRequirements, load_requirements

# The variable in which the tasks of the roles register the result of host_state.
REGISTERED = "netfleet_host"
# Registered results of the tasks that change a host.
_APPLIED = (
    "engine_applied",
    "bridge_applied",
    "macvlan_applied",
    "macvlan_swarm_applied",
    "overlay_applied",
    "topology_applied",
)
# The role overlay gathers the state of the host again after this task.
_APPLIED_BEFORE_GATHERING = ("overlay_gwbridge_applied",)


def find_current_state(task_vars: Mapping[str, Any], needs: RoleRequirements) -> Mapping[str, Any] | None:
    """Return the registered result of host_state if it is sufficient and no role has changed the host; else None."""
    earlier: Mapping[str, Any] = task_vars.get(REGISTERED) or {}
    if "state" not in earlier or earlier.get("incomplete"):
        return None
    has_changed = any((task_vars.get(name) or {}).get("changed") for name in _APPLIED)
    answers = "docker" not in needs.subset or "docker" in earlier["state"]
    asked = load_requirements(earlier["needs"])
    is_current = not has_changed and answers and needs.is_covered_by(asked, earlier["missing_needs"])
    return earlier if is_current else None


class InventoryFleet:
    """The hosts of the inventory, with their variables and registered results, from the variables of a task."""

    def __init__(self, task_vars: Mapping[str, Any]) -> None:
        """Take the variables of the task."""
        self._task_vars = task_vars
        self._hostvars = task_vars["hostvars"]
        self.groups: Mapping[str, list[str]] = task_vars["groups"]
        self.this = str(task_vars["inventory_hostname"])
        self.in_run: list[str] = list(task_vars["ansible_play_hosts"])

    def get_host_state(self, host: str) -> Mapping[str, Any]:
        """Return the registered result of host_state for a host; empty if it did not run there."""
        # Without templating, which would be slow and would evaluate data of hosts.
        values = self._task_vars if host == self.this else self._hostvars.raw_get(host)
        found = values.get(REGISTERED) or {}
        return found if "state" in found else {}

    def get_applied_results(self, host: str) -> dict[str, Mapping[str, Any]]:
        """Return the registered results of the tasks that change a host, by variable."""
        values = self._task_vars if host == self.this else self._hostvars.raw_get(host)
        names = (*_APPLIED, *_APPLIED_BEFORE_GATHERING)
        return {name: values[name] for name in names if isinstance(values.get(name), Mapping)}

    def get_variables(self, host: str, role: str) -> dict[str, Any]:
        """Return the converted variables of a role on a host of the run; empty if the role does not run there."""
        found: dict[str, Any] = self.get_host_state(host).get("variables", {}).get(role) or {}
        return found

    def get_info(self, host: str) -> Mapping[str, Any]:
        """Return the result of netns_info for a host."""
        found: Mapping[str, Any] = self.get_host_state(host).get("state") or {}
        return found

    def get_own_host(self, role: str) -> tuple[dict[str, Any], HostInfo]:
        """Return the variables of a role on the host of the task, and the host; raise BadParameter without them."""
        variables = self.get_variables(self.this, role)
        if not variables:
            reason = f"contains no result of the role {role}; run netfleet.docker.host_state with role={role} first"
            raise BadParameter(f"{REGISTERED} of {self.this}", reason)
        return variables, HostInfo(self.this, self.get_info(self.this))

    def iterate_declared_variables(self, role: str, names: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each host with the given variables: converted on hosts of the run, otherwise from the inventory."""
        for host in dict.fromkeys((*self.groups["all"], *self.in_run)):
            # With another strategy than linear, the role can run on other hosts of the play later.
            found = self.get_variables(host, role) if host in self.in_run else {}
            if not found:
                values = self._hostvars[host]
                given = {name: values[name] for name in names if name in values}
                try:
                    found = convert_role_variables(role, given, only=names) if given else {}
                except BadParameter as error:
                    raise BadParameter(f"{host}: {error.parameter}", error.reason) from None
            if found:
                yield host, found

    def get_addresses(self, variable: str) -> dict[str, str]:
        """Return an address by host: the one in the variable, or the address that Ansible connects to."""
        return {host: self._get_address(host, variable) for host in self.groups["all"]}

    def _get_address(self, host: str, variable: str) -> str:
        values = self._hostvars[host]
        return str(values.get(variable) or values.get("ansible_host") or host)
