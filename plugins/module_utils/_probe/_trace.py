# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Traceroute: the routers on the way, each found by echo requests that expire there."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._probe import _icmp_wire, _judge, _sockets
from ansible_collections.netfleet.docker.plugins.module_utils._probe._echo import Echo
from ansible_collections.netfleet.docker.plugins.module_utils._probe._model import FILTERED, OPEN, Check, Outcome

_HOPS = 30
_AT_ONCE = 6
_SIZE = {4: 60, 6: 80}
_SEQUENCES_A_HOP = 1000


def probe(check: Check, address: str, deadline: float) -> Outcome:
    """Send to some hops at once, then to the next ones, until the target or somebody who refuses has answered."""
    most = check.options.get("max_hops") or _HOPS
    hops: dict[int, _Hop] = {}
    end: tuple[str, str] | None = None
    sent = 0
    times: list[float] = []
    with Echo(check, address) as echo:
        for start in range(1, most + 1, _AT_ONCE):
            batch = range(start, min(start + _AT_ONCE, most + 1))
            waiting = set()
            for hop in batch:
                hops[hop] = _Hop()
                echo.hops(hop)
                for number in range(check.count):
                    sequence = hop * _SEQUENCES_A_HOP + number
                    try:
                        echo.send(sequence, _SIZE[echo.version])
                    except OSError as error:
                        found = _sockets.outcome(error)
                        return Outcome(found.state, found.reason, (), sent, {"hops": []})
                    sent += 1
                    waiting.add(sequence)
            until = min(deadline, time.monotonic() + check.timeout)
            for reply, seconds in echo.replies(until):
                hop = reply.sequence // _SEQUENCES_A_HOP
                waiting.discard(reply.sequence)
                hops[hop].add(reply.sender, seconds)
                if reply.kind == "reply":
                    times.append(seconds)
                    end = OPEN, f"{address} answers, {hop} hops away"
                    # What lies beyond the target answers too, as the target.
                    waiting = {one for one in waiting if one // _SEQUENCES_A_HOP < hop}
                    hops[hop].last = True
                elif reply.kind == "error" and end is None:
                    state, words = _icmp_wire.meaning(echo.version, reply.type, reply.code)
                    end = state, f"{reply.sender} says: {words}"
                    hops[hop].last = True
                if not waiting:
                    break
            if end or time.monotonic() >= deadline:
                break
    last = min((number for number, hop in hops.items() if hop.last), default=max(hops))
    rows = [hops[number].row(number) for number in sorted(hops) if number <= last]
    if end is None:
        heard = [row for row in rows if row["addresses"]]
        where = (
            f"the last that answered is {heard[-1]['addresses'][0]}, hop {heard[-1]['hop']}" if heard else "nobody did"
        )
        end = FILTERED, f"{address} does not answer; {where}"
    elif end[0] == OPEN:
        end = OPEN, f"{address} answers, {last} {'hop' if last == 1 else 'hops'} away"
    return Outcome(end[0], end[1], tuple(times), None, {"hops": rows, "packets": sent})


class _Hop:
    """Who answered from one distance."""

    def __init__(self) -> None:
        self._addresses: dict[str, None] = {}
        self._times: list[float] = []
        self.last = False

    def add(self, sender: str, seconds: float) -> None:
        self._addresses[sender] = None
        self._times.append(seconds)

    def row(self, number: int) -> dict[str, Any]:
        return {"hop": number, "addresses": list(self._addresses), "latency": _judge.latency(self._times)}
