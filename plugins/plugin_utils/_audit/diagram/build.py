# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Diagrams of hosts and of the fleet, from the tables."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram import fleet as fleet_diagram
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram import host as host_diagram
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram.graph import Graph
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram.rows import (
    HostRows,
    LinkRow,
    NamespaceRow,
    TunnelRow,
)

_NAMESPACES = """
SELECT host, netns, kind, reference, container, containers, docker_network FROM netns
WHERE host IN (SELECT unnest(?)) ORDER BY host, kind, container, netns"""
_LINKS = """
WITH addresses AS (
  SELECT host, netns, "index", list(address || '/' || prefixlen ORDER BY family, address) AS addresses FROM address
  WHERE host IN (SELECT unnest($hosts)) AND scope IS DISTINCT FROM 'link' GROUP BY ALL)
SELECT host, netns, "index", name, kind, up, running, mtu, mac, alias, master_index, peer_netns, peer_index,
  parent_netns, parent_index, docker_network, options ->> 'vni',
  CASE WHEN kind IN ('macvlan', 'ipvlan') THEN options ->> 'mode' END, addresses
FROM interface LEFT JOIN addresses USING (host, netns, "index")
WHERE host IN (SELECT unnest($hosts)) AND kind IS DISTINCT FROM 'loopback' ORDER BY host, netns, "index" """
_TUNNELS = """
SELECT DISTINCT fdb.host, fdb.netns, fdb."index", fdb.dst, vtep.name FROM fdb LEFT JOIN vtep ON vtep.address = fdb.dst
WHERE fdb.host IN (SELECT unnest(?)) AND fdb.dst IS NOT NULL ORDER BY ALL"""
_ENDPOINTS = """
SELECT host, network, container, unnest([ipv4, ipv6]) AS address FROM docker_endpoint
WHERE host IN (SELECT unnest(?)) AND network IS NOT NULL AND container IS NOT NULL"""
# The host of a VTEP: the only host with the address in its host namespace.
_VTEPS = """
CREATE OR REPLACE TEMP TABLE vtep AS
SELECT address, min(host) AS name FROM address
WHERE address IN (SELECT dst FROM fdb) AND (host, netns) IN (SELECT (host, netns) FROM netns WHERE kind = 'host')
GROUP BY address HAVING count(DISTINCT host) = 1"""

_HOSTS = "SELECT DISTINCT host FROM host ORDER BY host"
# Networks of several hosts. A segment is identified by its subnets, which are the same on all hosts.
_NETWORKS = """
WITH tunnels AS (
  SELECT n.host, n.docker_network_id AS id, min(i.mtu) AS mtu, bool_and(i.up) AS up
  FROM netns n JOIN interface i ON i.host = n.host AND i.netns = n.netns AND i.kind = 'vxlan'
  WHERE n.kind = 'overlay' GROUP BY ALL
), parents AS (
  SELECT i.host, i.name, i.mtu, i.up AND i.running AS up
  FROM interface i JOIN netns n ON n.host = i.host AND n.netns = i.netns AND n.kind = 'host'
)
SELECT d.host, d.driver, d.id, d.name, list_sort(CAST(coalesce(d.ipam ->> '$[*].subnet', []) AS VARCHAR[])) AS subnets,
  CASE d.driver WHEN 'overlay' THEN e.swarm_address ELSE d.options ->> 'parent' END, coalesce(t.mtu, p.mtu),
  d.driver = 'overlay' AND coalesce(d.options ->> 'encrypted', 'false') <> 'false',
  CASE WHEN d.driver = 'overlay' AND t.host IS NULL THEN 'no container' WHEN NOT coalesce(t.up, p.up) THEN 'down' END
FROM docker_network d
LEFT JOIN docker_engine e ON e.host = d.host
LEFT JOIN tunnels t ON t.host = d.host AND t.id = d.id
LEFT JOIN parents p ON p.host = d.host AND p.name = (d.options ->> 'parent')
WHERE d.driver IN ('overlay', 'macvlan', 'ipvlan') AND NOT d.config_only ORDER BY ALL"""
_VXLANS = """
SELECT DISTINCT host, options ->> 'vni', options ->> 'local', mtu, false, CASE WHEN NOT up THEN 'down' END
FROM interface
WHERE kind = 'vxlan' AND docker_network IS NULL AND options ->> 'vni' IS NOT NULL ORDER BY ALL"""


def draw_host(database: Any, host: str, findings: Sequence[Mapping[str, Any]] = ()) -> Graph:
    """Return the diagram of one host with its findings."""
    resolve_vtep_hosts(database)
    return next(draw_hosts(database, [host], {host: findings}))


def resolve_vtep_hosts(database: Any) -> None:
    """Determine the host of each VTEP, once for all diagrams."""
    database.execute(_VTEPS)


def draw_hosts(
    database: Any, hosts: Sequence[str], findings: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterator[Graph]:
    """Yield the diagrams of the given hosts in order; the rows of these hosts are kept in memory."""
    some = list(hosts)
    spaces = _group_by_host(database.execute(_NAMESPACES, [some]).fetchall())
    links = _group_by_host(database.execute(_LINKS, {"hosts": some}).fetchall())
    tunnels = _group_by_host(database.execute(_TUNNELS, [some]).fetchall())
    endpoints = _group_by_host(database.execute(_ENDPOINTS, [some]).fetchall())
    for host in some:
        rows = HostRows(
            [NamespaceRow._make(row) for row in spaces[host]],
            [LinkRow._make(row) for row in links[host]],
            [TunnelRow._make(row) for row in tunnels[host]],
            [(network, container, address) for network, container, address in endpoints[host] if address],
        )
        yield host_diagram.build_graph(host, rows, findings.get(host, ()))


def draw_fleet(database: Any, findings: Sequence[Mapping[str, Any]] = ()) -> Graph:
    """Return the fleet map: hosts, and the overlays and segments that connect them."""
    hosts = [row[0] for row in database.execute(_HOSTS).fetchall()]
    return fleet_diagram.build_graph(hosts, _iterate_memberships(database), findings)


def _iterate_memberships(database: Any) -> Iterator[fleet_diagram.Membership]:
    for host, driver, id_, name, subnets, *about in database.execute(_NETWORKS).fetchall():
        nets = tuple(subnets or ())
        shared = id_ if driver == "overlay" else json.dumps(nets or [name])
        label = name if driver == "overlay" or not nets else nets[0]
        yield fleet_diagram.Membership(host, driver, shared, label, nets, _describe_membership(*about))
    for host, vni, *about in database.execute(_VXLANS).fetchall():
        yield fleet_diagram.Membership(host, "vxlan", vni, f"VNI {vni}", (), _describe_membership(*about))


def _describe_membership(through: str | None, mtu: int | None, encrypted: bool, state: str | None) -> str | None:
    """Return the VTEP or parent, MTU, encryption and state of a host in a network."""
    parts = (through, f"MTU {mtu}" if mtu else None, "encrypted" if encrypted else None, state)
    return ", ".join(part for part in parts if part) or None


def _group_by_host(rows: Iterable[tuple[Any, ...]]) -> Mapping[str, list[Any]]:
    """Return rows without their first column, the host, grouped by host."""
    found: dict[str, list[Any]] = defaultdict(list)
    for host, *rest in rows:
        found[host].append(rest)
    return found
