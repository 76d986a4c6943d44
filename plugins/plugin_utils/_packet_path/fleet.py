# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The namespaces of a fleet from snapshots, with their links and the peers of links."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Union

Row = Mapping[str, Any]
Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


class NotInSnapshots(ValueError):
    """A reference, name or address that the snapshots do not contain."""


class FleetNamespace:
    """A network namespace of a host."""

    def __init__(self, host: str, row: Row, docker: Row, missing: Sequence[Row] = ()) -> None:
        self.host = host
        self.missing = missing
        self.row = row
        self.docker = docker
        self.id = str(row["netns"])
        self.links: dict[int, Row] = {link["index"]: link for link in row.get("interfaces", [])}

    def __repr__(self) -> str:
        return f"{self.name} on {self.host}"

    @property
    def name(self) -> str:
        """The reference of the namespace, or its inode."""
        return str(self.row.get("reference") or f"netns {self.id}")

    @property
    def is_host(self) -> bool:
        """Whether this is the host namespace."""
        return bool(self.row["kind"] == "host")

    @property
    def is_outside(self) -> bool:
        """Whether the namespace is known only as the location of the peers of other links."""
        return self.id.startswith("nsid:") and not (self.row["names"] or self.row["paths"] or self.row["processes"])

    def get_rows(self, part: str) -> Sequence[Row]:
        """Return the rows of a part; empty if the snapshot does not contain it."""
        return self.row.get(part) or []

    def lacks(self, part: str) -> bool:
        """Return whether the snapshot does not contain a part."""
        return part not in self.row

    def find_link(self, name: str) -> Row | None:
        """Return a link by name."""
        return next((link for link in self.links.values() if link["name"] == name), None)

    def get_sysctl(self, key: str) -> str | None:
        """Return a value below /proc/sys/net, such as ``ipv4/ip_forward``."""
        value = (self.row.get("sysctls") or {}).get(f"net/{key}")
        return None if value is None else str(value)

    @functools.cached_property
    def addresses(self) -> dict[Address, Row]:
        """The addresses of the namespace with their rows."""
        return {ipaddress.ip_address(row["address"]): row for row in self.get_rows("addresses")}

    @functools.cached_property
    def _routes(self) -> dict[tuple[int, int], list[Row]]:
        found: dict[tuple[int, int], list[Row]] = {}
        for row in self.get_rows("routes"):
            found.setdefault((row["table"], row["family"]), []).append(row)
        return found

    def list_routes(self, table: int, version: int) -> Sequence[Row]:
        """Return the routes of a table."""
        return self._routes.get((table, version), [])

    @functools.cached_property
    def _rules(self) -> dict[tuple[str, str, str, str], list[Row]]:
        found: dict[tuple[str, str, str, str], list[Row]] = {}
        for row in sorted(self.get_rows("firewall_rules"), key=lambda row: row["position"]):
            found.setdefault((row["backend"], row["family"], row["table"], row["chain"]), []).append(row)
        return found

    def list_firewall_rules(self, backend: str, family: str, table: str, chain: str) -> Sequence[Row]:
        """Return the rules of a chain in order."""
        return self._rules.get((backend, family, table, chain), [])

    @functools.cached_property
    def firewall_sets(self) -> dict[tuple[str, str, str], list[Any] | None]:
        """The elements of nft sets and maps by family, table and name; None if packets change them or they expire."""
        changed = {
            (rule["family"], rule["table"], str(statement.get("set") or statement.get("map")).lstrip("@"))
            for rule in self.get_rows("firewall_rules")
            for statement in _list_set_statements(rule)
        }
        found: dict[tuple[str, str, str], list[Any] | None] = {}
        for row in self.get_rows("firewall_sets"):
            key = (row["family"], row["table"], row["name"])
            elements = list(row["elements"] or [])
            expire = any(
                isinstance(one, dict) and {"timeout", "expires"} & (one.get("elem") or {}).keys() for one in elements
            )
            found[key] = None if expire or key in changed else elements
        return found

    def get_kind(self, index: int) -> str | None:
        """Return the kind of a link by its index."""
        link = self.links.get(index)
        return str(link["kind"]) if link and link["kind"] else None

    def find_missing(self, *parts: str) -> str:
        """Return why parts of the namespace are incomplete; empty if they are complete."""
        for row in self.missing:
            if row["part"] in parts and "nft shows only the names" not in row["reason"]:
                return f"the snapshot of {self} lacks data: {row['reason']}"
        return ""

    def list_link_addresses(self, index: int, version: int) -> list[Row]:
        """Return the addresses of a link, global addresses first."""
        found = [row for row in self.get_rows("addresses") if row["index"] == index and row["family"] == version]
        return sorted(found, key=lambda row: row["scope"] != "global")

    def list_ports(self, bridge: int) -> Iterator[Row]:
        """Return the ports of a bridge."""
        return (link for link in self.links.values() if link["master_index"] == bridge)

    def find_bridge(self, link: Row) -> Row | None:
        """Return the bridge that a link is attached to."""
        master = self.links.get(link["master_index"]) if link["master_index"] else None
        return master if master and master["kind"] == "bridge" else None


