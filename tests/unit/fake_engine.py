# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fake engine on a real UNIX socket that sends what a test requires, mostly invalid responses."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Callable, Union

# Response to a request: bytes, or seconds of silence. The connection closes after a response with this header.
Answer = Iterable[Union[bytes, float]]
CLOSE = b"Connection: close\r\n"


def http(body: bytes, status: str = "200 OK", more: bytes = b"") -> bytes:
    """Return a complete HTTP response."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + more + b"\r\n" + body


class FakeEngine:
    """Serve a socket until the context ends; ``requests`` and ``connections`` record the input."""

    def __init__(self, path: Path, answer: Callable[[str], Answer]) -> None:
        self.path = str(path)
        self.requests: list[str] = []
        self.connections = 0
        self._answer = answer
        self._over = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> FakeEngine:
        self._listener.bind(self.path)
        self._listener.listen()
        self._threads[0].start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._over.is_set():
                connection, _address = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(connection,))
                thread.start()
                self._threads.append(thread)

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(0.05)
            for target in self._targets(connection):
                self.requests.append(target)
                for part in self._answer(target):
                    if self._over.is_set():
                        return
                    if isinstance(part, float):
                        self._over.wait(part)
                    else:
                        self._send(connection, part)
                        if CLOSE in part:
                            return

    def _send(self, connection: socket.socket, data: bytes) -> None:
        while data and not self._over.is_set():
            with contextlib.suppress(socket.timeout):
                data = data[connection.send(data) :]

    def _targets(self, connection: socket.socket) -> Iterator[str]:
        """Yield the target of each request; waiting for the next one ends with the test."""
        lines = b""
        while not self._over.is_set():
            try:
                data = connection.recv(1 << 16)
            except socket.timeout:
                continue
            if not data:
                return
            lines += data
            while b"\r\n\r\n" in lines:
                request, _end, lines = lines.partition(b"\r\n\r\n")
                yield request.split(b" ")[1].decode()


def routes(answers: Mapping[str, Any]) -> Callable[[str], Answer]:
    """Return the response of each target as JSON, bytes unchanged, and 404 for any other."""

    def answer(target: str) -> Answer:
        if target not in answers:
            return [http(b'{"message": "page not found"}', "404 Not Found")]
        found = answers[target]
        return [found] if isinstance(found, bytes) else [http(json.dumps(found).encode())]

    return answer
