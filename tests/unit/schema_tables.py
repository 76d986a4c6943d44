# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of docs/schema.md, and whether a row is one of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SCHEMA = Path(__file__).resolve().parents[2] / "docs/schema.md"
_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "object": (dict,),
}


def tables() -> dict[str, dict[str, str]]:
    """Return the columns of each table with their types, in the order of the document."""
    found: dict[str, dict[str, str]] = {}
    for section in _SCHEMA.read_text(encoding="utf-8").split("\n## ")[1:]:
        name, _newline, body = section.partition("\n")
        found[name] = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", body, re.MULTILINE))
    return {name: columns for name, columns in found.items() if columns}


def assert_row(table: str, row: Mapping[str, Any]) -> None:
    """Hold a row against its table: the same columns, each null or of its type."""
    columns = tables()[table]
    assert set(row) == set(columns)
    for name, value in row.items():
        wrong_boolean = isinstance(value, bool) and columns[name] != "boolean"
        assert value is None or (isinstance(value, _TYPES[columns[name]]) and not wrong_boolean), (name, value)
