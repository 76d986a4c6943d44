# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Expressions of nft rules as libnftables-json(5) prints them: their values for a packet, and comparisons."""

from __future__ import annotations

import fnmatch
import functools
import ipaddress
import operator
from collections.abc import Callable
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Row
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.nft_fields import (
    ABSENT,
    UNKNOWN,
    evaluate_field,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import (
    NUMBERS,
    Answer,
    HookContext,
    PortRange,
    all_of,
    any_of,
    negate,
    port_within,
)

_SYMBOLS: dict[str, dict[str, int]] = {
    "icmp": {"echo-reply": 0, "echo-request": 8},
    "icmpv6": {
        "echo-request": 128,
        "echo-reply": 129,
        "nd-router-solicit": 133,
        "nd-router-advert": 134,
        "nd-neighbor-solicit": 135,
        "nd-neighbor-advert": 136,
    },
    "code": {"net-unreachable": 0, "no-route": 0},
    "dscp": {"cs0": 0, "df": 0, "be": 0},
}


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": operator.lshift,
    ">>": operator.rshift,
}


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


_MASK = 0xFFFFFFFF


class NftRuleset:
    """The sets and maps of the table of a rule."""

    def __init__(self, rule: Row, at: HookContext) -> None:
        self._at = at
        self._place = (rule["family"], rule["table"])

    def get_elements(self, data: Any) -> list[Any] | None:
        """Return the elements of a set or map, inline or by name; None if unknown."""
        if isinstance(data, dict) and "set" in data:
            return list(data["set"])
        if not isinstance(data, str) or not data.startswith("@"):
            return None
        return self._at.space.firewall_sets.get((*self._place, data[1:]))


def match_expression(match: Row, at: HookContext, sets: NftRuleset) -> Answer:
    """Return whether a match applies."""
    value = evaluate(match["left"], at, sets)
    if value in (ABSENT, UNKNOWN):
        return False if value is ABSENT else None
    right, how = match["right"], match["op"]
    context = _get_context(match["left"])
    if how in _ORDER:
        return _compare_order(value, how, right)
    if how == "in" and isinstance(value, frozenset):
        known = context != "status" or set(_list_names(right)) <= {"dnat", "snat"}
        return any_of(one in value for one in _list_names(right)) if known else None
    answer = compare(value, right, context, at, sets) if how in ("==", "in", "!=") else None
    return negate(answer) if how == "!=" else answer


def find_data(mapping: Row, at: HookContext, sets: NftRuleset) -> list[tuple[Answer, Any]] | None:
    """Return the possible values of a map or verdict map, each with whether its key matches; None if it has no key."""
    value = evaluate(mapping["key"], at, sets)
    if value is ABSENT:
        return None
    elements = None if value is UNKNOWN else sets.get_elements(mapping["data"])
    if elements is None:
        return [(None, UNKNOWN)]
    found: list[tuple[Answer, Any]] = []
    default: list[tuple[Answer, Any]] = []
    for element in elements:
        key, data = element if isinstance(element, list) and len(element) == 2 else (None, UNKNOWN)
        if _unwrap(key) == "*":
            default.append((True, data))
            continue
        answer = compare(value, key, _get_context(mapping["key"]), at, sets)
        if answer is not False:
            found.append((answer, data))
        if answer:
            return found
    return found + default


def evaluate(expression: Any, at: HookContext, sets: NftRuleset) -> Any:
    """Return the value of an expression for a packet."""
    if not isinstance(expression, dict) or len(expression) != 1:
        return _evaluate_literal(expression)
    ((kind, what),) = expression.items()
    if kind in _OPERATORS:
        return _evaluate_operation(kind, what, at, sets)
    if kind == "concat":
        return _evaluate_concat(what, at, sets)
    if kind == "map":
        options = find_data(what, at, sets)
        if options is None:
            return ABSENT
        return evaluate(options[0][1], at, sets) if len(options) == 1 and options[0][0] else UNKNOWN
    return evaluate_field(kind, what, at)


