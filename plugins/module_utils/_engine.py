# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Docker Engine of this host, asked over its local socket; nothing but GET is ever sent.

Without the docker SDK: its timeout is for each read, so an engine that drips holds it for ever, and its import takes
longer than all of the questions.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import os
import socket
import struct
import time
from typing import Any
from urllib.parse import quote, urlencode

from ansible_collections.netfleet.docker.plugins.module_utils._errors import (
    EngineRefused,
    NoEngine,
    NoSuchNetns,
    NotFound,
)

DEFAULT_SOCKET = "/var/run/docker.sock"
_SCHEME = "unix://"
_SECONDS = 15.0
_SHORT_ID = 12
_CHUNK = 1 << 16
# What thousands of containers or tasks come to is a tenth of it.
_MOST = 1 << 26
_WORDS = 300


class _Socket(socket.socket):
    """A socket on which every step waits for what is left until one deadline, however many steps there are."""

    deadline = 0.0

    def connect(self, address: Any) -> None:
        self._hurry()
        super().connect(address)

    def sendall(self, *arguments: Any) -> None:
        self._hurry()
        super().sendall(*arguments)

    def recv_into(self, *arguments: Any) -> int:
        self._hurry()
        return super().recv_into(*arguments)

    def _hurry(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout
        self.settimeout(left)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, deadline: float) -> None:
        super().__init__("docker")
        self._path = path
        self._deadline = deadline

    def connect(self) -> None:
        self.sock = _Socket(socket.AF_UNIX)
        self.sock.deadline = self._deadline
        self.sock.connect(self._path)


class Engine:
    """The engine behind a socket; all that is asked of it has to be answered by ``deadline`` (time.monotonic)."""

    def __init__(self, path: str | None = None, deadline: float | None = None) -> None:
        self.path = path or local_socket()
        self._connection = _Connection(self.path, time.monotonic() + _SECONDS if deadline is None else deadline)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()

    def get(self, path: str, **query: str) -> Any:
        """Return what the engine says, as JSON; raise NotFound, EngineRefused or NoEngine."""
        try:
            status, body = self._ask(path + (f"?{urlencode(query)}" if query else ""))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            raise NoEngine(self.path, _words(error)) from None
        except NoEngine:
            self._connection.close()
            raise
        try:
            found = json.loads(body.decode("utf-8", "surrogateescape"))
        except (ValueError, RecursionError):
            found = None if status >= http.client.BAD_REQUEST else self._garbage(path)
        if status >= http.client.BAD_REQUEST:
            said = found.get("message") if isinstance(found, dict) else None
            words = " ".join(str(said or f"status {status}").split())[:_WORDS]
            raise (NotFound if status == http.client.NOT_FOUND else EngineRefused)(self.path, words)
        return found

    def listener(self) -> int | None:
        """Return the PID of the process that made the socket listen: the engine itself, or what hands sockets to it."""
        try:
            if self._connection.sock is None:
                self._connection.connect()
            options = self._connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except OSError:
            return None
        return int(struct.unpack("3i", options)[0]) or None

    def _ask(self, target: str) -> tuple[int, bytes]:
        self._connection.request("GET", target)
        with self._connection.getresponse() as response:
            chunks, size = [], 0
            while chunk := response.read(_CHUNK):
                chunks.append(chunk)
                size += len(chunk)
                if size > _MOST:
                    raise NoEngine(self.path, f"the answer to {target} exceeds {_MOST >> 20} MiB")
            return response.status, b"".join(chunks)

    def _garbage(self, path: str) -> Any:
        raise NoEngine(self.path, f"the answer to {path} is not JSON")


@dataclasses.dataclass(frozen=True)
class Container:
    """A container as far as its network namespace needs it; ``pid`` is 0 while it does not run."""

    name: str
    pid: int
    status: str
    network_mode: str


def container(reference: str) -> Container:
    """Return a container by its exact name, or its id of 12 digits or more; raise NoSuchNetns if there is none."""
    with Engine() as engine:
        try:
            found = engine.get(f"/containers/{quote(reference, safe='')}/json")
        except NotFound:
            raise NoSuchNetns(f"no such container: {reference}") from None
        try:
            name = str(found["Name"]).lstrip("/")
            if reference != name and not (len(reference) >= _SHORT_ID and str(found["Id"]).startswith(reference)):
                raise NoSuchNetns(
                    f"no such container: {reference} (the id of {name} begins like this; give 12 digits of it)"
                )
            state = found["State"]
            return Container(name, int(state["Pid"]), str(state["Status"]), str(found["HostConfig"]["NetworkMode"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise NoEngine(engine.path, f"the answer about the container {reference} is not one") from None


def local_socket() -> str:
    """Return the path of this host's engine; one elsewhere is of no use, as its PIDs mean nothing here."""
    host = os.environ.get("DOCKER_HOST", "")
    return host[len(_SCHEME) :] if host.startswith(_SCHEME) else DEFAULT_SOCKET


def _words(error: Exception) -> str:
    if isinstance(error, socket.timeout):
        return "it did not answer in time"
    if isinstance(error, FileNotFoundError):
        return "there is no such socket"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return "what it answers is not HTTP, or ends too early"
