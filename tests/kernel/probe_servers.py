# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers with known responses that run on given ports until they are killed.

Each argument is KIND:PORT. For tls, an environment variable names the file with key and certificate.
"""

from __future__ import annotations

import os
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
from typing import Any

A, CNAME, TXT, AAAA = 1, 5, 16, 28
ADDRESS = socket.inet_aton("198.51.100.1")
LONG = b"".join(bytes([200]) + b"x" * 200 for _number in range(5))
# Responses by name and type: a status, and records of a type.
SAYS: dict[tuple[str, int], tuple[int, list[tuple[int, bytes]]]] = {
    ("far.test", A): (0, [(A, ADDRESS)]),
    ("far.test", AAAA): (0, [(AAAA, socket.inet_pton(socket.AF_INET6, "fd02::1"))]),
    ("only6.test", AAAA): (0, [(AAAA, socket.inet_pton(socket.AF_INET6, "fd02::1"))]),
    ("only6.test", A): (0, []),
    ("alias.test", A): (0, [(CNAME, b"\x03far\x04test\x00"), (A, ADDRESS)]),
    ("db.search.test", A): (0, [(A, ADDRESS)]),
    ("long.test", TXT): (0, [(TXT, LONG)]),
    ("broken.test", A): (2, []),
    ("secret.test", A): (5, []),
    ("1.100.51.198.in-addr.arpa", 12): (0, [(12, b"\x03far\x04test\x00")]),
}


def dns(question: bytes, over_tcp: bool) -> bytes:
    labels, offset = [], 12
    while question[offset]:
        labels.append(question[offset + 1 : offset + 1 + question[offset]].decode())
        offset += 1 + question[offset]
    kind = struct.unpack_from("!H", question, offset + 1)[0]
    end = offset + 5
    rcode, records = SAYS.get((".".join(labels).lower(), kind), (3, []))
    body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", one, 1, 60, len(data)) + data for one, data in records)
    flags, count = 0x8580 | rcode, len(records)
    if len(body) > 450 and not over_tcp:
        flags, count, body = flags | 0x0200, 0, b""
    return question[:2] + struct.pack("!5H", flags, 1, count, 0, 0) + question[12:end] + body


class Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, connection = self.request
        kind = getattr(self.server, "kind", "")
        if kind == "echo":
            connection.sendto(b"you said " + data, self.client_address)
        elif kind == "dns":
            connection.sendto(dns(data, False), self.client_address)
        elif kind == "garbage":
            connection.sendto(data[:2] + b"\xff" * 30, self.client_address)


class Tcp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        kind, connection = getattr(self.server, "kind", ""), self.request
        if kind == "dns":
            size = struct.unpack("!H", connection.recv(2))[0]
            answer = dns(connection.recv(size), True)
            connection.sendall(struct.pack("!H", len(answer)) + answer)
        elif kind == "http":
            web(connection)
        elif kind in ("tls", "https"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(os.environ["CERTIFICATE"])
            try:
                with context.wrap_socket(connection, server_side=True) as secure:
                    web(secure)
            except OSError:
                pass
        elif kind == "drip":
            for _number in range(600):
                connection.sendall(b"x")
                time.sleep(0.1)
        elif kind == "mute":
            time.sleep(60)
        elif kind == "garbage":
            connection.recv(10)
            connection.sendall(b"\x00\x01\x02 this is nothing\r\n\r\n")
        else:
            connection.recv(100)


def web(connection: Any) -> None:
    request = b""
    while b"\r\n\r\n" not in request:
        chunk = connection.recv(4096)
        if not chunk:
            return
        request += chunk
    path = request.split(b" ")[1].decode()
    status = {"/": "200 OK", "/gone": "404 Not Found", "/moved": "302 Found"}.get(path, "503 Down")
    more = "Location: http://192.0.2.99/\r\n" if path == "/moved" else ""
    asked = request.decode("latin-1").replace("\r\n", " | ")
    body = f"hello, you asked: {asked}"
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    connection.sendall((head + body).encode())


class UdpServer(socketserver.ThreadingUDPServer):
    kind = ""
    address_family = socket.AF_INET6
    daemon_threads = True


class TcpServer(socketserver.ThreadingTCPServer):
    kind = ""
    address_family = socket.AF_INET6
    daemon_threads = True
    allow_reuse_address = True


def main() -> None:
    for argument in sys.argv[1:]:
        protocol, kind, port = argument.split(":")
        server = (UdpServer if protocol == "udp" else TcpServer)(("::", int(port)), Udp if protocol == "udp" else Tcp)
        server.kind = kind
        threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
