# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP: response of a server to a request, compared with the expected one. Redirects are reported and not followed."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8
from ansible_collections.netfleet.docker.plugins.module_utils._probe.checks import tcp
from ansible_collections.netfleet.docker.plugins.module_utils._probe.model import (
    FILTERED,
    OPEN,
    REFUSED,
    Check,
    Outcome,
)
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net import sockets, tls

_BODY_BYTES = 1 << 18
_GOOD = range(200, 400)


def probe(check: Check, address: str, deadline: float) -> Outcome:
    """Send the request as often as requested; the last response is returned."""
    every: list[Outcome] = []
    for number in range(check.count):
        if number:
            time.sleep(min(check.interval, max(deadline - time.monotonic(), 0)))
        every.append(_probe_once(check, address, min(deadline, time.monotonic() + check.timeout)))
        if time.monotonic() >= deadline:
            break
    found = next((one for one in reversed(every) if one.state == OPEN), every[0])
    return replace_fields(found, times=tuple(seconds for one in every for seconds in one.times), sent=len(every))


def _probe_once(check: Check, address: str, deadline: float) -> Outcome:
    facts: dict[str, Any] = {}
    is_secure = check.options["url"].startswith("https:")
    if is_secure:
        # The certificate is read and verified on separate connections, so that an invalid one is also reported.
        connection = tcp.connect(check, address, deadline)
        if isinstance(connection, Outcome):
            return connection
        with connection:
            problem = tcp.start_tls(check, address, connection, deadline, facts)
        if problem:
            return replace_fields(problem, facts={"tls": facts} if facts else {})
    started = time.monotonic()
    connection = tcp.connect(check, address, deadline)
    if isinstance(connection, Outcome):
        return connection
    try:
        with connection, sockets.close_at_deadline(deadline, connection):
            if is_secure:
                connection = tls.do_handshake(check, connection, verified=bool(check.options.get("verify")))[0]
            with connection:
                return _exchange(check, connection, started, {"tls": facts} if facts else {})
    except (tls.CertificateRejected, ssl.SSLError) as error:
        return tcp.describe_tls_error(check, address, error)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _classify_error(check, address, error, deadline)


def _classify_error(check: Check, address: str, error: Exception, deadline: float) -> Outcome:
    """Return the state and reason of a missing or invalid response."""
    there = f"port {check.port} of {address} accepts connections"
    if isinstance(error, socket.timeout) or time.monotonic() >= deadline - 0.01:
        return Outcome(FILTERED, f"{there}, but the response timed out")
    if isinstance(error, (ConnectionError, http.client.RemoteDisconnected)):
        return Outcome(REFUSED, f"{there}, but closes them without a response")
    return Outcome(REFUSED, f"{there}, but the response is not HTTP: {escape_invalid_utf8(str(error))[:80]}")


def _exchange(check: Check, connection: socket.socket, started: float, facts: dict[str, Any]) -> Outcome:
    parts = urlsplit(check.options["url"])
    client = http.client.HTTPConnection(check.target, check.port)
    client.sock = connection
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    own = check.options.get("headers") or {}
    given = {name.lower() for name in own}
    method = check.options.get("method") or "GET"
    client.putrequest(method, target, skip_host="host" in given, skip_accept_encoding=True)
    for name, value in {"User-Agent": "netfleet.docker.probe", "Connection": "close"}.items():
        if name.lower() not in given:
            client.putheader(name, value)
    for name, value in own.items():
        client.putheader(name, value)
    client.endheaders()
    response = client.getresponse()
    body = response.read(_BODY_BYTES)
    seconds = time.monotonic() - started
    facts["status"] = response.status
    facts["http_reason"] = escape_invalid_utf8(response.reason)
    facts["body_bytes"] = len(body)
    facts["location"] = response.headers.get("Location")
    unmet = _find_unmet_expectations(check, response, body)
    reason = f"answers {response.status} {escape_invalid_utf8(response.reason)}".rstrip()
    return Outcome(OPEN, reason, (seconds,), 1, facts, unmet)


def _find_unmet_expectations(check: Check, response: http.client.HTTPResponse, body: bytes) -> tuple[str, ...]:
    """Return the unmet expectations of the response."""
    found = []
    wanted = check.options.get("status")
    if response.status not in (wanted or _GOOD):
        found.append(f"status {' or '.join(map(str, wanted)) if wanted else '200 to 399'} was expected")
    for name, value in (check.options.get("response_headers") or {}).items():
        there = response.headers.get(name)
        if there is None or value not in there:
            found.append(f"its header {name} {'is missing' if there is None else f'does not contain {value!r}'}")
    contains = check.options.get("contains")
    if contains and contains not in escape_invalid_utf8(body.decode("utf-8", "surrogateescape")):
        found.append(f"its body does not contain {contains!r}")
    return tuple(found)
