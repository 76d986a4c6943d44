# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text that anybody may have written, so that one sees what it holds and nothing takes it for more than text."""

from __future__ import annotations

import re

# Letters, marks and symbols that are not seen either: fillers, joiners, variation selectors.
_FILLERS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def legible(text: object) -> str:
    r"""Return it on one line, each character that is not seen as \xNN, \uNNNN or \UNNNNNNNN."""
    plain = str(text)
    if plain.isascii() and plain.isprintable():
        return plain
    return "".join(_code(one) if not one.isprintable() or _FILLERS.match(one) else one for one in plain)


def _code(character: str) -> str:
    number = ord(character)
    if number < 0x80:  # from 0x80 on, \xNN is a byte that was no UTF-8
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
