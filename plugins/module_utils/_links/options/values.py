# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of a kind of link or of a bridge port, by their netlink attributes: argument specification and conversion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, cast

from ansible_collections.netfleet.docker.plugins.module_utils._core import validators
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.parameters import validate_list, validate_parameter
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import LinkOption, Value


def build_options_spec(options: Mapping[str, LinkOption]) -> dict[str, Any]:
    """Return the argument specification of options."""
    return {name: _build_argument(option) for name, option in options.items()}


def _build_argument(option: LinkOption) -> dict[str, Any]:
    choices = {"choices": list(option.names)} if option.names else {}
    if option.codec in ("macs", "flags/u16"):
        return {"type": "list", "elements": "str", **choices}
    if option.names or option.codec == "ip":
        return {"type": "str", **choices}
    return {"type": "bool" if option.codec.startswith("bool") else "int"}


def parse_options(options: Mapping[str, LinkOption], params: Mapping[str, Any], prefix: str = "") -> dict[str, Value]:
    """Return the given options, validated for the kernel; options without a value are unmanaged."""
    return {
        name: _parse_option(option, prefix + name, params[name])
        for name, option in options.items()
        if params.get(name) is not None
    }


def _parse_option(option: LinkOption, parameter: str, value: Any) -> Value:
    if option.codec == "macs":
        return tuple(sorted(validate_list(parameter, validators.mac, value) or ()))
    if option.names:
        return _parse_words(option, parameter, value if isinstance(value, list) else [value])
    if isinstance(value, int) and not isinstance(value, bool):
        return validate_parameter(parameter, build_range_validator(option), value)
    return cast(Value, value)


def _parse_words(option: LinkOption, parameter: str, words: list[Any]) -> Value:
    for word in words:
        if word not in option.names:
            raise BadParameter(parameter, f"must be one of {', '.join(option.names)}, not {word}")
    if option.codec == "flags/u16":
        return tuple(sorted(set(words)))
    if len(words) != 1:
        raise BadParameter(parameter, f"must be exactly one of {', '.join(option.names)}")
    return str(words[0])


def build_range_validator(option: LinkOption) -> Callable[[int], int]:
    """Return a validator that accepts the numbers that the kernel accepts for an option."""
    return lambda value: validators.validate_range(value, option.low, option.high)
