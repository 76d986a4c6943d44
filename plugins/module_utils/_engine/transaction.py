# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe, plan, validate, apply and verify the settings of Docker Engine, and roll back on failure."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core import capabilities, lock
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import EngineError, NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._core.module import apply_unless_check_mode
from ansible_collections.netfleet.docker.plugins.module_utils._engine import files, observe, systemd
from ansible_collections.netfleet.docker.plugins.module_utils._engine.daemon_json import (
    parse_settings,
    redact,
    render_settings,
    select_public_settings,
)
from ansible_collections.netfleet.docker.plugins.module_utils._engine.model import (
    PENDING,
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
from ansible_collections.netfleet.docker.plugins.module_utils._engine.options import parse_options
from ansible_collections.netfleet.docker.plugins.module_utils._engine.planner import find_forwarding_warning, plan
from ansible_collections.netfleet.docker.plugins.module_utils._engine.systemd_unit import remove_hosts
from ansible_collections.netfleet.docker.plugins.module_utils._engine.validate import find_rejection
from ansible_collections.netfleet.docker.plugins.module_utils._engine.verification import (
    find_differences,
    find_pending_bridge_settings,
    keeps_bridge,
)
from ansible_collections.netfleet.docker.plugins.module_utils._preflight.kernel_modules import load_module

_ANSWER_SECONDS, _CONTAINER_SECONDS, _PAUSE = 30.0, 15.0, 0.5


def reconcile(params: Mapping[str, Any], lock_seconds: float | None) -> dict[str, Any]:
    """Apply the parameters and return the result; without a lock, only predict it."""
    desired = parse_options(params)
    capabilities.require_capabilities(capabilities.TO_CHANGE)
    with contextlib.nullcontext() if lock_seconds is None else lock.hold_lock(lock_seconds):
        return _EngineTransaction(desired).reconcile(lock_seconds is None)


def predict(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters as ``arguments`` and the predicted ``result``; empty if the settings cannot be applied."""
    try:
        return {"arguments": dict(params), "result": reconcile(params, None)}
    except NetfleetError:
        return {}  # The module engine fails with the reason.


class _EngineTransaction:
    """The settings of the engine of one host."""

    def __init__(self, desired: DesiredEngine) -> None:
        self._desired = desired
        self._host = observe.read_host(desired)
        self._plan = plan(desired, self._host)
        self._engine = self._read_engine() if self._plan.engine and self._host.service.is_active else None
        if self._engine:
            self._plan = plan(desired, self._host, self._engine)
        self._has_restarted = False
        self._since = time.time()

    def reconcile(self, check_mode: bool) -> dict[str, Any]:
        """Return the result of the module, applied or predicted."""
        planned = self._plan
        if planned.changed:
            self._validate()
        after = apply_unless_check_mode(check_mode, planned.operations, self._host, self._apply)
        waiting = (
            find_pending_bridge_settings(planned.changed, planned.after, self._engine) if planned.has_restart else []
        )
        warnings = [
            *(
                [f"the default bridge applies {', '.join(waiting)} at the next restart without running containers"]
                if waiting
                else []
            ),
            *filter(None, [find_forwarding_warning(self._desired, after, planned)]),
        ]
        return {
            "changed": bool(planned.operations),
            "operations": [operation.describe() for operation in planned.operations],
            "changed_settings": list(planned.changed),
            "restarted": planned.has_restart,
            "settings": select_public_settings(planned.after, self._desired.settings),
            "diff": {"before": self._build_view(self._host), "after": self._build_view(after)},
            "warnings": warnings,
        }

    def _read_engine(self) -> EngineState | None:
        try:
            return observe.read_engine()
        except EngineError:
            # An interrupted run can have left an engine that does not respond.
            if self._host.former is None:
                raise
            return None

    def _validate(self) -> None:
        argv = self._host.service.argv
        text = render_settings(self._plan.after)
        reason = find_rejection(text, remove_hosts(argv) if "hosts" in self._plan.after else argv)
        if reason:
            names = ", ".join(self._plan.changed)
            words = self._redact(reason).replace("/dev/stdin", self._desired.config_file).rstrip(".")
            raise NetfleetError(f"Docker Engine rejects the settings ({names}): {words}. Nothing was changed.")

    def _apply(self) -> EngineHost:
        for operation in self._plan.host:
            apply_operation(operation)
        if self._plan.engine:
            self._change_engine()
        after = observe.read_host(self._desired)
        left = plan(self._desired, after).operations
        if left:
            names = "; ".join(operation.describe() for operation in left)
            raise NetfleetError(f"verification failed: these operations had no effect: {names}")
        return after

    def _change_engine(self) -> None:
        paths = (self._desired.config_file, self._desired.dropin)
        former = self._host.former or {path: self._host.files[path] for path in paths}
        if self._plan.has_restart:
            simulated = self._host
            for operation in self._plan.engine:
                simulated = operation.simulate(simulated)
            observe.write_pending(former, {path: simulated.files[path] for path in paths})
        try:
            for operation in self._plan.engine:
                self._has_restarted |= isinstance(operation, (RestartService, StopSocket))
                apply_operation(operation)
            self._verify()
        except NetfleetError as error:
            raise self._roll_back(former, error) from None
        files.remove_file(PENDING)

    def _verify(self) -> None:
        """Raise NetfleetError if the engine does not apply its settings, or has lost containers."""
        engine = observe.wait_for_engine(_ANSWER_SECONDS)
        settings = self._plan.after
        with_bridge = self._plan.has_restart and not keeps_bridge(settings, self._engine)
        found = find_differences(settings, engine, with_bridge)
        if found:
            raise NetfleetError(f"verification failed: {'; '.join(found)}")
        before = set(self._engine.running) if self._engine and not self._desired.stop_containers else set()
        deadline = time.monotonic() + _CONTAINER_SECONDS
        while before - set(engine.running):
            if time.monotonic() > deadline:
                names = ", ".join(sorted(before - set(engine.running)))
                raise NetfleetError(f"verification failed: containers no longer run: {names}")
            time.sleep(_PAUSE)
            engine = observe.read_engine()

    def _roll_back(self, former: Mapping[str, str | None], error: NetfleetError) -> NetfleetError:
        """Restore the previous files and restart the engine with them; return the error to raise."""
        complaint = systemd.find_last_error(self._desired.service, self._since)
        names = ", ".join(self._plan.changed) or "after an interrupted run"
        reason = f"Docker Engine does not work with the new settings ({names}): {self._redact(str(error))}"
        if complaint:
            reason = f"{reason.rstrip('.')}. Journal of the service: {self._redact(complaint)}"
        try:
            for path, text in former.items():
                files.restore_file(path, text)
        except NetfleetError as again:
            return NetfleetError(f"{reason.rstrip('.')}. The previous files cannot be restored: {again}")
        outcome = "The previous files are restored, and the engine runs with them."
        try:
            self._start_former_engine()
        except NetfleetError as again:
            outcome = f"The previous files are restored, but the engine fails with them: {self._redact(str(again))}"
        files.remove_file(PENDING)
        return NetfleetError(f"{reason.rstrip('.')}. {outcome}")

    def _start_former_engine(self) -> None:
        # An unnecessary restart could stop containers.
        if not self._has_restarted:
            systemd.reload_service(self._desired.service)
        else:
            # An engine that created the sockets itself has replaced those of systemd.
            if self._host.has_socket:
                with contextlib.suppress(NetfleetError):
                    systemd.stop_socket(self._desired.service)
            systemd.restart_service(self._desired.service)
        observe.wait_for_engine(_ANSWER_SECONDS)

    def _redact(self, text: str) -> str:
        settings = {**self._plan.before, **self._plan.after}
        return redact(text, settings, self._desired.settings, self._host.service.argv)

    def _build_view(self, host: EngineHost) -> dict[str, Any]:
        desired = self._desired
        settings = parse_settings(host.files[desired.config_file], desired.config_file)
        return {
            "settings": select_public_settings(settings, desired.settings),
            "dropin": host.files[desired.dropin],
            "enabled": host.service.is_enabled,
            "active": host.service.is_active,
            "modules": dict(host.modules),
            "modules_file": host.files[desired.modules_file],
            "sysctls": {one.name: host.sysctls[one.path] for one in desired.sysctls},
            "sysctls_file": host.files[desired.sysctls_file],
        }


def apply_operation(operation: Operation) -> None:
    """Execute an operation; raise NetfleetError."""
    if isinstance(operation, LoadModule):
        reason = load_module(operation.name)
        if reason:
            raise NetfleetError(f"{operation.describe()}: {reason}")
    elif isinstance(operation, SetHostSysctl):
        _set_sysctl(operation)
    elif isinstance(operation, WriteFile):
        files.write_text(operation.path, operation.text)
    elif isinstance(operation, RemoveFile):
        files.remove_file(operation.path)
    elif isinstance(operation, EnableService):
        systemd.enable_service(operation.service)
    elif isinstance(operation, StopSocket):
        systemd.stop_socket(operation.service)
    elif isinstance(operation, ReloadService):
        systemd.reload_service(operation.service)
        _wait_for_live_restore(operation)
    else:
        systemd.restart_service(operation.service)


def _set_sysctl(operation: SetHostSysctl) -> None:
    try:
        with Path("/proc/sys", operation.sysctl.path).open("w", encoding="ascii") as file:
            file.write(operation.sysctl.value)
    except OSError as error:
        raise NetfleetError(f"{operation.describe()}: {os.strerror(error.errno or 0)}") from None


def _wait_for_live_restore(operation: ReloadService) -> None:
    # A reload returns before the engine has read the file.
    deadline = time.monotonic() + _ANSWER_SECONDS
    while observe.read_engine().live_restore != operation.live_restore:
        if time.monotonic() > deadline:
            raise NetfleetError(f"{operation.describe()}: the engine did not apply live-restore")
        time.sleep(_PAUSE)
