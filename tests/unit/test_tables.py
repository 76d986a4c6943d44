# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the tables: complete, and with example queries that DuckDB runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine import sql_macros
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables import schema


@pytest.fixture(scope="module")
def database() -> Iterator[Any]:
    """Return a database with all tables and no rows."""
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        for statement in schema.build_create_statements():
            connection.execute(statement)
        sql_macros.define_macros(connection)
        yield connection


@pytest.mark.parametrize("name", schema.list_table_names())
def test_table_and_columns_are_described(name: str) -> None:
    table = schema.TABLES[name]
    assert table.description.endswith(".")
    assert [column for column, about in table.columns.items() if not about.description.endswith(".")] == []
    assert {about.type for about in table.columns.values()} <= set(schema.SQL_TYPES)


@pytest.mark.parametrize("name", schema.list_table_names())
def test_example_query_runs_on_its_table(name: str, database: Any) -> None:
    query = schema.TABLES[name].example
    assert name in database.get_table_names(query)
    assert database.execute(query).fetchall() == []
