# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which node of a Swarm tries which ports of which other ones, and what came of it as rows of the table probe; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Row = dict[str, Any]

# Between any two nodes; the managers' port is asked of managers alone.
_CONTROL, _GOSSIP = 2377, 7946
_SECONDS = 2
# Whether it is a firewall or the host that says no, the port is closed; a port of UDP that keeps silent may be open.
_STATES = {
    "open": "open",
    **dict.fromkeys(("refused", "prohibited", "unreachable"), "closed"),
    **dict.fromkeys(("filtered", "open_or_filtered"), "filtered"),
}


class _Node(NamedTuple):
    host: str
    address: str
    data_address: str
    data_ports: tuple[int, ...]
    is_manager: bool
    managers: frozenset[str]


def checks(infos: Mapping[str, Mapping[str, Any]], peers: int) -> dict[str, list[Row]]:
    """Return by node the checks that the module probe is to make there, each with the tried host for a name.

    infos: by host of the play, what netns_info says. Nodes stand in a ring, and each tries the ``peers`` next ones of
    its Swarm, so that each is tried by as many. Only addresses that a host of the play has itself are tried.
    """
    nodes = sorted(_nodes(infos))
    return {
        node.host: [check for peer in _next([*nodes[at + 1 :], *nodes[:at]], node, peers) for check in _of(peer)]
        for at, node in enumerate(nodes)
    }


def rows(results: Iterable[Mapping[str, Any]], host: str) -> list[Row]:
    """Return what the checks found on a host as rows of the table probe, without those that could not be made."""
    return [
        {
            "host": host,
            "target": said["name"],
            "protocol": said["type"],
            "port": said["port"],
            "state": _STATES[said["state"]],
            "seconds": said["latency"]["avg_ms"] / 1000 if said.get("latency") else None,
        }
        for said in results
        if said["state"] in _STATES
    ]


def _next(others: Sequence[_Node], node: _Node, peers: int) -> Sequence[_Node]:
    return [other for other in others if other.managers & node.managers][: max(peers, 0)]


def _nodes(infos: Mapping[str, Mapping[str, Any]]) -> Iterator[_Node]:
    spaces = [space for info in infos.values() for space in info.get("namespaces") or ()]
    vteps = {row["dst"] for row in _rows(spaces, "overlay", "fdb") if row["dst"]}
    for host, info in infos.items():
        engine = (info.get("docker") or {}).get("engine") or {}
        mine = info.get("namespaces") or ()
        own = {row["address"] for row in _rows(mine, "host", "addresses") if row["scope"] in ("global", "site")}
        address = str(engine.get("swarm_address"))
        if engine.get("swarm_state") == "active" and address in own:
            # The kernel listens for VXLAN as long as there is a link for it.
            links = [row for row in _rows(mine, "overlay", "interfaces") if row["kind"] == "vxlan"]
            yield _Node(
                host,
                address,
                # The others send what overlays carry to --data-path-addr, where there is one.
                address if address in vteps else min(own & vteps, default=address),
                tuple(sorted({int(row["options"]["port"]) for row in links if row["options"].get("port")})),
                engine.get("swarm_role") == "manager",
                frozenset(engine.get("swarm_managers") or ()),
            )


def _rows(spaces: Iterable[Mapping[str, Any]], kind: str, part: str) -> Iterator[Mapping[str, Any]]:
    for space in spaces:
        if space["kind"] == kind:
            yield from space.get(part) or ()


def _of(node: _Node) -> Iterator[Row]:
    if node.is_manager:
        yield _check(node.host, "tcp", node.address, _CONTROL)
    yield _check(node.host, "tcp", node.address, _GOSSIP)
    yield _check(node.host, "udp", node.address, _GOSSIP)
    for port in node.data_ports:
        yield _check(node.host, "udp", node.data_address, port)


def _check(host: str, protocol: str, address: str, port: int) -> Row:
    return {"name": host, "type": protocol, "target": address, "port": port, "timeout": _SECONDS}
