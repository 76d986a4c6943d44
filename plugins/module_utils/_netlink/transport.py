# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Netlink sockets, one for each namespace, opened from inside it, with extended error messages.

pyroute2 starts a process for each namespace socket and does not report an interrupted dump, so it is not used here.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import IncompleteDump, KernelError
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import split_attributes
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.decoder import (
    NLM_F_ACK,
    NLM_F_DUMP,
    NLM_F_REQUEST,
    text,
)

_HEADER = struct.Struct("=IHHII")
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NLM_F_DUMP_INTR, _NLM_F_CAPPED, _NLM_F_ACK_TLVS = 0x10, 0x100, 0x200
_NLMSGERR_ATTR_MSG = 1
_SOL_NETLINK, _NETLINK_CAP_ACK, _NETLINK_EXT_ACK, _NETLINK_GET_STRICT_CHK = 270, 10, 11, 12
# Larger than any message of a dump.
_BUFFER = 1 << 18
# Limit of one exchange without a budget, however many messages it has.
_ANSWER_SECONDS = 30.0
_KERNEL = (0, 0)
_DUMP_TRIES = 10
_SIOCGIFINDEX, _IFREQ = 0x8933, struct.Struct("@16si20x")
_TIMEVAL = struct.Struct("@ll")
_thread = threading.local()


class Budget:
    """Limits of reading: messages for each table, and ``deadline`` (time.monotonic) for all tables."""

    def __init__(self, messages: int, deadline: float) -> None:
        self.messages = messages
        self.deadline = deadline
        self.exceeded = False


class Netlink:
    """A netlink socket in the namespace of the thread that opened it.

    A dump that exceeds its budget is cut off and sets ``exceeded``; the socket cannot be used afterwards.
    """

    def __init__(self, protocol: int = socket.NETLINK_ROUTE, budget: Budget | None = None) -> None:
        self._budget = budget
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        # Reading rarely fails, so the errno is sufficient there; setting options doubles the time to open a socket.
        words = () if budget else (_NETLINK_EXT_ACK, _NETLINK_CAP_ACK)
        for option in (_NETLINK_GET_STRICT_CHK, *words):
            with contextlib.suppress(OSError):  # not supported by kernels before 4.20
                self._socket.setsockopt(_SOL_NETLINK, option, 1)
        # The timeout of the kernel; that of Python takes two more system calls for each answer.
        seconds = min(_ANSWER_SECONDS, max(budget.deadline - time.monotonic(), 0.001)) if budget else _ANSWER_SECONDS
        timeout = _TIMEVAL.pack(int(seconds), int(seconds % 1 * 1e6))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
        # Any process with CAP_NET_ADMIN in the namespace can send to a socket, but only the kernel to a connected one.
        self._socket.connect(_KERNEL)
        self._port = self._socket.getsockname()[0]
        self._sequence = 0

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def request(self, what: str, message_type: int, flags: int, payload: bytes) -> list[bytes]:
        """Send one request and return the payloads of its answers; raise KernelError with the operation ``what``."""
        answers, is_incomplete = self._exchange(what, message_type, flags | NLM_F_REQUEST | NLM_F_ACK, payload)
        if is_incomplete:
            raise KernelError(what, errno.ENOBUFS, "the kernel dropped its answer")
        return answers

    def query(self, what: str, message_type: int, payload: bytes) -> bytes:
        """Send a request without acknowledgement and return its single answer."""
        answers, _is_incomplete = self._exchange(what, message_type, NLM_F_REQUEST, payload, most=1)
        if not answers:
            raise KernelError(what, errno.ENOBUFS, "the kernel dropped its answer")
        return answers[0]

    def get_link_index(self, what: str, name: str) -> int:
        """Return the index of a link by ioctl, which takes no lock, unlike a netlink request."""
        request = _IFREQ.pack(name.encode(errors="surrogateescape"), 0)
        try:
            return int(_IFREQ.unpack(fcntl.ioctl(self._socket, _SIOCGIFINDEX, request))[1])
        except OSError as error:
            raise KernelError(what, error.errno or 0, os.strerror(error.errno or 0)) from None

    def dump(self, what: str, message_type: int, payload: bytes) -> list[bytes]:
        """Return the payloads of a table; repeat an interrupted dump, up to a limit, then raise IncompleteDump."""
        for _attempt in range(_DUMP_TRIES):
            answers, interrupted = self._exchange(what, message_type, NLM_F_REQUEST | NLM_F_DUMP, payload)
            if not interrupted:
                return answers
        raise IncompleteDump(f"{what}: the table changed during each of {_DUMP_TRIES} attempts; try again later")

    def _exchange(
        self, what: str, message_type: int, flags: int, payload: bytes, most: int = 0
    ) -> tuple[list[bytes], bool]:
        self._sequence += 1
        expected, budget, port = self._sequence, self._budget, self._port
        deadline = budget.deadline if budget else time.monotonic() + _ANSWER_SECONDS
        self._socket.send(_HEADER.pack(16 + len(payload), message_type, flags, expected, 0) + payload)
        answers: list[bytes] = []
        every_flag = 0
        while True:
            if time.monotonic() > deadline:
                if budget:
                    raise IncompleteDump(f"{what}: timed out before it started")
                raise KernelError(what, 0, "timed out waiting for the kernel")
            data = self._receive(what)
            if data is None:
                # The kernel continues the dump as messages are read, so its end is not lost.
                every_flag |= _NLM_F_DUMP_INTR
                continue
            for kind, message_flags, sequence, receiver, body in _split_messages(what, data):
                # Messages that were sent before the socket was connected.
                if sequence != expected or receiver != port:
                    continue
                every_flag |= message_flags
                if kind in (_NLMSG_ERROR, _NLMSG_DONE):
                    _raise_if_refused(what, kind, message_flags, body)
                    return answers, bool(every_flag & _NLM_F_DUMP_INTR)
                answers.append(body)
            if most and len(answers) >= most:
                return answers, False
            if budget and len(answers) > budget.messages:
                budget.exceeded = True
                return answers[: budget.messages], False

    def _receive(self, what: str) -> bytes | None:
        """Return a datagram of the kernel, empty if it is from another sender; None if the kernel dropped some."""
        buffer = _get_buffer()
        try:
            size, sender = self._socket.recvfrom_into(buffer)
        except BlockingIOError:
            raise KernelError(what, 0, "timed out waiting for the kernel") from None
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise KernelError(what, error.errno or 0, os.strerror(error.errno or 0)) from None
            return None
        return bytes(buffer[:size]) if sender == _KERNEL else b""


