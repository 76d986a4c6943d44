# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The syntax tree of a query, as DuckDB serializes it: comparisons that are never true, and required tables."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables import schema

Node = Any
_ARROWS = ("->", "->>")
_JSON = {
    name for table in schema.list_table_names() for name, kind in schema.get_columns(table).items() if kind == "JSON"
} - {name for table in schema.list_table_names() for name, kind in schema.get_columns(table).items() if kind != "JSON"}


def parse_query(database: Any, query: str) -> Node:
    """Return the syntax tree of a query; an empty one if DuckDB cannot serialize it."""
    text = database.execute("SELECT json_serialize_sql(?)", [query]).fetchone()[0]
    tree = json.loads(text)
    return {} if tree.get("error") else tree


def find_type_error(tree: Node) -> str | None:
    """Return why a query compares values that are never equal, or None.

    Such a query returns no rows and no error, so that a rule would seem to be passed.
    """
    for node in _walk(tree):
        if node.get("function_name") in _ARROWS and any(
            one.get("class") in ("COMPARISON", "CONJUNCTION") for one in _list_arguments(node)
        ):
            return f"{node['function_name']} applies to the whole comparison at its right; put it in parentheses"
        if node.get("type") in ("COMPARE_EQUAL", "COMPARE_NOTEQUAL", "COMPARE_IN"):
            sides = _list_arguments(node)
            texts = [text for one in sides if (text := _get_text(one)) is not None and not _is_json(text)]
            compared = next((name for one in sides if (name := _name_json(one))), None)
            if compared and texts:
                return (
                    f"{compared} is JSON and never equals the text {texts[0]!r}; use ->> to get text from JSON, as in"
                    " (options->>'parent')"
                )
    return None


def find_required_tables(tree: Node) -> set[str]:
    """Return the tables without whose rows the query has no rows."""
    statements = tree.get("statements") or [{}]
    return _find_required(statements[0].get("node") or {}, {})


def _walk(node: Node) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


def _list_arguments(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the operands; versions of DuckDB name them differently."""
    found = [node[name] for name in ("left", "right") if isinstance(node.get(name), dict)]
    for name in ("children", "arguments"):
        found += [one.get("expression", one) for one in node.get(name) or [] if isinstance(one, dict)]
    return found


def _get_text(node: Mapping[str, Any]) -> str | None:
    if node.get("class") != "CONSTANT":
        return None
    literal = node.get("literal") or {}
    if literal.get("kind") == "STRING":
        return str(literal.get("text"))
    value = node.get("value") or {}
    is_text = (value.get("type") or {}).get("id") == "VARCHAR"
    return str(value.get("value")) if is_text and not value.get("is_null") else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _name_json(node: Mapping[str, Any]) -> str | None:
    """Return a description of an expression whose value is JSON, or None."""
    if node.get("function_name") == "->":
        return "the result of ->"
    names = node.get("column_names") or []
    return f"column {names[-1]}" if names and names[-1] in _JSON else None


def _find_required(node: Mapping[str, Any], outer: Mapping[str, set[str]]) -> set[str]:
    known = dict(outer)
    for entry in (node.get("cte_map") or {}).get("map") or []:
        value = entry["value"]
        query = value.get("query_node") or (value.get("query") or {}).get("node") or {}
        known[entry["key"]] = _find_required(query, known)
    if node.get("type") == "SET_OPERATION_NODE":
        parts = node.get("children") or [node.get("left") or {}, node.get("right") or {}]
        found = [_find_required(one, known) for one in parts]
        return set.intersection(*found) if node.get("setop_type") == "UNION" else found[0]
    return _find_from(node.get("from_table") or {}, known) | _find_where(node.get("where_clause") or {}, known)


def _find_from(table: Mapping[str, Any], known: Mapping[str, set[str]]) -> set[str]:
    kind = table.get("type")
    if kind == "BASE_TABLE":
        name = str(table.get("table_name"))
        return known.get(name, {name})
    if kind == "SUBQUERY":
        return _find_required((table.get("subquery") or {}).get("node") or {}, known)
    if kind == "JOIN":
        found = _find_from(table.get("left") or {}, known)
        if table.get("join_type") in ("INNER", "SEMI"):
            found = found | _find_from(table.get("right") or {}, known)
        return found
    return set()


def _find_where(condition: Mapping[str, Any], known: Mapping[str, set[str]]) -> set[str]:
    if condition.get("type") == "CONJUNCTION_AND":
        parts: Collection[Mapping[str, Any]] = condition.get("children") or []
        return {name for one in parts for name in _find_where(one, known)}
    if condition.get("class") == "SUBQUERY" and condition.get("subquery_type") == "EXISTS":
        return _find_required((condition.get("subquery") or {}).get("node") or {}, known)
    return set()
