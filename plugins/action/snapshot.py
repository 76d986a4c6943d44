# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of a snapshot: it comes as one string and goes into a file, and nowhere else."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.netfleet.docker.plugins.plugin_utils import _packed


class ActionModule(ActionBase):
    """Run the module on the host and write what it returns."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return where the document is and what may be shown of it."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        name = str(variables.get("inventory_hostname", self._play_context.remote_addr))
        dest = self._task.args.get("dest")
        if not dest:
            raise AnsibleActionFail("dest: is missing; it is the file on the controller, or a directory")
        target = self._target(str(dest), name)
        result.update(self._read(name, variables))
        content = result.pop("packed", None)
        if result.get("failed"):
            return result
        document = _packed.compressed(content)
        if not self._play_context.check_mode:
            _write(target, document)
        result.update(dest=str(target), size=len(document), changed=False)
        return result

    def _target(self, dest: str, name: str) -> Path:
        # Relative to the playbook, as for the other actions that write files on the controller.
        path = Path(self._loader.path_dwim(dest))
        is_directory = dest.endswith(os.sep) or path.is_dir()
        return path / f"{name.replace(os.sep, '_')}.json.gz" if is_directory else path

    def _read(self, name: str, variables: dict[str, Any]) -> dict[str, Any]:
        with _packed.quietly(self):
            found: dict[str, Any] = self._execute_module(
                module_name="netfleet.docker.snapshot",
                module_args={**self._task.args, "inventory_name": name},
                task_vars=variables,
            )
        return found


def _write(target: Path, document: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(document)
            temporary.replace(target)
        except OSError:
            temporary.unlink()
            raise
    except OSError as error:
        raise AnsibleActionFail(f"dest: {target} cannot be written: {error.strerror}") from None
