# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations of the module engine as data, with description and simulation. Pure."""

from __future__ import annotations

from typing import Union

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import record, replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._engine.model import EngineHost, Sysctl


@record
class LoadModule:
    """Load a kernel module."""

    name: str

    def describe(self) -> str:
        """Return one line."""
        return f"load the kernel module {self.name}"

    def simulate(self, host: EngineHost) -> EngineHost:
        """Return the host afterwards."""
        return replace_fields(host, modules={**host.modules, self.name: "loaded"})


@record
class SetHostSysctl:
    """Set a sysctl of the running kernel."""

    sysctl: Sysctl

    def describe(self) -> str:
        """Return one line."""
        return f"set the sysctl {self.sysctl.name} to {self.sysctl.value}"

    def simulate(self, host: EngineHost) -> EngineHost:
        """Return the host afterwards."""
        return replace_fields(host, sysctls={**host.sysctls, self.sysctl.path: self.sysctl.value})


@record
class WriteFile:
    """Write a file; ``what`` is a short description of the change."""

    path: str
    text: str
    what: str = ""

    def describe(self) -> str:
        """Return one line."""
        return f"write {self.path}" + (f" ({self.what})" if self.what else "")

    def simulate(self, host: EngineHost) -> EngineHost:
        """Return the host afterwards."""
        return host.with_file(self.path, self.text)


@record
class RemoveFile:
    """Remove a file."""

    path: str

    def describe(self) -> str:
        """Return one line."""
        return f"remove {self.path}"

    def simulate(self, host: EngineHost) -> EngineHost:
        """Return the host afterwards."""
        return host.with_file(self.path, None)


@record
class EnableService:
    """Enable the service, so that it starts at every boot."""

    service: str

    def describe(self) -> str:
        """Return one line."""
        return f"enable {self.service}.service"

    def simulate(self, host: EngineHost) -> EngineHost:
        """Return the host afterwards."""
        return replace_fields(host, service=replace_fields(host.service, is_enabled=True))


@record
class StopSocket:
    """Stop the socket unit, so that the engine or systemd creates the sockets again."""

    service: str

    def describe(self) -> str:
        """Return one line."""
        return f"stop {self.service}.socket"

    def simulate(self, host: EngineHost) -> EngineHost:
        """Return the host afterwards."""
        return host


@record
class ReloadService:
    """Reload the settings without a restart; ``live_restore`` is the value that the engine must report then."""

    service: str
    live_restore: bool

    def describe(self) -> str:
        """Return one line."""
        return f"reload {self.service}.service"

    def simulate(self, host: EngineHost) -> EngineHost:
        """Return the host afterwards."""
        return host


@record
class RestartService:
    """Restart the service, or start it if it is stopped."""

    service: str
    is_start: bool = False

    def describe(self) -> str:
        """Return one line."""
        return f"{'start' if self.is_start else 'restart'} {self.service}.service"

    def simulate(self, host: EngineHost) -> EngineHost:
        """Return the host afterwards."""
        return replace_fields(host, service=replace_fields(host.service, is_active=True), former=None)


Operation = Union[
    LoadModule, SetHostSysctl, WriteFile, RemoveFile, EnableService, StopSocket, ReloadService, RestartService
]
