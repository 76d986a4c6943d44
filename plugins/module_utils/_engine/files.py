# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text files of the host: read, replace atomically, remove."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError


def read_text(path: str) -> str | None:
    """Return the text of a file, None if it does not exist."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NetfleetError(f"{path} cannot be read: {os.strerror(error.errno or 0)}") from None


def write_text(path: str, text: str, mode: int = 0o644) -> None:
    """Write a file atomically and durably; an existing file keeps its owner and mode, a symbolic link its target."""
    target = Path(path).resolve()
    try:
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        fd, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(fd, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
                with contextlib.suppress(FileNotFoundError):
                    status = target.stat()
                    os.fchown(file.fileno(), status.st_uid, status.st_gid)
                    mode = status.st_mode & 0o7777
                os.fchmod(file.fileno(), mode)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink()
            raise
        _sync_directory(target.parent)
    except OSError as error:
        raise NetfleetError(f"{path} cannot be written: {os.strerror(error.errno or 0)}") from None


def remove_file(path: str) -> None:
    """Remove a file if it exists."""
    try:
        with contextlib.suppress(FileNotFoundError):
            Path(path).unlink()
            _sync_directory(Path(path).parent)
    except OSError as error:
        raise NetfleetError(f"{path} cannot be removed: {os.strerror(error.errno or 0)}") from None


def restore_file(path: str, text: str | None) -> None:
    """Restore the previous text of a file, None to remove it."""
    if text is None:
        remove_file(path)
    elif read_text(path) != text:
        write_text(path, text)


def _sync_directory(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
