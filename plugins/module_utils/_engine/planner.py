# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the operations that lead to the desired settings of Docker Engine. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.records import record
from ansible_collections.netfleet.docker.plugins.module_utils._engine.daemon_json import (
    find_changed_keys,
    merge_settings,
    parse_settings,
    render_settings,
)
from ansible_collections.netfleet.docker.plugins.module_utils._engine.model import (
    FORWARDING,
    DesiredEngine,
    EngineHost,
    EngineState,
)
from ansible_collections.netfleet.docker.plugins.module_utils._engine.operations import (
    EnableService,
    LoadModule,
    Operation,
    ReloadService,
    RemoveFile,
    RestartService,
    SetHostSysctl,
    StopSocket,
    WriteFile,
)
from ansible_collections.netfleet.docker.plugins.module_utils._engine.rules import (
    check_nftables,
    check_settings,
    check_version,
)
from ansible_collections.netfleet.docker.plugins.module_utils._engine.systemd_unit import render_dropin

LIVE_RESTORE = "live-restore"
_HEADER = "# Required by Docker networking.\n"


@record
class EnginePlan:
    """Plan: ``host`` operations, and ``engine`` operations, which are rolled back together.

    ``before`` and ``after`` are the settings in daemon.json, and ``changed`` the keys that differ.
    """

    host: tuple[Operation, ...]
    engine: tuple[Operation, ...]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    changed: tuple[str, ...]

    @property
    def operations(self) -> tuple[Operation, ...]:
        """All operations, in order."""
        return (*self.host, *self.engine)

    @property
    def has_restart(self) -> bool:
        """Whether the engine is restarted or started."""
        return any(isinstance(operation, RestartService) for operation in self.engine)


def plan(desired: DesiredEngine, host: EngineHost, engine: EngineState | None = None) -> EnginePlan:
    """Return the plan; ``engine`` is the data of the running engine, None if it is stopped.

    Raise BadParameter if the settings are rejected, or a restart would stop containers without permission.
    """
    before = parse_settings(host.files.get(desired.config_file), desired.config_file)
    after = merge_settings(before, desired.settings, desired.absent)
    check_settings(desired.settings, desired.absent, after)
    changed = find_changed_keys(before, after)
    dropin = _plan_dropin(desired, host)
    # A reload applies a new value of live-restore, but not its removal.
    is_reload = set(changed) <= {LIVE_RESTORE} and LIVE_RESTORE in after
    restarts = bool(host.former is not None or dropin or (changed and not is_reload))
    operations: list[Operation] = []
    if engine and (changed or restarts):
        check_version([key for key in desired.settings if key in changed], str(engine.info.get("ServerVersion") or ""))
        check_nftables(desired.settings, after, engine.swarm, will_forward(desired, host))
        _check_engine(desired, engine, after, changed, restarts)
    if engine and restarts and after.get(LIVE_RESTORE) and not engine.live_restore:
        # Containers survive a restart only if live-restore was enabled before.
        text = render_settings({**before, LIVE_RESTORE: True})
        operations += [WriteFile(desired.config_file, text, LIVE_RESTORE), ReloadService(desired.service, True)]
    operations += dropin
    if changed:
        operations.append(WriteFile(desired.config_file, render_settings(after), ", ".join(changed)))
    # An engine that creates the sockets replaces those of systemd, which cannot be reached after that.
    if host.has_socket and ("hosts" in changed or host.former is not None):
        operations.append(StopSocket(desired.service))
    if restarts or not host.service.is_active:
        operations.append(RestartService(desired.service, is_start=not host.service.is_active))
    elif changed:
        operations.append(ReloadService(desired.service, bool(after[LIVE_RESTORE])))
    return EnginePlan(_plan_host(desired, host), tuple(operations), before, after, changed)


