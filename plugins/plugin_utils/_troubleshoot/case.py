# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source and the target of a diagnosis, from snapshots."""

from __future__ import annotations

import dataclasses
import ipaddress
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
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot.references import parse_source, parse_target
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot.target import (
    DiagnosisTarget,
    find_container,
    find_target,
    list_containers,
    list_endpoints,
)


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
        rows = list_endpoints(self.world, self.host)
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

    @property
    def host_space(self) -> FleetNamespace | None:
        """The namespace of the host of the source."""
        return next((space for space in self.world.list_namespaces(self.host) if space.is_host), None)

    @property
    def containers(self) -> list[Row]:
        """The containers of the host of the source."""
        return list_containers(self.world, self.host)

    def find_network(self, name: str) -> Row | None:
        """Return a Docker network of the host."""
        rows = (self.space.docker.get("networks") or []) if self.space else []
        return next((row for row in rows if row["name"] == name), None)


def open_case(snapshots: Mapping[str, Any], host: str, source: str, target: str, protocol: str) -> Case:
    """Return the case; raise BadParameter for an invalid host, source or target."""
    if host not in snapshots:
        raise BadParameter("host", f"no snapshot of {host}")
    named, reference = parse_source(source)
    if named not in (None, host):
        raise BadParameter("source", f"{source} is not on {host}")
    world = SnapshotFleet(snapshots)
    container = find_container(world, host, reference) if reference.startswith("container:") else None
    try:
        space, why = world.find_namespace(host, reference), ""
    except NotInSnapshots as error:
        if container is None:
            raise BadParameter("source", str(error)) from None
        space, why = None, str(error)
    given = parse_target(target, protocol)
    found = find_target(world, host, space, given)
    return Case(host, reference, found, given.protocol, world, space, container.row if container else None, why)


def find_hosts(snapshots: Mapping[str, Any], source: str) -> list[str]:
    """Return the hosts that have a source: its namespace, or a container that has none at the moment."""
    named, reference = parse_source(source)
    world = SnapshotFleet(snapshots)
    if named is not None and named not in snapshots:
        raise BadParameter("source", f"no snapshot of {named}; must be one of {', '.join(snapshots)}")
    found = []
    for host in snapshots if named is None else (named,):
        try:
            world.find_namespace(host, reference)
        except NotInSnapshots:
            if not reference.startswith("container:") or find_container(world, host, reference) is None:
                continue
        found.append(host)
    return found
