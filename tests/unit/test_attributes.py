# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages are decoded equally with and without a cached layout."""

from __future__ import annotations

import struct
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import (
    Decoder,
    Entries,
    build_integer_codec,
    encode_attribute,
    split_attributes,
)
from hypothesis import given
from hypothesis import strategies as st

_U16, _U32, _BE16 = build_integer_codec("=H"), build_integer_codec("=I"), build_integer_codec(">H")
_ENTRIES: Entries = {1: ("one", _U32), 2: ("two", bytes.hex), 3: ("three", _U16), 4: ("four", _BE16)}
_VALUES = {1: st.binary(min_size=4, max_size=6), 3: st.binary(min_size=2, max_size=5), 4: st.binary(min_size=2)}
_PIECES = st.integers(1, 6).flatmap(
    lambda number: st.tuples(st.just(number), _VALUES.get(number, st.binary(max_size=9)), st.booleans())
)


def message(index: int, pieces: list[tuple[int, bytes, bool]]) -> bytes:
    body = b"".join(encode_attribute(number | (0x8000 if nested else 0), value) for number, value, nested in pieces)
    return struct.pack("=BxHi", 7, 9, index) + body


def expected(index: int, pieces: list[tuple[int, bytes, bool]]) -> dict[str, Any]:
    found: dict[str, Any] = {"family": 7, "type": 9, "index": index}
    for number, value, _nested in pieces:
        if number in _ENTRIES:
            name, codec = _ENTRIES[number]
            found[name] = codec(value)
    return found


@given(st.lists(st.tuples(st.integers(-9, 9), st.lists(_PIECES, max_size=5)), max_size=6))
def test_messages_in_any_order(messages: list[tuple[int, list[tuple[int, bytes, bool]]]]) -> None:
    decode = Decoder("BxHi", ("family", "type", "index"), _ENTRIES)
    for index, pieces in messages + messages:
        assert decode(message(index, pieces)) == expected(index, pieces)


@given(st.lists(_PIECES, max_size=5))
def test_messages_without_a_header(pieces: list[tuple[int, bytes, bool]]) -> None:
    decode = Decoder("", (), _ENTRIES)
    data = message(0, pieces)[8:]
    assert (
        decode(data)
        == decode(data)
        == {key: value for key, value in expected(0, pieces).items() if key in {"one", "two", "three", "four"}}
    )


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_any_bytes_are_decoded_or_rejected(first: bytes, second: bytes) -> None:
    decode = Decoder("", (), {2: ("two", bytes.hex)})
    for data in (first, second, first):
        found = [value.hex() for number, value in split_attributes(data) if number == 2]
        assert decode(data) == ({"two": found[-1]} if found else {})
