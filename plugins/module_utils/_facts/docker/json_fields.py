# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read fields of API responses: absent, null or unexpected values are None. Pure.

Versions of the engine omit different fields, so no field is required, and no object is copied as a whole.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8

T = TypeVar("T")


def get_path(value: Any, *keys: str) -> Any:
    """Return the value at a path of keys."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def text(value: Any, *keys: str) -> str | None:
    """Return text; an empty text means none."""
    value = get_path(value, *keys)
    if not isinstance(value, str) or not value:
        return None
    try:
        return escape_invalid_utf8(value)
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can contain
        return value.encode("utf-8", "backslashreplace").decode()


def integer(value: Any, *keys: str) -> int | None:
    """Return a number, also if it is given as text."""
    value = get_path(value, *keys)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def boolean(value: Any, *keys: str) -> bool | None:
    """Return a Boolean."""
    value = get_path(value, *keys)
    return value if isinstance(value, bool) else None


def get_list(value: Any, *keys: str) -> list[Any]:
    """Return the members of a list; null means an empty list."""
    value = get_path(value, *keys)
    return value if isinstance(value, list) else []


def items(value: Any, *keys: str) -> list[tuple[str, Any]]:
    """Return the keys and values of an object."""
    value = get_path(value, *keys)
    return list(value.items()) if isinstance(value, Mapping) else []


def texts(value: Any, *keys: str) -> list[str]:
    """Return a list of text."""
    return [one for one in map(text, get_list(value, *keys)) if one is not None]


def mapping(pairs: list[tuple[str, Any]], allowed: Callable[[str], bool]) -> dict[str, str]:
    """Return an object of text with the allowed keys only; empty values are kept, because they are flags."""
    return {
        text({"": key}, "") or "": text(value) or "" for key, value in pairs if isinstance(value, str) and allowed(key)
    }


def address(value: Any, *keys: str) -> str | None:
    """Return an IP address in canonical form, without the prefix length that some versions add."""
    return _parse_or_none(lambda one: str(ipaddress.ip_interface(one).ip), get_path(value, *keys))


def interface(value: Any, *keys: str) -> str | None:
    """Return an IP address with its prefix length."""
    return _parse_or_none(lambda one: str(ipaddress.ip_interface(one)), get_path(value, *keys))


def network(value: Any, *keys: str) -> str | None:
    """Return a prefix in CIDR notation."""
    return _parse_or_none(lambda one: str(ipaddress.ip_network(one, strict=False)), get_path(value, *keys))


def mac(value: Any, *keys: str) -> str | None:
    """Return a MAC address in lower case."""
    found = text(value, *keys)
    return found.lower() if found else None


def time(value: Any, *keys: str) -> str | None:
    """Return a time; Go's zero time means never."""
    found = text(value, *keys)
    return None if not found or found.startswith("0001-") else found


def _parse_or_none(parse: Callable[[str], T], value: Any) -> T | None:
    if not isinstance(value, str) or not value:
        return None
    try:
        return parse(value)
    except ValueError:
        return None
