# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file of a host on the controller: which one it is, and how it is replaced."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail


def target_path(loader: Any, dest: str, name: str, suffix: str) -> Path:
    """Return the file that is meant, or the host's own where it is a directory that is meant."""
    # Relative to the playbook, as for the other actions that write files on the controller.
    path = Path(loader.path_dwim(dest))
    is_directory = dest.endswith(os.sep) or path.is_dir()
    return path / f"{name.replace(os.sep, '_')}{suffix}" if is_directory else path


def read_file(target: Path) -> bytes | None:
    """Return what is in it; None where nothing can be read."""
    try:
        return target.read_bytes()
    except OSError:
        return None


def write_file(target: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace it at once, by default readable by its owner only; raise AnsibleActionFail where that cannot be."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                os.fchmod(file.fileno(), mode)
            temporary.replace(target)
        except OSError:
            temporary.unlink()
            raise
    except OSError as error:
        raise AnsibleActionFail(f"dest: {target} cannot be written: {error.strerror}") from None
