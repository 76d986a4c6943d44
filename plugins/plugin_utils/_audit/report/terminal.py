# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as lines for a terminal: what matters first, and where the rest is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine.rule_files import SEVERITIES
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import legible

# Findings that are told one by one, and reasons of what is beside them.
_TOLD = 20
_BESIDE = 5


def lines(report: Mapping[str, Any], written: Iterable[str]) -> list[str]:
    """Return the summary; the report has its findings, or the worst of them."""
    return [legible(line) for line in _lines(report, written)]


def _lines(report: Mapping[str, Any], written: Iterable[str]) -> Iterator[str]:
    summary = report["summary"]
    yield ", ".join(_number(summary[f"{one}s"], one) for one in ("host", "namespace", "container", "network"))
    counted = ", ".join(f"{summary['findings'][one]} {one}" for one in SEVERITIES if summary["findings"][one])
    yield f"findings: {counted or 'none'}" + (f"; {summary['waived']} accepted by waivers" if summary["waived"] else "")
    if report["earlier"]:
        moved = ", ".join(f"{len(report[one])} {one}" for one in ("appeared", "vanished") if report[one])
        yield (
            f"since {report['earlier']['created']}: {summary['new']} new, {summary['fixed']} fixed"
            + (f"; hosts, namespaces, containers and networks: {moved}" if moved else "")
        )
    yield from _worst([one for one in report["findings"] if not one["waived"]], sum(summary["findings"].values()))
    yield from _beside(report)
    for path in written:
        yield f"report: {path}"


def _number(number: int, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def _worst(findings: list[Mapping[str, Any]], total: int) -> Iterator[str]:
    for finding in findings[:_TOLD]:
        new = " (new)" if finding["status"] == "new" else ""
        what = f"{finding['host']}: {finding['title']}: {finding['object']}"
        yield f"[{finding['severity']}] {what}{new} [{finding['rule']}]"
    if total > _TOLD:
        yield f"… and {total - min(_TOLD, len(findings))} more in the report"


def _beside(report: Mapping[str, Any]) -> Iterator[str]:
    yield from _some("without a snapshot", report["absent"])
    yield from _some("no snapshot", [f"{one['file']}: {one['reason']}" for one in report["broken_snapshots"]])
    yield from _some("broken rule", [one["reason"] for one in report["broken_rules"]])
    yield from _some(
        "waiver that has expired", [f"{one['rule']}: {one['reason']}" for one in report["waivers"] if one["expired"]]
    )
    yield from _some("not checked", [f"{reason} ({told})" for reason, told in _reasons(report["not_checked"]).items()])


def _reasons(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return why rules were not checked, each with how many rules on how many hosts."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for row in rows:
        rules, hosts = found.setdefault(row["reason"], (set(), set()))
        rules.add(row["rule"])
        hosts.add(row["host"])
    return {reason: f"rules: {len(rules)}, hosts: {len(hosts)}" for reason, (rules, hosts) in found.items()}


def _some(what: str, texts: list[str]) -> Iterator[str]:
    for text in texts[:_BESIDE]:
        yield f"{what}: {text}"
    if len(texts) > _BESIDE:
        yield f"{what}: … and {len(texts) - _BESIDE} more"
