# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entry point of explain_path: parameters to a packet and its source, and the path as data."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import (
    Address,
    FleetNamespace,
    NotInSnapshots,
    SnapshotFleet,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import Packet
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.trace import explain

PROTOCOLS = ("icmp", "tcp", "udp")


@dataclasses.dataclass(frozen=True)
class PathQuery:
    """The parameters of explain_path."""

    host: str
    source: str
    target: str
    protocol: str = "icmp"
    port: int | None = None


def explain_query(snapshots: Mapping[str, Any], query: PathQuery) -> dict[str, Any]:
    """Return the path of a packet; raise BadParameter for invalid parameters."""
    host, source, protocol, port = query.host, query.source, query.protocol, query.port
    if protocol not in PROTOCOLS:
        raise BadParameter("protocol", f"{protocol!r} is not supported; must be one of {', '.join(PROTOCOLS)}")
    if protocol != "icmp" and not (isinstance(port, int) and 0 < port < 65536):
        raise BadParameter("port", f"required for {protocol}; must be 1 to 65535")
    if host not in snapshots:
        raise BadParameter("host", f"no snapshot of {host}; must be one of {', '.join(snapshots)}")
    world = SnapshotFleet(snapshots)
    try:
        space = world.find_namespace(host, source)
    except NotInSnapshots as error:
        raise BadParameter("source", str(error)) from None
    address = resolve_target(world, space, query.target)
    named = "icmpv6" if protocol == "icmp" and address.version == 6 else protocol
    packet = Packet(None, address, named, None if protocol == "icmp" else port)
    return {"source": f"{source} on {host}", "target": query.target, **explain(world, space, packet).to_dict()}


def resolve_target(world: SnapshotFleet, space: FleetNamespace, target: str) -> Address:
    """Return the address of a target: an address, ``[HOST/]REFERENCE`` of a namespace, or the name of a container.

    A name is resolved as by Docker's DNS server, among the networks that source and target share.
    """
    try:
        return ipaddress.ip_address(target.strip("[]"))
    except ValueError:
        pass
    host, slash, reference = target.partition("/")
    where, what = (host, reference) if slash and host in world.hosts else (space.host, target)
    if ":" in what or what == "host":
        try:
            return _choose_address(space, world.find_namespace(where, what))
        except NotInSnapshots as error:
            raise BadParameter("target", str(error)) from None
    found = _resolve_name(world, space, what)
    if found is None:
        raise BadParameter("target", f"{what!r} is neither an address nor a container in a network of {space}")
    return found


def _choose_address(space: FleetNamespace, other: FleetNamespace) -> Address:
    """Return the address of a namespace to use from another one; an address in a common subnet is preferred."""
    own = [
        ipaddress.ip_network(f"{row['address']}/{row['prefixlen']}", strict=False)
        for row in space.get_rows("addresses")
    ]
    wide = [row for row in other.get_rows("addresses") if row["scope"] == "global"]
    addresses = [ipaddress.ip_address(row["address"]) for row in sorted(wide, key=lambda row: row["family"])]
    if not addresses:
        raise NotInSnapshots(f"{other} has no address")
    return next((one for one in addresses if any(one in subnet for subnet in own)), addresses[0])


def _resolve_name(world: SnapshotFleet, space: FleetNamespace, name: str) -> Address | None:
    mine = {end["network_id"] for end in _list_endpoints(space) if end["container"] in (space.row["containers"] or [])}
    for other in world.spaces.values():
        for end in _list_endpoints(other) if other.is_host else ():
            named = name == end["container"] or name in (end["aliases"] or [])
            if named and end["network_id"] in mine and (end["ipv4"] or end["ipv6"]):
                return ipaddress.ip_interface(end["ipv4"] or end["ipv6"]).ip
    return None


def _list_endpoints(space: FleetNamespace) -> list[Any]:
    return list(space.docker.get("endpoints") or [])
