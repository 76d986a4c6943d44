# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Path MTU: the largest packet that is answered without fragmentation, and the router that reports a smaller one.

A router reports packets that are too large for its next link. If such packets are dropped without a report, connections
open and then hang: a path MTU black hole.
"""

from __future__ import annotations

import itertools
import time
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._probe.codecs.icmp import Reply
from ansible_collections.netfleet.docker.plugins.module_utils._probe.model import (
    BLACK_HOLE,
    FILTERED,
    OPEN,
    Check,
    Outcome,
)
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net import route, sockets
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net.icmp_socket import EchoSocket

_SMALLEST = {4: 68, 6: 104}
_AT_ONCE = 16
_TWICE = 2
_ROUND_SECONDS = 1.0
# The answer to a large packet takes about as long as that to a small one.
_PATIENCE = 10


def probe(check: Check, address: str, deadline: float) -> Outcome:
    """Find the largest size that is answered, from a size that every link supports to the MTU of the first link."""
    way = route.find_route(address, check.interface, check.source)
    first = route.read_link_mtu(way.interface) if way.interface else 1500
    with EchoSocket(check, address) as echo:
        echo.set_fragmentation(allowed=False)
        search = _MtuSearch(echo, deadline)
        low = _SMALLEST[echo.version]
        high = max(min(first, check.options.get("max_mtu") or 65535, 65535), low)
        if not search.find_passing_sizes([low], min(check.timeout, 3.0)):
            return search.build_failure(address)
        found = _find_largest(search, low, high)
        facts: dict[str, Any] = {
            "path_mtu": found,
            "link_mtu": first,
            "interface": way.interface,
            "reduced_by": search.narrowed,
            "fragments_pass": None,
        }
        if found < high and time.monotonic() < deadline:
            echo.set_fragmentation(allowed=True)
            facts["fragments_pass"] = bool(search.find_passing_sizes([high], search.get_timeout()))
    return _build_outcome(check, address, facts, high, search)


def _find_largest(search: _MtuSearch, low: int, high: int) -> int:
    """Return the largest size that passes, given that ``low`` does."""
    while low < high:
        previous = search.reported_mtu
        # The largest size first, because it usually passes, then several in parallel.
        sizes = [high] if high == search.reported_mtu or not search.asked else _spread_sizes(low, high)
        passed = search.find_passing_sizes(sizes, search.get_timeout())
        low = max([low, *passed])
        if search.reported_mtu != previous and low <= search.reported_mtu < high:
            high = search.reported_mtu  # a router reported its MTU
        elif low < high:
            refused = [size for size in sizes if size > low]
            high = min([high, *(size - 1 for size in refused)])
        if search.is_over():
            break
    return low


def _spread_sizes(low: int, high: int) -> list[int]:
    step = max((high - low) // _AT_ONCE, 1)
    steps = sorted({*range(low + step, high, step), high})
    first = max(len(steps) - _AT_ONCE - 1, 0)
    return steps[first:]


class _MtuSearch:
    """Send sizes and record the responses."""

    def __init__(self, echo: EchoSocket, deadline: float) -> None:
        self._echo = echo
        self._deadline = deadline
        self._sequences = itertools.count()
        self.times: list[float] = []
        self.sent = 0
        self.asked = False
        self.reported_mtu = 0
        self.narrowed: list[dict[str, Any]] = []
        self._problem: tuple[str, str] | None = None

    def is_over(self) -> bool:
        return time.monotonic() >= self._deadline

    def get_timeout(self) -> float:
        return min(_ROUND_SECONDS, max(_PATIENCE * max(self.times, default=0.0), 0.3))

    def find_passing_sizes(self, sizes: list[int], seconds: float) -> list[int]:
        """Return the sizes that are answered, each sent twice; sizes that the link rejects are not."""
        passed: set[int] = set()
        self.asked = len(sizes) > 1 or self.asked or bool(self.times)
        for _round in range(_TWICE):
            waiting = {}
            for size in sizes:
                if size in passed:
                    continue
                sequence = next(self._sequences) & 0xFFFF
                try:
                    self._echo.send(sequence, size)
                except OSError as error:
                    found = sockets.classify_error(error)
                    self._problem = self._problem or (found.state, found.reason)
                    continue
                self.sent += 1
                waiting[sequence] = size
            until = min(self._deadline, time.monotonic() + seconds)
            for reply, took in self._echo.receive_replies(until) if waiting else ():
                size_of = waiting.pop(reply.sequence, None)
                if size_of is None:
                    continue
                if reply.kind == "reply":
                    passed.add(size_of)
                    self.times.append(took)
                else:
                    self._record_error(reply)
                if not waiting:
                    break
            if len(passed) == len(sizes) or self.reported_mtu or self.is_over():
                break
        return sorted(passed)

    def _record_error(self, reply: Reply) -> None:
        if reply.kind == "too_big":
            if reply.mtu and (not self.reported_mtu or reply.mtu < self.reported_mtu):
                self.reported_mtu = reply.mtu
                self.narrowed.append({"address": reply.sender, "mtu": reply.mtu})
        elif self._problem is None:
            self._problem = self._echo.describe_error(reply)

    def build_failure(self, address: str) -> Outcome:
        """Return the state and reason if not even a small packet is answered."""
        silence = f"{address} does not answer even small echo requests, so larger ones were not tested"
        state, reason = self._problem or (FILTERED, silence)
        return Outcome(state, reason, (), self.sent)


def _build_outcome(check: Check, address: str, facts: dict[str, Any], high: int, search: _MtuSearch) -> Outcome:
    found = facts["path_mtu"]
    least = check.options.get("min_mtu")
    unmet = (f"at least {least} was expected",) if least and found < least else ()
    says = " and ".join(f"{one['address']} reports {one['mtu']}" for one in facts["reduced_by"])
    is_reported = bool(facts["reduced_by"]) and facts["reduced_by"][-1]["mtu"] == found
    if found == high:
        reason = f"packets of {found} bytes reach {address} and return unfragmented"
    elif is_reported:
        reason = f"packets of up to {found} bytes reach {address} and return unfragmented: {says}"
    else:
        reason = (
            f"packets of more than {found} bytes to {address} or back are dropped without an error, although the MTU "
            f"of the link is {high}" + (f" ({says})" if says else "")
        )
        return Outcome(BLACK_HOLE, reason, tuple(search.times), None, facts)
    return Outcome(OPEN, reason, tuple(search.times), None, facts, unmet)
