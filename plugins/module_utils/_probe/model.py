# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks and outcomes as data, and the options and states of each kind of check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import field, record

OPEN, REFUSED, PROHIBITED, UNREACHABLE, FILTERED = "open", "refused", "prohibited", "unreachable", "filtered"
MAYBE, UNRESOLVED, ERROR = "open_or_filtered", "unresolved", "error"
NXDOMAIN, NODATA, SERVFAIL = "nxdomain", "nodata", "servfail"
BLACK_HOLE, UNIQUE, FREE, DUPLICATE, OFF_LINK = "black_hole", "unique", "free", "duplicate", "off_link"
NO_TLS, UNTRUSTED = "no_tls", "untrusted"

# States that ``closed`` includes: not open, and no failure of the check itself.
CLOSED = "closed"
CLOSED_STATES = (REFUSED, PROHIBITED, UNREACHABLE, FILTERED)
_REACHED = (OPEN, *CLOSED_STATES, UNRESOLVED)
_LAYERED = (*_REACHED, NO_TLS, UNTRUSTED)

STATES: Mapping[str, tuple[str, ...]] = {
    "ping": _REACHED,
    "tcp": _LAYERED,
    "udp": (*_REACHED, MAYBE),
    "dns": (*_REACHED, NXDOMAIN, NODATA, SERVFAIL),
    "http": _LAYERED,
    "path_mtu": (*_REACHED, BLACK_HOLE),
    "traceroute": _REACHED,
    "neighbour": (OPEN, UNREACHABLE, OFF_LINK, DUPLICATE),
    "duplicate": (UNIQUE, FREE, DUPLICATE, OFF_LINK),
}
DEFAULT_EXPECT: Mapping[str, tuple[str, ...]] = {"duplicate": (UNIQUE, FREE)}

_ALWAYS = {"type", "name", "expect", "timeout"}
_SENDS = {*_ALWAYS, "target", "family", "source", "interface"}
_REPEATS = {*_SENDS, "count", "interval"}
_TLS = {"tls", "server_name", "verify", "ca_file"}
_HTTP = {*_REPEATS, *_TLS, "url", "method", "headers", "status", "response_headers", "contains"}
OPTIONS: Mapping[str, set[str]] = {
    "ping": {*_REPEATS, "size", "dont_fragment"},
    "tcp": {*_REPEATS, *_TLS, "port"},
    "udp": {*_REPEATS, "port", "payload", "payload_hex", "contains"},
    "dns": {*_REPEATS, "port", "server", "record", "search", "protocol", "answers"},
    "http": _HTTP - {"target", "tls"},
    "path_mtu": {*_SENDS, "min_mtu", "max_mtu"},
    "traceroute": {*_REPEATS, "max_hops"},
    "neighbour": {*_ALWAYS, "target", "interface", "count", "interval"},
    "duplicate": {*_ALWAYS, "target", "interface", "count", "interval"},
}
REQUIRED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("ping", "dns", "path_mtu", "traceroute", "neighbour"), ("target",)),
    **dict.fromkeys(("tcp", "udp"), ("target", "port")),
    "http": ("url",),
    "duplicate": ("target", "interface"),
}


@record
class Check:
    """A check: target, method and expectation; ``options`` are those of its kind."""

    type: str
    name: str
    target: str
    expect: tuple[str, ...]
    port: int = 0
    family: int | None = None
    source: str | None = None
    interface: str | None = None
    count: int = 1
    interval: float = 0.0
    timeout: float = 5.0
    options: Mapping[str, Any] = field(default_factory=dict)


@record
class Outcome:
    """An outcome: state and reason, seconds of each response, details, and unmet expectations.

    ``sent`` is None if requests are not counted.
    """

    state: str
    reason: str
    times: tuple[float, ...] = ()
    sent: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    unmet: tuple[str, ...] = ()
