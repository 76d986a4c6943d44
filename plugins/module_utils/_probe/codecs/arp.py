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
    """Return the question who has an address; from no address, ``0.0.0.0``, it leaves all caches as they are."""
    return _MESSAGE.pack(
        _ETHERNET, _IPV4, 6, 4, _REQUEST, mac, socket.inet_aton(source), bytes(6), socket.inet_aton(target)
    )


def decode_reply(packet: bytes, target: str) -> bytes | None:
    """Return the MAC address that a message gives the target; None where it gives none.

    Whoever asks who has it, from no address, is about to take it as well.
    """
    if len(packet) < _MESSAGE.size:
        return None
    link, protocol, _size, _length, operation, mac, sender, _nobody, asked = _MESSAGE.unpack_from(packet)
    if (link, protocol) != (_ETHERNET, _IPV4) or operation not in (_REQUEST, _REPLY):
        return None
    wanted = socket.inet_aton(target)
    probing = operation == _REQUEST and not any(sender) and asked == wanted
    return bytes(mac) if sender == wanted or probing else None
