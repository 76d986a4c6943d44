# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a run as data, for all outputs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine.evaluate import FINDING
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine.rule_files import (
    SEVERITIES,
    AuditRule,
    BrokenRule,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.report import coverage
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables.load import NOT_COLLECTED, BrokenSnapshot

_ORDER = "list_position(['" + "','".join(SEVERITIES) + "'], severity), rule, host, object"
_HOSTS = """
SELECT host AS name, hostname, os, kernel, version AS engine_version, taken_at,
 coalesce(namespaces, 0) AS namespaces, coalesce(containers, 0) AS containers, coalesce(networks, 0) AS networks
FROM host
LEFT JOIN docker_engine USING (host)
LEFT JOIN (SELECT host, count(*) AS namespaces FROM netns GROUP BY ALL) USING (host)
LEFT JOIN (SELECT host, count(*) AS containers FROM container WHERE state = 'running' GROUP BY ALL) USING (host)
LEFT JOIN (SELECT host, count(*) AS networks FROM docker_network GROUP BY ALL) USING (host)
ORDER BY host
"""


def build_head(
    database: Any,
    rules: Sequence[AuditRule],
    broken_rules: Iterable[BrokenRule],
    broken_snapshots: Iterable[BrokenSnapshot],
    expected: Iterable[str],
) -> dict[str, Any]:
    """Return the report without its findings; docs/reference/report-files.md describes the keys."""
    hosts = _read_rows(database, _HOSTS)
    here = {host["name"] for host in hosts}
    counts = _count_findings(database)
    for host in hosts:
        host["findings"] = {one: counts.get((host["name"], one), 0) for one in SEVERITIES}
    not_checked = _read_rows(database, "SELECT * FROM not_checked ORDER BY ALL")
    absent = sorted(set(expected) - here)
    summarized = _summarize_rules(database, rules)
    idle = database.execute("SELECT DISTINCT rule, host FROM not_applicable").fetchall()
    results = coverage.judge_rules(summarized, here, not_checked, idle, absent)
    causes = coverage.group_causes(not_checked)
    unchecked: dict[str, set[str]] = {}
    for row in (row for row in not_checked if row["cause"] != NOT_COLLECTED):
        unchecked.setdefault(row["host"], set()).add(row["rule"])
    for host in hosts:
        host["rules_not_checked"] = len(unchecked.get(host["name"], ()))
    broken = [{"rule": one.rule, "reason": one.reason} for one in broken_rules]
    unread = [{"file": one.file, "reason": one.reason} for one in broken_snapshots]
    totals = {one: sum(number for (_host, severity), number in counts.items() if severity == one) for one in SEVERITIES}
    run = _read_rows(database, "SELECT * FROM run")[0]
    return {
        "version": 1,
        "created": run["created"],
        "collector": run["collector"],
        "earlier": _read_baseline(database),
        "summary": {
            "hosts": len(hosts),
            **{name: sum(host[name] for host in hosts) for name in ("namespaces", "containers", "networks")},
            "findings": totals,
            "waived": _read_number(database, "SELECT count(*) FROM finding WHERE waived IS NOT NULL"),
            "new": _read_number(database, "SELECT count(*) FROM finding WHERE status = 'new' AND waived IS NULL"),
            "fixed": _read_number(database, "SELECT count(*) FROM fixed"),
            "not_checked": len(causes),
            "absent": len(absent),
            "rules": {one: sum(result["state"] == one for result in results.values()) for one in coverage.STATES},
            "gaps": coverage.describe_gaps(len(absent), len(hosts), causes, len(broken) + len(unread)),
        },
        "rules": {name: {**rule, **results[name]} for name, rule in summarized.items()},
        "controls": coverage.judge_controls(summarized, results),
        "hosts": hosts,
        "absent": absent,
        "fixed": _read_rows(database, f"SELECT * FROM fixed ORDER BY {_ORDER}"),
        **{table: _read_rows(database, f"SELECT * FROM {table} ORDER BY ALL") for table in ("appeared", "vanished")},
        "not_checked": not_checked,
        "causes": causes,
        "broken_rules": broken,
        "broken_snapshots": unread,
    }


def read_findings(database: Any) -> Iterator[dict[str, Any]]:
    """Yield all findings, most severe first, in batches."""
    reader = database.cursor()
    try:
        reader.execute(f"SELECT {', '.join(FINDING)} FROM finding ORDER BY {_ORDER}, fingerprint")
        while rows := reader.fetchmany(2000):
            for row in rows:
                yield {
                    name: json.loads(value) if kind == "JSON" and value is not None else value
                    for (name, kind), value in zip(FINDING.items(), row)
                }
    finally:
        reader.close()


def build_report(report: Mapping[str, Any], database: Any, most: int) -> dict[str, Any]:
    """Return the report with its findings, up to a maximum number."""
    found = list(itertools.islice(read_findings(database), most))
    left_out = _read_number(database, "SELECT count(*) FROM finding") - len(found)
    return {**report, "findings": found, "findings_left_out": left_out}


def build_remediations(database: Any, rules: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the remediations for findings of the given rules that are not waived, by host."""
    query = (
        "SELECT host, rule, object, remediation FROM finding WHERE remediation IS NOT NULL AND waived IS NULL"
        " AND list_contains(?::VARCHAR[], rule) ORDER BY ALL"
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for host, rule, about, remediation in database.execute(query, [list(rules)]).fetchall():
        found.setdefault(host, []).append({"rule": rule, "object": about, **json.loads(remediation)})
    return found


def _summarize_rules(database: Any, rules: Sequence[AuditRule]) -> dict[str, Any]:
    counted = database.execute(
        "SELECT rule, count(*) FILTER (waived IS NULL), count(waived) FROM finding GROUP BY rule"
    )
    counts = {rule: (open_, waived) for rule, open_, waived in counted.fetchall()}
    return {
        rule.id: {
            "title": rule.title,
            "severity": rule.severity,
            "scope": rule.scope,
            "reason": rule.reason,
            "references": list(rule.references),
            "key": list(rule.key),
            **dict(zip(("findings", "waived"), counts.get(rule.id, (0, 0)))),
        }
        for rule in rules
    }


def _count_findings(database: Any) -> dict[tuple[str, str], int]:
    query = "SELECT host, severity, count(*) FROM finding WHERE waived IS NULL GROUP BY ALL"
    return {(host, severity): number for host, severity, number in database.execute(query).fetchall()}


def _read_baseline(database: Any) -> dict[str, Any] | None:
    there = database.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'earlier_run'").fetchone()
    if not there:
        return None
    run = _read_rows(database, "SELECT created, collector, summary FROM earlier_run")[0]
    return {**run, "summary": json.loads(run["summary"])}


def _read_rows(database: Any, query: str) -> list[dict[str, Any]]:
    answer = database.execute(query)
    names = [column[0] for column in answer.description]
    return [dict(zip(names, row)) for row in answer.fetchall()]


def _read_number(database: Any, query: str) -> int:
    return int(database.execute(query).fetchone()[0])
