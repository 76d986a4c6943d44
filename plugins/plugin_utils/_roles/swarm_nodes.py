# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Declared nodes of a Swarm: role, state and addresses; pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.host import HostInfo
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_ports import CONTROL, GOSSIP

ABSENT = "absent"
MANAGER, WORKER = "manager", "worker"


class SwarmNode(NamedTuple):
    """A host: its declared role and state, and the state of its engine."""

    host: str
    role: str
    state: str
    address: str
    data_path: str
    mtu: int
    hostname: str
    in_swarm: bool
    manages: bool
    id: str


def build_nodes(declared: Mapping[str, Mapping[str, Any]]) -> list[SwarmNode]:
    """Return the nodes, managers first, otherwise in the order of the inventory."""
    found = [_build_node(name, declaration) for name, declaration in declared.items()]
    return sorted(found, key=lambda node: node.role != MANAGER)


def _build_node(name: str, declaration: Mapping[str, Any]) -> SwarmNode:
    host = HostInfo(name, declaration["info"])
    host.get_engine_version()
    engine = host.docker["engine"]
    state = engine.get("swarm_state")
    if state not in ("inactive", "active"):
        hints = {
            "locked": "unlock it with docker swarm unlock",
            "pending": "the node waits for managers that do not answer; run docker swarm leave",
        }
        raise BadParameter(f"{name}: Swarm", f"the state is {state}; {hints.get(state, 'see journalctl -u docker')}")
    if engine.get("live_restore") and declaration["state"] != ABSENT:
        raise BadParameter(f"{name}: Swarm", "Docker does not support live-restore on a node; disable it")
    if state == "inactive" and declaration["state"] != ABSENT:
        _refuse_used_ports(name, declaration)
    advertise = resolve_address(declaration, host, "overlay_advertise_addr", str(declaration.get("advertise") or ""))
    data_path = str(declaration.get("data_path") or "")
    data = resolve_address(declaration, host, "overlay_data_path_addr", data_path) if data_path else advertise
    have = engine.get("swarm_address")
    if state == "active" and declaration.get("advertise") and have and have != advertise:
        raise BadParameter(
            f"{name}: overlay_advertise_addr",
            f"the node advertises {have}; Docker changes it to {advertise} only when the node joins again: "
            "run once with overlay_node_state=absent",
        )
    if state == "active" and have:
        # Other nodes use the advertised address, even if the host has other addresses now.
        data = data if data_path else have
        advertise = have
    return SwarmNode(
        name,
        declaration["role"],
        declaration["state"],
        advertise,
        data,
        _get_mtu(declaration, host, data),
        str((declaration["info"].get("host") or {}).get("hostname") or name),
        state == "active",
        engine.get("swarm_role") == MANAGER,
        engine.get("swarm_node_id") or "",
    )


def _refuse_used_ports(name: str, declaration: Mapping[str, Any]) -> None:
    """Raise BadParameter if a Swarm port is in use on a host that is in no Swarm."""
    ports = (GOSSIP, CONTROL) if declaration["role"] == MANAGER else (GOSSIP,)
    places = [place for place in declaration["info"].get("namespaces") or () if place.get("kind") == "host"]
    sockets = [row for place in places for row in place.get("sockets") or ()]
    taken = sorted({row["port"] for row in sockets if row["protocol"] in ("tcp", "udp") and row["port"] in ports})
    if taken:
        raise BadParameter(
            f"{name}: Swarm",
            f"port {' and '.join(str(one) for one in taken)} is in use although the host is in no Swarm: by another "
            "program (see ss -lntup), or by an engine whose gossip of an earlier Swarm still runs; restart "
            "Docker to release it",
        )


def _list_addresses(declaration: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    places = [place for place in declaration["info"].get("namespaces") or () if place.get("kind") == "host"]
    rows = [row for place in places for row in place.get("addresses") or ()]
    return sorted(
        (row for row in rows if row.get("scope") in ("global", "site")),
        key=lambda row: (row.get("family") != 4, "secondary" in (row.get("flags") or ())),
    )


def resolve_address(declaration: Mapping[str, Any], host: HostInfo, parameter: str, value: str) -> str:
    """Return the address: the value, the address of the link with this name, or that of the uplink."""
    rows = _list_addresses(declaration)
    parameter = f"{host.name}: {parameter}"
    try:
        wanted = str(ipaddress.ip_address(value))
    except ValueError:
        link = str(host.get_link(parameter, value)["name"]) if value else str(_find_uplink(host)["name"])
        found = [str(row["address"]) for row in rows if row["interface"] == link]
        if not found:
            raise BadParameter(parameter, f"the link {link} has no address") from None
        return found[0]
    if wanted not in [row["address"] for row in rows]:
        known = ", ".join(str(row["address"]) for row in rows)
        raise BadParameter(parameter, f"the host has no address {wanted}; it has {known}")
    return wanted


def _find_uplink(host: HostInfo) -> Mapping[str, Any]:
    try:
        return host.find_uplink()
    except BadParameter:
        raise BadParameter(
            f"{host.name}: overlay_advertise_addr", "required if there is no default route: an address or a link"
        ) from None


def _get_mtu(declaration: Mapping[str, Any], host: HostInfo, address: str) -> int:
    links = [str(row["interface"]) for row in _list_addresses(declaration) if row["address"] == address]
    return int(host.links[links[0]]["mtu"]) if links and links[0] in host.links else 1500
