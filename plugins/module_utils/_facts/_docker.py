# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers, networks and endpoints: what the engine's API says → rows as docs/schema.md has them. Pure.

Every column names the one place that it comes from. Environment, arguments, commands, labels and options that nobody
listed stay behind, and so does whatever a later release adds.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._facts import _said

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
# What only an inspection of the container tells, and the kernel.
_UNLISTED = (
    *("pid", "started_at", "netns", "sandbox_netns", "sandbox_key", "privileged", "cap_add", "cap_drop", "pid_mode"),
    *("ipc_mode", "uts_mode", "userns_mode", "cgroupns_mode", "publish_all", "dns", "dns_search", "extra_hosts"),
    *("name_servers", "sysctls"),
)


def container(said: Any, labels: Collection[str] = ()) -> Row:
    """Return the row of an inspected container; namespaces are the kernel's to say, name servers a file's."""
    config = _said.at(said, "HostConfig")
    mode = _said.text(config, "NetworkMode")
    return {
        "id": _said.text(said, "Id"),
        "name": (_said.text(said, "Name") or "").lstrip("/") or None,
        "image": _said.text(said, "Config", "Image"),
        "image_id": _said.text(said, "Image"),
        "state": _said.text(said, "State", "Status"),
        "pid": _said.integer(said, "State", "Pid") or None,
        "started_at": _said.time(said, "State", "StartedAt"),
        "network_mode": mode,
        "joined_id": _joined(mode),
        "joined": None,
        "netns": None,
        "sandbox_netns": None,
        "sandbox_key": _said.text(said, "NetworkSettings", "SandboxKey"),
        "privileged": _said.boolean(config, "Privileged"),
        "cap_add": _said.texts(config, "CapAdd"),
        "cap_drop": _said.texts(config, "CapDrop"),
        "pid_mode": _said.text(config, "PidMode"),
        "ipc_mode": _said.text(config, "IpcMode"),
        "uts_mode": _said.text(config, "UTSMode"),
        "userns_mode": _said.text(config, "UsernsMode"),
        "cgroupns_mode": _said.text(config, "CgroupnsMode"),
        "publish_all": _said.boolean(config, "PublishAllPorts"),
        "dns": _said.texts(config, "Dns"),
        "dns_search": _said.texts(config, "DnsSearch"),
        "extra_hosts": _said.texts(config, "ExtraHosts"),
        "name_servers": None,
        "sysctls": _said.mapping(_said.items(config, "Sysctls"), lambda key: key.startswith("net.")),
        "labels": _labels(_said.at(said, "Config", "Labels"), labels),
    }


def listed_container(said: Any, labels: Collection[str] = ()) -> Row:
    """Return the row of a container as the list of all containers has it: null for what the list does not say."""
    # A link of the default bridge adds /OTHER/ALIAS to the names.
    names = [name.lstrip("/") for name in _said.texts(said, "Names")]
    mode = _said.text(said, "HostConfig", "NetworkMode")
    row = {
        "id": _said.text(said, "Id"),
        "name": next((name for name in names if name and "/" not in name), None),
        "image": _said.text(said, "Image"),
        "image_id": _said.text(said, "ImageID"),
        "state": _said.text(said, "State"),
        "network_mode": mode,
        "joined_id": _joined(mode),
        "joined": None,
        "labels": _labels(_said.at(said, "Labels"), labels),
    }
    return {**dict.fromkeys(_UNLISTED), **row}


def name_joined(rows: Iterable[Row]) -> None:
    """Fill in the names of the containers whose namespaces others joined."""
    rows = list(rows)
    names = {row["id"]: row["name"] for row in rows}
    for row in rows:
        row["joined"] = names.get(row["joined_id"]) if row["joined_id"] else None


def published_ports(said: Any) -> list[Row]:
    """Return the ports of an inspected container that are published now."""
    if not _said.integer(said, "State", "Pid"):
        return []
    rows = []
    for port, bindings in _said.items(said, "NetworkSettings", "Ports"):
        number, _slash, protocol = port.partition("/")
        rows += [
            {
                "container_id": _said.text(said, "Id"),
                "container": (_said.text(said, "Name") or "").lstrip("/") or None,
                "protocol": _said.text(protocol),
                "container_port": _said.integer(number),
                "host_address": _said.address(binding, "HostIp"),
                "host_port": _said.integer(binding, "HostPort"),
            }
            for binding in _said.each(bindings)
        ]
    return rows


