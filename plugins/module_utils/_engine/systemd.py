# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access to systemd with systemctl(1) and journalctl(1)."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from pathlib import Path

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import (
    BadParameter,
    MissingProgram,
    NetfleetError,
)
from ansible_collections.netfleet.docker.plugins.module_utils._core.programs import run_command
from ansible_collections.netfleet.docker.plugins.module_utils._engine.model import ServiceState

_SHORT_SECONDS, _CHANGE_SECONDS = 30, 300
_NOT_ENABLED = ("disabled", "enabled-runtime", "masked", "masked-runtime")
_COMPLAINT = re.compile(r"level=(error|fatal)|[Uu]nable|failed to|invalid")
_JOURNAL_LINES = 200


def read_service(name: str) -> ServiceState:
    """Return the state of a service; raise BadParameter if it does not exist."""
    keys = ("LoadState", "ActiveState", "UnitFileState", "MainPID")
    text = _run_systemctl("show", f"--property={','.join(keys)}", f"{name}.service")
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if fields.get("LoadState") == "not-found":
        raise BadParameter("service", f"this host has no {name}.service; install Docker Engine, or name its service")
    is_enabled = fields.get("UnitFileState") not in _NOT_ENABLED
    return ServiceState(fields.get("ActiveState") == "active", is_enabled, _read_command(fields.get("MainPID", "0")))


def read_unit(name: str) -> str:
    """Return the text of a service's unit and its drop-ins."""
    return _run_systemctl("cat", f"{name}.service")


def enable_service(name: str) -> None:
    """Enable a service."""
    _run_systemctl("enable", f"{name}.service", seconds=_CHANGE_SECONDS)


def restart_service(name: str) -> None:
    """Start or restart a service with its current unit files, even if its start limit was reached."""
    _run_systemctl("daemon-reload", seconds=_CHANGE_SECONDS)
    with contextlib.suppress(NetfleetError):
        _run_systemctl("reset-failed", f"{name}.service")
    _run_systemctl("restart", f"{name}.service", seconds=_CHANGE_SECONDS)


def reload_service(name: str) -> None:
    """Reload the configuration of a service."""
    _run_systemctl("reload", f"{name}.service", seconds=_CHANGE_SECONDS)


def stop_socket(name: str) -> None:
    """Stop the socket unit of a service."""
    _run_systemctl("daemon-reload", seconds=_CHANGE_SECONDS)
    _run_systemctl("stop", f"{name}.socket", seconds=_CHANGE_SECONDS)


def find_last_error(name: str, since: float) -> str:
    """Return the last error of a service in the journal since a time; empty if there is none."""
    try:
        _run_program(["journalctl", "--sync"], _SHORT_SECONDS)
        limits = [f"--since=@{int(since)}", f"--lines={_JOURNAL_LINES}", "--output=cat", "--no-pager"]
        text = _run_program(["journalctl", f"--unit={name}.service", *limits], _SHORT_SECONDS)
    except NetfleetError as error:
        return str(error)
    return next((line.strip() for line in reversed(text.splitlines()) if _COMPLAINT.search(line)), "")


def _read_command(pid: str) -> tuple[str, ...]:
    try:
        data = Path("/proc", pid, "cmdline").read_bytes() if pid != "0" else b""
    except OSError:
        return ()
    return tuple(os.fsdecode(part) for part in data.rstrip(b"\0").split(b"\0") if part)


def _run_systemctl(*arguments: str, seconds: int = _SHORT_SECONDS) -> str:
    return _run_program(["systemctl", *arguments], seconds)


def _run_program(argv: list[str], seconds: int) -> str:
    what = " ".join(argv)
    try:
        done = run_command(argv, seconds)
    except FileNotFoundError:
        raise MissingProgram(f"this host has no {argv[0]}; Docker Engine is managed through systemd") from None
    except subprocess.TimeoutExpired:
        raise NetfleetError(f"{what} timed out after {seconds} s") from None
    if done.returncode:
        # The rest of the message of systemctl(1) refers to the journal.
        words = " ".join(done.stderr.split()).partition(' See "systemctl')[0] or f"status {done.returncode}"
        raise NetfleetError(f"{what}: {words}")
    return done.stdout
