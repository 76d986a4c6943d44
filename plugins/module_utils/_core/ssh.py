# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SSH connection over which a module was started."""

from __future__ import annotations

import contextlib
import ipaddress
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

_VARIABLE = b"SSH_CONNECTION"
_IPV4_MAPPED = "::ffff:"


def find_server_address(processes: str = "/proc") -> str | None:
    """Return the address of this host in the SSH connection, None without one.

    sudo removes ``SSH_CONNECTION`` (sshd(8)) from the environment, so the parent processes are searched for it too.
    """
    own = os.environb.get(_VARIABLE)
    found = own or next((one for one in _iterate_parent_values(Path(processes)) if one), b"")
    words = found.decode("ascii", "replace").split()
    return _normalize_address(words[2]) if len(words) == 4 else None


def _normalize_address(text: str) -> str | None:
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(text.removeprefix(_IPV4_MAPPED).partition("%")[0]))
    return None


def _iterate_parent_values(processes: Path) -> Iterator[bytes]:
    """Yield the value of the variable in each parent process, the closest first; empty without one."""
    pid, seen = os.getppid(), {0, 1}
    while pid not in seen:
        seen.add(pid)
        try:
            values = _parse_environment((processes / str(pid) / "environ").read_bytes())
            status = (processes / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return
        yield values.get(_VARIABLE, b"")
        # The name of the program, in parentheses, can contain spaces and parentheses.
        pid = int(status.rpartition(")")[2].split()[1])


def _parse_environment(data: bytes) -> Mapping[bytes, bytes]:
    pairs = (entry.partition(b"=") for entry in data.split(b"\0"))
    return {name: value for name, _equals, value in pairs}
