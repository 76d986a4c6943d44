# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluate rules on snapshots of a test, and build snapshots from a few rows."""

from __future__ import annotations

import datetime
import functools
import gzip
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine import evaluate as engine_evaluate
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine import policy as engine_policy
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine import rule_files, sql_macros
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables import derive, load
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables import schema as tables_schema
from ansible_collections.netfleet.docker.tests import schema

Row = dict[str, Any]
Document = dict[str, Any]

_DAY = datetime.date(2026, 1, 31)


@functools.cache
def rules(folder: Path = rule_files.OWN) -> list[rule_files.AuditRule]:
    """Return the rules of a folder, by default those of the collection; fail if one is invalid."""
    found, broken = rule_files.read_rules([folder])
    assert broken == []
    return found


def evaluate(
    documents: Mapping[str, Document],
    policy: Mapping[str, Any] | None = None,
    beside: Mapping[str, Sequence[Row]] | None = None,
    folder: Path = rule_files.OWN,
    only: str | None = None,
) -> list[Row]:
    """Return the findings of all rules, or of ``only`` one, for snapshots by host name; fail if a rule fails."""
    import duckdb

    chosen = [rule for rule in rules(folder) if only in (None, rule.id)]
    with tempfile.TemporaryDirectory(prefix="netfleet-") as place:
        files = [_write(Path(place), name, document) for name, document in documents.items()]
        database = duckdb.connect(":memory:", config={"threads": 1})
        try:
            assert load.load_snapshots(database, files) == []
            sql_macros.define_macros(database)
            derive.fill_derived_tables(database)
            engine_policy.insert_policy(database, policy or {})
            for table, rows in (beside or {}).items():
                _insert(database, table, rows)
            assert engine_evaluate.evaluate_rules(database, chosen, [], _DAY) == []
            return _read(database)
        finally:
            database.close()


def of(findings: Sequence[Row], rule: str) -> list[Row]:
    """Return the findings of one rule."""
    return [one for one in findings if one["rule"] == rule]


def objects(findings: Sequence[Row], rule: str) -> list[str]:
    """Return the objects of the findings of one rule, prefixed with the host names."""
    return sorted(f"{one['host']}: {one['object']}" for one in of(findings, rule))


def document(**parts: Any) -> Document:
    """Return a snapshot of a host with its own namespace and null for all values that are not given.

    ``namespaces`` are rows of netns with the lists of the snapshot, ``strays`` and ``missing`` are lists of rows, and
    ``taken_at`` is the time of the snapshot. All other arguments belong to ``docker``, where ``engine`` is one row.
    """
    taken = parts.pop("taken_at", "2026-01-31T12:00:00Z")
    outside = {name: parts.pop(name, []) for name in ("namespaces", "strays", "missing")}
    docker = {name: [row(table, **one) for one in parts.pop(name, [])] for name, table in schema.DOCKER_LISTS.items()}
    engine = parts.pop("engine", {})
    assert not parts, parts
    return {
        "version": 1,
        "host": row("host", taken_at=taken),
        "namespaces": [_namespace(one) for one in outside["namespaces"]],
        "strays": [row("stray", **one) for one in outside["strays"]],
        "docker": {"engine": row("docker_engine", **engine), **docker},
        "missing": [row("missing", **one) for one in outside["missing"]],
    }


def row(of: str, /, **values: Any) -> Row:
    """Return a row of a table with null for all values that are not given."""
    found = {**dict.fromkeys(schema.tables()[of]), **values}
    schema.assert_row(of, found)
    return found


def _namespace(said: Mapping[str, Any]) -> Row:
    lists = {name: [row(table, **one) for one in said.get(name, ())] for name, table in schema.LISTS.items()}
    own = {name: value for name, value in said.items() if name not in schema.LISTS and name != "sysctls"}
    empty: Row = {name: [] for name, kind in schema.tables()["netns"].items() if kind == "list"}
    return {**row("netns", **{**empty, **own}), "sysctls": said.get("sysctls", {}), **lists}


def _write(folder: Path, name: str, said: Document) -> Path:
    file = folder / f"{name}.json.gz"
    file.write_bytes(gzip.compress(json.dumps({**said, "host": {**said["host"], "name": name}}).encode()))
    return file


def _insert(database: Any, table: str, rows: Sequence[Row]) -> None:
    columns = list(tables_schema.get_columns(table))
    marks = ", ".join("?" for _column in columns)
    values = [[one.get(column) for column in columns] for one in rows]
    database.executemany(f"INSERT INTO {tables_schema.quote_identifier(table)} VALUES ({marks})", values)


def _read(database: Any) -> list[Row]:
    found = database.execute("SELECT * FROM finding")
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, values)) for values in found.fetchall()]
    data = ("evidence", "waived", "remediation")
    return [{**one, **{name: one[name] and json.loads(one[name]) for name in data}} for one in rows]
