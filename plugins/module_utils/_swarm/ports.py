# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probes of ports between nodes: one node listens behind its firewall while the others send.

Raw sockets receive what the INPUT chains of the kernel let pass, whether or not a program has the port. So the result
is the same before a Swarm exists and afterwards, for TCP, for UDP and for the port of VXLAN links.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import ctypes
import json
import os
import resource
import secrets
import select
import socket
import struct
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError

Row = Mapping[str, Any]

_PROTOCOLS = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}
# The header of a VXLAN packet with a network identifier that Swarm never assigns, so no link takes it.
_VXLAN = struct.pack("!II", 0x08000000, 0xFFFFFE << 8)
_SO_ATTACH_FILTER = 26
# Seconds: between two packets, for an answer to one, for the listener's report, and maximum lifetime of a listener.
_PAUSE, _ANSWER, _REPORT, _LIFE = 0.25, 1.0, 30.0, 600.0
_STACK_BYTES = 256 * 1024


def listen(expected: Iterable[Row]) -> str:
    """Listen in the background and return the name of the socket on which ``collect`` gets the report.

    Each expected row has ``host``, ``address`` (of the sender), ``protocol`` and ``port``.
    """
    missing = {(row["address"], row["protocol"], row["port"]): dict(row) for row in expected}
    ports: dict[tuple[int, str], set[int]] = {}
    for address, protocol, port in missing:
        ports.setdefault((_get_family(address), protocol), set()).add(port)
    sockets = {_open_raw_socket(*key, sorted(found)): key for key, found in ports.items()}
    # An abstract name requires no file, and is released when the process ends.
    name = f"netfleet.docker-{secrets.token_hex(8)}"
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind("\0" + name)
    server.listen(1)
    if os.fork():
        for one in (server, *sockets):
            one.close()
        return name
    _serve(server, sockets, missing)
    os._exit(0)


def _serve(
    server: socket.socket, sockets: dict[socket.socket, tuple[int, str]], missing: dict[tuple[str, str, int], Any]
) -> None:
    """Remove received packets from the missing ones until a client requests the report."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    end = time.monotonic() + _LIFE
    while time.monotonic() < end:
        ready = select.select([server, *sockets], [], [], max(0.0, end - time.monotonic()))[0]
        for one in ready:
            if one is not server:
                missing.pop(_receive_packet(one, *sockets[one]), None)
        if ready == [server]:
            with server.accept()[0] as asker, contextlib.suppress(OSError):
                asker.sendall(json.dumps(list(missing.values())).encode())
            return


def collect(name: str) -> list[dict[str, Any]]:
    """Return the expected rows without a received packet, and end the listener."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(_REPORT)
            link.connect("\0" + name)
            found: list[dict[str, Any]] = json.load(link.makefile())
            return found
    except (OSError, ValueError) as error:
        raise NetfleetError(f"the listener of this host does not answer: {error}") from None


def _open_raw_socket(family: int, protocol: str, ports: list[int]) -> socket.socket:
    """Return a raw socket that receives only packets to these ports, so that other traffic is not processed."""
    # IPv4 packets include their header, whose length the first instruction loads into X; IPv6 packets without.
    load = [(0xB1, 0, 0, 0), (0x48, 0, 0, 2)] if family == socket.AF_INET else [(0x28, 0, 0, 2)]
    tests = [(0x15, len(ports) - at, 0, number) for at, number in enumerate(ports)]
    code = [*load, *tests, (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFF)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in code))
    found = socket.socket(family, socket.SOCK_RAW, _PROTOCOLS[protocol])
    found.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(code), ctypes.addressof(program)))
    return found


def _receive_packet(raw: socket.socket, family: int, protocol: str) -> tuple[str, str, int]:
    """Return the sender's address, the protocol and the port of a packet."""
    packet, sender = raw.recvfrom(65535)
    start = (packet[0] & 15) * 4 if family == socket.AF_INET else 0
    return str(sender[0]), protocol, int(struct.unpack_from("!H", packet, start + 2)[0])


def send(targets: list[Row], seconds: float) -> list[dict[str, Any]]:
    """Return the targets, each with its ``answer``: connected, refused, or the error; for UDP only sent.

    Each target has ``address``, ``source``, ``protocol``, ``port`` and ``vxlan``.
    """
    end = time.monotonic() + seconds
    # Each target has a thread until the end, or nothing would be sent to the last ones.
    threading.stack_size(_STACK_BYTES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(targets) or 1) as pool:
        answers = pool.map(lambda one: (_send_tcp if one["protocol"] == "tcp" else _send_udp)(one, end), targets)
        return [{**one, "answer": answer} for one, answer in zip(targets, answers)]


def _send_udp(target: Row, end: float) -> str:
    """Send datagrams until the end: the other node may start to listen later."""
    payload = _VXLAN if target["vxlan"] else b"netfleet.docker"
    answer = "sent"
    with socket.socket(_get_family(target["address"]), socket.SOCK_DGRAM) as link:
        link.bind((target["source"], 0))
        while time.monotonic() < end:
            try:
                link.sendto(payload, (target["address"], target["port"]))
                answer = "sent"
            except OSError as error:
                answer = error.strerror or str(error)
            time.sleep(_PAUSE)
    return answer


def _send_tcp(target: Row, end: float) -> str:
    """Connect until a program accepts the connection, or until the end."""
    answer = "no answer"
    while time.monotonic() < end:
        with socket.socket(_get_family(target["address"]), socket.SOCK_STREAM) as link:
            link.settimeout(_ANSWER)
            try:
                link.bind((target["source"], 0))
                link.connect((target["address"], target["port"]))
                return "connected"
            except ConnectionRefusedError:
                answer = "refused"
            except socket.timeout:
                answer = "no answer"
            except OSError as error:
                answer = error.strerror or str(error)
        time.sleep(_PAUSE)
    return answer


def _get_family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
