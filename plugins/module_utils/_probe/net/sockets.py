# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets of a check: opened in the namespace of the thread, with deadlines and kernel errors as text."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator

from ansible_collections.netfleet.docker.plugins.module_utils._probe.codecs.icmp import describe_error
from ansible_collections.netfleet.docker.plugins.module_utils._probe.model import (
    ERROR,
    FILTERED,
    PROHIBITED,
    REFUSED,
    UNREACHABLE,
    Check,
    Outcome,
)

# linux/in.h, linux/in6.h, linux/errqueue.h
_IP_RECVERR, _IPV6_RECVERR = 11, 25
_EXTENDED_ERROR = struct.Struct("@IBBBBII")
_FROM_ICMP = (2, 3)
# Error of a datagram, if the kernel does not report the ICMP message.
_STATES = {
    errno.ECONNREFUSED: (REFUSED, "refused: the host is reachable, the port is closed"),
    errno.ECONNRESET: (REFUSED, "the connection was reset"),
    errno.ENETUNREACH: (UNREACHABLE, "no route"),
    errno.EHOSTUNREACH: (UNREACHABLE, "the host is unreachable: no neighbour answers, or a router reports it"),
    errno.EHOSTDOWN: (UNREACHABLE, "the host is down"),
    errno.ENETDOWN: (UNREACHABLE, "the link is down"),
    errno.ETIMEDOUT: (FILTERED, "timed out"),
    errno.EPERM: (PROHIBITED, "the firewall of the namespace drops the packet"),
    errno.EACCES: (PROHIBITED, "a route or policy rule of the namespace prohibits it"),
    errno.EADDRNOTAVAIL: (ERROR, "the namespace does not have the source address"),
    errno.ENODEV: (ERROR, "no such interface"),
    errno.EINVAL: (UNREACHABLE, "no valid route (EINVAL)"),
    errno.EMSGSIZE: (ERROR, "the packet is larger than the MTU of the link"),
}


class SocketOpenError(Exception):
    """A check cannot start, and why."""


def get_ip_version(address: str) -> int:
    """Return 4 or 6."""
    return 6 if ":" in address else 4


def get_address_family(address: str) -> int:
    """Return the address family of an address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def open_socket(check: Check, address: str, kind: int, protocol: int = 0) -> socket.socket:
    """Return a socket for the address, bound as the check requires; raise SocketOpenError."""
    try:
        found = socket.socket(get_address_family(address), kind, protocol)
    except PermissionError:
        raise SocketOpenError("requires root (CAP_NET_RAW)") from None
    try:
        if check.interface:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, check.interface.encode() + b"\0")
        level, option = (socket.IPPROTO_IPV6, _IPV6_RECVERR) if ":" in address else (socket.IPPROTO_IP, _IP_RECVERR)
        if kind != socket.SOCK_RAW:
            found.setsockopt(level, option, 1)
        if check.source:
            found.bind((check.source, 0))
    except OSError as error:
        found.close()
        if error.errno == errno.ENODEV:
            raise SocketOpenError(f"no such interface in this namespace: {check.interface}") from None
        if error.errno == errno.EADDRNOTAVAIL:
            raise SocketOpenError(f"{check.source} is not an address of this namespace") from None
        raise SocketOpenError(
            f"cannot use the interface or the source address: {os.strerror(error.errno or 0)}"
        ) from None
    return found


def build_socket_address(check: Check, address: str, port: int = 0) -> tuple[str, int] | tuple[str, int, int, int]:
    """Return an address in socket notation, with the interface of a link-local address."""
    if ":" not in address:
        return address, port
    scope = 0
    if check.interface and address.lower().startswith(("fe8", "fe9", "fea", "feb", "ff")):
        with contextlib.suppress(OSError):
            scope = socket.if_nametoindex(check.interface)
    return address, port, 0, scope


def get_seconds_left(deadline: float) -> float:
    """Return the seconds until the deadline as a timeout; raise TimeoutError after the deadline."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise socket.timeout("timed out")
    return left


@contextlib.contextmanager
def close_at_deadline(deadline: float, connection: socket.socket) -> Iterator[None]:
    """Shut down a connection at the deadline, even if data still arrives slowly; an error after that is a timeout."""
    connection.settimeout(get_seconds_left(deadline))
    spare = connection.dup()  # TLS takes over the other socket

    is_over = threading.Event()

    def shut_down() -> None:
        is_over.set()
        with contextlib.suppress(OSError):
            spare.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(get_seconds_left(deadline), shut_down)
    timer.daemon = True
    timer.start()
    try:
        yield
    except OSError as error:
        # Not the peer has closed the connection.
        if is_over.is_set():
            raise socket.timeout("timed out") from error
        raise
    finally:
        timer.cancel()
        spare.close()


def classify_error(error: OSError, connection: socket.socket | None = None, sent: int | None = None) -> Outcome:
    """Return state and text of a kernel error, with those of the ICMP message if there is one."""
    if isinstance(error, socket.timeout) or error.errno == errno.EAGAIN:
        return Outcome(FILTERED, "timed out: packets are dropped on the path, or no host has the address", sent=sent)
    icmp_error = _read_icmp_message(connection) if connection else None
    if icmp_error:
        return Outcome(icmp_error[0], icmp_error[1], sent=sent)
    words = os.strerror(error.errno) if error.errno else str(error)
    state, reason = _STATES.get(error.errno or 0, (ERROR, words))
    return Outcome(state, reason, sent=sent)


def _read_icmp_message(connection: socket.socket) -> tuple[str, str] | None:
    """Return state and text of the ICMP message that a socket received."""
    with contextlib.suppress(OSError, struct.error, ValueError):
        connection.setblocking(False)
        _data, extra, _flags, _address = connection.recvmsg(512, 512, socket.MSG_ERRQUEUE)
        for _level, _kind, value in extra:
            _errno, origin, kind, code, _pad, _info, _data2 = _EXTENDED_ERROR.unpack_from(value)
            if origin in _FROM_ICMP:
                state, words = describe_error(6 if origin == _FROM_ICMP[1] else 4, kind, code)
                behind = _EXTENDED_ERROR.size
                offender = _parse_offender(value[behind:])
                return state, f"{offender} reports: {words}"
    return None


def _parse_offender(data: bytes) -> str:
    found = struct.unpack_from("=H", data)[0]
    if found == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, data[4:8])
    return socket.inet_ntop(socket.AF_INET6, data[8:24])
