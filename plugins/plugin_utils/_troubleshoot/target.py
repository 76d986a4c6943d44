# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The target of a diagnosis: its addresses and its container, from snapshots; pure."""

from __future__ import annotations

import dataclasses
import ipaddress

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import (
    Address,
    FleetNamespace,
    Row,
    SnapshotFleet,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.query import resolve_target
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot.references import TargetText


@dataclasses.dataclass(frozen=True)
class TargetContainer:
    """The container that a target belongs to, its host, and its endpoint with the address of the target."""

    host: str
    row: Row
    endpoint: Row | None = None


@dataclasses.dataclass(frozen=True)
class DiagnosisTarget:
    """The target: text without its port, the port, and its address if it is known.

    ``other`` is the IPv6 address of a target with addresses of both families. ``unknown`` is the reason why there is no
    address.
    """

    text: str
    port: int | None
    address: Address | None
    is_name: bool
    unknown: str = ""
    other: Address | None = None
    container: TargetContainer | None = None


def find_target(world: SnapshotFleet, host: str, space: FleetNamespace | None, given: TargetText) -> DiagnosisTarget:
    """Return the target; ``space`` is the namespace of the source on ``host``, None if it has none."""
    is_name = not given.is_address and not given.is_reference
    if given.host is not None and given.host not in world.hosts:
        raise BadParameter("target", f"no snapshot of {given.host}; must be one of {', '.join(world.hosts)}")
    text = f"{given.host}/{given.what}" if given.host else given.what
    named = None if given.is_address else find_container(world, given.host or host, given.what)
    if space is None:
        return DiagnosisTarget(text, given.port, None, is_name, container=named)
    try:
        address = resolve_target(world, space, text)
    except BadParameter as error:
        return DiagnosisTarget(text, given.port, None, is_name, error.reason, container=named)
    container = _find_owner(world, host, address, given, named)
    other = _find_other_address(container, address) if not given.is_address else None
    return DiagnosisTarget(text, given.port, address, is_name, other=other, container=container)


def list_containers(world: SnapshotFleet, host: str) -> list[Row]:
    """Return the containers of a host."""
    return list(_get_docker(world, host).get("containers") or [])


def list_endpoints(world: SnapshotFleet, host: str) -> list[Row]:
    """Return the endpoints of the containers of a host."""
    return list(_get_docker(world, host).get("endpoints") or [])


def find_container(world: SnapshotFleet, host: str, reference: str) -> TargetContainer | None:
    """Return the container of a name or of ``container:NAME-or-ID``, in any state."""
    kind, colon, name = reference.partition(":")
    wanted = name if colon and kind == "container" else reference
    rows = [] if colon and kind != "container" else list_containers(world, host)
    # Docker prefers names to IDs.
    for row in sorted(rows, key=lambda row: row["name"] != wanted):
        if row["name"] == wanted or (len(wanted) >= 12 and str(row["id"]).startswith(wanted)):
            return TargetContainer(host, row)
    return None


def _get_docker(world: SnapshotFleet, host: str) -> Row:
    first = next(world.list_namespaces(host), None)
    return first.docker if first else {}


def _find_owner(
    world: SnapshotFleet, host: str, address: Address, given: TargetText, named: TargetContainer | None
) -> TargetContainer | None:
    """Return the container with the address, on the host of the source first, or with the published port."""
    hosts = [given.host] if given.host else sorted(world.hosts, key=lambda one: one != host)
    for one in hosts:
        for end in list_endpoints(world, one):
            found = [ipaddress.ip_interface(end[key]).ip for key in ("ipv4", "ipv6") if end[key]]
            if address in found:
                rows = [row for row in list_containers(world, one) if row["id"] == end["container_id"]]
                return TargetContainer(one, rows[0], end) if rows else named
    return named or _find_publisher(world, address, given)


def _find_publisher(world: SnapshotFleet, address: Address, given: TargetText) -> TargetContainer | None:
    """Return the container that publishes the port on the host with the address."""
    for space, _link in world.find_owners(address):
        for row in (space.docker.get("published_ports") or []) if space.is_host else ():
            if (row["host_port"], row["protocol"]) == (given.port, given.protocol):
                return find_container(world, space.host, str(row["container"]))
    return None


def _find_other_address(container: TargetContainer | None, address: Address) -> Address | None:
    end = container.endpoint if container else None
    if not end or not end["ipv6"] or address.version == 6:
        return None
    return ipaddress.ip_interface(end["ipv6"]).ip
