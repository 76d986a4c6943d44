# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run programs of the host in the namespace of the current thread, with a time limit."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import MissingProgram, NetfleetError

_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}
# In bytes. A hundred thousand firewall rules take a fifth of it.
_MOST_OUTPUT = 1 << 26


def run_command(argv: Sequence[str], seconds: float, text: str = "", **more: Any) -> subprocess.CompletedProcess[str]:
    """Run ``argv`` and return the ended process with its output, for any exit status; ``text`` is standard input.

    Raises FileNotFoundError if there is no such program, and subprocess.TimeoutExpired.
    """
    # Code that runs in a thread of a namespace has no module object, and AnsibleModule.run_command has no time limit.
    return subprocess.run(  # pylint: disable=ansible-bad-function
        argv, input=text, capture_output=True, text=True, errors="replace", timeout=seconds, check=False, **more
    )


def run_program(command: Sequence[str], deadline: float) -> str:
    """Return the output of a program until ``deadline`` (time.monotonic); raise NetfleetError with its error output."""
    name, left = command[0], deadline - time.monotonic()
    if left <= 0:
        raise NetfleetError(f"{name}: timed out before it started")
    with tempfile.TemporaryFile() as complaints:
        try:
            # A child process starts in the namespace of the calling thread, and threads cannot use module functions.
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints, env=_ENVIRONMENT
            )
        except FileNotFoundError:
            raise MissingProgram(f"{name} is not installed on this host") from None
        output, in_time = _read_output(process, left)
        if not in_time:
            raise NetfleetError(f"{name} timed out")
        if len(output) > _MOST_OUTPUT:
            raise NetfleetError(f"{name} printed more than {_MOST_OUTPUT >> 20} MiB")
        if process.returncode != 0:
            complaints.seek(0)
            words = complaints.readline().decode("utf-8", "backslashreplace").strip()
            raise NetfleetError(f"{name}: {words or f'exited with status {process.returncode}'}")
    return output.decode("utf-8", "surrogateescape")


def _read_output(process: subprocess.Popen[bytes], seconds: float) -> tuple[bytes, bool]:
    """Return the output of a program, up to slightly more than the limit, and whether it ended in time."""
    deadline = time.monotonic() + seconds
    killer = threading.Timer(seconds, process.kill)
    killer.start()
    try:
        with process:
            output = process.stdout.read(_MOST_OUTPUT + 1) if process.stdout else b""
            if len(output) > _MOST_OUTPUT:
                process.kill()
    finally:
        killer.cancel()
    return output, time.monotonic() < deadline
