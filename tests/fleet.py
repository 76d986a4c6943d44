# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Simulated fleet of any size in DuckDB, for diagrams."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables import schema

HOST = "4026531840"
OVERLAY = "4026532000"

_SQL = Path(__file__).with_suffix(".sql")


def empty() -> Any:
    """Return an open database with empty tables."""
    database = duckdb.connect()
    for statement in schema.build_create_statements():
        database.execute(statement)
    return database


def made(hosts: int, containers: int) -> Any:
    """Return a database with a healthy fleet."""
    database = empty()
    values = {"hosts": str(hosts), "containers": str(containers), "HOST": f"'{HOST}'", "OVERLAY": f"'{OVERLAY}'"}
    database.execute(re.sub(r"\$(\w+)", lambda found: values[found.group(1)], _SQL.read_text(encoding="utf-8")))
    return database


def insert(database: Any, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows with null for all values that are not given."""
    for row in rows:
        names = ", ".join(f'"{name}"' for name in row)
        database.execute(f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * len(row))})', list(row.values()))
