# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of netns_info: a big result comes as one string, which the controller parses once."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import snapshot_codec


class ActionModule(ActionBase):
    """Run the module on the host and unpack what it returns."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        in_background = bool(self._task.async_val)
        arguments = self._task.args if in_background else {**self._task.args, "packed": True}
        with snapshot_codec.quietly(self):
            found = self._execute_module(
                module_name="netfleet.docker.netns_info",
                module_args=arguments,
                task_vars=task_vars or {},
                wrap_async=self._task.async_val,
            )
        result.update(found)
        if "packed" in result:
            result.update(snapshot_codec.document(result.pop("packed")))
        return result
