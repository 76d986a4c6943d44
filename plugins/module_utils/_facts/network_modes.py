# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare containers with their expected network mode, host or none. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError

Containers = Mapping[str, Mapping[str, Any]]


def read_containers(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """Return state, mode, networks and namespace of each container in a snapshot of the host's namespace and Docker.

    Raise NetfleetError if the containers could not be read.
    """
    unread = [
        row for row in snapshot["missing"] if row["part"] in ("docker", "containers") and row["what"] == "missing"
    ]
    if unread:
        raise NetfleetError(f"the containers of this host cannot be read: {unread[0]['reason']}")
    docker = snapshot["docker"]
    hosts = {one["netns"] for one in snapshot["namespaces"] if one["kind"] == "host"}
    networks: dict[str, list[str]] = {}
    for point in docker["endpoints"]:
        networks.setdefault(point["container_id"], []).append(point["network"])
    return {
        row["name"]: {
            **{key: row[key] for key in ("state", "network_mode", "netns")},
            "networks": sorted(networks.get(row["id"], ())),
            "shares_host": row["netns"] in hosts,
        }
        for row in docker["containers"]
    }


def build_result(
    present: Containers, host: Iterable[str], none: Iterable[str], missing: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Return the result of the module network_mode."""
    faults = find_faults(present, host, none)
    found: dict[str, Any] = {"changed": False, "faults": faults, "missing": list(missing)}
    return {**found, "failed": True, "msg": f"{'; '.join(faults)}."} if faults else found


def find_faults(present: Containers, host: Iterable[str], none: Iterable[str]) -> list[str]:
    """Return the faults of containers in the format of ``read_containers``, one line each."""
    expected = [*((name, "host") for name in host), *((name, "none") for name in none)]
    faults = [_find_fault(name, mode, present.get(name)) for name, mode in expected]
    return [fault for fault in faults if fault]


def _find_fault(name: str, mode: str, container: Mapping[str, Any] | None) -> str:
    if container is None:
        return f"no such container: {name}"
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
