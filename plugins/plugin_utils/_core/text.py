# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Untrusted text: escape it for display and quote it for shells."""

from __future__ import annotations

import re
import shlex
from typing import Any

# Other invisible characters: fillers, joiners, variation selectors.
_FILLERS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_BYTE = re.compile(r"\\x[0-9a-f]{2}")


def escape_invisible(text: object) -> str:
    r"""Return text on one line, with invisible characters as \xNN, \uNNNN or \UNNNNNNNN."""
    plain = str(text)
    if plain.isascii() and plain.isprintable():
        return plain
    return "".join(_escape_character(one) if not one.isprintable() or _FILLERS.match(one) else one for one in plain)


def _escape_character(character: str) -> str:
    number = ord(character)
    if number < 0x80:  # from 0x80, \xNN is an invalid UTF-8 byte
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def quote(value: Any) -> str:
    r"""Return a word quoted for a POSIX shell, or for bash (``$'…'``) if it contains unprintable bytes."""
    text = str(value)
    if text.isprintable() and not _BYTE.search(text):
        return shlex.quote(text)
    return "$'" + "".join(_quote_ansi_c(part) for part in re.split(r"(\\x[0-9a-f]{2})", text)) + "'"


def _escape_bytes(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))


def _quote_ansi_c(part: str) -> str:
    if _BYTE.fullmatch(part):
        return part
    return "".join(f"\\{one}" if one in "\\'" else one if one.isprintable() else _escape_bytes(one) for one in part)
