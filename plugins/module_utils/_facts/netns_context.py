# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A namespace from inside: context of the readers, in the thread that has entered it.

Only the network namespace of a container is entered: files and programs are those of the host.
"""

from __future__ import annotations

import contextlib
import os
import socket

from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.transport import Budget, Netlink


class NetnsContext:
    """The namespace of the current thread with one budget for all reads. Use it as a context manager."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._sockets: dict[int, Netlink] = {}

    def __enter__(self) -> NetnsContext:
        return self

    def __exit__(self, *_exception: object) -> None:
        for netlink in self._sockets.values():
            netlink.close()

    def dump(self, what: str, message_type: int, payload: bytes, protocol: int = socket.NETLINK_ROUTE) -> list[bytes]:
        """Return the messages of a table, truncated at the budget, which is then marked."""
        netlink, done = self._get_socket(protocol), False
        try:
            found = netlink.dump(what, message_type, payload)
            done = not self.budget.exceeded
            return found
        finally:
            if not done:
                self._sockets.pop(protocol).close()  # the rest of the dump can still be in the socket

    def query(self, what: str, message_type: int, payload: bytes, protocol: int = socket.NETLINK_ROUTE) -> bytes:
        """Return the response to a single request."""
        return self._get_socket(protocol).query(what, message_type, payload)

    def _get_socket(self, protocol: int) -> Netlink:
        if protocol not in self._sockets:
            self._sockets[protocol] = Netlink(protocol, self.budget)
        return self._sockets[protocol]

    def read_file(self, path: str) -> str | None:
        """Return the text of a small file such as those below /proc/sys, or None if it does not exist."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            chunks = []
            while chunk := os.read(fd, 1 << 16):
                chunks.append(chunk)
        finally:
            os.close(fd)
        return b"".join(chunks).decode("utf-8", "surrogateescape")

    def run_program(self, *command: str) -> str:
        """Return the output of a program of the host in this namespace; raise NetfleetError on failure."""
        from ansible_collections.netfleet.docker.plugins.module_utils._core import programs

        return programs.run_program(command, self.budget.deadline)


def list_processes(pids: list[int], most: int = 10) -> list[dict[str, object]]:
    """Return PID and command name of the first processes; those that have ended are left out."""
    found: list[dict[str, object]] = []
    for pid in sorted(pids):
        if len(found) == most:
            break
        with contextlib.suppress(OSError):
            found.append({"pid": pid, "command": read_command_name(pid)})
    return found


def read_command_name(pid: int) -> str:
    """Return the command name of a process: up to 15 bytes, without arguments."""
    fd = os.open(f"/proc/{pid}/comm", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return escape_invalid_utf8(os.read(fd, 256).decode("utf-8", "surrogateescape").rstrip("\n"))
    finally:
        os.close(fd)
