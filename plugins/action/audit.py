# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of the module audit: evaluate snapshots on the control node."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.action import ActionBase
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.modules import audit as documented
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import argument_spec

_SEVERITIES = ("critical", "high", "medium", "low", "info")


# Tables and the options with their directories.
_BESIDE = {"drift": "drift", "probe": "probes"}


class ActionModule(ActionBase):
    """Evaluate the snapshots once for all hosts of a play."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the summary; fail if findings reach the severity of fail_on."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, args = self.validate_argument_spec(argument_spec=argument_spec.build_argument_spec(documented))
        try:
            import duckdb  # noqa: F401
        except ImportError as error:
            raise AnsibleActionFail(missing_required_lib("duckdb")) from error
        try:
            report = self._evaluate(args)
        except (NetfleetError, ValueError) as error:
            raise AnsibleActionFail(str(error)) from None
        except OSError as error:
            raise AnsibleActionFail(f"dest: {error.filename or args['dest']}: {error.strerror}") from None
        counts = report["summary"]["findings"]
        result.update({name: report[name] for name in ("summary", "lines", "files", "remediations")})
        result.update(changed=False, worst=next((one for one in _SEVERITIES if counts[one]), None))
        if severe := _describe_severe(counts, args["fail_on"]):
            result.update(failed=True, msg=f"{severe}; fail_on is {args['fail_on']}. {'; '.join(report['files'][:1])}")
        return result

    def _evaluate(self, args: Mapping[str, Any]) -> dict[str, Any]:
        # Imports duckdb, which may be missing.
        from ansible_collections.netfleet.docker.plugins.plugin_utils._audit import run as audit_run

        def resolve_path(path: str) -> Path:
            # Relative to the playbook, as for other action plugins.
            return Path(self._loader.path_dwim(path))

        names = ("only", "without", "policy", "waivers", "expected", "formats", "remediate")
        with tempfile.TemporaryDirectory(prefix="netfleet-") as nowhere:
            wanted = audit_run.EvaluationRequest(
                snapshots=resolve_path(args["snapshots"]),
                dest=Path(nowhere) if self._play_context.check_mode else resolve_path(args["dest"]),
                rules=[resolve_path(path) for path in args["rules"]],
                compare_with=_find_baseline_path(resolve_path(args["dest"]), args.get("compare_with"), resolve_path),
                beside={table: resolve_path(args[name]) for table, name in _BESIDE.items() if args.get(name)},
                fail_on=args.get("junit_fail_on") or args["fail_on"],
                **{name: args[name] for name in names},
            )
            report = audit_run.run_evaluation(wanted)
            # Files of check mode are deleted with their directory.
            return {**report, "files": [path for path in report["files"] if not path.startswith(nowhere)]}


def _find_baseline_path(dest: Path, compare_with: str | None, at: Callable[[str], Path]) -> Path | None:
    """Return the directory of the evaluation to compare with; for "previous", the last sibling before dest by name."""
    if compare_with != "previous":
        return at(compare_with) if compare_with else None
    beside = (file.parents[1] for file in dest.parent.glob("*/data/run.parquet"))
    return max((one for one in beside if one.name < dest.name), default=None)


def _describe_severe(counts: Mapping[str, int], fail_on: str) -> str:
    """Return a message with the number of findings that reach a severity, or an empty string."""
    if fail_on == "none":
        return ""
    worst = _SEVERITIES[: _SEVERITIES.index(fail_on) + 1]
    found = [f"{counts[one]} {one}" for one in worst if counts[one]]
    return f"the audit has findings: {', '.join(found)}" if found else ""
