# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Path and replacement of a host's file on the control node."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail


def build_target_path(loader: Any, dest: str, name: str, suffix: str) -> Path:
    """Return the path of the file, or the path of the host's file in a directory."""
    # Relative to the playbook, as for other action plugins that write files on the control node.
    path = Path(loader.path_dwim(dest))
    is_directory = dest.endswith(os.sep) or path.is_dir()
    return path / f"{name.replace(os.sep, '_')}{suffix}" if is_directory else path


def read_file(target: Path) -> bytes | None:
    """Return the contents; None if the file cannot be read."""
    try:
        return target.read_bytes()
    except OSError:
        return None


def write_file(target: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace the file atomically, by default with mode 0600; raise AnsibleActionFail on errors."""
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
