# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""DNS: response of a server, or of the namespace's own resolver, for a name."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import time
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._probe.codecs import dns as dns_codec
from ansible_collections.netfleet.docker.plugins.module_utils._probe.model import (
    ERROR,
    FILTERED,
    NODATA,
    NXDOMAIN,
    OPEN,
    REFUSED,
    SERVFAIL,
    Check,
    Outcome,
)
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net import resolver as net_resolver
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net import sockets
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net.resolver import Resolver

_STATES = {"NXDOMAIN": NXDOMAIN, "REFUSED": REFUSED}


def probe(check: Check, resolver: Resolver, deadline: float) -> Outcome:
    """Query the name as often as requested, and through the search domains if requested."""
    server = check.options.get("server")
    servers = (server,) if server else resolver.servers
    if not servers:
        return Outcome(ERROR, f"{resolver.path} contains no name server, and none was specified")
    kind, names = _build_question(check, resolver)
    times: list[float] = []
    every: list[Outcome] = []
    for number in range(check.count):
        if number:
            time.sleep(min(check.interval, max(deadline - time.monotonic(), 0)))
        until = min(deadline, time.monotonic() + check.timeout)
        for name in names:
            found = _query(check, servers, name, kind, until)
            every.append(found)
            times.extend(found.times)
            if found.state == OPEN or not found.times:
                break
        if time.monotonic() >= deadline:
            break
    best = min(reversed(every), key=_rank_outcome)
    return replace_fields(best, times=tuple(times), sent=len(every))


def _build_question(check: Check, resolver: Resolver) -> tuple[str, tuple[str, ...]]:
    kind = check.options.get("record")
    try:
        name = dns_codec.build_reverse_name(str(ipaddress.ip_address(check.target)))
        return kind or "PTR", (name if kind in (None, "PTR") else check.target,)
    except ValueError:
        kind = kind or ("AAAA" if check.family == 6 else "A")
    searched = check.options.get("search")
    return kind, net_resolver.build_candidate_names(check.target, resolver) if searched else (check.target.rstrip("."),)


def _rank_outcome(outcome: Outcome) -> int:
    return (OPEN, NODATA, NXDOMAIN).index(outcome.state) if outcome.state in (OPEN, NODATA, NXDOMAIN) else 3


def _query(check: Check, servers: tuple[str, ...], name: str, kind: str, deadline: float) -> Outcome:
    """Return the result of one query."""
    try:
        if len(servers) == 1:
            answer, seconds = _query_with_retries(check, servers[0], name, kind, deadline)
            server = servers[0]
        else:
            server, answer, seconds = net_resolver.query_servers(check, name, kind, servers, deadline)
    except net_resolver.ResolutionError as error:
        return Outcome(FILTERED, str(error))
    except OSError as error:
        found = sockets.classify_error(error)
        return replace_fields(found, reason=f"{servers[0]}: {found.reason}")
    except ValueError as error:
        return Outcome(SERVFAIL, f"the response of {servers[0]} is invalid: {error}")
    facts: dict[str, Any] = {
        "server": server,
        "question": f"{name} {kind}",
        "rcode": answer.rcode,
        "authoritative": answer.authoritative,
        "answers": [record._asdict() for record in answer.records],
    }
    values = [record.data for record in answer.records if record.type == kind]
    if answer.rcode != "NOERROR":
        return Outcome(
            _STATES.get(answer.rcode, SERVFAIL), f"{server} returned {answer.rcode} for {name}", (seconds,), 1, facts
        )
    if not values:
        return Outcome(NODATA, f"{server} has no {kind} record of {name}", (seconds,), 1, facts)
    missing = [one for one in check.options.get("answers") or () if one.rstrip(".") not in values]
    unmet = (f"{', '.join(missing)} is not among the answers",) if missing else ()
    return Outcome(OPEN, f"{server} returned {name} {kind} {', '.join(values)}", (seconds,), 1, facts, unmet)


def _query_with_retries(
    check: Check, server: str, name: str, kind: str, deadline: float
) -> tuple[dns_codec.Answer, float]:
    """Query one server, and again in case a datagram was lost."""
    if check.options.get("protocol") != "tcp":
        with contextlib.suppress(socket.timeout):
            return net_resolver.query_server(
                check, server, name, kind, time.monotonic() + (deadline - time.monotonic()) / 2
            )
    return net_resolver.query_server(check, server, name, kind, deadline)
