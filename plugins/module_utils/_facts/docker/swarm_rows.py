# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert API data of Swarm nodes, services and tasks to rows as in docs/reference/tables.md. Pure.

Only listed fields are collected, without environment, arguments, secrets and certificates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._facts.docker import json_fields

Row = dict[str, Any]

_MODES = {
    "Replicated": "replicated",
    "Global": "global",
    "ReplicatedJob": "replicated-job",
    "GlobalJob": "global-job",
}
# Errors of a task before it is assigned come from the scheduler or allocator; later ones can contain its command.
_UNPLACED = frozenset({"new", "allocated", "pending", "assigned"})


def build_node(data: Any) -> Row:
    """Return the row of a node."""
    manager = json_fields.get_path(data, "ManagerStatus")
    return {
        "id": json_fields.text(data, "ID"),
        "hostname": json_fields.text(data, "Description", "Hostname"),
        "role": json_fields.text(data, "Spec", "Role"),
        "availability": json_fields.text(data, "Spec", "Availability"),
        "state": json_fields.text(data, "Status", "State"),
        "address": json_fields.address(data, "Status", "Addr"),
        "leader": json_fields.boolean(manager, "Leader") or False,
        "manager_address": json_fields.text(manager, "Addr"),
        "reachability": json_fields.text(manager, "Reachability"),
        "engine_version": json_fields.text(data, "Description", "Engine", "EngineVersion"),
    }


def build_service(data: Any) -> Row:
    """Return the row of a service."""
    spec = json_fields.get_path(data, "Spec")
    endpoint_mode = json_fields.text(spec, "EndpointSpec", "Mode")
    mode = next((key for key, _value in json_fields.items(spec, "Mode")), None)
    return {
        "id": json_fields.text(data, "ID"),
        "name": json_fields.text(spec, "Name"),
        "mode": _MODES.get(mode or ""),
        "replicas": json_fields.integer(spec, "Mode", "Replicated", "Replicas"),
        "endpoint_mode": endpoint_mode or json_fields.text(data, "Endpoint", "Spec", "Mode"),
        "virtual_ips": [
            {"network_id": json_fields.text(one, "NetworkID"), "address": json_fields.interface(one, "Addr")}
            for one in json_fields.get_list(data, "Endpoint", "VirtualIPs")
        ],
        "ports": [
            {
                "protocol": json_fields.text(port, "Protocol"),
                "target_port": json_fields.integer(port, "TargetPort"),
                "published_port": json_fields.integer(port, "PublishedPort"),
                "mode": json_fields.text(port, "PublishMode"),
            }
            for port in json_fields.get_list(data, "Endpoint", "Ports")
        ],
    }


def build_task(data: Any, services: Mapping[str, str]) -> Row:
    """Return the row of a task; ``services`` are the service names by ID."""
    status = json_fields.get_path(data, "Status")
    service_id = json_fields.text(data, "ServiceID")
    state = json_fields.text(status, "State")
    error = json_fields.text(status, "Err") if state in _UNPLACED else None
    return {
        "id": json_fields.text(data, "ID"),
        "service_id": service_id,
        "service": services.get(service_id or ""),
        "slot": json_fields.integer(data, "Slot"),
        "node_id": json_fields.text(data, "NodeID"),
        "desired_state": json_fields.text(data, "DesiredState"),
        "state": state,
        "message": error or json_fields.text(status, "Message"),
        "container_id": json_fields.text(status, "ContainerStatus", "ContainerID"),
        "networks": [
            {
                "network_id": json_fields.text(one, "Network", "ID"),
                "network": json_fields.text(one, "Network", "Spec", "Name"),
                "addresses": [
                    address
                    for address in map(json_fields.interface, json_fields.get_list(one, "Addresses"))
                    if address is not None
                ],
            }
            for one in json_fields.get_list(data, "NetworksAttachments")
        ],
    }
