# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A complete evaluation: snapshots, tables, findings and files, in a database on disk."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram import build, graphviz, mermaid
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine import baseline, rule_files, sql_macros
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine import evaluate as engine_evaluate
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine import policy as engine_policy
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.report import (
    html,
    json_csv,
    junit,
    sarif,
    terminal,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.report import report as report_report
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables import derive, load, schema

# Files with all findings, and the maximum number of findings on the page.
ALL = {"json": "report.json", "sarif": "report.sarif", "junit": "report.junit.xml", "csv": "findings.csv"}
_ON_PAGE = 50_000
# Subdirectory for a report of some rules next to that of all rules.
ONLY = "only"
_MEMORY = "2GB"


@dataclasses.dataclass(frozen=True)
class EvaluationRequest:
    """The parameters of an evaluation. Directories are absolute."""

    snapshots: Path
    dest: Path
    rules: Sequence[Path] = ()
    only: Sequence[str] = ()
    without: Sequence[str] = ()
    policy: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    waivers: Sequence[Mapping[str, Any]] = ()
    expected: Sequence[str] = ()
    compare_with: Path | None = None
    formats: Sequence[str] = (*ALL, "html")
    remediate: Sequence[str] = ()
    beside: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    fail_on: str = "none"


class NothingToEvaluate(ValueError):
    """A parameter that leaves nothing to evaluate; the message starts with its name."""


def run_evaluation(wanted: EvaluationRequest) -> dict[str, Any]:
    """Write the requested files; return the report with the most severe findings, and its summary for a terminal.

    Raise NothingToEvaluate, BadParameter or OSError before an existing file is changed.
    """
    if missing := next((folder for folder in wanted.rules if not folder.is_dir()), None):
        raise NothingToEvaluate(f"rules: directory {missing} does not exist")
    every, broken_rules = rule_files.read_rules([rule_files.OWN, *wanted.rules])
    waivers = engine_policy.parse_waivers(
        wanted.waivers, {*(rule.id for rule in every), *(one.rule for one in broken_rules)}
    )
    rules, broken_rules = _choose_rules(wanted, every, broken_rules)
    files = sorted(wanted.snapshots.glob("*.json.gz"))
    if not files:
        raise NothingToEvaluate(f"snapshots: {wanted.snapshots} contains no *.json.gz files")
    today = datetime.datetime.now(datetime.timezone.utc)
    dest = _choose_folder(wanted)
    with tempfile.TemporaryDirectory(prefix=".audit-", dir=_make_folder(dest)) as name:
        work = Path(name)
        with _open_database(work) as database:
            broken_snapshots = load.load_snapshots(database, files)
            sql_macros.define_macros(database)
            derive.fill_derived_tables(database)
            engine_policy.insert_policy(database, wanted.policy)
            given = _insert_beside(database, wanted.beside)
            filled = given.union(schema.list_snapshot_tables(), schema.list_derived_tables())
            lacking = frozenset(schema.list_collected_tables()) - filled
            _record_run(database, today, rules, wanted.only)
            baseline.open_baseline(database, wanted.compare_with)
        with _open_database(work) as database:
            broken_rules += engine_evaluate.evaluate_rules(database, rules, waivers, today.date(), lacking)
        out = {one.rule for one in broken_rules}
        evaluated = [rule for rule in rules if rule.id not in out and not lacking.intersection(rule.needs)]
        with _open_database(work) as database:
            database.execute(
                "DELETE FROM evaluated WHERE rule NOT IN (SELECT unnest(?::VARCHAR[]))",
                [[rule.id for rule in evaluated]],
            )
            baseline.compare(database, wanted.compare_with is not None)
            report = report_report.build_head(database, evaluated, broken_rules, broken_snapshots, wanted.expected)
            database.execute("UPDATE run SET summary = ?", [json.dumps(report["summary"])])
            report["waivers"] = _build_waiver_rows(database, waivers, today.date())
            baseline.save_baseline(database, work)
            report["remediations"] = report_report.build_remediations(database, wanted.remediate)
            report = report_report.build_report(report, database, _ON_PAGE)
            _write_files(database, report, work, wanted.formats, wanted.fail_on)
        written = _move_files(work, dest, wanted.formats)
    written_here = [str(path) for path in written if path.parent == dest]
    return {**report, "files": written_here, "lines": terminal.build_lines(report, written_here)}


def _choose_rules(
    wanted: EvaluationRequest, rules: Sequence[rule_files.AuditRule], broken: Sequence[rule_files.BrokenRule]
) -> tuple[list[rule_files.AuditRule], list[rule_files.BrokenRule]]:
    known = {rule.id for rule in rules} | {one.rule for one in broken}
    for parameter, names in (("only", wanted.only), ("without", wanted.without), ("remediate", wanted.remediate)):
        if stranger := next((name for name in names if name not in known), None):
            raise NothingToEvaluate(f"{parameter}: unknown rule {stranger!r}")
    chosen = [rule for rule in rules if (not wanted.only or rule.id in wanted.only) and rule.id not in wanted.without]
    return chosen, [one for one in broken if one.rule not in wanted.without]


@contextmanager
def _open_database(work: Path) -> Iterator[Any]:
    import duckdb

    settings: dict[str, Any] = {
        "memory_limit": _MEMORY,
        "temp_directory": str(work / "spill"),
        "preserve_insertion_order": "false",
    }
    database = duckdb.connect(str(work / "fleet.duckdb"), config=settings)
    try:
        yield database
    finally:
        database.close()


def _insert_beside(database: Any, beside: Mapping[str, Path]) -> set[str]:
    """Fill tables from directories with JSON files; return the tables with collected data, even if it is empty."""
    found = {table: sorted(str(path) for path in folder.glob("*.json")) for table, folder in beside.items()}
    for table, files in found.items():
        if files:
            columns = schema.get_columns(table)
            database.execute(
                f"INSERT INTO {schema.quote_identifier(table)} SELECT {', '.join(columns)} FROM"
                " read_json($files, columns = $columns, format = 'array')",
                {"files": files, "columns": columns},
            )
    # A check that failed does not prove that a port is open.
    database.execute(
        "INSERT INTO missing SELECT DISTINCT host, NULL, 'probe', 'missing', coalesce(reason, 'check failed')"
        " FROM probe WHERE state = 'error'"
    )
    database.execute("DELETE FROM probe WHERE state = 'error'")
    return {table for table, files in found.items() if files}


def _record_run(
    database: Any, now: datetime.datetime, rules: Sequence[rule_files.AuditRule], only: Sequence[str]
) -> None:
    database.execute(
        "CREATE TABLE run AS SELECT ? AS created, coalesce(max(collector), 'netfleet.docker') AS collector,"
        " NULL::JSON AS summary, ?::VARCHAR[] AS only FROM host",
        [now.strftime("%Y-%m-%dT%H:%M:%SZ"), list(only)],
    )
    database.execute("CREATE TABLE evaluated AS SELECT unnest(?::VARCHAR[]) AS rule", [[rule.id for rule in rules]])


def _build_waiver_rows(
    database: Any, waivers: Sequence[engine_policy.Waiver], today: datetime.date
) -> list[dict[str, Any]]:
    query = "SELECT rule, waived->>'reason', count(*) FROM finding WHERE waived IS NOT NULL GROUP BY ALL"
    accepted = {(rule, reason): number for rule, reason, number in database.execute(query).fetchall()}
    return [
        {
            "rule": one.rule,
            "reason": one.reason,
            "until": one.until and one.until.isoformat(),
            "host": one.host,
            "where": dict(one.where),
            "expired": one.is_expired(today),
            "accepted": accepted.get((one.rule, one.reason), 0),
        }
        for one in waivers
    ]


def _write_files(database: Any, report: Mapping[str, Any], folder: Path, formats: Sequence[str], fail_on: str) -> None:
    head = {name: value for name, value in report.items() if name != "findings"}
    write_junit = functools.partial(junit.write_junit, fail_on=fail_on)
    writers: dict[str, Any] = {"json": json_csv.write_json, "sarif": sarif.write_sarif, "junit": write_junit}
    for name, write in writers.items():
        if name in formats:
            write(folder / ALL[name], head, report_report.read_findings(database))
    if "html" in formats:
        html.write_page(database, report, folder, report["earlier"])
    for suffix, draw in {"dot": graphviz, "mermaid": mermaid}.items():
        if suffix in formats:
            _write_diagrams(database, report, folder / "pictures", (suffix, draw))
    if "csv" in formats:
        json_csv.write_csv(folder / ALL["csv"], report_report.read_findings(database))
    if "parquet" in formats:
        for table in schema.list_table_names():
            baseline.copy(database, table, folder / f"data/{table}.parquet")


def _write_diagrams(database: Any, report: Mapping[str, Any], folder: Path, how: tuple[str, Any]) -> None:
    """Write the diagrams of the fleet and of each host as text."""
    suffix, draw = how
    folder.mkdir(exist_ok=True)
    fleet = build.draw_fleet(database, report["findings"])
    (folder / f"fleet.{suffix}").write_text(draw.render_fleet(fleet), encoding="utf-8")
    names = [host["name"] for host in report["hosts"]]
    found: dict[str, list[Any]] = {}
    for finding in report["findings"]:
        found.setdefault(finding["host"], []).append(finding)
    for name, graph in zip(names, build.draw_hosts(database, names, found)):
        (folder / f"{quote(name, safe='')}.{suffix}").write_text(draw.render_host(graph), encoding="utf-8")


def _choose_folder(wanted: EvaluationRequest) -> Path:
    """Return the directory for the files: a subdirectory if some rules would replace the report of all rules."""
    earlier = wanted.dest / baseline.KEPT["run"]
    if not wanted.only or not earlier.is_file() or baseline.read_chosen_rules(earlier):
        return wanted.dest
    return wanted.dest / ONLY


def _make_folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _move_files(work: Path, dest: Path, formats: Sequence[str]) -> list[Path]:
    """Move the files to their destination, each atomically; keep the database only if it is requested."""
    written = []
    # Remove files of an earlier evaluation.
    for beside in ("hosts", "pictures"):
        shutil.rmtree(dest / beside, ignore_errors=True)
    left = (".duckdb", ".wal") if "duckdb" not in formats else (".wal",)
    for path in sorted(path for path in work.rglob("*") if path.is_file() and path.suffix not in left):
        place = dest / path.relative_to(work)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, place)
        written.append(place)
    return written
