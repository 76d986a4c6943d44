# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argument specifications of action plugins and of roles.

A role's variable may be a text that means something else, as every ``-e name=value`` is: ``false`` is true then, and a
sum of two numbers is none. So an action converts the variables of its role by the role's own argument specification,
with the code by which Ansible converts a module's parameters, before anything uses them.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter

_ROLES = Path(__file__).resolve().parents[3] / "roles"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@functools.cache
def build_role_spec(role: str) -> dict[str, Any]:
    """Return the argument specification of a role's variables; see meta/argument_specs.yml of the role."""
    text = (_ROLES / role / "meta/argument_specs.yml").read_text(encoding="utf-8")
    specs = yaml.load(text, Loader=_LOADER)
    found = _convert_options(specs["argument_specs"]["main"].get("options", {}))
    for option in found.values():
        # A default that is a template is none before it is evaluated, and the role's defaults do that.
        if isinstance(option.get("default"), str) and "{{" in option["default"]:
            del option["default"]
    return found


def convert_role_variables(role: str, values: Mapping[str, Any], only: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return variables of a role, each of the type that its specification says; those that are not given, by default.

    ``values`` may have other variables too. With ``only``, the variables of these names are returned. BadParameter
    names the variable, what is wrong and what would be right.
    """
    spec_of_role = {name: option for name, option in build_role_spec(role).items() if not only or name in only}
    given = {name: values[name] for name in spec_of_role if name in values}
    result = ArgumentSpecValidator(spec_of_role).validate(given)
    if result.error_messages:
        raise BadParameter(f"role {role}", "; ".join(map(str, result.error_messages)))
    converted: dict[str, Any] = result.validated_parameters
    return converted


def build_argument_spec(module: ModuleType) -> dict[str, Any]:
    """Return the argument specification from the documentation of a module."""
    return _convert_options(yaml.load(module.DOCUMENTATION, Loader=_LOADER)["options"])


def _convert_options(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _convert_option(option) for name, option in options.items()}


def _convert_option(option: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: option[name] for name in ("type", "elements", "required", "default", "choices") if name in option}
    if "suboptions" in option:
        found["options"] = _convert_options(option["suboptions"])
        if option["type"] == "dict":
            found["apply_defaults"] = True
            found.pop("default", None)
    if "options" in option:
        found["options"] = _convert_options(option["options"])
    return found
