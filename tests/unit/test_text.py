# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text of any bytes: valid in every output, and the bytes can be restored."""

from __future__ import annotations

import re

from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8
from hypothesis import example, given
from hypothesis import strategies as st

_PIECES = st.one_of(st.binary(max_size=3), st.sampled_from([b"\\", b"\\x", b"\\xff", b"\\x5c", b"5c", b"x", b"a"]))


def restored(text: str) -> bytes:
    return re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes.fromhex(match[1].decode()), text.encode())


@given(st.lists(_PIECES, max_size=8).map(b"".join))
@example(rb"\x5cxff")
@example(b"\\\xff")
@example(b"\\x\xff")
def test_bytes_can_be_restored(data: bytes) -> None:
    text = escape_invalid_utf8(data.decode("utf-8", "surrogateescape"))
    text.encode("utf-8")
    assert restored(text) == data


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\\")))
def test_plain_text_is_unchanged(text: str) -> None:
    assert escape_invalid_utf8(text) == text
