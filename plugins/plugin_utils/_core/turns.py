# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns of the hosts of one task: one host at a time, and no other one once a host has failed.

Ansible runs a task on several hosts in as many processes of the control node. They meet at a file in the folder that is
the run's own: whoever has its turn holds a lock on it, and leaves its name there where it has failed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class EarlierFailure(Exception):
    """A host had its turn before and failed; ``host`` is its name."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host


class Turn:
    """A host's turn; ``fail`` ends the turns of all hosts after it."""

    def __init__(self, fd: int, host: str) -> None:
        self._fd = fd
        self._host = host

    def fail(self) -> None:
        """Have no other host get its turn."""
        os.pwrite(self._fd, self._host.encode(), 0)


@contextlib.contextmanager
def take_turn(folder: str, task: str, host: str) -> Iterator[Turn]:
    """Wait until no other host has its turn; raise EarlierFailure where one has failed.

    ``folder`` is the run's own, and ``task`` an identifier of the task. An exception inside counts as a failure.
    """
    path = Path(folder, f"netfleet-turn-{task}")
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        failed = os.pread(fd, 1024, 0).decode()
        if failed:
            raise EarlierFailure(failed)
        turn = Turn(fd, host)
        try:
            yield turn
        except BaseException:
            turn.fail()
            raise
    finally:
        os.close(fd)