def docker_network(said: Any, labels: Collection[str] = ()) -> Row:
    """Return the row of a network."""
    driver = _said.text(said, "Driver")
    return {
        "id": _said.text(said, "Id"),
        "name": _said.text(said, "Name"),
        "driver": driver,
        "scope": _said.text(said, "Scope"),
        "created": _said.time(said, "Created"),
        "internal": _said.boolean(said, "Internal"),
        "attachable": _said.boolean(said, "Attachable"),
        "ingress": _said.boolean(said, "Ingress"),
        "ipv6": _said.boolean(said, "EnableIPv6"),
        "config_only": _said.boolean(said, "ConfigOnly"),
        "config_from": _said.text(said, "ConfigFrom", "Network"),
        "ipam_driver": _said.text(said, "IPAM", "Driver"),
        "ipam": [_pool(pool) for pool in _said.each(said, "IPAM", "Config")],
        # Of a plugin nobody knows which of its options are secrets.
        "options": network_options(_said.at(said, "Options")) if driver in _DRIVERS else {},
        "labels": _labels(_said.at(said, "Labels"), labels),
    }


def network_options(said: Any) -> dict[str, str]:
    """Return the options of Docker's own drivers."""
    return _said.mapping(_said.items(said), lambda key: key.startswith(_OPTION_PREFIX) or key in _OPTIONS)


def network_peers(said: Any) -> list[Row]:
    """Return the hosts that take part in an inspected overlay."""
    return [
        {
            "network_id": _said.text(said, "Id"),
            "network": _said.text(said, "Name"),
            "name": _said.text(peer, "Name"),
            "address": _said.address(peer, "IP"),
        }
        for peer in _said.each(said, "Peers")
    ]


def container_endpoints(said: Any, networks: Mapping[str, str]) -> list[Row]:
    """Return the endpoints of a container, inspected or listed; ``networks`` has the networks' names by id."""
    container_id = _said.text(said, "Id")
    name = (_said.text(said, "Name") or "").lstrip("/") or listed_container(said)["name"]
    return [
        _endpoint(container_id, name, key, endpoint, networks)
        for key, endpoint in _said.items(said, "NetworkSettings", "Networks")
        if _said.text(endpoint, "EndpointID")  # without one, it is a wish that comes true when the container starts
    ]


def network_endpoints(said: Any, names: Mapping[str, str], known: Collection[str]) -> list[Row]:
    """Return the endpoints of an inspected network but for the known ones: load balancers, gateways of overlays.

    ``names`` has the containers' names by id.
    """
    rows = []
    for key, endpoint in _said.items(said, "Containers"):
        container_id = key if _CONTAINER_ID.fullmatch(key) else None
        row: Row = {
            "network_id": _said.text(said, "Id"),
            "network": _said.text(said, "Name"),
            "container_id": container_id,
            "container": names.get(key) or _said.text(endpoint, "Name"),
            "endpoint_id": _said.text(endpoint, "EndpointID"),
            "mac": _said.mac(endpoint, "MacAddress"),
            "ipv4": _said.interface(endpoint, "IPv4Address"),
            "ipv6": _said.interface(endpoint, "IPv6Address"),
            "gateway": None,
            "ipv6_gateway": None,
            "aliases": [],
        }
        if row["endpoint_id"] not in known:
            rows.append(row)
    return rows


def _endpoint(container_id: str | None, name: str | None, key: str, said: Any, networks: Mapping[str, str]) -> Row:
    network_id = _said.text(said, "NetworkID")
    own = (container_id or "")[:_SHORT_ID]
    return {
        "network_id": network_id,
        "network": networks.get(network_id or "") or _said.text(key),
        "container_id": container_id,
        "container": name,
        "endpoint_id": _said.text(said, "EndpointID"),
        "mac": _said.mac(said, "MacAddress"),
        "ipv4": _with_prefix(said, "IPAddress", "IPPrefixLen"),
        "ipv6": _with_prefix(said, "GlobalIPv6Address", "GlobalIPv6PrefixLen"),
        "gateway": _said.address(said, "Gateway"),
        "ipv6_gateway": _said.address(said, "IPv6Gateway"),
        # Releases before 25 have the container's own short id among them.
        "aliases": [alias for alias in _said.texts(said, "Aliases") if alias != own],
    }


def _with_prefix(said: Any, address: str, prefix: str) -> str | None:
    found = _said.address(said, address)
    return _said.interface(f"{found}/{_said.integer(said, prefix)}") if found else None


def _pool(said: Any) -> Row:
    auxiliary = _said.items(said, "AuxiliaryAddresses")
    return {
        "subnet": _said.network(said, "Subnet"),
        "ip_range": _said.network(said, "IPRange"),
        "gateway": _said.address(said, "Gateway"),
        "auxiliary": {_said.text(name) or "": _said.address(value) for name, value in auxiliary},
    }


def _joined(mode: str | None) -> str | None:
    return mode.removeprefix(_JOINED) if mode and mode.startswith(_JOINED) else None


def _labels(said: Any, asked_for: Collection[str]) -> dict[str, str]:
    return _said.mapping(_said.items(said), lambda key: key in _LABELS or key in asked_for)