def will_forward(desired: DesiredEngine, host: EngineHost) -> bool:
    """Return whether the kernel forwards IPv4 when the engine is started; the sysctls are set before."""
    values = {one.path: one.value for one in desired.sysctls}
    return values[FORWARDING] != "0" if FORWARDING in values else host.forwards


def find_forwarding_warning(desired: DesiredEngine, host: EngineHost, found: EnginePlan) -> str:
    """Return why bridge networks cannot reach other hosts although the engine is to connect them; empty if they can."""
    if will_forward(desired, host):
        return ""
    remedy = "set net.ipv4.ip_forward: 1 in sysctls"
    if not found.after.get("ip-forward", True):
        return f"IP forwarding is off, and the engine does not enable it with ip-forward=false; {remedy}"
    if found.has_restart:
        # The engine enables it and sets the policy of the chain FORWARD to DROP.
        return ""
    return f"IP forwarding is off, and the engine enables it only when it starts; restart the engine, or {remedy}"


def _plan_dropin(desired: DesiredEngine, host: EngineHost) -> list[Operation]:
    """Remove the sockets from the unit's command if the file contains them; restore them otherwise."""
    if "hosts" in desired.settings:
        if not host.command:
            reason = f"{desired.service}.service has no ExecStart; must be the service of Docker Engine"
            raise BadParameter("service", reason)
        text = render_dropin(host.command, desired.config_file)
        if host.files.get(desired.dropin) != text:
            return [WriteFile(desired.dropin, text)]
    elif "hosts" in desired.absent and host.files.get(desired.dropin) is not None:
        return [RemoveFile(desired.dropin)]
    return []


def _check_engine(
    desired: DesiredEngine, engine: EngineState, after: Mapping[str, Any], changed: tuple[str, ...], restarts: bool
) -> None:
    if after.get(LIVE_RESTORE) and engine.swarm not in ("", "inactive"):
        reason = "not supported on a host in a Swarm; set live_restore: false, or take the host out of the Swarm"
        raise BadParameter("live_restore", reason)
    if restarts and engine.running and not after.get(LIVE_RESTORE) and not desired.stop_containers:
        why = f"change {', '.join(changed)}" if changed else "complete an interrupted run"
        names = ", ".join(sorted(engine.running))
        reason = f"the restart to {why} would stop containers: {names}"
        raise BadParameter(
            "stop_containers", f"{reason}; set live_restore: true to keep them running, or stop_containers: true"
        )


def _plan_host(desired: DesiredEngine, host: EngineHost) -> tuple[Operation, ...]:
    missing = [name for name in desired.modules if host.modules.get(name) == "missing"]
    if missing:
        reason = f"the kernel of this host lacks {', '.join(missing)}; install its modules or use another kernel"
        raise BadParameter("modules", reason)
    names = (*desired.modules, *desired.optional_modules)
    loaded: list[Operation] = [LoadModule(name) for name in names if host.modules.get(name) == "loadable"]
    kept = sorted(name for name in names if host.modules.get(name) in ("loadable", "loaded"))
    found = [*loaded, *_plan_file(host, desired.modules_file, "".join(f"{name}\n" for name in kept))]
    lines = "".join(f"{one.name} = {one.value}\n" for one in desired.sysctls)
    found += _plan_file(host, desired.sysctls_file, lines)
    for one in desired.sysctls:
        value = host.sysctls.get(one.path)
        # A module that will be loaded can provide it.
        if value is None and not loaded:
            raise BadParameter(f"sysctls.{one.name}", "the kernel of this host has no such sysctl")
        if value is None or value.split() != one.value.split():
            found.append(SetHostSysctl(one))
    return (*found, *([] if host.service.is_enabled else [EnableService(desired.service)]))


def _plan_file(host: EngineHost, path: str, lines: str) -> list[Operation]:
    """Write lines to a file for the next boot; without lines, the file is unchanged."""
    text = _HEADER + lines
    return [WriteFile(path, text)] if lines and host.files.get(path) != text else []
