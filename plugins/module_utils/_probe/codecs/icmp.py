# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ICMP messages as bytes (RFC 792, RFC 4443): encode echo requests, decode replies and errors."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

_ECHO = struct.Struct("!BBHHH")
_HEADER_BYTES = {4: 20, 6: 40}
_ECHO_BYTES = 8
_REQUEST = {4: 8, 6: 128}
_REPLY = {4: 0, 6: 129}
_TOO_BIG = {4: (3, 4), 6: (2, 0)}
_TIME_EXCEEDED = {4: 11, 6: 3}
_PROTOCOL = {4: 1, 6: 58}
_FRAGMENT_HEADER = 44

REFUSED, PROHIBITED, UNREACHABLE = "refused", "prohibited", "unreachable"
# State and text by type and code.
_ERRORS_4 = {
    (3, 0): (UNREACHABLE, "network unreachable"),
    (3, 1): (UNREACHABLE, "host unreachable"),
    (3, 2): (REFUSED, "protocol unreachable"),
    (3, 3): (REFUSED, "port unreachable"),
    (3, 5): (UNREACHABLE, "source route failed"),
    (3, 6): (UNREACHABLE, "network unknown"),
    (3, 7): (UNREACHABLE, "host unknown"),
    (3, 9): (PROHIBITED, "network prohibited by a firewall"),
    (3, 10): (PROHIBITED, "host prohibited by a firewall"),
    (3, 13): (PROHIBITED, "prohibited by a firewall"),
    (11, 0): (UNREACHABLE, "time to live exceeded in transit"),
    (11, 1): (UNREACHABLE, "fragment reassembly time exceeded"),
}
_ERRORS_6 = {
    (1, 0): (UNREACHABLE, "no route to the destination"),
    (1, 1): (PROHIBITED, "prohibited by a firewall"),
    (1, 2): (UNREACHABLE, "beyond the scope of the source address"),
    (1, 3): (UNREACHABLE, "address unreachable"),
    (1, 4): (REFUSED, "port unreachable"),
    (1, 5): (PROHIBITED, "source address prohibited"),
    (1, 6): (PROHIBITED, "route rejected"),
    (3, 0): (UNREACHABLE, "hop limit exceeded in transit"),
    (3, 1): (UNREACHABLE, "fragment reassembly time exceeded"),
}


class Reply(NamedTuple):
    """A response to an echo request: ``kind`` is ``reply``, ``expired``, ``too_big`` or ``error``."""

    identifier: int
    sequence: int
    kind: str
    type: int = 0
    code: int = 0
    mtu: int = 0
    sender: str = ""


def compute_checksum(data: bytes) -> int:
    """Return the Internet checksum."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def get_header_size(version: int) -> int:
    """Return the size of the headers of an echo request's packet."""
    return _HEADER_BYTES[version] + _ECHO_BYTES


def encode_request(version: int, identifier: int, sequence: int, size: int) -> bytes:
    """Return an echo request for a packet of a size; the kernel adds the checksum of ICMPv6."""
    body = bytes(range(256)) * (size // 256 + 1)
    body = body[: max(size - get_header_size(version), 0)]
    message = _ECHO.pack(_REQUEST[version], 0, 0, identifier, sequence) + body
    total = compute_checksum(message) if version == 4 else 0
    return _ECHO.pack(_REQUEST[version], 0, total, identifier, sequence) + body


def decode_reply(version: int, packet: bytes, sender: str) -> Reply | None:
    """Return the response to an echo request in a packet; None for other packets.

    The kernel returns IPv4 packets with their header, and ICMPv6 packets without.
    """
    try:
        behind = (packet[0] & 15) * 4 if version == 4 else 0
        message = packet[behind:]
        kind, code, _checksum, high, low = _ECHO.unpack_from(message)
        if kind == _REPLY[version]:
            return Reply(high, low, "reply", kind, code, 0, sender)
        inner = _decode_quoted_request(version, message[_ECHO_BYTES:])
    except (struct.error, IndexError):
        return None
    if inner is None or kind == _REQUEST[version]:
        return None
    if (kind, code) == _TOO_BIG[version]:
        return Reply(*inner, "too_big", kind, code, low if version == 4 else high << 16 | low, sender)
    return Reply(*inner, "expired" if kind == _TIME_EXCEEDED[version] else "error", kind, code, 0, sender)


def describe_error(version: int, kind: int, code: int) -> tuple[str, str]:
    """Return the state and text of an error."""
    errors = _ERRORS_4 if version == 4 else _ERRORS_6
    words = f"ICMP{'' if version == 4 else 'v6'} type {kind} code {code}"
    return errors.get((kind, code), (UNREACHABLE, words))


def encode_solicitation(target: str, mac: bytes, source: str) -> tuple[bytes, bytes]:
    """Return a neighbor solicitation as an IPv6 packet, and the MAC address of its group (RFC 4861).

    With the sender ``::``, it is one of duplicate address detection and does not name its sender.
    """
    wanted = socket.inet_pton(socket.AF_INET6, target)
    group = socket.inet_pton(socket.AF_INET6, "ff02::1:ff00:0")[:13] + wanted[13:]
    asker = socket.inet_pton(socket.AF_INET6, source)
    option = b"\x01\x01" + mac if any(asker) else b""
    body = struct.pack("!BBHI", 135, 0, 0, 0) + wanted + option
    pseudo = asker + group + struct.pack("!II", len(body), _PROTOCOL[6])
    body = body[:2] + struct.pack("!H", compute_checksum(pseudo + body)) + body[4:]
    header = struct.pack("!IHBB", 6 << 28, len(body), _PROTOCOL[6], 255) + asker + group
    return header + body, b"\x33\x33" + group[12:]


def decode_advertisement(packet: bytes, target: str, sender: bytes) -> bytes | None:
    """Return the MAC address of the target in a neighbor advertisement, or ``sender`` if it contains none."""
    wanted = socket.inet_pton(socket.AF_INET6, target)
    if len(packet) < 64 or (packet[6], packet[7], packet[40]) != (_PROTOCOL[6], 255, 136) or packet[48:64] != wanted:
        return None
    options = packet[64:]
    while len(options) >= 8 and options[1]:
        if options[0] == 2:
            return options[2:8]
        behind = options[1] * 8
        options = options[behind:]
    return sender


def _decode_quoted_request(version: int, packet: bytes) -> tuple[int, int] | None:
    """Return ID and sequence number of the echo request that an error quotes."""
    size = (packet[0] & 15) * 4 if version == 4 else 40
    protocol = packet[9] if version == 4 else packet[6]
    if version == 6 and protocol == _FRAGMENT_HEADER:
        protocol, size = packet[40], 48
    if protocol != _PROTOCOL[version] or packet[size] != _REQUEST[version]:
        return None
    identifier, sequence = struct.unpack_from("!HH", packet, size + 4)
    return identifier, sequence
