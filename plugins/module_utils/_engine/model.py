# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired settings of Docker Engine, and the state of the host. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import field, record, replace_fields

PENDING = "/run/netfleet-engine-pending"
# The path of the sysctl below /proc/sys.
FORWARDING = "net/ipv4/ip_forward"


class Sysctl(NamedTuple):
    """A sysctl by its name, its path below /proc/sys and its value."""

    name: str
    path: str
    value: str


@record
class DesiredEngine:
    """Parameters of the module: settings by their keys in daemon.json, and requirements of the kernel."""

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
        """Path of the drop-in that removes the sockets from the unit's command."""
        return f"/etc/systemd/system/{self.service}.service.d/netfleet-hosts.conf"


@record
class ServiceState:
    """The state of the systemd service; ``argv`` is the command of the running process."""

    is_active: bool
    is_enabled: bool
    argv: tuple[str, ...] = ()


@record
class EngineHost:
    """State of the host; ``files`` are texts by path, None for missing files.

    ``command`` and ``has_socket`` are those of the unit without the drop-in of this collection. ``former`` are the
    files from before an interrupted run, None if there was none. ``forwards`` is whether the kernel forwards IPv4.
    """

    files: Mapping[str, str | None]
    service: ServiceState
    command: str
    has_socket: bool
    former: Mapping[str, str | None] | None = None
    modules: Mapping[str, str] = field(default_factory=dict)
    sysctls: Mapping[str, str | None] = field(default_factory=dict)
    forwards: bool = True

    def with_file(self, path: str, text: str | None) -> EngineHost:
        """Return the host with another text of a file."""
        return replace_fields(self, files={**self.files, path: text})


@record
class EngineState:
    """Data that the running engine reports."""

    live_restore: bool
    swarm: str
    running: tuple[str, ...]
    info: Mapping[str, Any] = field(default_factory=dict)
    bridge: Mapping[str, Any] = field(default_factory=dict)
