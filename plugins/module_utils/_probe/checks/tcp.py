# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""TCP: connections to a port, with or without TLS."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._probe.model import (
    ERROR,
    FILTERED,
    NO_TLS,
    OPEN,
    UNTRUSTED,
    Check,
    Outcome,
)
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net import sockets, tls


def probe(check: Check, address: str, deadline: float) -> Outcome:
    """Connect as often as requested; with TLS, complete a handshake, and another one for verification."""
    times: list[float] = []
    problem: Outcome | None = None
    insecure: Outcome | None = None
    facts: dict[str, Any] = {}
    sent = 0
    for number in range(check.count):
        if number:
            time.sleep(min(check.interval, max(deadline - time.monotonic(), 0)))
        until = min(deadline, time.monotonic() + check.timeout)
        sent += 1
        started = time.monotonic()
        connection = connect(check, address, until)
        if isinstance(connection, Outcome):
            problem = connection
        else:
            with connection:
                times.append(time.monotonic() - started)
                if check.options.get("tls") and not facts:
                    problem = insecure = start_tls(check, address, connection, until, facts)
        if time.monotonic() >= deadline or (problem and problem.state in (ERROR, NO_TLS, UNTRUSTED)):
            break
    details = {"tls": facts} if facts else {}
    problem = insecure or (None if times else problem)
    if problem:
        return Outcome(problem.state, problem.reason, tuple(times), sent, details)
    lost = f", but {sent - len(times)} of {sent} attempts failed" if sent > len(times) else ""
    secure = f" and uses {facts['version']}" if facts else ""
    reason = f"port {check.port} of {address} accepts connections{secure}{lost}"
    return Outcome(OPEN, reason, tuple(times), sent, details)


def connect(check: Check, address: str, deadline: float) -> socket.socket | Outcome:
    """Return a connection, or the error."""
    connection = sockets.open_socket(check, address, socket.SOCK_STREAM)
    try:
        connection.settimeout(sockets.get_seconds_left(deadline))
        connection.connect(sockets.build_socket_address(check, address, check.port))
    except OSError as error:
        with connection:
            return sockets.classify_error(error, connection)
    return connection


def start_tls(
    check: Check, address: str, connection: socket.socket, deadline: float, facts: dict[str, Any]
) -> Outcome | None:
    """Complete a TLS handshake, add its facts, and verify on another connection; return the error, if any."""
    try:
        with sockets.close_at_deadline(deadline, connection):
            secure, found = tls.do_handshake(check, connection, verified=False)
            secure.close()
        facts.update(found)
        if check.options.get("verify"):
            facts["verified"] = False
            again = connect(check, address, deadline)
            if isinstance(again, Outcome):
                return again
            with again, sockets.close_at_deadline(deadline, again):
                tls.do_handshake(check, again, verified=True)[0].close()
            facts["verified"] = True
    except (tls.CertificateRejected, OSError) as error:
        return describe_tls_error(check, address, error)
    return None


def describe_tls_error(check: Check, address: str, error: Exception) -> Outcome:
    """Return the state and reason of a failed handshake."""
    there = f"port {check.port} of {address} accepts connections"
    if isinstance(error, tls.CertificateRejected):
        return Outcome(UNTRUSTED, f"certificate verification failed: {error}")
    if isinstance(error, socket.timeout):
        return Outcome(FILTERED, f"{there}, but the TLS handshake timed out")
    if isinstance(error, ssl.SSLError):
        words = (error.reason or str(error)).replace("_", " ").lower()
        return Outcome(NO_TLS, f"{there}, but the TLS handshake failed: {words}")
    if isinstance(error, FileNotFoundError):
        return Outcome(ERROR, f"ca_file: {error.strerror}")
    return Outcome(NO_TLS, f"{there}, but closes them during the TLS handshake")
