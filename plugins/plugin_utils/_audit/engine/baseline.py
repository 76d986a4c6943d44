# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Comparison with an earlier run: new and fixed findings, added and removed objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables import schema

# Files that a run keeps for later comparisons.
KEPT = {"finding": "data/finding.parquet", "object": "data/object.parquet", "run": "data/run.parquet"}
_OBJECTS = """
CREATE TABLE object AS
SELECT host, 'host' AS type, host AS name FROM host
UNION SELECT host, 'netns', unnest(names) FROM netns
UNION SELECT host, 'container', name FROM container WHERE state = 'running'
UNION SELECT host, 'network', name FROM docker_network
"""
# A finding is fixed only if its host was audited and its rule was evaluated.
_FIXED = """
CREATE TABLE fixed AS
SELECT rule, title, severity, host, object FROM earlier_finding
WHERE waived IS NULL AND fingerprint NOT IN (SELECT fingerprint FROM finding)
AND host IN (SELECT host FROM host) AND rule IN (SELECT rule FROM evaluated)
AND (rule, host) NOT IN (SELECT (rule, host) FROM not_checked WHERE netns IS NULL)
"""
_MOVED = """
CREATE TABLE {table} AS
SELECT host, type, name FROM {here} AS here
WHERE (host, type, name) NOT IN (SELECT (host, type, name) FROM {there})
AND (type = 'host' OR host IN (SELECT host FROM {there} WHERE type = 'host'))
"""


def open_baseline(database: Any, folder: Path | None) -> None:
    """Create the table of objects, and load the tables of an earlier run if there is one."""
    database.execute(_OBJECTS)
    for table, file in KEPT.items():
        path = folder / file if folder else None
        if path and not path.is_file():
            raise BadParameter(
                "compare_with", f"{folder} does not contain {file}; must be the directory of an earlier run"
            )
        if path:
            database.execute(f"CREATE TABLE earlier_{table} AS SELECT * FROM read_parquet(?)", [str(path)])


def compare(database: Any, with_earlier: bool) -> None:
    """Set the status of each finding, and fill the tables ``fixed``, ``appeared`` and ``vanished``."""
    if not with_earlier:
        database.execute(
            "CREATE TABLE fixed (rule VARCHAR, title VARCHAR, severity VARCHAR, host VARCHAR, object VARCHAR)"
        )
        for table in ("appeared", "vanished"):
            database.execute(f"CREATE TABLE {table} (host VARCHAR, type VARCHAR, name VARCHAR)")
        return
    database.execute(
        "UPDATE finding SET status = CASE WHEN fingerprint IN (SELECT fingerprint FROM earlier_finding)"
        " THEN 'unchanged' ELSE 'new' END"
    )
    database.execute(_FIXED)
    database.execute(_MOVED.format(table="appeared", here="object", there="earlier_object"))
    database.execute(_MOVED.format(table="vanished", here="earlier_object", there="object"))


def read_chosen_rules(file: Path) -> list[str]:
    """Return the rules that an earlier run was limited to; an empty list if it evaluated all rules."""
    import duckdb

    with duckdb.connect() as database:
        answer = database.execute("SELECT * FROM read_parquet(?)", [str(file)])
        names = [column[0] for column in answer.description]
        row = answer.fetchone()
    return list(dict(zip(names, row or ())).get("only") or ())


def save_baseline(database: Any, folder: Path) -> None:
    """Write the files for later comparisons."""
    for table, file in KEPT.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        copy(database, table, folder / file)


def copy(database: Any, table: str, path: Path) -> None:
    """Write a table as Parquet."""
    place = str(path).replace("'", "''")
    database.execute(f"COPY {schema.quote_identifier(table)} TO '{place}' (FORMAT parquet)")