def _split_messages(what: str, data: bytes) -> Iterator[tuple[int, int, int, int, bytes]]:
    """Yield type, flags, sequence, receiver and payload of each message of a datagram."""
    offset, size = 0, len(data)
    while offset + 16 <= size:
        length, kind, flags, sequence, receiver = _HEADER.unpack_from(data, offset)
        start, end = offset + 16, offset + length
        if not start <= end <= size:
            raise KernelError(what, 0, f"the kernel sent a message with the length {length} in {size - offset} bytes")
        yield kind, flags, sequence, receiver, data[start:end]
        offset += (length + 3) & ~3


def _get_buffer() -> memoryview:
    """Return the buffer of the thread; allocating it for each answer takes as long as receiving."""
    buffer: memoryview | None = getattr(_thread, "buffer", None)
    if buffer is None:
        buffer = _thread.buffer = memoryview(bytearray(_BUFFER))
    return buffer


def _raise_if_refused(what: str, kind: int, flags: int, body: bytes) -> None:
    code = -struct.unpack_from("=i", body)[0] if len(body) >= 4 else 0
    if code <= 0:
        return
    words = os.strerror(code)
    if flags & _NLM_F_ACK_TLVS:
        # The header of the request, or the whole request if the kernel did not cap it, precedes the attributes.
        start = 4 + _HEADER.size
        if kind == _NLMSG_DONE:
            start = 4
        elif not flags & _NLM_F_CAPPED:
            start = 4 + int(struct.unpack_from("=I", body, 4)[0] + 3 & ~3)
        message = text(dict(split_attributes(body[start:])).get(_NLMSGERR_ATTR_MSG, b""))
        words = f"{message} ({words})" if message else words
    raise KernelError(what, code, words)
