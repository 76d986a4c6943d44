# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run one task on one host at a time, and stop after a failure.

Ansible runs a task on several hosts in separate processes of the control node. They share a file in the temporary
folder of the run: the host that has its turn locks the file, and writes its name into it if it fails.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class EarlierFailure(Exception):
    """An earlier host failed; ``host`` is its name."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host


class Turn:
    """The turn of a host; ``fail`` prevents the turns of all later hosts."""

    def __init__(self, fd: int, host: str) -> None:
        self._fd = fd
        self._host = host

    def fail(self) -> None:
        """Prevent the turns of other hosts."""
        os.pwrite(self._fd, self._host.encode(), 0)


@contextlib.contextmanager
def take_turn(folder: str, task: str, host: str) -> Iterator[Turn]:
    """Wait until no other host has its turn; raise EarlierFailure if one has failed.

    ``folder`` is the temporary folder of the run, and ``task`` the ID of the task. An exception inside is a failure.
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
