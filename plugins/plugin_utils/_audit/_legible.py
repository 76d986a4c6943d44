# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text that anybody may have written, so that one sees what it holds and nothing takes it for more than text."""

from __future__ import annotations

import re

# Controls, soft hyphen, marks of direction, spaces, line ends, other formats, surrogates, tags, fillers.
_ODD = re.compile(
    "[\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u2800\u3000\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def legible(text: object) -> str:
    r"""Return it on one line, each character that is not seen as \xNN, \uNNNN or \UNNNNNNNN."""
    return _ODD.sub(_code, str(text))


def _code(found: re.Match[str]) -> str:
    number = ord(found.group())
    if number < 0x80:  # from 0x80 on, \xNN is a byte that was no UTF-8
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
