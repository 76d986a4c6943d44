# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ping: does the host answer echo requests, and how soon."""

from __future__ import annotations

import time

from ansible_collections.netfleet.docker.plugins.module_utils._probe import _icmp_wire, _sockets
from ansible_collections.netfleet.docker.plugins.module_utils._probe._echo import Echo
from ansible_collections.netfleet.docker.plugins.module_utils._probe._model import (
    FILTERED,
    OPEN,
    Check,
    Outcome,
)

_SIZE = {4: 84, 6: 104}


def probe(check: Check, address: str, deadline: float) -> Outcome:
    """Send requests one after the other, and wait for what comes back until all are answered."""
    times: dict[int, float] = {}
    complaints: dict[int, tuple[str, str]] = {}
    with Echo(check, address) as echo:
        size = max(check.options.get("size") or _SIZE[echo.version], _icmp_wire.overhead(echo.version))
        if check.options.get("dont_fragment") is not None:
            echo.fragment(not check.options["dont_fragment"])
        failure: Outcome | None = None
        for sequence in range(check.count):
            try:
                echo.send(sequence, size)
            except OSError as error:
                failure = _sockets.outcome(error)
            is_last = sequence == check.count - 1
            until = min(deadline, time.monotonic() + (check.timeout if is_last else check.interval))
            for reply, seconds in echo.replies(until):
                if reply.kind == "reply":
                    times.setdefault(reply.sequence, seconds)
                elif reply.kind == "too_big":
                    words = f"{reply.sender} says: larger than the next link's MTU of {reply.mtu}"
                    complaints[reply.sequence] = FILTERED, words
                else:
                    state, words = _icmp_wire.meaning(echo.version, reply.type, reply.code)
                    words = "it expired on the way" if reply.kind == "expired" else words
                    complaints[reply.sequence] = state, f"{reply.sender} says: {words}"
                if is_last and len({*times, *complaints}) == check.count:
                    break
            if time.monotonic() >= deadline:
                break
        sent = sequence + 1
    if times:
        lost = sent - len(times)
        reason = f"{address} answers" + (f", but not {lost} of {sent} requests" if lost else "")
        return Outcome(OPEN, reason, tuple(times.values()), sent)
    if complaints:
        state, words = next(iter(complaints.values()))
        return Outcome(state, words, (), sent)
    if failure:
        return Outcome(failure.state, failure.reason, (), sent)
    return Outcome(FILTERED, f"{address} does not answer: dropped on the way or back, or nobody is there", (), sent)
