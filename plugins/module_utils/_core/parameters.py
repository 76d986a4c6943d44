# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Helpers that convert module parameters; an error names the parameter."""

from __future__ import annotations

from typing import Any, Callable, TypeVar

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter

T = TypeVar("T")


U = TypeVar("U")


LOCK: dict[str, Any] = {"lock_timeout": {"type": "int", "default": 60}}


def validate_parameter(parameter: str, check: Callable[[T], U], value: T) -> U:
    """Return the normalized value; raise BadParameter with the name of the parameter if it is invalid."""
    try:
        return check(value)
    except ValueError as error:
        raise BadParameter(parameter, str(error)) from None


def validate_list(parameter: str, check: Callable[[str], str], values: list[str] | None) -> tuple[str, ...] | None:
    """Return the normalized values of a list without duplicates; None stays None."""
    if values is None:
        return None
    return tuple(
        dict.fromkeys(validate_parameter(f"{parameter}[{place}]", check, value) for place, value in enumerate(values))
    )


def validate_optional(parameter: str, check: Callable[[T], U], value: T | None) -> U | None:
    """Return the normalized value; None, which means unmanaged, stays None."""
    return None if value is None else validate_parameter(parameter, check, value)
