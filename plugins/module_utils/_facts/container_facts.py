# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compact facts of containers by name, from a snapshot. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

SUBSET = frozenset({"addresses", "routes", "sockets", "docker"})
_MAIN_TABLE = 254


def build_facts(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of each container, running or stopped."""
    namespaces = {row["netns"]: row for row in snapshot["namespaces"]}
    docker = snapshot.get("docker") or {}
    return {
        str(row["name"]): _build_container(row, namespaces.get(row["netns"] or ""), namespaces, docker)
        for row in docker.get("containers", ())
    }


def _build_container(row: Row, netns: Row | None, namespaces: Mapping[str, Row], docker: Row) -> dict[str, Any]:
    facts = {key: row[key] for key in ("id", "image", "state", "pid", "network_mode", "joined", "netns")}
    mine = [port for port in docker.get("published_ports", ()) if port["container_id"] == row["id"]]
    endpoints = [point for point in docker.get("endpoints", ()) if point["container_id"] == row["id"]]
    facts["published_ports"] = [
        {key: port[key] for key in ("protocol", "container_port", "host_address", "host_port")} for port in mine
    ]
    facts["networks"] = {
        point["network"]: {key: point[key] for key in ("ipv4", "ipv6", "mac", "gateway", "ipv6_gateway", "aliases")}
        for point in endpoints
    }
    # Interfaces of the host are not facts of a container that shares them.
    if netns is None or netns["kind"] == "host":
        return {**facts, "shares_host": netns is not None, "interfaces": {}, "routes": [], "listening": []}
    facts["shares_host"] = False
    facts["interfaces"] = {
        link["name"]: _build_interface(link, netns, namespaces) for link in netns.get("interfaces", ())
    }
    facts["routes"] = [
        {key: route[key] for key in ("dst", "gateway", "interface", "metric")}
        for route in netns.get("routes", ())
        if route["table"] == _MAIN_TABLE and route["type"] == "unicast"
    ]
    facts["listening"] = [
        {key: socket[key] for key in ("protocol", "address", "port")} for socket in netns.get("sockets", ())
    ]
    return facts


def _build_interface(link: Row, netns: Row, namespaces: Mapping[str, Row]) -> dict[str, Any]:
    facts = {key: link[key] for key in ("index", "kind", "up", "running", "mtu", "mac")}
    facts["addresses"] = [
        f"{one['address']}/{one['prefixlen']}" for one in netns.get("addresses", ()) if one["index"] == link["index"]
    ]
    for role in ("peer", "parent"):
        if link[f"{role}_index"] is not None:
            facts[role] = _build_other_end(link, role, namespaces)
    return facts


def _build_other_end(link: Row, role: str, namespaces: Mapping[str, Row]) -> dict[str, Any]:
    netns: Row = namespaces.get(link[f"{role}_netns"] or "", {})
    there: Sequence[Row] = netns.get("interfaces", ())
    other: Row = next((one for one in there if one["index"] == link[f"{role}_index"]), {})
    return {
        "netns": netns.get("reference") or link[f"{role}_netns"],
        "name": link[role],
        "master": other.get("master"),
        "docker_network": next(
            (one["docker_network"] for one in there if other and one["index"] == other["master_index"]), None
        ),
    }
