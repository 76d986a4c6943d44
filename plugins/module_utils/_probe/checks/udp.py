# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""UDP: response to a datagram, or the error that no program listens."""

from __future__ import annotations

import socket
import time

from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8
from ansible_collections.netfleet.docker.plugins.module_utils._probe.model import MAYBE, OPEN, Check, Outcome
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net import sockets

_DATAGRAM = 65535
_SHOWN = 200


def probe(check: Check, address: str, deadline: float) -> Outcome:
    """Send the payload as often as requested, each time until a response arrives."""
    payload = bytes.fromhex(check.options.get("payload_hex") or "")
    payload = payload or (check.options.get("payload") or "").encode(errors="surrogateescape")
    times: list[float] = []
    replies: list[bytes] = []
    problem: Outcome | None = None
    sent = 0
    for number in range(check.count):
        if number:
            time.sleep(min(check.interval, max(deadline - time.monotonic(), 0)))
        sent += 1
        with sockets.open_socket(check, address, socket.SOCK_DGRAM) as connection:
            started = time.monotonic()
            try:
                connection.connect(sockets.build_socket_address(check, address, check.port))
                connection.settimeout(min(check.timeout, sockets.get_seconds_left(deadline)))
                connection.send(payload)
                replies.append(connection.recv(_DATAGRAM))
                times.append(time.monotonic() - started)
            except socket.timeout:
                pass
            except OSError as error:
                problem = sockets.classify_error(error, connection)
        if time.monotonic() >= deadline:
            break
    if replies:
        return _exchange(check, address, replies[0], times, sent)
    if problem:
        return Outcome(problem.state, problem.reason, (), sent)
    reason = f"port {check.port} of {address} does not respond: open without a response, or dropped on the path"
    return Outcome(MAYBE, reason, (), sent)


def _exchange(check: Check, address: str, reply: bytes, times: list[float], sent: int) -> Outcome:
    text = escape_invalid_utf8(reply.decode("utf-8", "surrogateescape"))
    wanted = check.options.get("contains")
    unmet = (f"the answer does not contain {wanted!r}",) if wanted and wanted not in text else ()
    reason = f"port {check.port} of {address} answers"
    return Outcome(OPEN, reason, tuple(times), sent, {"reply": text[:_SHOWN], "reply_bytes": len(reply)}, unmet)
