# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of snapshots against the documented tables."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_FILES = sorted((Path(__file__).resolve().parents[1] / "plugins/plugin_utils/_audit/tables").glob("*.yml"))
_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "list of text": (list,),
    "list": (list,),
    "object": (dict,),
}


@functools.cache
def _documented() -> dict[str, Any]:
    """Return the tables of snapshots from the files that document them."""
    found = {
        name: table
        for file in _FILES
        for name, table in yaml.safe_load(file.read_text(encoding="utf-8")).items()
        if "part" in table
    }
    assert found, "the folder of the tables holds none"
    return found


@functools.cache
def tables() -> dict[str, dict[str, str]]:
    """Return the columns of each table of snapshots with their types."""
    return {
        name: {column: about["type"] for column, about in table["columns"].items()}
        for name, table in _documented().items()
    }


def _lists(prefix: str, besides: str) -> dict[str, str]:
    parts = {table["part"]: name for name, table in _documented().items() if table["part"].startswith(prefix)}
    return {part.removeprefix(prefix): name for part, name in parts.items() if part != prefix + besides}


LISTS = _lists("namespaces.", "sysctls")
DOCKER_LISTS = _lists("docker.", "engine")


def assert_row(table: str, row: Mapping[str, Any]) -> None:
    """Assert that a row has the columns of its table, each null or of its type."""
    columns = tables()[table]
    assert set(row) == set(columns)
    for name, value in row.items():
        wrong_boolean = isinstance(value, bool) and columns[name] != "boolean"
        assert value is None or (isinstance(value, _TYPES[columns[name]]) and not wrong_boolean), (name, value)
        if columns[name] == "list of text" and isinstance(value, list):
            assert all(isinstance(one, str) for one in value), (name, value)


def assert_document(document: Mapping[str, Any]) -> set[str]:
    """Assert that a snapshot conforms to the tables; return the tables that have rows."""
    used = set()

    def rows(table: str, found: list[Mapping[str, Any]], without: tuple[str, ...] = ()) -> None:
        for row in found:
            assert_row(table, {column: value for column, value in row.items() if column not in without})
            used.add(table)

    for netns in document["namespaces"]:
        rows("netns", [netns], (*LISTS, "sysctls"))
        rows("sysctl", [{"key": key, "value": value} for key, value in netns.get("sysctls", {}).items()])
        for name, table in LISTS.items():
            rows(table, netns.get(name, []))
    rows("host", [document["host"]])
    rows("stray", document["strays"])
    rows("missing", document["missing"])
    docker = document.get("docker", {})
    rows("docker_engine", [docker["engine"]] if docker.get("engine") else [])
    for name, table in DOCKER_LISTS.items():
        rows(table, docker.get(name, []))
    assert set(document) <= {"version", "host", "namespaces", "strays", "docker", "missing", "changed", "invocation"}
    assert set(docker) <= {"engine", *DOCKER_LISTS}
    return used
