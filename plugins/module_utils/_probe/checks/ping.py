# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ping: echo replies of the host and their times."""

from __future__ import annotations

import time

from ansible_collections.netfleet.docker.plugins.module_utils._probe.codecs import icmp as icmp_codec
from ansible_collections.netfleet.docker.plugins.module_utils._probe.model import FILTERED, OPEN, Check, Outcome
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net import sockets
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net.icmp_socket import EchoSocket

_SIZE = {4: 84, 6: 104}


def probe(check: Check, address: str, deadline: float) -> Outcome:
    """Send requests one after the other, and wait until all are answered or time out."""
    with EchoSocket(check, address) as echo:
        if check.options.get("dont_fragment") is not None:
            echo.set_fragmentation(not check.options["dont_fragment"])
        times, problem, sent = _send_requests(echo, check, deadline)
    if times:
        lost = sent - len(times)
        reason = f"{address} answers" + (f", but not to {lost} of {sent} requests" if lost else "")
        return Outcome(OPEN, reason, tuple(times.values()), sent)
    silence = f"{address} does not answer: packets are dropped on the path, or no host has the address"
    state, words = problem or (FILTERED, silence)
    return Outcome(state, words, (), sent)


def _send_requests(
    echo: EchoSocket, check: Check, deadline: float
) -> tuple[dict[int, float], tuple[str, str] | None, int]:
    """Return the seconds of each reply, errors instead of replies, and the number of requests."""
    size = max(check.options.get("size") or _SIZE[echo.version], icmp_codec.get_header_size(echo.version))
    times: dict[int, float] = {}
    problems: dict[int, tuple[str, str]] = {}
    sent = 0
    while sent < check.count and (not sent or time.monotonic() < deadline):
        try:
            echo.send(sent, size)
        except OSError as error:
            found = sockets.classify_error(error)
            problems[sent] = found.state, found.reason
        sent += 1
        is_last = sent == check.count
        until = min(deadline, time.monotonic() + (check.timeout if is_last else check.interval))
        if is_last and len({*times, *problems}) == sent:
            break
        for reply, seconds in echo.receive_replies(until):
            if reply.kind == "reply":
                times.setdefault(reply.sequence, seconds)
            else:
                problems.setdefault(reply.sequence, echo.describe_error(reply))
            if is_last and len({*times, *problems}) == sent:
                break
    return times, next(iter(problems.values()), None), sent
