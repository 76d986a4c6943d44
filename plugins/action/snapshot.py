# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module snapshot: write the compressed document to a file."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import host_file, snapshot_codec


class ActionModule(ActionBase):
    """Run the module on the host and write its result to a file."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the path of the document and its metadata."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        name = str(variables.get("inventory_hostname", self._play_context.remote_addr))
        dest = self._task.args.get("dest")
        if not dest:
            raise AnsibleActionFail("dest: required; must be a file or a directory on the control node")
        target = host_file.build_target_path(self._loader, str(dest), name, ".json.gz")
        result.update(self._read(name, variables))
        content = result.pop("packed", None)
        if result.get("failed"):
            return result
        document = snapshot_codec.compress(content)
        if not self._play_context.check_mode:
            host_file.write_file(target, document)
        result.update(dest=str(target), size=len(document), changed=False)
        return result

    def _read(self, name: str, variables: dict[str, Any]) -> dict[str, Any]:
        with snapshot_codec.suppress_output(self):
            found: dict[str, Any] = self._execute_module(
                module_name="netfleet.docker.snapshot",
                module_args={**self._task.args, "inventory_name": name},
                task_vars=variables,
            )
        return found
