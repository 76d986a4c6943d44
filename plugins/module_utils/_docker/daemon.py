# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process of the local Docker Engine: its command line, the default options of its networks, and its namespace."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._docker.local_api import DEFAULT_SOCKET, LocalEngineClient

_CONFIG_FILE = "/etc/docker/daemon.json"
_PID_FILE = "/var/run/docker.pid"
_MOST_SETTINGS = 1 << 20
_KEY, _FLAG, _FILE_FLAG = "default-network-opts", "--default-network-opt", "--config-file"
_STATE_DIR = b"ROOTLESSKIT_STATE_DIR="


class Daemon(NamedTuple):
    """The process of an engine, its root directory and its command."""

    pid: int
    root: str
    argv: tuple[str, ...]


def find_daemon(client: LocalEngineClient) -> Daemon | None:
    """Return the process of an engine; None if it is not known.

    The engine owns the socket, or received it by socket activation and wrote its PID to a file.
    """
    pids = [client.get_listener_pid()]
    if Path(client.path).resolve() == Path(DEFAULT_SOCKET).resolve():
        with contextlib.suppress(OSError, ValueError):
            pids.append(int(Path(_PID_FILE).read_text(encoding="ascii")))
    for pid in pids:
        with contextlib.suppress(OSError):
            if pid and Path(f"/proc/{pid}/comm").read_bytes().startswith(b"dockerd"):
                command = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "surrogateescape")
                return Daemon(pid, f"/proc/{pid}/root", tuple(command.rstrip("\0").split("\0")))
    return None


def read_network_defaults(daemon: Daemon) -> dict[str, frozenset[str]]:
    """Return the names of the options that an engine adds to new networks, by driver; empty if they cannot be read."""
    path = next(_find_values(daemon.argv, _FILE_FLAG), _CONFIG_FILE)
    settings: Any = {}
    failures = (OSError, ValueError, RecursionError)
    with contextlib.suppress(*failures), Path(f"{daemon.root}/{path}").open(encoding="utf-8") as file:
        settings = json.loads(file.read(_MOST_SETTINGS))
    return parse_network_defaults(settings, daemon.argv)


def parse_network_defaults(settings: Any, argv: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the names of the default options by driver from the contents of daemon.json and the command line."""
    found: dict[str, set[str]] = {}
    given = settings.get(_KEY) if isinstance(settings, Mapping) else None
    for driver, options in given.items() if isinstance(given, Mapping) else ():
        found.setdefault(str(driver), set()).update(map(str, options) if isinstance(options, Mapping) else ())
    for value in _find_values(tuple(argv), _FLAG):
        # DRIVER=OPTION=VALUE
        driver, _equals, option = value.partition("=")
        found.setdefault(driver, set()).add(option.partition("=")[0])
    return {driver: frozenset(names) for driver, names in found.items()}


def find_detached_netns(pid: int) -> str | None:
    """Return the path of the namespace with the networks of a rootless engine, None if it is that of the process.

    RootlessKit starts the engine with --detach-netns in the namespace of the host.
    """
    with contextlib.suppress(OSError):
        for variable in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if variable.startswith(_STATE_DIR):
                directory = os.fsdecode(variable.partition(b"=")[2])
                path = f"/proc/{pid}/root{directory}/netns"
                return path if Path(path).exists() else None
    return None


def _find_values(argv: tuple[str, ...], flag: str) -> Iterator[str]:
    """Yield the values of a flag, --flag=VALUE or --flag VALUE."""
    for one, following in zip(argv, (*argv[1:], "")):
        if one == flag:
            yield following
        elif one.startswith(f"{flag}="):
            yield one.partition("=")[2]