def _list_set_statements(rule: Row) -> Iterator[Row]:
    """Yield the statements of an nft rule that add elements to a set or map."""
    for entry in rule["match"] or [] if rule["backend"] == "nft" else ():
        for kind in ("set", "map", "meter"):
            if isinstance(entry, dict) and isinstance(entry.get(kind), dict):
                yield entry[kind]


class SnapshotFleet:
    """All namespaces of all snapshots."""

    def __init__(self, snapshots: Mapping[str, Row]) -> None:
        self.hosts = list(snapshots)
        self.spaces: dict[tuple[str, str], FleetNamespace] = {}
        # Inodes of namespaces by reference that the hosts have looked up.
        self._references = {host: snapshot.get("references") or {} for host, snapshot in snapshots.items()}
        for host, snapshot in snapshots.items():
            docker = snapshot.get("docker") or {}
            missing: dict[str, list[Row]] = {}
            for row in snapshot.get("missing") or []:
                missing.setdefault(str(row.get("netns")), []).append(row)
            for row in snapshot["namespaces"]:
                netns = str(row["netns"])
                self.spaces[host, netns] = FleetNamespace(host, row, docker, missing.get(netns, ()))

    def list_namespaces(self, host: str) -> Iterator[FleetNamespace]:
        """Return the namespaces of a host."""
        return (space for space in self.spaces.values() if space.host == host)

    def find_namespace(self, host: str, reference: str) -> FleetNamespace:
        """Return the namespace of a reference on a host; raise NotInSnapshots if there is none."""
        known = self.spaces.get((host, str(self._references.get(host, {}).get(reference))))
        if known:
            return known
        kind, colon, name = reference.partition(":")
        for space in self.list_namespaces(host):
            if self._has_reference(space, kind, name) if colon else self._has_name(space, reference):
                return space
        raise NotInSnapshots(
            f"no namespace {reference} in the snapshot of {host}{self._explain_missing(host, kind, name)}"
        )

    @staticmethod
    def _has_name(space: FleetNamespace, name: str) -> bool:
        return space.is_host if name == "host" else name in (space.row["names"] or [])

    def _has_reference(self, space: FleetNamespace, kind: str, name: str) -> bool:
        row = space.row
        paths = row["paths"] or []
        return {
            "container": name in (row["containers"] or []) or self._is_container_id(row, name),
            "pid": any(str(one["pid"]) == name for one in row["processes"] or []),
            "path": name in paths,
            "docker": any(path.endswith(f"/run/docker/netns/{name}") for path in paths),
        }.get(kind, False)

    @staticmethod
    def _is_container_id(row: Row, name: str) -> bool:
        return len(name) >= 12 and str(row["container_id"] or "").startswith(name)

    def _explain_missing(self, host: str, kind: str, name: str) -> str:
        for container in self._list_containers(host) if kind == "container" else ():
            if container["name"] == name and container["state"] != "running":
                return f": the container is {container['state']}"
        return ""

    def _list_containers(self, host: str) -> Sequence[Row]:
        first = next(self.list_namespaces(host), None)
        return (first.docker.get("containers") or []) if first else []

    def find_owners(self, address: Address) -> list[tuple[FleetNamespace, Row]]:
        """Return the namespaces with an address on a link other than loopback, and the link."""
        return [
            (space, link)
            for space in self.spaces.values()
            if (row := space.addresses.get(address))
            and (link := space.links.get(row["index"]))
            and link["kind"] != "loopback"
        ]

    def find_peer(self, space: FleetNamespace, link: Row) -> tuple[FleetNamespace, Row] | None:
        """Return the peer of a veth link and its namespace."""
        if link["kind"] != "veth" or not link["peer_netns"]:
            return None
        other = self.spaces.get((space.host, str(link["peer_netns"])))
        end = other.links.get(link["peer_index"]) if other else None
        return (other, end) if other and end else None

    def find_parent(self, space: FleetNamespace, link: Row) -> tuple[FleetNamespace, Row] | None:
        """Return the parent of a macvlan, ipvlan, VLAN or VXLAN link and its namespace."""
        other = self.spaces.get((space.host, str(link["parent_netns"] or space.id)))
        end = other.links.get(link["parent_index"]) if other and link["parent_index"] else None
        return (other, end) if other and end else None

    def find_upper_links(self, space: FleetNamespace, parent: Row) -> Iterator[tuple[FleetNamespace, Row]]:
        """Yield the links on top of a parent, in any namespace of its host."""
        for other in self.list_namespaces(space.host):
            for link in other.links.values():
                if link["parent_index"] == parent["index"] and str(link["parent_netns"] or other.id) == space.id:
                    yield other, link

    def find_external_links(self, without: str) -> Iterator[tuple[FleetNamespace, Row]]:
        """Yield the external links of other hosts."""
        for space in self.spaces.values():
            if space.host != without:
                yield from ((space, link) for link in space.links.values() if self.is_external_link(space, link))

    def is_external_link(self, space: FleetNamespace, link: Row) -> bool:
        """Return whether a link leads out of its host.

        If the host is itself a container, the peer of its uplink is in a namespace that is known only by its ID.
        """
        if link["kind"] == "veth":
            found = self.find_peer(space, link)
            return space.is_host and (found is None or found[0].is_outside)
        return link["kind"] in (None, "bond", "team")
