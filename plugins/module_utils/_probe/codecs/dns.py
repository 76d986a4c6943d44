# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""DNS messages as bytes (RFC 1035): encode queries, decode responses. Invalid responses raise ValueError."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Mapping
from typing import Callable, NamedTuple

TYPES = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "PTR": 12,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "SRV": 33,
    "DS": 43,
    "DNSKEY": 48,
    "HTTPS": 65,
    "CAA": 257,
}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
_NAMES = {number: name for name, number in TYPES.items()}
_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_RECURSION_WANTED, _RESPONSE, _AUTHORITATIVE, _TRUNCATED = 0x0100, 0x8000, 0x0400, 0x0200
_INTERNET = 1
_LABEL_BYTES, _NAME_BYTES = 63, 253
_MOST_POINTERS = 64


class Record(NamedTuple):
    """One record, with its data as text."""

    name: str
    type: str
    ttl: int
    data: str


class Answer(NamedTuple):
    """A response of a server."""

    rcode: str
    authoritative: bool
    truncated: bool
    records: tuple[Record, ...]


def encode_query(number: int, name: str, kind: str) -> bytes:
    """Return the query for records of one type."""
    header = _HEADER.pack(number, _RECURSION_WANTED, 1, 0, 0, 0)
    return header + _encode_name(name) + struct.pack("!HH", TYPES[kind], _INTERNET)


def decode_answer(data: bytes, number: int, name: str, kind: str) -> Answer:
    """Return the contents of a message, which must be a response to the query."""
    try:
        found, flags, questions, records, _authorities, _more = _HEADER.unpack_from(data)
        if found != number or not flags & _RESPONSE:
            raise ValueError("the message is not an answer to the query")
        offset = _HEADER.size
        asked = []
        for _number in range(questions):
            there, offset = _decode_name(data, offset)
            asked.append((there.lower(), struct.unpack_from("!H", data, offset)[0]))
            offset += 4
        # A server that cannot parse a query can omit it.
        if asked and asked != [(name.rstrip(".").lower(), TYPES[kind])]:
            raise ValueError("the answer is for another query")
        every = []
        for _number in range(records):
            record, offset = _decode_record(data, offset)
            every.append(record)
    except (struct.error, IndexError):
        raise ValueError("it ends too early") from None
    rcode = RCODES.get(flags & 15, f"RCODE{flags & 15}")
    return Answer(rcode, bool(flags & _AUTHORITATIVE), bool(flags & _TRUNCATED), tuple(every))


def build_reverse_name(address: str) -> str:
    """Return the name for the reverse lookup of an address."""
    return ipaddress.ip_address(address).reverse_pointer


def _encode_name(name: str) -> bytes:
    labels = name.rstrip(".").split(".") if name.rstrip(".") else []
    parts = [label.encode("ascii") for label in labels]
    if len(name) > _NAME_BYTES + 1 or not all(1 <= len(part) <= _LABEL_BYTES for part in parts):
        raise ValueError(f"{name[:80]!r} is not a DNS name: a label has 1 to 63 bytes, a name at most 253")
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def _decode_name(data: bytes, offset: int) -> tuple[str, int]:
    """Return a name and the offset after it; a pointer refers to the rest of the name."""
    labels: list[str] = []
    end = -1
    for _step in range(_NAME_BYTES + _MOST_POINTERS):
        length = data[offset]
        if length >= 0xC0:
            end = offset + 2 if end < 0 else end
            offset = struct.unpack_from("!H", data, offset)[0] & 0x3FFF
        elif length > _LABEL_BYTES:
            raise ValueError("the answer has a label of an unknown type")
        elif not length:
            return ".".join(labels), offset + 1 if end < 0 else end
        else:
            begin, offset = offset + 1, offset + 1 + length
            label = data[begin:offset]
            if len(label) < length:
                raise IndexError
            labels.append(_decode_text(label))
    raise ValueError("a name in the answer is not terminated")


def _decode_text(data: bytes) -> str:
    return "".join(chr(one) if 32 < one < 127 and one not in b".\\" else f"\\{one:03d}" for one in data)


def _decode_record(data: bytes, offset: int) -> tuple[Record, int]:
    name, offset = _decode_name(data, offset)
    number, _class, ttl, length = _RECORD.unpack_from(data, offset)
    start = offset + _RECORD.size
    if start + length > len(data):
        raise IndexError
    kind = _NAMES.get(number, f"TYPE{number}")
    return Record(name, kind, ttl, _decode_data(kind, data, start, length)), start + length


def _decode_data(kind: str, data: bytes, start: int, length: int) -> str:
    end = start + length
    value = data[start:end]
    return _DATA[kind](data, start, value) if kind in _DATA else value.hex()


def _address(_data: bytes, _start: int, value: bytes) -> str:
    return str(ipaddress.ip_address(value)) if len(value) in (4, 16) else value.hex()


def _target(data: bytes, start: int, _value: bytes) -> str:
    return _decode_name(data, start)[0]


def _exchange(data: bytes, start: int, value: bytes) -> str:
    return f"{struct.unpack_from('!H', value)[0]} {_decode_name(data, start + 2)[0]}"


def _service(data: bytes, start: int, value: bytes) -> str:
    return " ".join([*map(str, struct.unpack_from("!3H", value)), _decode_name(data, start + 6)[0]])


def _authority(data: bytes, start: int, _value: bytes) -> str:
    server, offset = _decode_name(data, start)
    person, offset = _decode_name(data, offset)
    return " ".join([server, person, *map(str, struct.unpack_from("!5I", data, offset))])


def _strings(_data: bytes, _start: int, value: bytes) -> str:
    found, offset = b"", 0
    while offset < len(value):
        begin, offset = offset + 1, offset + 1 + value[offset]
        found += value[begin:offset]
    return found.decode("utf-8", "backslashreplace")


def _issuer(_data: bytes, _start: int, value: bytes) -> str:
    end = 2 + value[1]
    tag = value[2:end].decode("ascii", "backslashreplace")
    return f"{value[0]} {tag} {value[end:].decode('utf-8', 'backslashreplace')}"


_DATA: Mapping[str, Callable[[bytes, int, bytes], str]] = {
    "A": _address,
    "AAAA": _address,
    "CNAME": _target,
    "NS": _target,
    "PTR": _target,
    "MX": _exchange,
    "SRV": _service,
    "SOA": _authority,
    "TXT": _strings,
    "CAA": _issuer,
}
