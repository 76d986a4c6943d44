# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Owners of namespaces from their references and the engine data. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8

Row = Mapping[str, Any]

# Names of libnetwork sandboxes: for a container, the first 12 digits of the sandbox ID; for an overlay network, a
# generation number and 10 characters of the network ID; for a load balancer, 9 of them.
_OVERLAY = re.compile(r"\d+-(\w{10})")
_LOAD_BALANCER = re.compile(r"lb_(\w{9})")
_CONTAINER = re.compile(r"[0-9a-f]{12}")
_INGRESS = "ingress_sbox"
_ALIVE = ("running", "paused", "restarting")


class NetnsReferences(NamedTuple):
    """References to one namespace; ``container_ids`` are those of its processes' cgroups, oldest first."""

    netns: str
    is_host: bool = False
    names: Sequence[str] = ()
    sandboxes: Sequence[str] = ()
    paths: Sequence[str] = ()
    descriptors: Sequence[str] = ()
    pids: Sequence[int] = ()
    container_ids: Sequence[str] = ()


class EngineOwnership:
    """Data of the engine; if ``answered`` is false, a namespace without an owner is unknown.

    ``complete`` is whether the rows of containers name their sandboxes.
    """

    def __init__(
        self,
        containers: Sequence[Row] = (),
        networks: Sequence[Row] = (),
        answered: bool = False,
        complete: bool = False,
    ) -> None:
        # Invalid rows without an ID own nothing.
        containers = [one for one in containers if one["id"]]
        self.networks = [one for one in networks if one["id"]]
        self.answered = answered
        self.complete = complete
        alive = [one for one in containers if one["state"] in _ALIVE]
        self.by_netns: dict[str, list[Row]] = {}
        for one in alive:
            if one["netns"] is not None:
                self.by_netns.setdefault(one["netns"], []).append(one)
        unplaced = [one for one in alive if one["netns"] is None]
        self.unplaced = {one["id"]: one for one in unplaced}
        self.unplaced_in_host = [one for one in unplaced if one["network_mode"] == "host"]
        self.by_sandbox = {one["sandbox_netns"]: one for one in reversed(containers) if not one["joined_id"]}


def build_row(trace: NetnsReferences, docker: EngineOwnership, device: int) -> dict[str, Any]:
    """Return the row of the table netns, without the names of processes."""
    inside = _find_containers_inside(trace, docker)
    made_for, source = _find_owner_container(trace, docker, inside)
    network = _find_network(trace, docker)
    kind = _determine_kind(trace, docker, made_for, network)
    return {
        "netns": trace.netns,
        "device": device,
        "kind": kind,
        "reference": _choose_reference(trace, kind, made_for),
        "names": sorted(escape_invalid_utf8(name) for name in trace.names),
        "paths": sorted(escape_invalid_utf8(path) for path in trace.paths),
        "process_count": len(trace.pids),
        "processes": [],
        "held_by": _list_holders(trace),
        "container_id": made_for["id"] if made_for else None,
        "container": made_for["name"] if made_for else None,
        "containers": sorted(str(one["name"] or one["id"][:12]) for one in inside),
        "container_source": source,
        "docker_network_id": network["id"] if network else None,
        "docker_network": network["name"] if network else None,
        "conntrack_count": None,
        "conntrack_max": None,
    }


def _find_containers_inside(trace: NetnsReferences, docker: EngineOwnership) -> list[Row]:
    """Return the running containers with a process in it."""
    if not docker.answered:
        return [{"id": one, "name": None} for one in trace.container_ids]
    found = docker.by_netns.get(trace.netns, [])
    # Containers that were not inspected are identified by cgroup.
    named = [docker.unplaced[one] for one in trace.container_ids if one in docker.unplaced]
    return [*found, *named, *(docker.unplaced_in_host if trace.is_host else ())]


def _find_owner_container(
    trace: NetnsReferences, docker: EngineOwnership, inside: Sequence[Row]
) -> tuple[Row | None, str | None]:
    """Return the container for which the namespace was created, and the source."""
    if trace.is_host:
        return None, None
    if not docker.answered:
        # The sandbox belongs to a container. Other containers can only join a running one, so the oldest created it.
        return (inside[0], "cgroup") if inside and _is_container_netns(trace) else (None, None)
    owner = docker.by_sandbox.get(trace.netns)
    if owner is None and not docker.complete and _is_container_netns(trace):
        owner = next((row for row in inside if not row["joined_id"]), None)
    return (owner, "engine") if owner else (None, None)


def _is_container_netns(trace: NetnsReferences) -> bool:
    return any(_CONTAINER.fullmatch(name) for name in trace.sandboxes)


def _find_network(trace: NetnsReferences, docker: EngineOwnership) -> Row | None:
    for name in trace.sandboxes:
        match = _OVERLAY.fullmatch(name) or _LOAD_BALANCER.fullmatch(name)
        for row in docker.networks:
            if (match and str(row["id"]).startswith(match[1])) or (name == _INGRESS and row["ingress"]):
                return row
    return None


def _determine_kind(trace: NetnsReferences, docker: EngineOwnership, made_for: Row | None, network: Row | None) -> str:
    if trace.is_host:
        return "host"
    if made_for:
        return "container"
    sandbox = _determine_sandbox_kind(trace)
    # Docker leaves a sandbox behind if its removal failed: the network or the container no longer exists.
    if sandbox and (network or not docker.answered or not docker.complete):
        return sandbox
    if trace.names:
        return "named"
    return "process" if trace.pids else "unowned"


def _determine_sandbox_kind(trace: NetnsReferences) -> str | None:
    for name in trace.sandboxes:
        if name == _INGRESS:
            return "ingress"
        if _OVERLAY.fullmatch(name):
            return "overlay"
        if _LOAD_BALANCER.fullmatch(name):
            return "load-balancer"
        if _CONTAINER.fullmatch(name):
            return "container"
    return None


def _list_holders(trace: NetnsReferences) -> list[str]:
    holders = {"process": trace.pids, "mount": trace.paths, "descriptor": trace.descriptors}
    return [name for name, there in holders.items() if there] or ["nsid"]


def _choose_reference(trace: NetnsReferences, kind: str, made_for: Row | None) -> str | None:
    if kind == "host":
        return "host"
    if made_for:
        return f"container:{made_for['name'] or made_for['id'][:12]}"
    if trace.names:
        return escape_invalid_utf8(min(trace.names))
    if trace.sandboxes:
        return f"docker:{escape_invalid_utf8(min(trace.sandboxes))}"
    if trace.pids:
        return f"pid:{min(trace.pids)}"
    return f"path:{escape_invalid_utf8(min(trace.paths))}" if trace.paths else None
