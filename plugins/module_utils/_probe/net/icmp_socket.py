# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Echo requests and their responses, for ping, path MTU and traceroute."""

from __future__ import annotations

import itertools
import os
import select
import socket
import struct
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ansible_collections.netfleet.docker.plugins.module_utils._probe.codecs import icmp as icmp_codec
from ansible_collections.netfleet.docker.plugins.module_utils._probe.codecs.icmp import Reply
from ansible_collections.netfleet.docker.plugins.module_utils._probe.model import FILTERED, UNREACHABLE, Check
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net import sockets

if TYPE_CHECKING:
    from typing_extensions import Self

_MORE = 1 << 21
_PACKET = 65535
# linux/in.h, linux/in6.h, linux/icmp.h
_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _IPV6_DONTFRAG = 10, 23, 62
_PROBE, _MAY_FRAGMENT = 3, 0
_SOL_RAW, _ICMP_FILTER = 255, 1
_ICMP6_FILTER = 1
_ICMP_PROTOCOLS = {4: 1, 6: 58}
# Parallel checks must not receive each other's replies.
_identifiers = itertools.count(os.getpid())


class EchoSocket:
    """A raw socket that sends echo requests to one address; use it as a context manager."""

    def __init__(self, check: Check, address: str) -> None:
        self.version = sockets.get_ip_version(address)
        self._identifier = next(_identifiers) & 0xFFFF
        self._place = sockets.build_socket_address(check, address)
        self._socket = sockets.open_socket(check, address, socket.SOCK_RAW, _ICMP_PROTOCOLS[self.version])
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _MORE)
        self._socket.setblocking(False)
        self._sent: dict[int, float] = {}
        if self.version == 4:  # without requests of other programs
            self._socket.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 1 << 8))
        else:  # only errors and echo replies: 1 means blocked
            blocked = bytearray(b"\xff" * 32)
            for kind in (1, 2, 3, 129):
                word = struct.unpack_from("=I", blocked, kind // 32 * 4)[0] & ~(1 << kind % 32) & 0xFFFFFFFF
                struct.pack_into("=I", blocked, kind // 32 * 4, word)
            self._socket.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, bytes(blocked))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._socket.close()

    def set_fragmentation(self, allowed: bool) -> None:
        """Allow fragmentation; or disable fragmentation and ignore the known path MTU."""
        mode = _MAY_FRAGMENT if allowed else _PROBE
        if self.version == 4:
            self._socket.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, mode)
        else:
            self._socket.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, mode)
            self._socket.setsockopt(socket.IPPROTO_IPV6, _IPV6_DONTFRAG, int(not allowed))

    def set_hop_limit(self, number: int) -> None:
        """Set the hop limit of packets."""
        if self.version == 4:
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, number)
        else:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, number)

    def send(self, sequence: int, size: int) -> None:
        """Send a request of a size that includes headers; raise OSError if the kernel rejects it."""
        message = icmp_codec.encode_request(self.version, self._identifier, sequence, size)
        self._sent[sequence] = time.monotonic()
        self._socket.sendto(message, self._place)

    def describe_error(self, reply: Reply) -> tuple[str, str]:
        """Return the state and text of an error response."""
        if reply.kind == "too_big":
            return FILTERED, f"{reply.sender} reports: packet too big, the MTU of the next link is {reply.mtu}"
        if reply.kind == "expired":
            return UNREACHABLE, f"{reply.sender} reports: time to live exceeded in transit"
        state, words = icmp_codec.describe_error(self.version, reply.type, reply.code)
        return state, f"{reply.sender} reports: {words}"

    def receive_replies(self, until: float) -> Iterator[tuple[Reply, float]]:
        """Yield the responses to own requests with their seconds, until the deadline."""
        while True:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._socket], [], [], left)[0]:
                return
            try:
                packet, sender = self._socket.recvfrom(_PACKET)
            except OSError:
                continue  # an error of a packet is also received as a message
            now = time.monotonic()
            found = icmp_codec.decode_reply(self.version, packet, sender[0].partition("%")[0])
            if found and found.identifier == self._identifier and found.sequence in self._sent:
                yield found, now - self._sent[found.sequence]
