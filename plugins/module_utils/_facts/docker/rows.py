# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert API data of containers, networks and endpoints to rows as in docs/reference/tables.md. Pure.

Every column has one source. Environment, arguments, commands, other labels and options, and fields of later versions
are not collected.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._facts.docker import json_fields

Row = dict[str, Any]

_LABELS = frozenset(
    {
        *(f"com.docker.compose.{name}" for name in ("project", "service", "container-number", "network")),
        *(f"com.docker.swarm.{name}" for name in ("service.name", "service.id", "task.name", "task.id", "node.id")),
        "com.docker.stack.namespace",
    }
)
_DRIVERS = frozenset({"bridge", "host", "ipvlan", "macvlan", "null", "overlay"})
_OPTIONS = frozenset({"parent", "macvlan_mode", "ipvlan_mode", "ipvlan_flag", "internal", "encrypted"})
_OPTION_PREFIX = "com.docker.network."
_CONTAINER_ID = re.compile(r"[0-9a-f]{64}")
_JOINED = "container:"
_SHORT_ID = 12
# Columns that only inspection and the kernel provide.
_UNLISTED = (
    *("pid", "started_at", "netns", "sandbox_netns", "sandbox_key", "privileged", "cap_add", "cap_drop", "pid_mode"),
    *("ipc_mode", "uts_mode", "userns_mode", "cgroupns_mode", "publish_all", "dns", "dns_search", "extra_hosts"),
    *("name_servers", "engine_socket", "sysctls"),
)


def build_container(data: Any, labels: Collection[str] = ()) -> Row:
    """Return the row of an inspected container, without namespaces and name servers."""
    config = json_fields.get_path(data, "HostConfig")
    mode = json_fields.text(config, "NetworkMode")
    return {
        "id": json_fields.text(data, "Id"),
        "name": (json_fields.text(data, "Name") or "").lstrip("/") or None,
        "image": json_fields.text(data, "Config", "Image"),
        "image_id": json_fields.text(data, "Image"),
        "state": json_fields.text(data, "State", "Status"),
        "pid": json_fields.integer(data, "State", "Pid") or None,
        "started_at": json_fields.time(data, "State", "StartedAt"),
        "network_mode": mode,
        "joined_id": _parse_joined_container(mode),
        "joined": None,
        "netns": None,
        "sandbox_netns": None,
        "sandbox_key": json_fields.text(data, "NetworkSettings", "SandboxKey"),
        "privileged": json_fields.boolean(config, "Privileged"),
        "cap_add": json_fields.texts(config, "CapAdd"),
        "cap_drop": json_fields.texts(config, "CapDrop"),
        "pid_mode": json_fields.text(config, "PidMode"),
        "ipc_mode": json_fields.text(config, "IpcMode"),
        "uts_mode": json_fields.text(config, "UTSMode"),
        "userns_mode": json_fields.text(config, "UsernsMode"),
        "cgroupns_mode": json_fields.text(config, "CgroupnsMode"),
        "publish_all": json_fields.boolean(config, "PublishAllPorts"),
        "dns": json_fields.texts(config, "Dns"),
        "dns_search": json_fields.texts(config, "DnsSearch"),
        "extra_hosts": json_fields.texts(config, "ExtraHosts"),
        "name_servers": None,
        "engine_socket": None,
        "sysctls": json_fields.mapping(json_fields.items(config, "Sysctls"), lambda key: key.startswith("net.")),
        "labels": _select_labels(json_fields.get_path(data, "Config", "Labels"), labels),
    }


def build_listed_container(data: Any, labels: Collection[str] = ()) -> Row:
    """Return the row of a container from the list; values that the list lacks are null."""
    # A link of the default bridge adds /OTHER/ALIAS to the names.
    names = [name.lstrip("/") for name in json_fields.texts(data, "Names")]
    mode = json_fields.text(data, "HostConfig", "NetworkMode")
    row = {
        "id": json_fields.text(data, "Id"),
        "name": next((name for name in names if name and "/" not in name), None),
        "image": json_fields.text(data, "Image"),
        "image_id": json_fields.text(data, "ImageID"),
        "state": json_fields.text(data, "State"),
        "network_mode": mode,
        "joined_id": _parse_joined_container(mode),
        "joined": None,
        "labels": _select_labels(json_fields.get_path(data, "Labels"), labels),
    }
    return {**dict.fromkeys(_UNLISTED), **row}


