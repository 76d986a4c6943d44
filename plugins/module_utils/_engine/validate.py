# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have the parser of Docker Engine read settings, without starting an engine."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any

_SECONDS = 60
_NOBODY = 65534
# The pipe that the engine reads has to belong to the user who reads it.
_READ = 'cat | "$@" --config-file=/dev/stdin'
# What an engine without --validate says once it has accepted its settings.
_ACCEPTED = "needs to be started with root"


def refusal(text: str, argv: Sequence[str]) -> str:
    """Return why the engine refuses the text of daemon.json with the options of its command; empty for accepted.

    An engine before 23.0 has no ``--validate``. As a user who may not start it, it reads its file and its options, and
    stops at what is wrong with them, or else at the user, before it makes anything.
    """
    program = argv[0] if argv else "dockerd"
    try:
        validates = "--validate" in _run([program, "--help"]).stdout
        options = [program, *argv[1:], *(["--validate"] if validates else [])]
        user = {} if validates else {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
        done = _run(["sh", "-c", _READ, "netfleet", *options], text, **user)
    except FileNotFoundError:
        return f"there is no program {program}"
    except subprocess.TimeoutExpired:
        return f"{program} timed out after {_SECONDS} s"
    if done.returncode == 0 or _ACCEPTED in done.stderr:
        return ""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"{program} ended with status {done.returncode}"


def _run(argv: list[str], text: str = "", **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv, input=text, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False, **more
    )
