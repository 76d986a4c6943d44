# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes that the module engine predicts, so that host_state can request them in its call to the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.netfleet.docker.plugins.module_utils._engine.options import SPEC
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.fleet import find_current_state
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.needs import RoleRequirements

_PREFIX = "engine_"


def select_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with a value; a variable without a value does not change the setting."""
    return {name: value for name, value in given.items() if value is not None and value != ""}


def build_arguments(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return all parameters of the module engine for these arguments, or None if one is wrong."""
    result = ArgumentSpecValidator(SPEC).validate(select_arguments(given))
    return None if result.error_messages else dict(result.validated_parameters)


def build_role_arguments(variables: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the parameters for the variables of the role engine, or None if one is wrong."""
    return build_arguments({name: variables.get(f"{_PREFIX}{name}") for name in SPEC})


def find_prediction(task_vars: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the result in check mode that host_state has read for the same arguments, if it is still current."""
    earlier = (find_current_state(task_vars, RoleRequirements()) or {}).get("engine") or {}
    is_same = bool(earlier) and earlier["arguments"] == build_arguments(given)
    return dict(earlier["result"]) if is_same else None
