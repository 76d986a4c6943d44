# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run each argument as a shell command, and print their outputs as a JSON list: one task instead of a loop."""

from __future__ import annotations

import json
import subprocess
import sys


def run(command: str) -> str:
    """Return the output of a shell command; exit with its error if it fails."""
    ended = subprocess.run(command, shell=True, check=False, capture_output=True, text=True)
    if ended.returncode != 0:
        sys.exit(f"{command}: {ended.stderr}")
    return ended.stdout.strip()


print(json.dumps([run(command) for command in sys.argv[1:]]))