def find_engine_socket(data: Any, sockets: Collection[str]) -> str | None:
    """Return the path in a container of a mount with one of the engine's sockets, or None.

    A mounted directory that contains the socket counts too. Other mounts are not collected.
    """
    for mount in json_fields.get_list(data, "Mounts"):
        source, place = json_fields.text(mount, "Source"), json_fields.text(mount, "Destination")
        if json_fields.text(mount, "Type") != "bind" or not source or not place:
            continue
        for socket in sockets:
            if socket == source:
                return place
            folder = source.rstrip("/") + "/"
            if socket.startswith(folder):
                inside = socket.removeprefix(folder)
                return f"{place.rstrip('/')}/{inside}"
    return None


def fill_joined_names(rows: Iterable[Row]) -> None:
    """Fill in the names of the containers whose namespaces other containers joined."""
    rows = list(rows)
    names = {row["id"]: row["name"] for row in rows}
    for row in rows:
        row["joined"] = names.get(row["joined_id"]) if row["joined_id"] else None


def build_published_ports(data: Any) -> list[Row]:
    """Return the currently published ports of an inspected container."""
    if not json_fields.integer(data, "State", "Pid"):
        return []
    rows = []
    for port, bindings in json_fields.items(data, "NetworkSettings", "Ports"):
        number, _slash, protocol = port.partition("/")
        rows += [
            {
                "container_id": json_fields.text(data, "Id"),
                "container": (json_fields.text(data, "Name") or "").lstrip("/") or None,
                "protocol": json_fields.text(protocol),
                "container_port": json_fields.integer(number),
                "host_address": json_fields.address(binding, "HostIp"),
                "host_port": json_fields.integer(binding, "HostPort"),
            }
            for binding in json_fields.get_list(bindings)
        ]
    return rows


def build_network(data: Any, labels: Collection[str] = ()) -> Row:
    """Return the row of a network."""
    driver = json_fields.text(data, "Driver")
    return {
        "id": json_fields.text(data, "Id"),
        "name": json_fields.text(data, "Name"),
        "driver": driver,
        "scope": json_fields.text(data, "Scope"),
        "created": json_fields.time(data, "Created"),
        "internal": json_fields.boolean(data, "Internal"),
        "attachable": json_fields.boolean(data, "Attachable"),
        "ingress": json_fields.boolean(data, "Ingress"),
        # Versions before 28 always enable IPv4, and do not report it.
        "ipv4": json_fields.boolean(data, "EnableIPv4"),
        "ipv6": json_fields.boolean(data, "EnableIPv6"),
        "config_only": json_fields.boolean(data, "ConfigOnly"),
        "config_from": json_fields.text(data, "ConfigFrom", "Network"),
        "ipam_driver": json_fields.text(data, "IPAM", "Driver"),
        "ipam": [_build_pool(pool) for pool in json_fields.get_list(data, "IPAM", "Config")],
        "ipam_status": [
            {
                "subnet": json_fields.network(subnet),
                "in_use": json_fields.integer(status, "IPsInUse"),
                "available": json_fields.integer(status, "DynamicIPsAvailable"),
            }
            for subnet, status in json_fields.items(data, "Status", "IPAM", "Subnets")
        ],
        # Options of a plugin can be secrets.
        "options": build_network_options(json_fields.get_path(data, "Options")) if driver in _DRIVERS else {},
        "labels": _select_labels(json_fields.get_path(data, "Labels"), labels),
    }


def build_network_options(data: Any) -> dict[str, str]:
    """Return the options of Docker's own drivers."""
    return json_fields.mapping(json_fields.items(data), lambda key: key.startswith(_OPTION_PREFIX) or key in _OPTIONS)


def build_network_peers(data: Any) -> list[Row]:
    """Return the hosts of an inspected overlay network."""
    return [
        {
            "network_id": json_fields.text(data, "Id"),
            "network": json_fields.text(data, "Name"),
            "name": json_fields.text(peer, "Name"),
            "address": json_fields.address(peer, "IP"),
        }
        for peer in json_fields.get_list(data, "Peers")
    ]


