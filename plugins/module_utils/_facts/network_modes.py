# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare containers with the network mode, host or none, that they are expected to have. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Containers = Mapping[str, Mapping[str, Any]]


def find_faults(containers: Containers, host: Iterable[str], none: Iterable[str]) -> list[str]:
    """Return what is wrong with the containers, as container_netns_facts returns them, one line for each."""
    expected = [*((name, "host") for name in host), *((name, "none") for name in none)]
    return [fault for name, mode in expected for fault in _find_fault(name, mode, containers.get(name))]


def _find_fault(name: str, mode: str, container: Mapping[str, Any] | None) -> list[str]:
    if container is None:
        return [f"there is no container {name}"]
    if container["network_mode"] != mode:
        actual = container["network_mode"]
        return [f"{name} has the network mode {actual}, not {mode}; recreate it with network_mode: {mode}"]
    others = sorted(set(container["networks"]) - {mode})
    if others:
        return [f"{name} is connected to {', '.join(others)} as well; disconnect it"]
    # Docker reports the mode that the container was created with, and a container may have left its namespace.
    if container["state"] == "running" and container["shares_host"] != (mode == "host"):
        where = "outside of" if mode == "host" else "in"
        return [f"{name} runs {where} the host's network namespace, despite its network mode {mode}; restart it"]
    return []
