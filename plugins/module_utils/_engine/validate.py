# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validate settings with the parser of Docker Engine, without starting an engine."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from ansible_collections.netfleet.docker.plugins.module_utils._core.programs import run_command

_SECONDS = 60
_NOBODY = 65534
# The user who reads the pipe must own it.
_READ = 'cat | "$@" --config-file=/dev/stdin'
# Message of an engine without --validate after it has accepted its settings.
_ACCEPTED = "needs to be started with root"


def find_rejection(text: str, argv: Sequence[str]) -> str:
    """Return why the engine rejects the text of daemon.json with the options of its command; empty if accepted.

    Before version 23.0, there is no ``--validate``. Run by an unprivileged user, the engine parses its file and
    options, and stops at an error in them or because of the user, before it creates anything.
    """
    program = argv[0] if argv else "dockerd"
    try:
        validates = "--validate" in run_command([program, "--help"], _SECONDS).stdout
        options = [program, *argv[1:], *(["--validate"] if validates else [])]
        user = {} if validates else {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
        done = run_command(["sh", "-c", _READ, "netfleet", *options], _SECONDS, text, **user)
    except FileNotFoundError:
        return f"no such program: {program}"
    except subprocess.TimeoutExpired:
        return f"{program} timed out after {_SECONDS} s"
    if done.returncode == 0 or _ACCEPTED in done.stderr:
        return ""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"{program} exited with status {done.returncode}"
