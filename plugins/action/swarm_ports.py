# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probe the ports between the nodes of a plan: listen, send and collect on each, then evaluate once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import snapshot_codec
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.action import RoleAction
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_ports import (
    describe_blocked_ports,
    list_incoming_ports,
    list_outgoing_ports,
)


class ActionModule(RoleAction):
    """Run the module on nodes; evaluate on the control node."""

    def work(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of the module, or the closed ports."""
        plan, phase = arguments["plan"], arguments["phase"]
        host, members, port = str(self.task_vars["inventory_hostname"]), plan["members"], plan["port"]
        hosts = [member["host"] for member in members]
        if phase == "evaluate":
            return self._evaluate(hosts, arguments)
        if host not in hosts:
            return {}
        if phase == "listen":
            return self._run(phase, expected=list_incoming_ports(host, members, port))
        if phase == "send":
            variables, _host = self.fleet.get_own_host("overlay")
            return self._run(
                phase, targets=list_outgoing_ports(host, members, port), seconds=variables["overlay_probe_seconds"]
            )
        return self._run(phase, socket=(self.task_vars.get("overlay_listener") or {}).get("socket"))

    def _run(self, phase: str, **arguments: Any) -> dict[str, Any]:
        found = self.runner.run("netfleet.docker.swarm_ports", {"phase": phase, **arguments})
        if "packed" in found:
            return snapshot_codec.decompress(found["packed"])
        return {key: found[key] for key in ("socket", "answers") if key in found}

    def _evaluate(self, hosts: list[str], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Fail if a port is closed, based on the registered results of each node."""
        registered = {host: self.task_vars["hostvars"].raw_get(host) for host in hosts}
        received = {host: values["overlay_received"] for host, values in registered.items()}
        sent = {host: values["overlay_sent"] for host, values in registered.items()}
        closed = describe_blocked_ports(received, sent, arguments["connect"])
        if closed:
            raise NetfleetError(f"{'; '.join(closed)}.")
        return {"blocked": []}
