# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock of a host: two runs never change it at the same time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import threading
from collections.abc import Iterator

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import (
    LockTimeout,
    MissingPrivilege,
    NetfleetError,
)

LOCK_FILE = "/run/netfleet.docker.lock"


@contextlib.contextmanager
def hold_lock(seconds: float) -> Iterator[None]:
    """Hold the lock; wait up to ``seconds`` for it, then raise LockTimeout with the PID of its holder."""
    fd = _open_lock_file()
    try:
        _acquire_lock(fd, seconds)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(fd)


def _open_lock_file() -> int:
    # /run is writable by root only, so no other user can hold this file or replace it by a link.
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        fd = os.open(LOCK_FILE, flags, 0o600)
    except OSError as error:
        raise MissingPrivilege(f"the lock {LOCK_FILE} cannot be opened: {os.strerror(error.errno or 0)}") from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise NetfleetError(f"the lock {LOCK_FILE} is not a regular file; remove it")
    return fd


def _acquire_lock(fd: int, seconds: float) -> None:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    # Waiting in the kernel's queue is fair. Only a separate thread can be abandoned there after a timeout.
    waiting = threading.Thread(target=lambda: fcntl.flock(fd, fcntl.LOCK_EX), daemon=True)
    waiting.start()
    waiting.join(seconds)
    if waiting.is_alive():
        holder = os.pread(fd, 20, 0).decode("ascii", "replace").strip()
        who = f" (PID {holder})" if holder.isdigit() else ""
        raise LockTimeout(
            f"timed out after {seconds:g} s waiting for another run of netfleet.docker on this host{who}; "
            "nothing was changed; try again or increase lock_timeout"
        )
