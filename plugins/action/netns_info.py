# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module netns_info: transfer the result as one compressed string."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import snapshot_codec
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot.references import list_references


class ActionModule(ActionBase):
    """Run the module on the host and decompress its result."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the module."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        in_background = bool(self._task.async_val)
        arguments = self._task.args if in_background else {**self._task.args, "packed": True}
        if isinstance(texts := arguments.get("references"), list):
            host = str((task_vars or {}).get("inventory_hostname"))
            arguments = {**arguments, "references": list(list_references(map(str, texts), host))}
        with snapshot_codec.suppress_output(self):
            found = self._execute_module(
                module_name="netfleet.docker.netns_info",
                module_args=arguments,
                task_vars=task_vars or {},
                wrap_async=self._task.async_val,
            )
        result.update(found)
        if "packed" in result:
            result.update(snapshot_codec.decompress(result.pop("packed")))
        return result
