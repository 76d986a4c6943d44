# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The desired settings of Docker Engine, and what the host has. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import field, record, replace_fields

PENDING = "/run/netfleet-engine-pending"


class Sysctl(NamedTuple):
    """A sysctl by its name, its path below /proc/sys and its value."""

    name: str
    path: str
    value: str


@record
class Desired:
    """The parameters of the module: settings by their keys in daemon.json, and what the kernel has to provide."""

    settings: Mapping[str, Any]
    absent: tuple[str, ...]
    config_file: str
    service: str
    stop_containers: bool = False
    sysctls: tuple[Sysctl, ...] = ()
    sysctls_file: str = ""
    modules: tuple[str, ...] = ()
    optional_modules: tuple[str, ...] = ()
    modules_file: str = ""

    @property
    def dropin(self) -> str:
        """Path of the drop-in that takes the sockets out of the unit's command."""
        return f"/etc/systemd/system/{self.service}.service.d/netfleet-hosts.conf"


@record
class Service:
    """The state of the systemd service; ``argv`` is the command of the running process."""

    is_active: bool
    is_enabled: bool
    argv: tuple[str, ...] = ()


@record
class Host:
    """What the host has; ``files`` are texts by path, None where there is no file.

    ``command`` and ``has_socket`` are those of the unit without the drop-in of this collection. ``former`` has the
    files as they were before an interrupted run, None where none was interrupted.
    """

    files: Mapping[str, str | None]
    service: Service
    command: str
    has_socket: bool
    former: Mapping[str, str | None] | None = None
    modules: Mapping[str, str] = field(default_factory=dict)
    sysctls: Mapping[str, str | None] = field(default_factory=dict)

    def with_file(self, path: str, text: str | None) -> Host:
        """Return the host with another text in a file."""
        return replace_fields(self, files={**self.files, path: text})


@record
class Engine:
    """What the running engine reports."""

    live_restore: bool
    swarm: str
    running: tuple[str, ...]
    info: Mapping[str, Any] = field(default_factory=dict)
    bridge: Mapping[str, Any] = field(default_factory=dict)
