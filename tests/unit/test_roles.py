# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a role says of its variables is the same everywhere: argument_specs.yml, defaults and README."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = sorted(path.parent.parent for path in Path(__file__).resolve().parents[2].glob("roles/*/meta/main.yml"))


def options(role: Path) -> dict[str, Any]:
    """Return the options of a role."""
    spec = yaml.safe_load((role / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    found: dict[str, Any] = spec["argument_specs"]["main"].get("options") or {}
    return found


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_are_those_of_the_argument_specs(role: Path) -> None:
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text(encoding="utf-8")) or {}
    assert defaults == {name: one["default"] for name, one in options(role).items() if "default" in one}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_the_readme_names_every_variable(role: Path) -> None:
    rows = re.findall(r"^\|([^|]*)\|", (role / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    named = set(re.findall(rf"`({role.name}_\w+)`", "".join(rows)))
    assert named == set(options(role))


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_variables_have_the_name_of_their_role(role: Path) -> None:
    assert options(role)
    assert all(name.startswith(f"{role.name}_") for name in options(role))
