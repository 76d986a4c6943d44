# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The systemd unit of Docker Engine: its command, its socket, and a drop-in without sockets in the command. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

# systemctl cat prints the path of each file before its lines.
_HEADER = re.compile(r"# (/\S+\.(?:service|conf))")
_HOST_FLAG = re.compile(r"\s+(?:-H[= ]?|--host[= ])\S+")


def parse_unit(text: str, service: str, ignored: str) -> tuple[str, bool]:
    """Return the command in the output of ``systemctl cat``, and whether there is a socket unit.

    The file ``ignored``, a drop-in of this collection, is skipped. The command is empty if there is none.
    """
    commands: list[str] = []
    has_socket = is_ignored = False
    section = ""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        header = _HEADER.fullmatch(line.strip())
        if header:
            is_ignored = header[1] == ignored
        if is_ignored or line.lstrip().startswith(("#", ";")):
            continue
        if line.startswith("["):
            section = line.strip()
        has_socket = has_socket or f"{service}.socket" in line.split("=", 1)[-1].split()
        key, equals, value = line.partition("=")
        if section == "[Service]" and equals and key.strip() == "ExecStart":
            # An empty value resets the commands of previous files.
            commands = [*commands, value.strip()] if value.strip() else []
    return (commands[-1] if commands else "", has_socket)


def render_dropin(command: str, config_file: str) -> str:
    """Return a drop-in with the command of the unit, without its sockets."""
    reason = f"# Docker Engine listens on the hosts in {config_file}. It does not start with hosts in both places."
    return f"{reason}\n[Service]\nExecStart=\nExecStart={_HOST_FLAG.sub('', command)}\n"


def remove_hosts(argv: Sequence[str]) -> list[str]:
    """Return the arguments of a command without sockets."""
    found: list[str] = []
    is_value = False
    for argument in argv:
        if is_value:
            is_value = False
        elif argument in ("-H", "--host"):
            is_value = True
        elif not argument.startswith(("-H", "--host=")):
            found.append(argument)
    return found
