# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolve names with resolv.conf and hosts of the namespace; the C library would use those of the host."""

from __future__ import annotations

import ipaddress
import random
import re
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import field, record
from ansible_collections.netfleet.docker.plugins.module_utils._probe.codecs import dns as dns_codec
from ansible_collections.netfleet.docker.plugins.module_utils._probe.model import Check
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net import sockets

DNS_PORT = 53
_MOST_SERVERS, _MOST_DOMAINS = 3, 6
_DATAGRAM = 65535
_TRIES = 2
_SECONDS_A_TRY = 5.0


class ResolutionError(Exception):
    """A name cannot be resolved, and why."""


@record
class Resolver:
    """The resolver configuration: servers in order, search domains, names in the hosts file, and its source."""

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    ndots: int = 1
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    path: str = "/etc/resolv.conf"
    hosts_path: str = "/etc/hosts"


def parse_config(conf: str, hosts: str, path: str, hosts_path: str) -> Resolver:
    """Return the configuration from resolv.conf(5) and hosts(5); invalid lines are ignored."""
    servers: list[str] = []
    search: list[str] = []
    ndots = 1
    for line in conf.splitlines():
        words = line.split()
        if not words or words[0][0] in "#;":
            continue
        if words[0] == "nameserver" and len(words) > 1 and _is_address(words[1]):
            servers.append(words[1])
        elif words[0] in ("search", "domain"):  # the last one applies
            search = words[1:]
        elif words[0] == "options":
            wanted = [word[6:] for word in words[1:] if word.startswith("ndots:")]
            ndots = min(int(wanted[-1]), 15) if wanted and re.fullmatch("[0-9]{1,9}", wanted[-1]) else ndots
    domains = tuple(one.rstrip(".") for one in search if one.rstrip("."))[:_MOST_DOMAINS]
    return Resolver(tuple(servers[:_MOST_SERVERS]), domains, ndots, _parse_hosts(hosts), path, hosts_path)


def build_candidate_names(name: str, resolver: Resolver) -> tuple[str, ...]:
    """Return the names to query in order: search domains first if there are few dots (resolv.conf(5), ndots)."""
    if name.endswith("."):
        return (name.rstrip("."),)
    found = [f"{name}.{domain}" for domain in resolver.search]
    return (name, *found) if name.count(".") >= resolver.ndots else (*found, name)


def resolve_name(name: str, resolver: Resolver, check: Check, deadline: float) -> tuple[list[str], str]:
    """Return the addresses of a name and their source; raise ResolutionError."""
    known = resolver.hosts.get(name.rstrip(".").lower(), ())
    fitting = [one for one in known if check.family in (None, sockets.get_ip_version(one))]
    if fitting:
        return fitting, resolver.hosts_path
    if not resolver.servers:
        raise ResolutionError(f"{name} is not in {resolver.hosts_path}, and {resolver.path} lists no name server")
    kinds = {4: ("A",), 6: ("AAAA",)}.get(check.family or 0, ("A", "AAAA"))
    failures = []
    plain = Check(type="dns", name="", target=name, expect=())
    for candidate in build_candidate_names(name, resolver):
        for kind in kinds:
            server, answer, _seconds = query_servers(plain, candidate, kind, resolver.servers, deadline)
            found = [record.data for record in answer.records if record.type == kind]
            if found:
                return found, server
            failures.append(
                f"{server} returned {answer.rcode if answer.rcode != 'NOERROR' else f'no {kind}'} for {candidate}"
            )
            if answer.rcode == "NXDOMAIN":
                break
    raise ResolutionError("; ".join(dict.fromkeys(failures)))


def query_servers(
    check: Check, name: str, kind: str, servers: Sequence[str], deadline: float
) -> tuple[str, dns_codec.Answer, float]:
    """Return the server that answered, its response and the seconds; raise ResolutionError if none answers.

    Servers are queried in order, twice, like the C library does; a server that fails is skipped.
    """
    failures: dict[str, str] = {}
    failed: tuple[str, dns_codec.Answer, float] | None = None
    for number, server in enumerate(server for _round in range(_TRIES) for server in servers):
        left = _TRIES * len(servers) - number
        until = min(deadline, time.monotonic() + min(_SECONDS_A_TRY, max(deadline - time.monotonic(), 0) / left))
        try:
            answer, seconds = query_server(check, server, name, kind, until)
        except OSError as error:
            failures[server] = f"{server}: {sockets.classify_error(error).reason}"
            continue
        except (ValueError, sockets.SocketOpenError) as error:
            failures[server] = f"{server}: {error}"
            continue
        if answer.rcode not in ("SERVFAIL", "REFUSED", "NOTIMP"):
            return server, answer, seconds
        failed = failed or (server, answer, seconds)
    if failed:
        return failed
    raise ResolutionError(f"no answer for {name}: {'; '.join(failures.values()) or 'timed out'}")


def query_server(check: Check, server: str, name: str, kind: str, deadline: float) -> tuple[dns_codec.Answer, float]:
    """Query one server; return its response and the seconds. A truncated response is fetched over TCP."""
    number = random.getrandbits(16)
    question = dns_codec.encode_query(number, name, kind)
    started = time.monotonic()
    if check.options.get("protocol") != "tcp":
        with sockets.open_socket(check, server, socket.SOCK_DGRAM) as connection:
            connection.settimeout(sockets.get_seconds_left(deadline))
            connection.connect(sockets.build_socket_address(check, server, check.port or DNS_PORT))
            connection.send(question)
            answer = _receive_matching(connection, number, name, kind, deadline)
        if not answer.truncated:
            return answer, time.monotonic() - started
    with sockets.open_socket(check, server, socket.SOCK_STREAM) as connection:
        connection.settimeout(sockets.get_seconds_left(deadline))
        connection.connect(sockets.build_socket_address(check, server, check.port or DNS_PORT))
        with sockets.close_at_deadline(deadline, connection):
            connection.sendall(struct.pack("!H", len(question)) + question)
            (size,) = struct.unpack("!H", _receive_exactly(connection, 2, deadline))
            answer = dns_codec.decode_answer(_receive_exactly(connection, size, deadline), number, name, kind)
    return answer, time.monotonic() - started


def _receive_matching(
    connection: socket.socket, number: int, name: str, kind: str, deadline: float
) -> dns_codec.Answer:
    """Return the response to the query; other messages are ignored."""
    while True:
        connection.settimeout(sockets.get_seconds_left(deadline))
        message = connection.recv(_DATAGRAM)
        try:
            return dns_codec.decode_answer(message, number, name, kind)
        except ValueError:
            if message[:2] == struct.pack("!H", number):
                raise


def _receive_exactly(connection: socket.socket, size: int, deadline: float) -> bytes:
    found = b""
    while len(found) < size:
        chunk = connection.recv(size - len(found))
        if not chunk:
            sockets.get_seconds_left(deadline)  # possibly closed at the deadline
            raise ValueError("the server closed the connection before it answered")
        found += chunk
    return found


def _parse_hosts(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words and _is_address(words[0]):
            for name in words[1:]:
                key = name.lower().rstrip(".")
                found[key] = (*found.get(key, ()), words[0])
    return found


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def describe_resolver(resolver: Resolver) -> Iterator[tuple[str, object]]:
    """Yield the resolver fields of the result."""
    yield from (("path", resolver.path), ("servers", list(resolver.servers)), ("search", list(resolver.search)))
    yield from (("ndots", resolver.ndots), ("hosts_path", resolver.hosts_path))
