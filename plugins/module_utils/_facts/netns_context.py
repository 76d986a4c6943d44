# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A namespace seen from inside: what the readers of its parts are given, in the thread that has entered it.

Nothing of a container but its network namespace is entered: files are the host's, seen through this namespace, and
programs are the host's, run in it.
"""

from __future__ import annotations

import contextlib
import os
import socket

from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.transport import Budget, Netlink


class NetnsContext:
    """The namespace of the current thread; what is read counts against one budget. Use it as a context manager."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._sockets: dict[int, Netlink] = {}

    def __enter__(self) -> NetnsContext:
        return self

    def __exit__(self, *_exception: object) -> None:
        for netlink in self._sockets.values():
            netlink.close()

    def dump(self, what: str, message_type: int, payload: bytes, protocol: int = socket.NETLINK_ROUTE) -> list[bytes]:
        """Return the payloads of a table, cut off where it exceeds the budget, which is then marked."""
        netlink, done = self._socket(protocol), False
        try:
            found = netlink.dump(what, message_type, payload)
            done = not self.budget.exceeded
            return found
        finally:
            if not done:
                self._sockets.pop(protocol).close()  # the rest of the dump may still be in it

    def ask(self, what: str, message_type: int, payload: bytes, protocol: int = socket.NETLINK_ROUTE) -> bytes:
        """Return the answer to a question that has one."""
        return self._socket(protocol).ask(what, message_type, payload)

    def _socket(self, protocol: int) -> Netlink:
        if protocol not in self._sockets:
            self._sockets[protocol] = Netlink(protocol, self.budget)
        return self._sockets[protocol]

    def file(self, path: str) -> str | None:
        """Return the text of a small file such as one below /proc/sys, or None if this kernel has none there."""
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

    def output(self, *command: str) -> str:
        """Return what a program of the host prints when it runs in here; raise NetfleetError where it cannot."""
        from ansible_collections.netfleet.docker.plugins.module_utils._facts import programs

        return programs.run_program(command, self.budget.deadline)


def list_processes(pids: list[int], most: int = 10) -> list[dict[str, object]]:
    """Return PID and command name of the first processes; those that ended meanwhile are left out."""
    found: list[dict[str, object]] = []
    for pid in sorted(pids):
        if len(found) == most:
            break
        with contextlib.suppress(OSError):
            found.append({"pid": pid, "command": command_name(pid)})
    return found


def command_name(pid: int) -> str:
    """Return a process's command name, as the kernel has it: up to 15 bytes, not its arguments."""
    fd = os.open(f"/proc/{pid}/comm", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return escape_invalid_utf8(os.read(fd, 256).decode("utf-8", "surrogateescape").rstrip("\n"))
    finally:
        os.close(fd)
