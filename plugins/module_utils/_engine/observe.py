# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe the state of the host and of Docker Engine."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import EngineError, NetfleetError, NotFound
from ansible_collections.netfleet.docker.plugins.module_utils._docker import local_api
from ansible_collections.netfleet.docker.plugins.module_utils._engine import files, systemd
from ansible_collections.netfleet.docker.plugins.module_utils._engine.model import (
    FORWARDING,
    PENDING,
    DesiredEngine,
    EngineHost,
    EngineState,
)
from ansible_collections.netfleet.docker.plugins.module_utils._engine.systemd_unit import parse_unit
from ansible_collections.netfleet.docker.plugins.module_utils._preflight.kernel_modules import KernelModules

_PAUSE = 0.5


def read_host(desired: DesiredEngine) -> EngineHost:
    """Return the state of the host for all desired values."""
    service = systemd.read_service(desired.service)
    command, has_socket = "", False
    if "hosts" in desired.settings or "hosts" in desired.absent:
        command, has_socket = parse_unit(systemd.read_unit(desired.service), desired.service, desired.dropin)
    paths = (desired.config_file, desired.dropin, desired.sysctls_file, desired.modules_file)
    names = [*desired.modules, *desired.optional_modules]
    return EngineHost(
        files={path: files.read_text(path) for path in paths},
        service=service,
        command=command,
        has_socket=has_socket,
        former=_read_pending(desired),
        modules=KernelModules().get_states(names) if names else {},
        sysctls={one.path: _read_sysctl(one.path) for one in desired.sysctls},
        forwards=_read_sysctl(FORWARDING) != "0",
    )


def read_engine() -> EngineState:
    """Return the data of the running engine; raise EngineError."""
    engine = local_api.LocalEngineClient()
    info, containers, bridge = engine.get_all(["/info", "/containers/json", "/networks/bridge"])
    for answer in (info, containers, bridge):
        # The default bridge can be disabled.
        if isinstance(answer, EngineError) and not (answer is bridge and isinstance(answer, NotFound)):
            raise answer
    try:
        return EngineState(
            live_restore=bool(info["LiveRestoreEnabled"]),
            swarm=str((info.get("Swarm") or {}).get("LocalNodeState") or ""),
            running=tuple(sorted(one["Names"][0].lstrip("/") for one in containers)),
            info=info,
            bridge={} if isinstance(bridge, EngineError) else bridge,
        )
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise EngineError(engine.path, f"unexpected answer: {error!r}") from None


def wait_for_engine(seconds: float) -> EngineState:
    """Return the data of the engine as soon as it responds; raise EngineError on a timeout."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return read_engine()
        except EngineError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE)


def write_pending(former: Mapping[str, str | None], new: Mapping[str, str | None]) -> None:
    """Save the previous files until the engine is verified with the new ones."""
    note = {path: {"former": text, "new": new[path]} for path, text in former.items()}
    files.write_text(PENDING, json.dumps(note), mode=0o600)


def _read_pending(desired: DesiredEngine) -> dict[str, str | None] | None:
    """Return the files from before an interrupted run; a file that was edited since then is used as it is."""
    text = files.read_text(PENDING)
    if text is None:
        return None
    note: Any = {}
    with contextlib.suppress(ValueError):
        note = json.loads(text)
    found = {}
    for path in (desired.config_file, desired.dropin):
        kept: Any = note.get(path) if isinstance(note, dict) else None
        current = files.read_text(path)
        is_new = isinstance(kept, dict) and set(kept) == {"former", "new"} and kept["new"] == current
        found[path] = kept["former"] if is_new else current
    return found


def _read_sysctl(path: str) -> str | None:
    try:
        return Path("/proc/sys", path).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise NetfleetError(f"/proc/sys/{path} cannot be read: {error}") from None
