# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source and the target of a diagnosis, from snapshots."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path import routing
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.commands import build_netns_prefix
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import (
    Address,
    FleetNamespace,
    NotInSnapshots,
    Row,
    SnapshotFleet,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.query import resolve_target

_PORT = re.compile(r"(.+):(\d+)")


@dataclasses.dataclass(frozen=True)
class DiagnosisTarget:
    """The target: text without its port, the port, and the address if it is known."""

    text: str
    port: int | None
    address: Address | None
    is_name: bool
    unknown: str = ""


@dataclasses.dataclass
class Case:
    """A source and a target. ``space`` is None if the source has no namespace; ``why`` is the reason."""

    host: str
    source: str
    target: DiagnosisTarget
    protocol: str
    world: SnapshotFleet
    space: FleetNamespace | None
    container: Row | None
    why: str = ""

    @property
    def netns_prefix(self) -> str:
        """The prefix of a command that runs in the namespace of the source."""
        return build_netns_prefix(self.space) if self.space else ""

    @property
    def netns(self) -> str:
        """The reference of the namespace of the source; host for a container that uses the host network."""
        return "host" if self.space and self.space.is_host else self.source

    @property
    def endpoints(self) -> list[Row]:
        """The endpoints of the container, as the engine reports them."""
        if not self.container or not self.space:
            return []
        rows = self.space.docker.get("endpoints") or []
        return [row for row in rows if row["container_id"] == self.container["id"]]

    def find_link(self, endpoint: Row) -> Row | None:
        """Return the link of an endpoint, found by MAC address or by IP address."""
        links = list(self.space.links.values()) if self.space else []
        found = next((link for link in links if endpoint["mac"] and link["mac"] == endpoint["mac"]), None)
        if found is None and self.space and endpoint["ipv4"]:
            row = self.space.addresses.get(ipaddress.ip_interface(endpoint["ipv4"]).ip)
            found = self.space.links.get(row["index"]) if row else None
        return found

    @property
    def route(self) -> routing.SelectedRoute | None:
        """The route to the target, or None if it is unknown."""
        if not self.space or not self.target.address:
            return None
        return routing.look_up_route(self.space, self.target.address)

    @property
    def gateway(self) -> Address | None:
        """The gateway of the route to the target, or of the default route."""
        way = self.route or (self.space and routing.look_up_route(self.space, ipaddress.ip_address("192.0.2.1")))
        return ipaddress.ip_address(way.row["gateway"]) if way and way.row["gateway"] else None

    def find_joined_container(self) -> Row | None:
        """Return the container whose namespace the container of the source joined, as it is now."""
        rows = (self.space.docker.get("containers") or []) if self.space else []
        joined = self.container["joined_id"] if self.container else None
        return next((row for row in rows if row["id"] == joined), None)

    def find_stopped_container(self, name: str) -> Row | None:
        """Return the stopped container of the host with this name."""
        host = next((space for space in self.world.list_namespaces(self.host) if space.is_host), None)
        rows = (host.docker.get("containers") or []) if host else []
        return next((row for row in rows if row["name"] == name and row["state"] not in ("running", "paused")), None)

    def find_network(self, name: str) -> Row | None:
        """Return a Docker network of the host."""
        rows = (self.space.docker.get("networks") or []) if self.space else []
        return next((row for row in rows if row["name"] == name), None)


def open_case(snapshots: Mapping[str, Any], host: str, source: str, target: str, protocol: str) -> Case:
    """Return the case; raise BadParameter for an invalid host, source or target."""
    if host not in snapshots:
        raise BadParameter("host", f"no snapshot of {host}")
    world = SnapshotFleet(snapshots)
    container = _find_container(snapshots[host], source)
    try:
        space, why = world.find_namespace(host, source), ""
    except NotInSnapshots as error:
        if container is None:
            raise BadParameter("source", str(error)) from None
        space, why = None, str(error)
    return Case(host, source, _parse_target(world, space, target), protocol, world, space, container, why)


def find_hosts(snapshots: Mapping[str, Any], source: str) -> list[str]:
    """Return the hosts that have a source: its namespace, or a container that has none at the moment."""
    world = SnapshotFleet(snapshots)
    found = []
    for host, snapshot in snapshots.items():
        try:
            world.find_namespace(host, source)
        except NotInSnapshots:
            if _find_container(snapshot, source) is None:
                continue
        found.append(host)
    return found


def _find_container(snapshot: Row, source: str) -> Row | None:
    kind, _colon, name = source.partition(":")
    rows = (snapshot.get("docker") or {}).get("containers") or []
    return next(
        (row for row in rows if kind == "container" and (row["name"] == name or _is_container_id(row, name))), None
    )


def _is_container_id(row: Row, name: str) -> bool:
    return len(name) >= 12 and str(row["id"]).startswith(name)


def _parse_target(world: SnapshotFleet, space: FleetNamespace | None, text: str) -> DiagnosisTarget:
    what, port = text, None
    if (found := _PORT.fullmatch(text)) and not _is_address(text) and not _is_reference(text):
        what, port = found[1], int(found[2])
    if port is not None and not 0 < port < 65536:
        raise BadParameter("target", f"{port} is not a valid port; must be 1 to 65535")
    is_name = not _is_address(what) and ":" not in what and what != "host"
    if space is None:
        return DiagnosisTarget(what, port, None, is_name)
    try:
        return DiagnosisTarget(what, port, resolve_target(world, space, what), is_name)
    except BadParameter as error:
        return DiagnosisTarget(what, port, None, is_name, error.reason)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]") if text.startswith("[") and text.endswith("]") else text)
    except ValueError:
        return False
    return True


def _is_reference(text: str) -> bool:
    """Return whether the number after the last colon is part of a reference, as in pid:12."""
    return re.fullmatch(r"(.*/)?(pid|container|docker|path):[^:]+", text) is not None
