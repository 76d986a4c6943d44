# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each role variable given as text, as from an INI inventory, ``-e name=value`` or a survey."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.argument_spec import (
    build_role_spec,
    convert_role_variables,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.needs import ROLES

# Typed values and their texts, by type. Numbers and Booleans of JSON are typed already.
SAMPLES: dict[str, list[tuple[Any, tuple[str, ...]]]] = {
    "bool": [(False, ("false", "False", "no", "off", "0")), (True, ("true", "True", "yes", "on", "1"))],
    "int": [(7, ("7", " 7 ")), (0, ("0",))],
    "float": [(2.5, ("2.5",)), (3.0, ("3",))],
    "str": [("text", ("text",)), ("7", ("7",)), ("false", ("false",))],
    "path": [("/tmp/x", ("/tmp/x",))],
}


def build_samples(option: dict[str, Any]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield typed values of an option, and other forms that have the same effect or are rejected."""
    kind = option["type"]
    if "choices" in option and kind == "str":
        yield from ((value, (str(value),)) for value in option["choices"])
    elif kind in SAMPLES:
        yield from SAMPLES[kind]
    elif kind == "list" and option.get("elements") == "str":
        yield ["a", "b"], ("a,b", "a, b", '["a", "b"]', "['a', 'b']")
        yield ["one"], ("one",)
    elif kind == "list":
        inner = build_dictionary(option) if option.get("elements") == "dict" else {"name": "x"}
        yield [inner], (json.dumps([inner]), str([inner]), json.dumps(inner))
    elif kind == "dict":
        inner = build_dictionary(option)
        yield inner, (json.dumps(inner), str(inner))


def build_dictionary(option: dict[str, Any]) -> dict[str, Any]:
    """Return a valid dictionary: the required suboptions, or any key."""
    options = option.get("options", {})
    needed = {name: one for name, one in options.items() if one.get("required")}
    return {name: next(build_samples(one))[0] for name, one in needed.items()} or ({} if options else {"key": "value"})


def convert(role: str, name: str, value: Any) -> tuple[Any, str]:
    """Return the converted variable, or the error."""
    try:
        return convert_role_variables(role, {name: value})[name], ""
    except BadParameter as error:
        return None, str(error)


CASES = [(role, name, option) for role in ROLES for name, option in build_role_spec(role).items()]


@pytest.mark.parametrize(("role", "name", "option"), CASES, ids=[name for _role, name, _option in CASES])
def test_text_has_the_effect_of_the_typed_value_or_is_rejected(role: str, name: str, option: dict[str, Any]) -> None:
    checked = 0
    for typed, texts in build_samples(option):
        wanted = convert_role_variables(role, {name: typed})[name]
        for text in texts:
            checked += 1
            found, error = convert(role, name, text)
            assert name in error if error else found == wanted, f"{name}={text!r}: {error}"
    assert checked or option["type"] == "raw"


def list_suboptions(
    option: dict[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield the suboptions at any depth with their path."""
    for name, inner in option.get("options", {}).items():
        yield (*path, name), inner
        yield from list_suboptions(inner, (*path, name))


def build_value(option: dict[str, Any], path: tuple[str, ...], leaf: Any) -> Any:
    """Return a value of an option that contains ``leaf`` at a path."""
    if not path:
        return leaf
    inner = {**build_dictionary(option), path[0]: build_value(option["options"][path[0]], path[1:], leaf)}
    return [inner] if option["type"] == "list" else inner


NESTED = [(role, name, option, path, inner) for role, name, option in CASES for path, inner in list_suboptions(option)]


@pytest.mark.parametrize(
    ("role", "name", "option", "path", "inner"),
    NESTED,
    ids=[".".join((name, *path)) for _role, name, _option, path, _inner in NESTED],
)
def test_text_in_a_list_has_the_effect_of_the_typed_value_or_is_rejected(
    role: str, name: str, option: dict[str, Any], path: tuple[str, ...], inner: dict[str, Any]
) -> None:
    for typed, texts in build_samples(inner):
        wanted = convert_role_variables(role, {name: build_value(option, path, typed)})[name]
        for text in texts:
            found, error = convert(role, name, build_value(option, path, text))
            where = f"{name}: {'.'.join(path)}={text!r}: {error}"
            assert {name, path[-1]} <= set(re.findall(r"\w+", error)) if error else found == wanted, where
