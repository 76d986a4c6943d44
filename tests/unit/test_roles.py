# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of a role agree in its argument specification, its defaults and its README."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.argument_spec import ENTRY_POINT

ROLES = sorted(path for path in (Path(__file__).resolve().parents[2] / "roles").iterdir() if path.is_dir())


def loaded(path: Path) -> Any:
    """Return the contents of a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def options(role: Path) -> dict[str, Any]:
    """Return the variables of a role from its argument specification."""
    return dict(loaded(role / "meta/argument_specs.yml")["argument_specs"][ENTRY_POINT].get("options", {}))


def kept_for_itself(role: Path) -> set[str]:
    """Return the internal variables in the vars of a role."""
    path = role / "vars/main.yml"
    return set(loaded(path)) if path.exists() else set()


def documented(role: Path) -> set[str]:
    """Return the variables in the first column of the README's tables."""
    text = (role / "README.md").read_text(encoding="utf-8")
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell) if name.startswith(f"{role.name}_")}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_match_the_argument_specification(role: Path) -> None:
    path = role / "defaults/main.yml"
    defaults = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert ((loaded(path) or {}) if path.exists() else {}) == defaults


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_readme_lists_exactly_the_variables(role: Path) -> None:
    assert documented(role) == set(options(role))


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_variable_has_the_role_prefix_and_a_description(role: Path) -> None:
    for name, option in options(role).items():
        assert name.startswith(f"{role.name}_")
        assert option["description"]
        assert option["type"]
    assert not kept_for_itself(role) & set(options(role))


def undescribed(name: str, option: dict[str, Any]) -> list[str]:
    """Return the suboptions, at any depth, that lack a type or a description."""
    found = []
    for key, inner in option.get("options", {}).items():
        if not {"type", "description"} <= set(inner):
            found.append(f"{name}.{key}")
        found += undescribed(f"{name}.{key}", inner)
    return found


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_suboption_is_described(role: Path) -> None:
    assert [lack for name, option in options(role).items() for lack in undescribed(name, option)] == []


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_variables_of_the_command_line_are_converted(role: Path) -> None:
    """``-e name=value`` is text, which conditions and sums reject, so a role converts it."""
    casts = {"bool": "bool", "int": "(?:int|float)", "float": "(?:int|float)"}
    deciding = re.compile(r"\b(?:when|that|until|failed_when): |\b(?:and|or|not) | (?:==|[<>]=?|\+) ")
    # Quoted text is part of a message.
    lines = [
        re.sub(r"'[^']*'", "''", line)
        for path in sorted((role / "tasks").glob("*.yml"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if not re.match(r" *(?:#|- name:|fail_msg:)", line)
    ]
    for name, option in options(role).items():
        if cast := casts.get(option["type"]):
            bare = re.compile(rf"(?<![.\w]){name}\b(?! \| {cast}\b)")
            assert [line for line in lines if bare.search(line) and deciding.search(line)] == []
