# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read-only access to Docker Engine over the local socket, with GET requests only.

The Docker SDK and Python's HTTP client apply their timeouts to each read, so a slow engine can hold them forever, and
both are slow to import. This client uses HTTP/1.0 with one request for each connection and one deadline for all.
"""

from __future__ import annotations

import json
import os
import re
import select
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import (
    EngineApiError,
    EngineError,
    NoSuchNetns,
    NotFound,
)

DEFAULT_SOCKET = "/var/run/docker.sock"
_SCHEME = "unix://"
_SECONDS = 15.0
_SHORT_ID = 12
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
_PROTOCOL = b"HTTP/1."
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,19}) *\r\n", re.IGNORECASE)
_CHUNK = 1 << 16
# Ten times the answer for thousands of containers or tasks.
_MOST = 1 << 26
_MOST_HEAD = 1 << 16
_AT_ONCE = 16
_WORDS = 300
_TOO_LATE = "timed out"


class LocalEngineClient:
    """The API of the engine at a socket; all requests must be answered by ``deadline`` (time.monotonic)."""

    def __init__(self, path: str | None = None, deadline: float | None = None) -> None:
        self.path = path or find_local_socket()
        self._deadline = time.monotonic() + _SECONDS if deadline is None else deadline

    def get(self, target: str) -> Any:
        """Return the answer to a GET request, parsed as JSON; raise NotFound, EngineApiError or EngineError."""
        (found,) = self.get_all([target])
        if isinstance(found, EngineError):
            raise found
        return found

    def get_all(self, targets: Sequence[str]) -> list[Any]:
        """Return the answers to many GET requests, in order; an error takes the place of a missing answer.

        Requests run concurrently, so a request that is never answered does not delay the others.
        """
        found: list[Any] = [EngineError(self.path, _TOO_LATE)] * len(targets)
        waiting = list(enumerate(targets))[::-1]
        asked: dict[int, tuple[int, socket.socket]] = {}
        poll = select.poll()
        try:
            while waiting or asked:
                while waiting and len(asked) < _AT_ONCE:
                    number, target = waiting.pop()
                    connection = self._send_request(target)
                    if isinstance(connection, EngineError):
                        found[number] = connection
                    else:
                        asked[connection.fileno()] = number, connection
                        poll.register(connection, select.POLLIN)
                left = max(self._deadline - time.monotonic(), 0)
                for fd, _event in poll.poll(left * 1000) if asked else ():
                    poll.unregister(fd)
                    number, connection = asked.pop(fd)
                    found[number] = self._read_answer(targets[number], connection)
                if not left:
                    break
        finally:
            for _number, connection in asked.values():
                connection.close()
        return found

    def get_listener_pid(self) -> int | None:
        """Return the PID of the process that listens on the socket: the engine, or systemd with socket activation."""
        try:
            with self._connect() as connection:
                options = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except (OSError, ValueError):
            return None
        return int(struct.unpack("3i", options)[0]) or None

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        try:
            self._set_timeout(connection)
            connection.connect(self.path)
        except (OSError, ValueError):
            connection.close()
            raise
        return connection

    def _set_timeout(self, connection: socket.socket) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout
        connection.settimeout(left)

    def _send_request(self, target: str) -> socket.socket | EngineError:
        try:
            connection = self._connect()
            connection.sendall(f"GET {target} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        except (OSError, ValueError) as error:
            return EngineError(self.path, _describe_error(error))
        return connection

    def _read_answer(self, target: str, connection: socket.socket) -> Any:
        try:
            with connection:
                status, body = self._receive(connection, target)
            return self._parse_answer(target, status, body)
        except OSError as error:
            return EngineError(self.path, _describe_error(error))
        except EngineError as error:
            return error

    def _receive(self, connection: socket.socket, target: str) -> tuple[int, bytes]:
        """Return the status and the body; their size and the time are limited."""
        data, head_ends, whole = bytearray(), -1, _MOST + 1
        while len(data) < whole:
            self._set_timeout(connection)
            chunk = connection.recv(_CHUNK)
            if not chunk:
                break
            data += chunk
            if head_ends < 0:
                head_ends = data.find(b"\r\n\r\n")
                if head_ends < 0 and (len(data) > _MOST_HEAD or not data.startswith(_PROTOCOL[: len(data)])):
                    break
                length = _LENGTH.search(data, 0, head_ends + 2) if head_ends >= 0 else None
                if length:
                    whole = head_ends + 4 + int(length[1])
            if len(data) > _MOST:
                raise EngineError(self.path, f"the answer to {target} exceeds {_MOST >> 20} MiB")
        status = _STATUS.match(data)
        if not status or head_ends < 0 or (whole <= _MOST and len(data) < whole):
            raise EngineError(self.path, "the answer is not HTTP or is truncated")
        start = head_ends + 4
        return int(status[1]), bytes(data[start:whole])

    def _parse_answer(self, target: str, status: int, body: bytes) -> Any:
        try:
            found = json.loads(body.decode("utf-8", "surrogateescape"))
        except (ValueError, RecursionError):
            if status < 400:
                raise EngineError(self.path, f"the answer to {target} is not JSON") from None
            found = None
        if status >= 400:
            message = found.get("message") if isinstance(found, dict) else None
            words = " ".join(str(message or f"status {status}").split())[:_WORDS]
            raise (NotFound if status == 404 else EngineApiError)(self.path, words)
        return found


class ContainerState(NamedTuple):
    """The state of a container; ``pid`` is 0 unless it runs.

    ``resolv_conf`` and ``hosts`` are the paths of these files on the host.
    """

    name: str
    pid: int
    status: str
    network_mode: str
    resolv_conf: str = ""
    hosts: str = ""


def inspect_container(reference: str) -> ContainerState:
    """Return a container by its exact name, or by an ID of at least 12 digits; raise NoSuchNetns if none exists."""
    if not _REFERENCE.fullmatch(reference):
        raise NoSuchNetns(f"no such container: {reference}")
    engine = LocalEngineClient()
    try:
        found = engine.get(f"/containers/{reference}/json")
    except NotFound:
        raise NoSuchNetns(f"no such container: {reference}") from None
    try:
        name = str(found["Name"]).lstrip("/")
        if reference != name and not (len(reference) >= _SHORT_ID and str(found["Id"]).startswith(reference)):
            reason = f"prefix of the ID of {name}; must have at least 12 digits"
            raise NoSuchNetns(f"no such container: {reference} ({reason})")
        state = found["State"]
        files = [str(found.get(key) or "") for key in ("ResolvConfPath", "HostsPath")]
        return ContainerState(
            name, int(state["Pid"]), str(state["Status"]), str(found["HostConfig"]["NetworkMode"]), *files
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise EngineError(engine.path, f"invalid response for container {reference}") from None


def find_local_socket() -> str:
    """Return the path of the engine's local socket; a remote engine has other PIDs."""
    host = os.environ.get("DOCKER_HOST", "")
    return host.removeprefix(_SCHEME) if host.startswith(_SCHEME) else DEFAULT_SOCKET


def _describe_error(error: Exception) -> str:
    if isinstance(error, socket.timeout):
        return _TOO_LATE
    if isinstance(error, FileNotFoundError):
        return "no such socket"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return f"invalid path: {error}"