def build_container_endpoints(data: Any, networks: Mapping[str, str]) -> list[Row]:
    """Return the endpoints of a container, inspected or listed; ``networks`` are the network names by ID."""
    container_id = json_fields.text(data, "Id")
    name = (json_fields.text(data, "Name") or "").lstrip("/") or build_listed_container(data)["name"]
    return [
        _build_endpoint(container_id, name, key, endpoint, networks)
        for key, endpoint in json_fields.items(data, "NetworkSettings", "Networks")
        if json_fields.text(endpoint, "EndpointID")  # without one, it applies only when the container starts
    ]


def build_network_endpoints(data: Any, names: Mapping[str, str], known: Collection[str]) -> list[Row]:
    """Return further endpoints of an inspected network: load balancers, gateways of overlay networks.

    ``names`` are the container names by ID.
    """
    rows = []
    for key, endpoint in json_fields.items(data, "Containers"):
        container_id = key if _CONTAINER_ID.fullmatch(key) else None
        row: Row = {
            "network_id": json_fields.text(data, "Id"),
            "network": json_fields.text(data, "Name"),
            "container_id": container_id,
            "container": names.get(key) or json_fields.text(endpoint, "Name"),
            "endpoint_id": json_fields.text(endpoint, "EndpointID"),
            "mac": json_fields.mac(endpoint, "MacAddress"),
            "ipv4": json_fields.interface(endpoint, "IPv4Address"),
            "ipv6": json_fields.interface(endpoint, "IPv6Address"),
            "gateway": None,
            "ipv6_gateway": None,
            "aliases": [],
            "dns_names": [],
            "options": {},
            "gateway_priority": None,
        }
        if row["endpoint_id"] not in known:
            rows.append(row)
    return rows


def _build_endpoint(
    container_id: str | None, name: str | None, key: str, data: Any, networks: Mapping[str, str]
) -> Row:
    network_id = json_fields.text(data, "NetworkID")
    own = (container_id or "")[:_SHORT_ID]
    return {
        "network_id": network_id,
        "network": networks.get(network_id or "") or json_fields.text(key),
        "container_id": container_id,
        "container": name,
        "endpoint_id": json_fields.text(data, "EndpointID"),
        "mac": json_fields.mac(data, "MacAddress"),
        "ipv4": _append_prefix(data, "IPAddress", "IPPrefixLen"),
        "ipv6": _append_prefix(data, "GlobalIPv6Address", "GlobalIPv6PrefixLen"),
        "gateway": json_fields.address(data, "Gateway"),
        "ipv6_gateway": json_fields.address(data, "IPv6Gateway"),
        # Versions before 25 include the short ID of the container.
        "aliases": [alias for alias in json_fields.texts(data, "Aliases") if alias != own],
        "dns_names": [name for name in json_fields.texts(data, "DNSNames") if name != own],
        # Other options can be secrets of a plugin.
        "options": json_fields.mapping(
            json_fields.items(data, "DriverOpts"), lambda key: key.startswith(_OPTION_PREFIX)
        ),
        "gateway_priority": json_fields.integer(data, "GwPriority"),
    }


def _append_prefix(data: Any, address: str, prefix: str) -> str | None:
    found = json_fields.address(data, address)
    return json_fields.interface(f"{found}/{json_fields.integer(data, prefix)}") if found else None


def _build_pool(data: Any) -> Row:
    auxiliary = json_fields.items(data, "AuxiliaryAddresses")
    return {
        "subnet": json_fields.network(data, "Subnet"),
        "ip_range": json_fields.network(data, "IPRange"),
        "gateway": json_fields.address(data, "Gateway"),
        "auxiliary": {json_fields.text(name) or "": json_fields.address(value) for name, value in auxiliary},
    }


def _parse_joined_container(mode: str | None) -> str | None:
    return mode.removeprefix(_JOINED) if mode and mode.startswith(_JOINED) else None


def _select_labels(data: Any, asked_for: Collection[str]) -> dict[str, str]:
    return json_fields.mapping(json_fields.items(data), lambda key: key in _LABELS or key in asked_for)
