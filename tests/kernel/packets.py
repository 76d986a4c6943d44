# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real packets between the namespaces of a sandbox: one process with servers in each namespace, and clients.

The process is a witness, so it uses sockets only. A query is (namespace, target, protocol, port); the answer is whether
the target answered before the deadline.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import IO, Any

from .sandbox import Sandbox

_PROGRAM = r"""
import ctypes, json, os, selectors, socket, struct, sys, time

NAMESPACES, SERVED = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
poll = selectors.DefaultSelector()
answered = set()
IPV6_PKTINFO, IPV6_RECVPKTINFO, IP_PKTINFO = 50, 49, 8


def enter(name):
    with open("/proc/1/ns/net" if name == "host" else f"/run/netns/{name}") as place:
        assert libc.setns(place.fileno(), 0x40000000) == 0


def accept(server):
    try:
        server.accept()[0].close()
    except OSError:
        pass


def echo(server):
    # The answer has the address that was asked.
    try:
        data, extra, _flags, sender = server.recvmsg(2048, 256)
    except OSError:
        return
    info = []
    for level, kind, value in extra:
        if kind == IP_PKTINFO:
            value = struct.pack("=i", 0) + value[4:8] + bytes(4)
        elif kind == IPV6_PKTINFO:
            value = value[:16] + struct.pack("=i", 0)
        info.append((level, kind, value))
    try:
        server.sendmsg([data], info, 0, sender)
    except OSError:
        pass


for name in NAMESPACES:
    enter(name)
    for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        for protocol, port in SERVED:
            kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
            server = socket.socket(family, kind)
            if family == socket.AF_INET6:
                server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((any_address, port))
            server.setblocking(False)
            if protocol == "tcp":
                server.listen(64)
            elif family == socket.AF_INET:
                server.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
            else:
                server.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
            poll.register(server, selectors.EVENT_READ, ("accept" if protocol == "tcp" else "echo", None))


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def start(number, name, target, protocol, port):
    enter(name)
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    if protocol == "icmp":
        number_of = socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
        client = socket.socket(family, socket.SOCK_RAW, number_of)
        token = os.urandom(8)
        kind = 8 if family == socket.AF_INET else 128
        identifier = int.from_bytes(os.urandom(2), "big")
        head = struct.pack("!BBHHH", kind, 0, 0, identifier, 1)
        head = struct.pack("!BBHHH", kind, 0, checksum(head + token), identifier, 1)
        client.setblocking(False)
        poll.register(client, selectors.EVENT_READ, ("icmp", (number, token, target, family)))
        client.sendto(head + token, (target, 0))
    else:
        client = socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
        client.setblocking(False)
        if protocol == "tcp":
            client.connect_ex((target, port))
            poll.register(client, selectors.EVENT_WRITE, ("tcp", number))
        else:
            client.connect((target, port))
            client.send(b"x")
            poll.register(client, selectors.EVENT_READ, ("udp", number))
    return client


def serve(until, wanted):
    while (left := until - time.monotonic()) > 0 and len(answered) < wanted:
        for key, _events in poll.select(left):
            kind, what = key.data
            if kind == "accept":
                accept(key.fileobj)
            elif kind == "echo":
                echo(key.fileobj)
            elif kind == "icmp":
                receive(key.fileobj, *what)
            else:
                finish(key.fileobj, kind, what)


def receive(client, number, token, target, family):
    try:
        data, sender = client.recvfrom(2048)
    except OSError:
        return
    reply = data[20:21] if family == socket.AF_INET else data[:1]
    if data.endswith(token) and reply[0] in (0, 129) and sender[0] == target:
        answered.add(number)


def finish(client, kind, number):
    try:
        good = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        if kind == "udp" and good:
            client.recv(2048)
        elif good:
            client.getpeername()
    except OSError:
        good = False
    if good:
        answered.add(number)
    poll.unregister(client)


print("ready", flush=True)
for line in sys.stdin:
    seconds, queries = json.loads(line)
    answered.clear()
    clients = []
    for number, query in enumerate(queries):
        try:
            clients.append(start(number, *query))
        except OSError:
            pass
    serve(time.monotonic() + seconds, len(queries))
    for client in clients:
        try:
            poll.unregister(client)
        except KeyError:
            pass
        client.close()
    print(json.dumps([number in answered for number in range(len(queries))]), flush=True)
"""

Query = tuple[str, str, str, int]


class Packets:
    """Servers in each namespace and clients that send real packets; a context manager."""

    def __init__(self, box: Sandbox, namespaces: Sequence[str], served: Sequence[tuple[str, int]]) -> None:
        argv = [sys.executable, "-c", _PROGRAM, json.dumps([list(namespaces), list(served)])]
        self._process = subprocess.Popen(
            [*box.entering(), *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._get(self._process.stdout).readline() == "ready\n"

    def __enter__(self) -> Packets:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._get(self._process.stdin).close()
        self._process.wait()
        self._get(self._process.stdout).close()

    @staticmethod
    def _get(stream: IO[str] | None) -> IO[str]:
        assert stream is not None
        return stream

    def send(self, queries: Sequence[Query], seconds: float) -> list[bool]:
        """Send all packets at once, and return which of them were answered in time."""
        stream = self._get(self._process.stdin)
        stream.write(json.dumps([seconds, [list(one) for one in queries]]) + "\n")
        stream.flush()
        answer: Any = json.loads(self._get(self._process.stdout).readline())
        return [bool(one) for one in answer]
