# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Traceroute: routers on the path, found by echo requests that expire there."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._probe import evaluation
from ansible_collections.netfleet.docker.plugins.module_utils._probe.model import FILTERED, OPEN, Check, Outcome
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net import sockets
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net.icmp_socket import EchoSocket

_HOPS = 30
_AT_ONCE = 6
_SIZE = {4: 60, 6: 80}
_SEQUENCES_A_HOP = 1000


def probe(check: Check, address: str, deadline: float) -> Outcome:
    """Send to several hops in parallel, then to the next ones, until the target or an error answers."""
    most = check.options.get("max_hops") or _HOPS
    with EchoSocket(check, address) as echo:
        trace = _Trace(echo, check)
        for start in range(1, most + 1, _AT_ONCE):
            try:
                waiting = trace.send(range(start, min(start + _AT_ONCE, most + 1)))
            except OSError as error:
                found = sockets.classify_error(error)
                return Outcome(found.state, found.reason, (), None, {"hops": [], "packets": trace.sent})
            trace.receive(waiting, min(deadline, time.monotonic() + check.timeout))
            if trace.ends or time.monotonic() >= deadline:
                break
    return trace.build_outcome(address)


class _Trace:
    """Requests and responses."""

    def __init__(self, echo: EchoSocket, check: Check) -> None:
        self._echo = echo
        self._count = check.count
        self._hops: dict[int, _HopResponses] = {}
        self._times: list[float] = []
        self.ends: dict[int, tuple[str, str]] = {}
        self.sent = 0

    def send(self, hops: range) -> set[int]:
        """Send to these hops and return the sequence numbers; raise OSError."""
        waiting = set()
        for hop in hops:
            self._hops[hop] = _HopResponses()
            self._echo.set_hop_limit(hop)
            for number in range(self._count):
                self._echo.send(hop * _SEQUENCES_A_HOP + number, _SIZE[self._echo.version])
                self.sent += 1
                waiting.add(hop * _SEQUENCES_A_HOP + number)
        return waiting

    def receive(self, waiting: set[int], until: float) -> None:
        """Receive until all responses have arrived or the time is over."""
        for reply, seconds in self._echo.receive_replies(until):
            hop = reply.sequence // _SEQUENCES_A_HOP
            self._hops[hop].add(reply.sender, seconds)
            if reply.kind == "reply":
                self._times.append(seconds)
                self.ends.setdefault(hop, (OPEN, ""))
            elif reply.kind != "expired":
                self.ends.setdefault(hop, self._echo.describe_error(reply))
            waiting.discard(reply.sequence)
            # Hops beyond the target are answered by the target.
            last = min(self.ends, default=hop)
            if not any(one // _SEQUENCES_A_HOP <= last or not self.ends for one in waiting):
                return

    def build_outcome(self, address: str) -> Outcome:
        """Return the number of hops."""
        last = min(self.ends, default=max(self._hops))
        rows = [self._hops[hop].build_row(hop) for hop in sorted(self._hops) if hop <= last]
        answered = [row for row in rows if row["addresses"]]
        where = (
            f"the last host that answers is {answered[-1]['addresses'][0]}, hop {answered[-1]['hop']}"
            if answered
            else "no host answers"
        )
        state, reason = self.ends.get(last, (FILTERED, f"{address} does not answer; {where}"))
        if state == OPEN:
            reason = f"{address} answers, {last} {'hop' if last == 1 else 'hops'} away"
        return Outcome(state, reason, tuple(self._times), None, {"hops": rows, "packets": self.sent})


class _HopResponses:
    """Responses of one hop."""

    def __init__(self) -> None:
        self._addresses: dict[str, None] = {}
        self._times: list[float] = []

    def add(self, sender: str, seconds: float) -> None:
        """Add a response."""
        self._addresses[sender] = None
        self._times.append(seconds)

    def build_row(self, number: int) -> dict[str, Any]:
        """Return the hop as a row of the result."""
        return {"hop": number, "addresses": list(self._addresses), "latency": evaluation.summarize_latency(self._times)}