def _evaluate_literal(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return ipaddress.ip_address(value)
        except ValueError:
            return value
    if isinstance(value, list):
        return frozenset(value)
    return value if isinstance(value, (int, bool)) else UNKNOWN


def _evaluate_operation(kind: str, operands: Any, at: HookContext, sets: NftRuleset) -> Any:
    values = [evaluate(one, at, sets) for one in operands]
    for marker in (ABSENT, UNKNOWN):
        if marker in values:
            return marker
    if any(isinstance(one, frozenset) for one in values):
        values = [one if isinstance(one, frozenset) else frozenset([one]) for one in values]
        return functools.reduce(_OPERATORS[kind], values) if kind in ("&", "|") else UNKNOWN
    if not all(isinstance(one, int) for one in values):
        return UNKNOWN
    return functools.reduce(_OPERATORS[kind], values) & _MASK


def _evaluate_concat(parts: Any, at: HookContext, sets: NftRuleset) -> Any:
    values = [evaluate(one, at, sets) for one in parts]
    return ABSENT if ABSENT in values else values


def _get_context(left: Any) -> Any:
    """Return which names of constants apply to a value; a list for a concatenation."""
    if not isinstance(left, dict) or len(left) != 1:
        return ""
    ((kind, what),) = left.items()
    if kind == "concat":
        return [_get_context(one) for one in what]
    if kind in _OPERATORS:
        return _get_context(what[0])
    if kind != "payload":
        return "status" if kind == "ct" and what.get("key") == "status" else f"{kind} {what.get('key')}"
    field = what.get("field")
    return what.get("protocol") if field == "type" else str(field)


def _unwrap(element: Any) -> Any:
    return element["elem"]["val"] if isinstance(element, dict) and isinstance(element.get("elem"), dict) else element


def _list_names(right: Any) -> list[Any]:
    return right if isinstance(right, list) else [right]


def compare(value: Any, operand: Any, context: Any, at: HookContext, sets: NftRuleset) -> Answer:
    """Return whether a value equals an operand, is in its range, prefix or set."""
    if value is UNKNOWN:
        return None
    operand = _unwrap(operand)
    if (isinstance(operand, str) and operand.startswith("@")) or (isinstance(operand, dict) and "set" in operand):
        elements = sets.get_elements(operand)
        return None if elements is None else any_of(compare(value, one, context, at, sets) for one in elements)
    if isinstance(value, list):
        return _compare_concat(value, operand, context, at, sets)
    if isinstance(operand, dict) and len(operand) == 1:
        return _compare_expression(value, operand, context, at, sets)
    return _equals(value, operand, context)


def _compare_expression(value: Any, operand: Row, context: Any, at: HookContext, sets: NftRuleset) -> Answer:
    ((kind, what),) = operand.items()
    if kind == "prefix":
        return _is_in_prefix(value, what)
    if kind == "range":
        return _is_in_range(value, what, context)
    other = evaluate(operand, at, sets)
    return None if other in (UNKNOWN, ABSENT) else bool(value == other)


def _compare_concat(value: Any, operand: Any, context: Any, at: HookContext, sets: NftRuleset) -> Answer:
    parts = operand.get("concat") if isinstance(operand, dict) else None
    if parts is None or len(parts) != len(value):
        return None
    names = context if isinstance(context, list) and len(context) == len(value) else [""] * len(value)
    return all_of(compare(*one, at, sets) for one in zip(value, parts, names))


def _equals(value: Any, operand: Any, context: Any) -> Answer:
    if operand == "*":
        return True
    kind = next((kind for kind in _EQUALITY if isinstance(value, kind)), None)
    if kind is None:
        return _equals_address(value, operand)
    return _EQUALITY[kind](value, operand, context)


def _equals_flags(value: frozenset[str], operand: Any, context: Any) -> Answer:
    # The connection has other flags of its status than those that are known.
    names = frozenset(_list_names(operand))
    return None if 0 in names or context == "status" else names == value


def _equals_port(value: PortRange, operand: Any, _context: Any) -> Answer:
    return port_within(value, operand, operand) if isinstance(operand, int) else None


def _equals_text(value: str, operand: Any, context: Any) -> Answer:
    text = NUMBERS.get(str(operand), str(operand))
    if context in ("meta iifname", "meta oifname") and text.endswith("*"):
        return value.startswith(text[:-1])
    return value == text


def _equals_address(value: Any, operand: Any) -> Answer:
    try:
        return bool(value == ipaddress.ip_address(str(operand)))
    except ValueError:
        return value in ipaddress.ip_network(operand, strict=False) if "/" in str(operand) else None


def _equals_number(value: int, operand: Any, context: Any) -> Answer:
    if isinstance(operand, int):
        return bool(value) == bool(operand) if isinstance(operand, bool) else value == operand
    names = _SYMBOLS.get(str(context))
    if names is None:
        return value == int(operand, 0) if isinstance(operand, str) and operand[:1].isdigit() else None
    return isinstance(operand, str) and names.get(operand) == value


_EQUALITY: dict[type, Callable[[Any, Any, Any], Answer]] = {
    frozenset: _equals_flags,
    PortRange: _equals_port,
    int: _equals_number,
    str: _equals_text,
}


def _is_in_prefix(value: Any, prefix: Row) -> Answer:
    if isinstance(value, (ipaddress.IPv4Address, ipaddress.IPv6Address)):
        network = ipaddress.ip_network(f"{prefix['addr']}/{prefix['len']}", strict=False)
        return value.version == network.version and value in network
    return None


def _is_in_range(value: Any, ends: Any, context: Any) -> Answer:
    low, high = (_evaluate_literal(one) for one in ends)
    if isinstance(value, PortRange) and isinstance(low, int) and isinstance(high, int):
        return port_within(value, low, high)
    if isinstance(value, str) and fnmatch.fnmatchcase(context, "meta ?if*"):
        return None
    try:
        return bool(low <= value <= high)
    except TypeError:
        return None


def _compare_order(value: Any, how: str, right: Any) -> Answer:
    if isinstance(value, PortRange) and isinstance(right, int):
        answers = {_ORDER[how](one, right) for one in (value.low, value.high)}
        return answers.pop() if len(answers) == 1 else None
    right = _evaluate_literal(right)
    try:
        return _ORDER[how](value, right)
    except TypeError:
        return None
