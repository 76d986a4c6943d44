# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argument specifications of action plugins and of roles.

The value of a role variable can be a string, such as that of ``-e name=value``. The string ``false`` would be true, and
numbers could not be added. Actions therefore convert the variables of their role to the types in its argument
specification before they use them, with the code that Ansible uses for the parameters of modules.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.suggestions import explain_argument_error, suggest

_ROLES = Path(__file__).resolve().parents[3] / "roles"
# The name of the specification in the file. Ansible validates a specification with the name "main" by itself, and its
# error contains the whole specification. The first task of each role validates the variables instead.
ENTRY_POINT = "variables"
# Similarity of two names from 0 to 1: one or two wrong letters.
_SIMILAR = 0.87
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def list_roles() -> list[str]:
    """Return the names of the roles."""
    return sorted(path.name for path in _ROLES.iterdir() if path.is_dir())


@functools.cache
def build_role_spec(role: str) -> dict[str, Any]:
    """Return the argument specification of a role's variables; see meta/argument_specs.yml of the role."""
    text = (_ROLES / role / "meta/argument_specs.yml").read_text(encoding="utf-8")
    specs = yaml.load(text, Loader=_LOADER)
    found = _convert_options(specs["argument_specs"][ENTRY_POINT].get("options", {}))
    for option in found.values():
        # The value of a template is not known here. The defaults of the role contain the same template.
        if isinstance(option.get("default"), str) and "{{" in option["default"]:
            del option["default"]
    return found


def convert_role_variables(role: str, values: Mapping[str, Any], only: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the variables of a role, converted to their types; variables that are not given have their defaults.

    ``values`` can contain other variables. With ``only``, only the variables with these names are returned. Raise
    BadParameter for a value that cannot be converted.
    """
    spec_of_role = {name: option for name, option in build_role_spec(role).items() if not only or name in only}
    given = {name: _parse_text(option, values[name]) for name, option in spec_of_role.items() if name in values}
    result = ArgumentSpecValidator(spec_of_role).validate(given)
    if result.error_messages:
        raise BadParameter(f"role {role}", "; ".join(map(explain_argument_error, result.error_messages)))
    converted: dict[str, Any] = result.validated_parameters
    return converted


def _parse_text(option: Mapping[str, Any], value: Any) -> Any:
    """Return a list or dictionary that is given as text in YAML or JSON; other values are unchanged.

    Ansible splits such a list at its commas, and keeps spaces after commas.
    """
    kind = option["type"]
    if value is None or kind not in ("list", "dict"):
        return value
    if isinstance(value, str):
        text = value.strip()
        if text.startswith(("[", "{")):
            try:
                value = yaml.load(text, Loader=_LOADER)
            except yaml.YAMLError:
                return value
        elif kind == "list":
            value = [part.strip() for part in text.split(",")] if text else []
    inner = option.get("options", {})
    if isinstance(value, list):
        return [_parse_texts(inner, one) for one in value]
    return [_parse_texts(inner, value)] if kind == "list" else _parse_texts(inner, value)


def _parse_texts(options: Mapping[str, Any], value: Any) -> Any:
    """Return a dictionary with its texts parsed."""
    if not isinstance(value, Mapping):
        return value
    return {name: _parse_text(options[name], one) if name in options else one for name, one in value.items()}


def refuse_misspelled_variables(role: str, names: Iterable[str]) -> None:
    """Raise BadParameter for a variable whose name is similar to one of the role's.

    Other names with the prefix of the role are accepted, because users and tasks define variables of their own.
    """
    known = build_role_spec(role)
    for name in names:
        if name.startswith(f"{role}_") and name not in known:
            similar = suggest(name, known, _SIMILAR)
            if similar and not name.startswith(f"{similar}_"):
                raise BadParameter(name, f"the role {role} has no such variable; did you mean {similar}?")


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
