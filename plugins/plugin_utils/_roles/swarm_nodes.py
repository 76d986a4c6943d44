# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes of a Swarm as declared: role, state and addresses of each; pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.host import Host
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_ports import CONTROL, GOSSIP

ABSENT = "absent"
MANAGER, WORKER = "manager", "worker"


class Node(NamedTuple):
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


def nodes(declared: Mapping[str, Mapping[str, Any]]) -> list[Node]:
    """Return the nodes, managers first, each group in its order."""
    found = [_node(name, said) for name, said in declared.items()]
    return sorted(found, key=lambda node: node.role != MANAGER)


def _node(name: str, said: Mapping[str, Any]) -> Node:
    host = Host(name, said["info"])
    host.engine()
    engine = host.docker["engine"]
    state = engine.get("swarm_state")
    if state not in ("inactive", "active"):
        hints = {
            "locked": "unlock it with docker swarm unlock",
            "pending": "the node waits for managers that do not answer; run docker swarm leave",
        }
        raise BadParameter(f"{name}: Swarm", f"the state is {state}; {hints.get(state, 'see journalctl -u docker')}")
    if engine.get("live_restore") and said["state"] != ABSENT:
        raise BadParameter(f"{name}: Swarm", "Docker does not support live-restore on a node; disable it")
    if state == "inactive" and said["state"] != ABSENT:
        _refuse_taken(name, said)
    advertise = address_of(said, host, "overlay_advertise_addr", str(said.get("advertise") or ""))
    data_path = str(said.get("data_path") or "")
    data = address_of(said, host, "overlay_data_path_addr", data_path) if data_path else advertise
    have = engine.get("swarm_address")
    if state == "active" and said.get("advertise") and have and have != advertise:
        raise BadParameter(
            f"{name}: overlay_advertise_addr",
            f"the node advertises {have}; Docker changes it to {advertise} only when the node joins again: "
            "run once with overlay_node_state=absent",
        )
    if state == "active" and have:
        # What it advertises is what the others use, whatever else the host has by now.
        data = data if data_path else have
        advertise = have
    return Node(
        name,
        said["role"],
        said["state"],
        advertise,
        data,
        _mtu(said, host, data),
        str((said["info"].get("host") or {}).get("hostname") or name),
        state == "active",
        engine.get("swarm_role") == MANAGER,
        engine.get("swarm_node_id") or "",
    )


def _refuse_taken(name: str, said: Mapping[str, Any]) -> None:
    """Raise BadParameter if a port of a node is in use on a host that is in no Swarm."""
    ports = (GOSSIP, CONTROL) if said["role"] == MANAGER else (GOSSIP,)
    places = [place for place in said["info"].get("namespaces") or () if place.get("kind") == "host"]
    sockets = [row for place in places for row in place.get("sockets") or ()]
    taken = sorted({row["port"] for row in sockets if row["protocol"] in ("tcp", "udp") and row["port"] in ports})
    if taken:
        raise BadParameter(
            f"{name}: Swarm",
            f"port {' and '.join(str(one) for one in taken)} is in use although the host is in no Swarm: by another "
            "program (see ss -lntup), or by an engine whose gossip of an earlier Swarm still runs; restart "
            "Docker to release it",
        )


def _addresses(said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    places = [place for place in said["info"].get("namespaces") or () if place.get("kind") == "host"]
    rows = [row for place in places for row in place.get("addresses") or ()]
    return sorted(
        (row for row in rows if row.get("scope") in ("global", "site")),
        key=lambda row: (row.get("family") != 4, "secondary" in (row.get("flags") or ())),
    )


def address_of(said: Mapping[str, Any], host: Host, parameter: str, value: str) -> str:
    """Return the given address, the address of a link, or that of the link of the default route."""
    rows = _addresses(said)
    parameter = f"{host.name}: {parameter}"
    try:
        wanted = str(ipaddress.ip_address(value))
    except ValueError:
        link = str(host.link(parameter, value)["name"]) if value else str(_uplink(host)["name"])
        found = [str(row["address"]) for row in rows if row["interface"] == link]
        if not found:
            raise BadParameter(parameter, f"the link {link} has no address") from None
        return found[0]
    if wanted not in [row["address"] for row in rows]:
        known = ", ".join(str(row["address"]) for row in rows)
        raise BadParameter(parameter, f"the host has no address {wanted}; it has {known}")
    return wanted


def _uplink(host: Host) -> Mapping[str, Any]:
    try:
        return host.uplink()
    except BadParameter:
        raise BadParameter(
            f"{host.name}: overlay_advertise_addr", "required if there is no default route: an address or a link"
        ) from None


def _mtu(said: Mapping[str, Any], host: Host, address: str) -> int:
    links = [str(row["interface"]) for row in _addresses(said) if row["address"] == address]
    return int(host.links[links[0]]["mtu"]) if links and links[0] in host.links else 1500
