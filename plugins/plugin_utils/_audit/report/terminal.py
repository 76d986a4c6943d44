# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The summary of a report for a terminal, most severe findings first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine.rule_files import SEVERITIES
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.report import coverage
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import escape_invisible

# Maximum number of findings, and of lines of each kind of problem.
_TOLD = 20
_BESIDE = 5
_CHANGES = {"appeared": "added", "vanished": "removed"}


def build_lines(report: Mapping[str, Any], written: Iterable[str]) -> list[str]:
    """Return the lines of the summary; the report contains its findings, or the most severe of them."""
    return [escape_invisible(line) for line in _iterate_lines(report, written)]


def _iterate_lines(report: Mapping[str, Any], written: Iterable[str]) -> Iterator[str]:
    summary = report["summary"]
    yield ", ".join(_format_number(summary[f"{one}s"], one) for one in ("host", "namespace", "container", "network"))
    counted = ", ".join(f"{summary['findings'][one]} {one}" for one in SEVERITIES if summary["findings"][one])
    yield f"findings: {counted or 'none'}" + (f"; {summary['waived']} waived" if summary["waived"] else "")
    if gaps := summary.get("gaps"):
        yield f"incomplete: {gaps}"
    if report["earlier"]:
        moved = ", ".join(f"{len(report[key])} {word}" for key, word in _CHANGES.items() if report[key])
        yield (
            f"since {report['earlier']['created']}: {summary['new']} new, {summary['fixed']} fixed findings"
            + (f"; hosts, namespaces, containers and networks: {moved}" if moved else "")
        )
    yield from _list_worst_findings(
        [one for one in report["findings"] if not one["waived"]], sum(summary["findings"].values())
    )
    yield from _list_other_results(report)
    for path in written:
        yield f"report: {path}"


def _format_number(number: int, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def _list_worst_findings(findings: list[Mapping[str, Any]], total: int) -> Iterator[str]:
    for finding in findings[:_TOLD]:
        new = " (new)" if finding["status"] == "new" else ""
        what = f"{finding['host']}: {finding['title']}: {finding['object']}"
        yield f"[{finding['severity']}] {what}{new} [{finding['rule']}]"
    if total > _TOLD:
        yield f"{total - min(_TOLD, len(findings))} more findings in the report"


def _list_other_results(report: Mapping[str, Any]) -> Iterator[str]:
    yield from _list_some("no snapshot of host", report["absent"])
    yield from _list_some("invalid snapshot", [f"{one['file']}: {one['reason']}" for one in report["broken_snapshots"]])
    yield from _list_some("invalid rule", [one["reason"] for one in report["broken_rules"]])
    yield from _list_some(
        "expired waiver", [f"{one['rule']}: {one['reason']}" for one in report["waivers"] if one["expired"]]
    )
    yield from _list_some("not checked", [coverage.describe_cause(one) for one in report["causes"]])


def _list_some(what: str, texts: list[str]) -> Iterator[str]:
    for text in texts[:_BESIDE]:
        yield f"{what}: {text}"
    if len(texts) > _BESIDE:
        yield f"{what}: {len(texts) - _BESIDE} more"
