# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write rows about a host for the audit to a file on the control node."""

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.netfleet.docker.plugins.modules import audit_rows as documented
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.drift import build_rows
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import argument_spec, host_file


class ActionModule(ActionBase):
    """Write the rows without a connection and without starting a process."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the file, and whether its rows changed."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, args = self.validate_argument_spec(
            argument_spec=argument_spec.build_argument_spec(documented),
            mutually_exclusive=[["rows", "drift"]],
            required_one_of=[["rows", "drift"]],
        )
        name = str((task_vars or {})["inventory_hostname"])
        rows = args["rows"] if args.get("rows") is not None else build_rows(name, args["drift"])
        target = host_file.build_target_path(self._loader, args["dest"], name, ".json")
        content = json.dumps(rows, default=str).encode()
        changed = host_file.read_file(target) != content
        if changed and not self._play_context.check_mode:
            host_file.write_file(target, content)
        result.update(dest=str(target), changed=changed)
        return result
