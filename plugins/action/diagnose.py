# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module diagnose: find the first fault of a connection."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import host_file
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.action import RoleAction
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot import diagnosis, render
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot.case import Case, find_hosts, open_case


class ActionModule(RoleAction):
    """Plan the checks, run them in the namespace of the source, and explain the results."""

    def work(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the diagnosis on the host of the source, and nothing on the others."""
        hostvars = self.task_vars["hostvars"]
        hosts = list(self.task_vars["ansible_play_hosts"])
        snapshots = {host: hostvars.raw_get(host).get(arguments["registered"]) or {} for host in hosts}
        known = {host: found for host, found in snapshots.items() if "namespaces" in found}
        source, host = arguments["source"], str(self.task_vars["inventory_hostname"])
        having = find_hosts(known, source)
        if not having:
            raise BadParameter("source", f"none of the hosts {', '.join(hosts)} has {source}")
        if host not in having:
            return {"found": False}
        case = open_case(known, host, source, arguments["target"], arguments["protocol"])
        results = self._probe(case, arguments, Path(self._build_file_name(arguments, ".pcap")))
        found = diagnosis.diagnose(case, results)
        lines = render.render_lines(found)
        if arguments.get("directory"):
            self._write(arguments, found)
        broken = found["reached"] is False or found["first_broken"] is not None
        return {"found": True, "broken": broken, "lines": lines, **found}

    def _probe(self, case: Case, arguments: Mapping[str, Any], target: Path) -> list[Any]:
        """Return the results of the checks, and write a capture of them to a file on the control node."""
        checks = diagnosis.plan_checks(case, arguments["timeout"])
        seconds = arguments["capture_seconds"]
        started = None
        # Check mode writes nothing on a host.
        if seconds > 0 and not self._task.check_mode:
            limits = {"seconds": seconds, "bytes": arguments["capture_bytes"]}
            place = {"netns": case.netns, "interface": arguments.get("capture_interface") or None}
            started = self.runner.run("netfleet.docker.capture", {"phase": "start", **place, **limits})
        results: list[Any] = []
        if arguments["probe"] and checks:
            results = self.runner.run("netfleet.docker.probe", {"netns": case.netns, "checks": checks})["results"]
        if started:
            stopped = {"phase": "stop", "path": started["path"]}
            found = self.runner.run("netfleet.docker.capture", stopped)
            host_file.write_file(target, base64.b64decode(found["content"]))
        return results

    def _build_file_name(self, arguments: Mapping[str, Any], suffix: str) -> str:
        name = f"{self.task_vars['inventory_hostname']}-{arguments['source']}"
        file = re.sub(r"[^A-Za-z0-9._-]+", "-", name) + suffix
        return str(Path(self._loader.path_dwim(arguments.get("directory") or ".")) / file)

    def _write(self, arguments: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        """Write the diagnosis in JSON and Markdown format."""
        text = json.dumps(found, indent=4, sort_keys=True, default=str)
        for suffix, content in ((".json", text), (".md", render.render_markdown(found))):
            host_file.write_file(Path(self._build_file_name(arguments, suffix)), content.encode())
