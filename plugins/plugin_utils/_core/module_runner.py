# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run several modules on the host of an action, and merge their results."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._core.snapshot_codec import suppress_output

_JOIN_TOKEN = re.compile(r"SWMTKN-[-0-9a-zA-Z]+")


class ModuleFailed(Exception):
    """A module failed on the host; ``result`` contains the merged results until then."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(str(result.get("msg")))
        self.result = result


class ModuleRunner:
    """Run modules on the host of an action; ``result`` merges their changes, diffs, operations and warnings."""

    def __init__(self, action: Any, task_vars: Mapping[str, Any]) -> None:
        """Take the action and the variables of its task."""
        self._action = action
        self._task_vars = dict(task_vars)
        self.result: dict[str, Any] = {"changed": False, "diff": [], "operations": []}

    def run(self, name: str, arguments: Mapping[str, Any], secret: bool = False) -> dict[str, Any]:
        """Return the result of a module; raise ModuleFailed with its message if it failed.

        Parameters and results of a ``secret`` module are not displayed at any verbosity and not kept in the result.
        """
        with suppress_output(self._action) if secret else contextlib.nullcontext():
            found: dict[str, Any] = self._action._execute_module(
                module_name=name, module_args=dict(arguments), task_vars=self._task_vars
            )
        if found.get("ansible_facts"):
            # The discovered interpreter, so that later tasks reuse it.
            self.result.setdefault("ansible_facts", {}).update(found["ansible_facts"])
        if found.get("failed") or found.get("unreachable"):
            self._raise_failure(name, found, secret)
        if not secret:
            self._collect(found)
        return found

    def run_action(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of a module with an action plugin, such as ansible.builtin.package."""
        action, task = self._action, self._action._task.copy()
        task.args = dict(arguments)
        other = action._shared_loader_obj.action_loader.get(
            name,
            task=task,
            connection=action._connection,
            play_context=action._play_context,
            loader=action._loader,
            templar=action._templar,
            shared_loader_obj=action._shared_loader_obj,
        )
        found: dict[str, Any] = other.run(task_vars=self._task_vars)
        if found.get("failed") or found.get("unreachable"):
            self._raise_failure(name, found, secret=False)
        self._collect(found)
        return found

    def _collect(self, found: Mapping[str, Any]) -> None:
        self.result["changed"] = self.result["changed"] or bool(found.get("changed"))
        self.result["operations"] += found.get("operations") or []
        for name, values in (found.get("effects") or {}).items():
            self.result.setdefault("effects", {}).setdefault(name, []).extend(values)
        if found.get("warnings"):
            self.result.setdefault("warnings", []).extend(found["warnings"])
        diff = found.get("diff") or []
        self.result["diff"] += diff if isinstance(diff, list) else [diff]

    def _raise_failure(self, name: str, found: Mapping[str, Any], secret: bool) -> None:
        # A module that ends with an exception has no message.
        words = found.get("msg") or found.get("module_stderr") or found.get("exception") or "no reason was returned"
        message = " ".join(str(words).split()) if found.get("msg") else f"{name} failed: {words}"
        failure = {"failed": True, "msg": _JOIN_TOKEN.sub("TOKEN", message)}
        if not secret:
            keys = ("parameter", "module_stderr", "module_stdout", "exception", "rc")
            failure |= {key: found[key] for key in keys if key in found}
            self._collect(found)
        if found.get("unreachable"):
            failure["unreachable"] = True
        raise ModuleFailed({**self.result, **failure})
