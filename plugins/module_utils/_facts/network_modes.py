# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare containers with their expected network mode, host or none. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._facts.container_facts import build_facts

Containers = Mapping[str, Mapping[str, Any]]


def read_containers(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """Return the containers in a snapshot; raise NetfleetError if they could not be read."""
    unread = [
        row for row in snapshot["missing"] if row["part"] in ("docker", "containers") and row["what"] == "missing"
    ]
    if unread:
        raise NetfleetError(f"the containers of this host cannot be read: {unread[0]['reason']}")
    return build_facts(snapshot)


def find_faults(present: Containers, host: Iterable[str], none: Iterable[str]) -> list[str]:
    """Return the faults of containers in the format of container_netns_facts, one line each."""
    expected = [*((name, "host") for name in host), *((name, "none") for name in none)]
    faults = [_find_fault(name, mode, present.get(name)) for name, mode in expected]
    return [fault for fault in faults if fault]


def _find_fault(name: str, mode: str, container: Mapping[str, Any] | None) -> str:
    if container is None:
        return f"there is no container {name}"
    if container["network_mode"] != mode:
        actual = container["network_mode"]
        return f"{name} has the network mode {actual}, not {mode}; recreate it with network_mode: {mode}"
    others = sorted(set(container["networks"]) - {mode})
    if others:
        return f"{name} is connected to {', '.join(others)} as well; disconnect it"
    return _find_namespace_fault(name, mode, container) if container["state"] == "running" else ""


def _find_namespace_fault(name: str, mode: str, container: Mapping[str, Any]) -> str:
    """Compare a namespace with its mode: the process can have left the namespace in which it was created."""
    if container["netns"] is None:
        return f"the network namespace of {name} could not be read"
    if container["shares_host"] == (mode == "host"):
        return ""
    where = "outside of" if mode == "host" else "in"
    return f"{name} runs {where} the host's network namespace, despite its network mode {mode}; restart it"
