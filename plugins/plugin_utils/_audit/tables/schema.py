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
_FILES = ("host", "firewall", "docker", "audit", "derived")


@dataclasses.dataclass(frozen=True)
class Column:
    """A column: its documented type and its description."""

    type: str
    description: str


@dataclasses.dataclass(frozen=True)
class TableSchema:
    """A table: description of its rows, their part of a snapshot (None if in no snapshot), and an example query.

    A derived table has the tables that it is derived from as ``sources``.
    """

    description: str
    part: str | None
    example: str
    columns: Mapping[str, Column]
    sources: tuple[str, ...] = ()


def _read_tables() -> dict[str, TableSchema]:
    tables: dict[str, Any] = {}
    for name in _FILES:
        tables |= yaml_load(Path(__file__).with_name(f"{name}.yml").read_text(encoding="utf-8"))
    return {
        name: TableSchema(
            table["description"],
            table.get("part"),
            table["example"],
            {column: Column(**about) for column, about in table["columns"].items()},
            tuple(table.get("sources", ())),
        )
        for name, table in tables.items()
    }


TABLES: Mapping[str, TableSchema] = _read_tables()


def _find_parts(prefix: str) -> dict[str, str]:
    parts = {table.part: name for name, table in TABLES.items() if table.part and table.part.startswith(prefix)}
    return {part.removeprefix(prefix): name for part, name in parts.items()}


# The lists of a namespace and of Docker Engine in a snapshot, with their tables.
_NAMESPACE_PARTS: Mapping[str, str] = _find_parts("namespaces.")
NAMESPACE_LISTS: Mapping[str, str] = {part: name for part, name in _NAMESPACE_PARTS.items() if part != "sysctls"}
DOCKER_LISTS: Mapping[str, str] = {part: name for part, name in _find_parts("docker.").items() if part != "engine"}


def get_columns(table: str) -> dict[str, str]:
    """Return the columns of a table, without those that identify the host and the namespace, with their SQL types."""
    return {name: SQL_TYPES[column.type] for name, column in TABLES[table].columns.items()}


def get_identifying_columns(table: str) -> list[str]:
    """Return the columns that a table of snapshots has before its own: the host, and the namespace."""
    if TABLES[table].part is None:
        return []
    return ["host", "netns"] if table in _NAMESPACE_PARTS.values() else ["host"]


def list_table_names() -> list[str]:
    """Return the names of all tables."""
    return list(TABLES)


def list_snapshot_tables() -> list[str]:
    """Return the names of the tables that snapshots fill."""
    return [name for name, table in TABLES.items() if table.part is not None]


def list_derived_tables() -> list[str]:
    """Return the names of the tables that are derived from those of snapshots."""
    return [name for name, table in TABLES.items() if table.sources]


def list_policy_tables() -> list[str]:
    """Return the names of the tables that the policy of the user fills."""
    return [name for name in TABLES if name.startswith("policy_")]


def list_collected_tables() -> list[str]:
    """Return the names of the tables that have rows only if their data was collected."""
    return [name for name in TABLES if name not in list_policy_tables()]


def build_create_statements() -> Iterator[str]:
    """Yield the statements that create all tables."""
    for table in TABLES:
        fields = {**dict.fromkeys(get_identifying_columns(table), "VARCHAR"), **get_columns(table)}
        yield f"CREATE TABLE {quote_identifier(table)} ({_build_fields(fields)})"


def build_snapshot_types() -> dict[str, str]:
    """Return the SQL type of each part of a snapshot that is loaded."""
    lists = {part: _build_list_type(get_columns(table)) for part, table in NAMESPACE_LISTS.items()}
    docker = {part: _build_list_type(get_columns(table)) for part, table in DOCKER_LISTS.items()}
    return {
        "version": "BIGINT",
        "host": _build_struct_type(get_columns("host")),
        "namespaces": _build_list_type({**get_columns("netns"), "sysctls": "MAP(VARCHAR, VARCHAR)", **lists}),
        "strays": _build_list_type(get_columns("stray")),
        "docker": _build_struct_type({"engine": _build_struct_type(get_columns("docker_engine")), **docker}),
        "missing": _build_list_type(get_columns("missing")),
    }


def list_snapshot_parts(tables: Iterable[str]) -> list[str]:
    """Return the parts of a snapshot that the tables are filled from, by their names in the table ``missing``."""
    wanted = set(tables)
    wanted |= {source for name in wanted if name in TABLES for source in TABLES[name].sources}
    found = {part for part, table in {**_NAMESPACE_PARTS, **DOCKER_LISTS}.items() if table in wanted}
    found |= {part for part in ("firewall", "xfrm") if any(table.startswith(f"{part}_") for table in wanted)}
    found |= {"engine"} if "docker_engine" in wanted else set()
    found |= {"docker"} if wanted & {"docker_engine", *DOCKER_LISTS.values()} else set()
    found |= {"namespaces"} if wanted & {"netns", *_NAMESPACE_PARTS.values()} else set()
    return sorted(found | ({"probe"} & wanted))


def quote_identifier(name: str) -> str:
    """Return a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _build_fields(types: Mapping[str, str]) -> str:
    return ", ".join(f"{quote_identifier(name)} {kind}" for name, kind in types.items())


def _build_struct_type(types: Mapping[str, str]) -> str:
    return f"STRUCT({_build_fields(types)})"


def _build_list_type(types: Mapping[str, str]) -> str:
    return _build_struct_type(types) + "[]"
