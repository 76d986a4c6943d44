# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of a fleet: columns, types and descriptions from the YAML files of this folder, as SQL."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_load

# Documented types and their SQL types. A list has objects of any form and is JSON, like an object.
SQL_TYPES: Mapping[str, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "list of text": "VARCHAR[]",
    "list": "JSON",
    "object": "JSON",
}
_FILES = ("host", "firewall", "docker", "audit")


@dataclasses.dataclass(frozen=True)
class Column:
    """A column: its documented type and its description."""

    type: str
    description: str


@dataclasses.dataclass(frozen=True)
class Table:
    """A table: what its rows are, where a snapshot has them (None: nowhere), and a query that shows its use."""

    description: str
    part: str | None
    example: str
    columns: Mapping[str, Column]


def _read_tables() -> dict[str, Table]:
    tables: dict[str, Any] = {}
    for name in _FILES:
        tables |= yaml_load(Path(__file__).with_name(f"{name}.yml").read_text(encoding="utf-8"))
    return {
        name: Table(
            table["description"],
            table.get("part"),
            table["example"],
            {column: Column(**about) for column, about in table["columns"].items()},
        )
        for name, table in tables.items()
    }


TABLES: Mapping[str, Table] = _read_tables()


def _parts_below(prefix: str) -> dict[str, str]:
    parts = {table.part: name for name, table in TABLES.items() if table.part and table.part.startswith(prefix)}
    return {part.removeprefix(prefix): name for part, name in parts.items()}


# The lists of a namespace and of Docker Engine in a snapshot, with their tables.
_NAMESPACE_PARTS: Mapping[str, str] = _parts_below("namespaces.")
NAMESPACE_LISTS: Mapping[str, str] = {part: name for part, name in _NAMESPACE_PARTS.items() if part != "sysctls"}
DOCKER_LISTS: Mapping[str, str] = {part: name for part, name in _parts_below("docker.").items() if part != "engine"}


def columns(table: str) -> dict[str, str]:
    """Return the columns of a table, without those that identify the host and the namespace, with their SQL types."""
    return {name: SQL_TYPES[column.type] for name, column in TABLES[table].columns.items()}


def identifying_columns(table: str) -> list[str]:
    """Return the columns that a table of snapshots has before its own: the host, and the namespace."""
    if TABLES[table].part is None:
        return []
    return ["host", "netns"] if table in _NAMESPACE_PARTS.values() else ["host"]


def table_names() -> list[str]:
    """Return the names of all tables."""
    return list(TABLES)


def snapshot_tables() -> list[str]:
    """Return the names of the tables that snapshots fill."""
    return [name for name, table in TABLES.items() if table.part is not None]


def policy_tables() -> list[str]:
    """Return the names of the tables that the policy of the user fills."""
    return [name for name in TABLES if name.startswith("policy_")]


def collected_tables() -> list[str]:
    """Return the names of the tables that have rows only if their data was collected."""
    return [name for name in TABLES if name not in policy_tables()]


def create_statements() -> Iterator[str]:
    """Yield the statements that create all tables."""
    for table in TABLES:
        fields = {**dict.fromkeys(identifying_columns(table), "VARCHAR"), **columns(table)}
        yield f"CREATE TABLE {quote_identifier(table)} ({_fields(fields)})"


def snapshot_types() -> dict[str, str]:
    """Return the SQL type of each part of a snapshot that is loaded."""
    lists = {part: _list_type(columns(table)) for part, table in NAMESPACE_LISTS.items()}
    docker = {part: _list_type(columns(table)) for part, table in DOCKER_LISTS.items()}
    return {
        "version": "BIGINT",
        "host": _struct_type(columns("host")),
        "namespaces": _list_type({**columns("netns"), "sysctls": "MAP(VARCHAR, VARCHAR)", **lists}),
        "strays": _list_type(columns("stray")),
        "docker": _struct_type({"engine": _struct_type(columns("docker_engine")), **docker}),
        "missing": _list_type(columns("missing")),
    }


def snapshot_parts(tables: Iterable[str]) -> list[str]:
    """Return the parts of a snapshot that the tables are filled from, by their names in the table ``missing``."""
    wanted = set(tables)
    found = {part for part, table in {**_NAMESPACE_PARTS, **DOCKER_LISTS}.items() if table in wanted}
    found |= {part for part in ("firewall", "xfrm") if any(table.startswith(f"{part}_") for table in wanted)}
    found |= {"engine"} if "docker_engine" in wanted else set()
    found |= {"docker"} if wanted & {"docker_engine", *DOCKER_LISTS.values()} else set()
    found |= {"namespaces"} if wanted & {"netns", *_NAMESPACE_PARTS.values()} else set()
    return sorted(found | ({"probe"} & wanted))


def quote_identifier(name: str) -> str:
    """Return a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _fields(types: Mapping[str, str]) -> str:
    return ", ".join(f"{quote_identifier(name)} {kind}" for name, kind in types.items())


def _struct_type(types: Mapping[str, str]) -> str:
    return f"STRUCT({_fields(types)})"


def _list_type(types: Mapping[str, str]) -> str:
    return _struct_type(types) + "[]"
