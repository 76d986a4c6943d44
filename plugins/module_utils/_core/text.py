# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text of the kernel and of files, which may be any bytes, in a form that every output can hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_LIKE_AN_ESCAPE = re.compile(r"\\(?=x[0-9a-f]{2})")


def escape_invalid_utf8(text: str) -> str:
    r"""Return text, decoded with surrogateescape, as valid Unicode from which its bytes can be had back.

    A byte that is not UTF-8 stands as ``\xNN``, and a backslash that is followed by the like of it as ``\x5c``.
    """
    if "\\x" in text:
        text = _LIKE_AN_ESCAPE.sub(r"\\x5c", text)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def make_printable(value: Any) -> Any:
    """Return plain data in which every string is valid Unicode; see ``_values.escaped``."""
    if isinstance(value, str):
        return escape_invalid_utf8(value)
    if isinstance(value, Mapping):
        return {make_printable(key): make_printable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [make_printable(item) for item in value]
    return value


def to_one_line(text: str) -> str:
    """Return text as one line that a terminal can show: what it would act upon, or cannot print, comes out escaped."""
    plain: str = make_printable(text)
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in plain)
