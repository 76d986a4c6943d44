# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Netlink sockets, one for each namespace, opened from inside it, with extended error messages.

pyroute2 starts a process for each namespace socket and does not report an interrupted dump, so it is not used here.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
import threading
import time

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
_ANSWER_SECONDS = 30.0
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
        self._sequence = 0

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def request(self, what: str, message_type: int, flags: int, payload: bytes) -> list[bytes]:
        """Send one request and return the payloads of its answers; raise KernelError with the operation ``what``."""
        return self._exchange(what, message_type, flags | NLM_F_REQUEST | NLM_F_ACK, payload)[0]

    def query(self, what: str, message_type: int, payload: bytes) -> bytes:
        """Send a request without acknowledgement and return its single answer."""
        return self._exchange(what, message_type, NLM_F_REQUEST, payload, most=1)[0][0]

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
        expected, budget, buffer = self._sequence, self._budget, _get_buffer()
        receive, unpack = self._socket.recv_into, _HEADER.unpack_from
        self._socket.send(_HEADER.pack(16 + len(payload), message_type, flags, expected, 0) + payload)
        answers: list[bytes] = []
        every_flag = 0
        while True:
            if budget and time.monotonic() > budget.deadline:
                raise IncompleteDump(f"{what}: timed out before it started")
            try:
                size = receive(buffer)
            except BlockingIOError:
                raise KernelError(what, 0, "timed out waiting for the kernel") from None
            data, offset = bytes(buffer[:size]), 0
            while offset + 16 <= size:
                length, kind, message_flags, sequence, _port = unpack(data, offset)
                start, end = offset + 16, offset + length
                offset += (length + 3) & ~3
                if sequence != expected:
                    continue
                every_flag |= message_flags
                if kind in (_NLMSG_ERROR, _NLMSG_DONE):
                    _raise_if_refused(what, kind, message_flags, data[start:end])
                    return answers, bool(every_flag & _NLM_F_DUMP_INTR)
                answers.append(data[start:end])
            if most and len(answers) >= most:
                return answers, False
            if budget and len(answers) > budget.messages:
                budget.exceeded = True
                return answers[: budget.messages], False


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
