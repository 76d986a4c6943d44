# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text from the kernel and from files, which can contain any bytes, converted into valid Unicode."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_LIKE_AN_ESCAPE = re.compile(r"\\(?=x[0-9a-f]{2})")


def escape_invalid_utf8(text: str) -> str:
    r"""Return text that was decoded with surrogateescape as valid Unicode; the conversion is reversible.

    A byte that is not UTF-8 becomes ``\xNN``, and a backslash before such a sequence becomes ``\x5c``.
    """
    if "\\x" in text:
        text = _LIKE_AN_ESCAPE.sub(r"\\x5c", text)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def make_printable(value: Any) -> Any:
    """Return plain data in which every string is valid Unicode."""
    if isinstance(value, str):
        return escape_invalid_utf8(value)
    if isinstance(value, Mapping):
        return {make_printable(key): make_printable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [make_printable(item) for item in value]
    return value


def to_one_line(text: str) -> str:
    """Return text as one line for a terminal, with control and unprintable characters escaped."""
    plain: str = make_printable(text)
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in plain)
