# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts of a certificate from its DER bytes (X.509), which Python returns only after verification."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

_VERSION, _EXTENSIONS = 0xA0, 0xA3
_UTC_TIME, _WIDE = 0x17, 0x1E
_ALTERNATIVE_NAMES = "2.5.29.17"
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87
_ATTRIBUTES = {
    "2.5.4.3": "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "1.2.840.113549.1.9.1": "emailAddress",
}


def parse_certificate(der: bytes, now: float) -> dict[str, Any]:
    """Return subject, issuer, names, validity and fingerprint; raise ValueError for invalid data."""
    try:
        return _parse_fields(der, now)
    except (IndexError, UnicodeDecodeError, OverflowError) as error:
        raise ValueError(f"cannot parse the certificate: {error}") from None


def _parse_fields(der: bytes, now: float) -> dict[str, Any]:
    certificate = _get_first_value(_get_first_value(der))
    fields = [field for field in _iterate_values(certificate) if field[0] != _VERSION]
    serial, _algorithm, issuer, validity, subject = (value for _tag, value in fields[:5])
    begin, end = (_parse_time(tag, value) for tag, value in _iterate_values(validity))
    names = [name for tag, value in fields[6:] if tag == _EXTENSIONS for name in _parse_alternative_names(value)]
    return {
        "subject": _parse_name(subject),
        "issuer": _parse_name(issuer),
        "names": names,
        "serial": serial.hex(),
        "not_before": begin.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "not_after": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "days_left": int((end.timestamp() - now) // 86400),
        "self_signed": subject == issuer,
        "sha256": hashlib.sha256(der).hexdigest(),
    }


def _iterate_values(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the tag and the contents of each value."""
    offset = 0
    while offset < len(data):
        tag, length = data[offset], data[offset + 1]
        offset += 2
        if length & 0x80:
            size = length & 0x7F
            begin, offset = offset, offset + size
            length = int.from_bytes(data[begin:offset], "big")
        if offset + length > len(data):
            raise ValueError("it ends too early")
        begin, offset = offset, offset + length
        yield tag, data[begin:offset]


def _get_first_value(data: bytes) -> bytes:
    """Return the contents of the first value."""
    for _tag, value in _iterate_values(data):
        return value
    raise ValueError("the certificate has an empty part")


def _parse_name(data: bytes) -> str:
    parts = []
    for _tag, one in _iterate_values(data):
        for _kind, pair in _iterate_values(one):
            (_oid, number), (tag, value) = _iterate_values(pair)
            text = value.decode("utf-16-be" if tag == _WIDE else "utf-8", "backslashreplace")
            parts.append(f"{_ATTRIBUTES.get(_parse_identifier(number), _parse_identifier(number))}={text}")
    return ", ".join(parts)


def _parse_identifier(data: bytes) -> str:
    numbers, value = [*divmod(data[0], 40)], 0
    for byte in data[1:]:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(value)
            value = 0
    return ".".join(map(str, numbers))


def _parse_time(tag: int, value: bytes) -> datetime:
    text = value.decode("ascii")
    if tag == _UTC_TIME:  # two digits of the year, where 50 means 1950
        text = ("19" if text >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)


def _parse_alternative_names(data: bytes) -> Iterator[str]:
    for _tag, extension in _iterate_values(_get_first_value(data)):
        (_kind, number), *_critical, (_octets, value) = _iterate_values(extension)
        if _parse_identifier(number) != _ALTERNATIVE_NAMES:
            continue
        for tag, name in _iterate_values(_get_first_value(value)):
            if tag == _DNS_NAME:
                yield name.decode("ascii", "backslashreplace")
            elif tag == _IP_ADDRESS and len(name) in (4, 16):
                yield str(ipaddress.ip_address(name))
