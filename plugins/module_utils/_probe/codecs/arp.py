# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ARP messages as bytes (RFC 826, RFC 5227)."""

from __future__ import annotations

import socket
import struct

_MESSAGE = struct.Struct("!HHBBH6s4s6s4s")
_ETHERNET, _IPV4 = 1, 0x0800
_REQUEST, _REPLY = 1, 2
BROADCAST = b"\xff" * 6


def encode_request(target: str, mac: bytes, source: str) -> bytes:
    """Return a request for an address; with the sender ``0.0.0.0``, it changes no cache."""
    return _MESSAGE.pack(
        _ETHERNET, _IPV4, 6, 4, _REQUEST, mac, socket.inet_aton(source), bytes(6), socket.inet_aton(target)
    )


def decode_reply(packet: bytes, target: str) -> bytes | None:
    """Return the MAC address of the target in a message; None if it contains none.

    A request for the address without a sender also counts, because its sender is about to use the address.
    """
    if len(packet) < _MESSAGE.size:
        return None
    link, protocol, _size, _length, operation, mac, sender, _nobody, asked = _MESSAGE.unpack_from(packet)
    if (link, protocol) != (_ETHERNET, _IPV4) or operation not in (_REQUEST, _REPLY):
        return None
    wanted = socket.inet_aton(target)
    probing = operation == _REQUEST and not any(sender) and asked == wanted
    return bytes(mac) if sender == wanted or probing else None
