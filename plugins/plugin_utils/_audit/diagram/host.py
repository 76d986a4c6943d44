# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diagram of a host: namespaces, links and their connections; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram import annotate, folding
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram.graph import (
    Edge,
    Graph,
    Group,
    Node,
    find_worst,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram.rows import (
    HostRows,
    Key,
    LinkRow,
    NamespaceRow,
    TunnelRow,
)

_RIDERS = ("macvlan", "macvtap", "ipvlan", "vlan", "vxlan")


def build_graph(host: str, rows: HostRows, findings: Sequence[Mapping[str, Any]] = ()) -> Graph:
    """Return the diagram of a host with its findings; waived findings have no severity."""
    spaces = sorted(rows.namespaces, key=lambda one: one.kind != "host")
    first = 0 if spaces and spaces[0].kind == "host" else 1
    groups = {space.netns: f"g{number}" for number, space in enumerate(spaces, first)}
    order = {netns: number for number, netns in enumerate(groups)}
    known = sorted((link for link in rows.links if link.netns in groups), key=lambda link: order[link.netns])
    links = {(link.netns, link.ifindex): link for link in known}
    ids = {key: f"n{number}" for number, key in enumerate(links)}
    builder = _ElementBuilder(host, findings, annotate.annotate_groups(findings, groups, ids, rows) if findings else {})
    hidden = {key for key in links if ids[key] not in builder.paint and _is_wire(key, links)}
    nodes = [builder.build_link(ids[key], groups[key[0]], link) for key, link in links.items() if key not in hidden]
    nodes += [
        builder.build_sharing_container(name)
        for space in spaces
        if space.kind == "host"
        for name in space.containers or ()
    ]
    far = {tunnel.address: tunnel for tunnel in rows.tunnels if (tunnel.netns, tunnel.ifindex) in links}
    nodes += [builder.build_remote(f"r{number}", tunnel) for number, tunnel in enumerate(far.values())]
    edges = _build_edges(links, ids, hidden, {(tunnel.netns, tunnel.ifindex) for tunnel in rows.tunnels})
    edges += _build_tunnel_edges(
        rows.tunnels, links, ids, {address: f"r{number}" for number, address in enumerate(far)}
    )
    boxes = [builder.build_namespace(space, groups[space.netns]) for space in spaces]
    if first:
        boxes.insert(0, builder.build_missing_namespace())
    return Graph("host", host, tuple(boxes), tuple(nodes), tuple(edges), folding.build_folds(boxes, nodes, edges))


class _ElementBuilder:
    """Creates groups and nodes with their findings."""

    def __init__(self, host: str, findings: Sequence[Mapping[str, Any]], paint: Mapping[str, tuple[int, ...]]) -> None:
        self._host, self.paint = host, paint
        self._severities = [None if one.get("waived") else one.get("severity") for one in findings]

    def _get_findings(self, id_: str) -> dict[str, Any]:
        numbers = self.paint.get(id_)
        if not numbers:
            return {}
        return {"findings": numbers, "severity": find_worst(self._severities[number] for number in numbers)}

    def build_namespace(self, space: NamespaceRow, id_: str) -> Group:
        label = space.docker_network if space.kind in ("overlay", "load-balancer", "ingress") else space.container
        others = ", ".join(one for one in space.containers or () if one != space.container)
        hint = f"shared with {others}" if space.container and others else space.reference
        if space.kind == "host":
            label, hint = self._host, None
        return Group(id_, space.kind, label or space.reference or space.netns, hint, **self._get_findings(id_))

    def build_missing_namespace(self) -> Group:
        """Return a group for a host namespace that is not in the tables, for the findings of the host."""
        return Group("g0", "host", self._host, "host namespace could not be read", **self._get_findings("g0"))

    def build_link(self, id_: str, group: str, link: LinkRow) -> Node:
        more = [f"VNI {link.vni}" if link.vni else None, link.mode]
        return Node(
            id=id_,
            kind=link.kind or "device",
            label=link.name,
            group=group,
            addresses=tuple(link.addresses or ()),
            mtu=link.mtu,
            mac=link.mac,
            state=_get_state(link),
            network=link.docker_network,
            alias=link.alias or None,
            hint=", ".join(one for one in more if one) or None,
            **self._get_findings(id_),
        )

    def build_sharing_container(self, name: str) -> Node:
        id_ = f"c{name}"
        return Node(
            id=id_, kind="sharing", label=name, group="g0", hint="uses the host network", **self._get_findings(id_)
        )

    @staticmethod
    def build_remote(id_: str, tunnel: TunnelRow) -> Node:
        return Node(id=id_, kind="remote", label=tunnel.host or tunnel.address, addresses=(tunnel.address,))


def _get_state(link: LinkRow) -> str | None:
    """Return up, down or no carrier, which the operational state unknown does not distinguish."""
    if link.up is None:
        return None
    return ("no carrier" if link.running is False else "up") if link.up else "down"


def _is_wire(key: Key, links: Mapping[Key, LinkRow]) -> bool:
    """Return whether a link is only the bridge end of a veth pair, which is drawn as an edge."""
    link = links[key]
    if link.kind != "veth" or link.addresses or link.alias or not link.up or (key[0], link.master_index) not in links:
        return False
    peer = links.get((link.peer_netns or "", link.peer_index or 0))
    return peer is not None and peer.master_index is None


def _build_edges(
    links: Mapping[Key, LinkRow], ids: Mapping[Key, str], hidden: set[Key], senders: set[Key]
) -> list[Edge]:
    found: list[Edge] = []
    for key, link in links.items():
        master, peer, parent = _get_related_links(link)
        me = ids[key]
        if master in links and key not in hidden:
            # Diagrams are drawn from left to right: a port without a connection is left of its bridge.
            onward = peer in links or key in senders
            found.append(Edge(ids[master], me, "port") if onward else Edge(me, ids[master], "port"))
        if parent in links:
            found.append(Edge(ids[parent], me, link.kind if link.kind in _RIDERS else "parent"))
        if peer not in links or (key > peer and key not in hidden) or peer in hidden:
            continue
        if key in hidden:
            found.append(Edge(ids[master], ids[peer], "veth", link.name))
        else:
            found.append(Edge(me, ids[peer], "veth"))
    return found


def _get_related_links(link: LinkRow) -> tuple[Key, Key, Key]:
    return (
        (link.netns, link.master_index or 0),
        (link.peer_netns or "", link.peer_index or 0),
        (link.parent_netns or "", link.parent_index or 0),
    )


def _build_tunnel_edges(
    tunnels: Sequence[TunnelRow], links: Mapping[Key, LinkRow], ids: Mapping[Key, str], far: Mapping[str, str]
) -> list[Edge]:
    there = {((one.netns, one.ifindex), one.address): links.get((one.netns, one.ifindex)) for one in tunnels}
    return [
        Edge(ids[key], far[address], "tunnel", f"VNI {link.vni}" if link.vni else None)
        for (key, address), link in there.items()
        if link
    ]
