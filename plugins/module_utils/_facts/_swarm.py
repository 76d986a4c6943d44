# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Swarm's nodes, services and tasks: what a manager's API says → rows as docs/schema.md has them. Pure.

As with containers: by an allow-list, so that environment, arguments, secrets and certificates stay behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._facts import _said

Row = dict[str, Any]

_MODES = {
    "Replicated": "replicated",
    "Global": "global",
    "ReplicatedJob": "replicated-job",
    "GlobalJob": "global-job",
}
# Until a task is on its node, its error is the scheduler's or the allocator's; later ones may quote its command.
_UNPLACED = frozenset({"new", "allocated", "pending", "assigned"})


def node(said: Any) -> Row:
    """Return the row of a node."""
    manager = _said.at(said, "ManagerStatus")
    return {
        "id": _said.text(said, "ID"),
        "hostname": _said.text(said, "Description", "Hostname"),
        "role": _said.text(said, "Spec", "Role"),
        "availability": _said.text(said, "Spec", "Availability"),
        "state": _said.text(said, "Status", "State"),
        "address": _said.address(said, "Status", "Addr"),
        "leader": _said.boolean(manager, "Leader") or False,
        "manager_address": _said.text(manager, "Addr"),
        "reachability": _said.text(manager, "Reachability"),
        "engine_version": _said.text(said, "Description", "Engine", "EngineVersion"),
    }


def service(said: Any) -> Row:
    """Return the row of a service."""
    spec = _said.at(said, "Spec")
    mode = next((key for key, _value in _said.items(spec, "Mode")), None)
    return {
        "id": _said.text(said, "ID"),
        "name": _said.text(spec, "Name"),
        "mode": _MODES.get(mode or ""),
        "replicas": _said.integer(spec, "Mode", "Replicated", "Replicas"),
        "endpoint_mode": _said.text(spec, "EndpointSpec", "Mode") or _said.text(said, "Endpoint", "Spec", "Mode"),
        "virtual_ips": [
            {"network_id": _said.text(one, "NetworkID"), "address": _said.interface(one, "Addr")}
            for one in _said.each(said, "Endpoint", "VirtualIPs")
        ],
        "ports": [
            {
                "protocol": _said.text(port, "Protocol"),
                "target_port": _said.integer(port, "TargetPort"),
                "published_port": _said.integer(port, "PublishedPort"),
                "mode": _said.text(port, "PublishMode"),
            }
            for port in _said.each(said, "Endpoint", "Ports")
        ],
    }


def task(said: Any, services: Mapping[str, str]) -> Row:
    """Return the row of a task; ``services`` has the services' names by id."""
    status = _said.at(said, "Status")
    service_id = _said.text(said, "ServiceID")
    state = _said.text(status, "State")
    error = _said.text(status, "Err") if state in _UNPLACED else None
    return {
        "id": _said.text(said, "ID"),
        "service_id": service_id,
        "service": services.get(service_id or ""),
        "slot": _said.integer(said, "Slot"),
        "node_id": _said.text(said, "NodeID"),
        "desired_state": _said.text(said, "DesiredState"),
        "state": state,
        "message": error or _said.text(status, "Message"),
        "container_id": _said.text(status, "ContainerStatus", "ContainerID"),
        "networks": [
            {
                "network_id": _said.text(one, "Network", "ID"),
                "network": _said.text(one, "Network", "Spec", "Name"),
                "addresses": [
                    address for address in map(_said.interface, _said.each(one, "Addresses")) if address is not None
                ],
            }
            for one in _said.each(said, "NetworksAttachments")
        ],
    }
