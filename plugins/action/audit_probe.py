# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probe the ports of other Swarm nodes from a host, and write the results for the audit to a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.netfleet.docker.plugins.modules import audit_probe as documented
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit import swarm_probes
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import argument_spec, host_file
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.module_runner import ModuleFailed, ModuleRunner


class ActionModule(ActionBase):
    """Plan the checks of all nodes, run those of this host, and write their rows."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the rows; a host that cannot be probed has one row with the reason."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, args = self.validate_argument_spec(argument_spec=argument_spec.build_argument_spec(documented))
        variables = task_vars or {}
        name = str(variables["inventory_hostname"])
        infos = {
            host: variables["hostvars"].raw_get(host).get(args["registered"]) or {}
            for host in variables["ansible_play_hosts"]
        }
        results, reason = self._probe(variables, infos, name, args["peers"])
        rows = swarm_probes.build_rows(results, name, reason)
        target = host_file.build_target_path(self._loader, args["dest"], name, ".json")
        content = json.dumps(rows, default=str).encode()
        changed = host_file.read_file(target) != content
        if changed and not self._task.check_mode:
            host_file.write_file(target, content)
        result.update(dest=str(target), changed=changed, rows=rows)
        return result

    def _probe(
        self, variables: Mapping[str, Any], infos: Mapping[str, Mapping[str, Any]], name: str, peers: int
    ) -> tuple[list[Any], str]:
        """Return the results of the checks, and why checks could not run."""
        planned = swarm_probes.plan_checks(infos, peers)
        reason = swarm_probes.find_obstacle(infos[name], name in planned)
        checks = planned.get(name)
        if reason or not checks:
            return [], reason
        try:
            found = ModuleRunner(self, variables).run("netfleet.docker.probe", {"netns": "host", "checks": checks})
        except (ModuleFailed, AnsibleConnectionFailure) as error:
            return [], str(error)
        return found["results"], ""
