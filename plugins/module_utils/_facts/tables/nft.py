# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse the output of ``nft -j list …`` (libnftables-json(5)) to rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8

Row = dict[str, Any]

# Statements that are the target of a rule. nft accepts no statement after a verdict.
_TARGETS = frozenset(
    (
        *("accept", "continue", "dnat", "drop", "dup", "fwd", "goto", "jump", "log", "mangle", "masquerade", "notrack"),
        *("queue", "redirect", "reject", "return", "snat", "synproxy", "tproxy", "vmap"),
    )
)


class ParsedListing(NamedTuple):
    """Listed tables; rules and set elements are truncated at the limits."""

    chains: list[Row]
    rules: list[Row]
    sets: list[Row]
    complete: bool


def parse_listing(document: Any, tables: frozenset[tuple[str, str]], most: int) -> ParsedListing:
    """Return the tables of a document by family and name, up to a number of chains, rules and elements."""
    found = ParsedListing([], [], [], True)
    positions: dict[tuple[str, ...], int] = {}
    left = most
    complete = True
    for kind, one in _iterate_objects(document):
        if (one.get("family"), one.get("table")) not in tables:
            continue
        if kind == "chain" and len(found.chains) < most:
            found.chains.append(build_chain(one))
        elif kind == "rule" and len(found.rules) < most:
            place = (str(one["family"]), str(one["table"]), str(one.get("chain")))
            positions[place] = positions.get(place, 0) + 1
            found.rules.append(build_rule(one, positions[place]))
        elif kind in ("set", "map") and len(found.sets) < most:
            found.sets.append(build_set(kind, one, left))
            complete = complete and len(_get_list(one.get("elem"))) <= left
            left -= len(found.sets[-1]["elements"])
        elif kind in ("chain", "rule", "set", "map"):
            complete = False
    return found._replace(complete=complete)


def build_chain(one: Mapping[str, Any]) -> Row:
    """Return the row of a chain."""
    one = escape_all(one)
    priority = one.get("prio")
    return {
        "backend": "nft",
        "family": one["family"],
        "table": one["table"],
        "chain": one.get("name"),
        "type": one.get("type"),
        "hook": one.get("hook"),
        "priority": priority if isinstance(priority, int) else None,
        "policy": one.get("policy"),
        "packets": None,
        "bytes": None,
    }


def build_rule(one: Mapping[str, Any], position: int) -> Row:
    """Return the row of a rule: its first counter and its target, the last statement, separate from the rest."""
    one = escape_all(one)
    expressions = [each for each in _get_list(one.get("expr")) if isinstance(each, dict) and each]
    text = json.dumps(expressions, ensure_ascii=False, separators=(",", ":"))
    counter = next((each for each in expressions if isinstance(each.get("counter"), dict)), None)
    rest = [each for each in expressions if each is not counter]
    target, target_chain, options = _parse_target(rest[-1]) if rest else (None, None, {})
    return {
        "backend": "nft",
        "family": one["family"],
        "table": one["table"],
        "chain": one.get("chain"),
        "position": position,
        "handle": one.get("handle"),
        "packets": counter["counter"].get("packets") if counter else None,
        "bytes": counter["counter"].get("bytes") if counter else None,
        "target": target,
        "target_chain": target_chain,
        "match": rest[:-1] if target else rest,
        "target_options": options,
        "comment": one.get("comment"),
        "text": text,
    }


def build_set(kind: str, one: Mapping[str, Any], most: int) -> Row:
    """Return the row of a set or map, with up to a number of elements."""
    elements = _get_list(one.get("elem"))[:most]
    one = escape_all({**one, "elem": elements})
    types = [_format_type(one.get("type")), *([_format_type(one["map"])] if "map" in one else [])]
    return {
        "family": one["family"],
        "table": one["table"],
        "name": one.get("name"),
        "kind": kind,
        "type": " : ".join(types),
        "elements": one["elem"],
    }


def escape_all(value: Any) -> Any:
    """Return JSON with all text escaped."""
    if isinstance(value, str):
        return escape_invalid_utf8(value)
    if isinstance(value, list):
        return [escape_all(each) for each in value]
    if isinstance(value, dict):
        return {escape_invalid_utf8(str(key)): escape_all(each) for key, each in value.items()}
    return value


def _parse_target(expression: Row) -> tuple[str | None, str | None, Row]:
    """Return target, chain and options of a statement; no target for other kinds of expressions."""
    name, value = next(iter(expression.items()))
    if name == "xt" and isinstance(value, dict) and value.get("type") == "target":
        return str(value.get("name")).lower(), None, {}  # a statement of iptables that nft cannot display
    if name not in _TARGETS:
        return None, None, {}
    options = value if isinstance(value, dict) else {} if value is None else {"": value}
    if name in ("jump", "goto"):
        return name, options.get("target"), {}
    return name, None, options


def _format_type(value: Any) -> str:
    if isinstance(value, list):
        return " . ".join(_format_type(each) for each in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _iterate_objects(document: Any) -> Iterator[tuple[str, Row]]:
    for entry in _get_list(document.get("nftables") if isinstance(document, dict) else None):
        if isinstance(entry, dict):
            for kind, one in entry.items():
                if isinstance(one, dict):
                    yield kind, one


def _get_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
