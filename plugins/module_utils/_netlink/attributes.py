# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Netlink attributes: encoding, splitting and fast decoding.

An attribute is a length, a number and a value, padded to four bytes. Most messages of a host share a few layouts: the
loopback interfaces of containers differ in values only. The decoder compiles a layout into one struct format when it
first sees it, and unpacks the next message of that size in one step. If the attribute headers differ, the message has
another layout and is decoded attribute by attribute.
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Mapping
from typing import Any, Callable

Codec = Callable[[bytes], Any]
Entries = Mapping[int, "tuple[str, Codec]"]

_ATTRIBUTE = struct.Struct("=HH")
_NUMBER = 0x3FFF  # without the flags for nested attributes and byte order
# Layouts to keep for each message size; comparing more takes longer than decoding the attributes.
_MOST_LAYOUTS = 4
_INTEGERS: dict[Codec, str] = {}


def build_integer_codec(layout: str) -> Codec:
    """Return the codec of an integer, given its format for the module struct."""
    reader = struct.Struct(layout).unpack_from

    def decode_integer(data: bytes) -> Any:
        return reader(data)[0]

    if not layout.startswith(">"):
        _INTEGERS[decode_integer] = layout[-1]
    return decode_integer


def encode_attribute(number: int, value: bytes) -> bytes:
    """Return one attribute as bytes."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), number) + value + b"\0" * (-len(value) % 4)


def split_attributes(data: bytes, offset: int = 0) -> list[tuple[int, bytes]]:
    """Return the number, without flag bits, and the value of each attribute; a truncated last one is ignored."""
    found = []
    while offset + 4 <= len(data):
        length, number = _ATTRIBUTE.unpack_from(data, offset)
        start, end = offset + _ATTRIBUTE.size, offset + length
        if length < _ATTRIBUTE.size or end > len(data):
            break
        found.append((number & _NUMBER, data[start:end]))
        offset += (length + 3) & ~3
    return found


class Decoder:
    """Decoder of messages of one kind: fixed fields by format and names, then attributes by number."""

    def __init__(self, layout: str, fields: tuple[str, ...], entries: Entries) -> None:
        self._fixed = struct.Struct(f"={layout}")
        self._fields = fields
        self._entries = entries
        self._layouts: dict[int, list[_Layout]] = {}

    def __call__(self, data: bytes) -> dict[str, Any]:
        """Return the fields and the known attributes of a message."""
        known = self._layouts.setdefault(len(data), [])
        for layout in known:
            found = layout.read(data)
            if found is not None:
                return found
        start = (self._fixed.size + 3) & ~3
        every = split_attributes(data, start)
        # A message that does not end with its last attribute is malformed; its layout is not kept.
        if start + sum((len(value) + 7) & ~3 for _number, value in every) == len(data):
            known.insert(0, _Layout(self._fixed, self._fields, self._entries, data))
            del known[_MOST_LAYOUTS:]
        result = dict(zip(self._fields, self._fixed.unpack_from(data)))
        for number, value in every:
            if number in self._entries:
                name, codec = self._entries[number]
                result[name] = codec(value)
        return result


class _Layout:
    """The layout of messages of one size with the same sequence of attributes."""

    def __init__(self, fixed: struct.Struct, fields: tuple[str, ...], entries: Entries, data: bytes) -> None:
        offset = (fixed.size + 3) & ~3
        layout = [fixed.format, "x" * (offset - fixed.size)]
        names, wanted, headers = list(fields), list(range(len(fields))), []
        self._codecs: dict[str, Codec] = {}
        place = len(fields)
        while offset < len(data):
            length, number = _ATTRIBUTE.unpack_from(data, offset)
            size, room = length - 4, ((length + 3) & ~3) - 4
            headers.append(place)
            layout.append("I")
            place += 1
            entry = entries.get(number & _NUMBER)
            if entry is None:
                layout.append(f"{room}x")
            else:
                name, codec = entry
                character = _INTEGERS.get(codec, "")
                is_integer = bool(character) and struct.calcsize(f"={character}") <= size
                used = struct.calcsize(f"={character}") if is_integer else size
                layout.append(f"{character if is_integer else f'{size}s'}{room - used}x")
                if not is_integer:
                    self._codecs[name] = codec
                names.append(name)
                wanted.append(place)
                place += 1
            offset += room + 4
        self._unpack = struct.Struct("".join(layout)).unpack
        self._names = names
        self._values = _make_getter(wanted)
        self._headers = _make_getter(headers)
        self._expected = self._headers(self._unpack(data))

    def read(self, data: bytes) -> dict[str, Any] | None:
        """Return the decoded message, None if it has another layout."""
        every = self._unpack(data)
        if self._headers(every) != self._expected:
            return None
        found = dict(zip(self._names, self._values(every)))
        for name, codec in self._codecs.items():
            found[name] = codec(found[name])
        return found


def _make_getter(places: list[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Return a function that selects these items of a tuple, as a tuple."""
    if len(places) > 1:
        return operator.itemgetter(*places)
    return lambda every: tuple(every[place] for place in places)
