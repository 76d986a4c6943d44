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
    # The first host whose engine manages this node.
    swarm: str


def checks(infos: Mapping[str, Mapping[str, Any]], peers: int) -> dict[str, list[Row]]:
    """Return by node the checks that the module probe is to make there, each with the tried host for a name.

    infos: by host of the play, what netns_info says. Nodes stand in a ring, and each tries the ``peers`` next ones of
    its Swarm, so that each is tried by as many, and all its managers. Only addresses that a host of the play has itself
    are tried, and only within a Swarm whose manager is in the play: elsewhere the address may be anybody's.
    """
    nodes = sorted(_nodes(infos))
    return {
        node.host: list(_checks([*nodes[at + 1 :], *nodes[:at]], node.swarm, peers)) for at, node in enumerate(nodes)
    }


def _checks(others: Sequence[_Node], swarm: str, peers: int) -> Iterator[Row]:
    mine = [node for node in others if node.swarm == swarm] if peers > 0 else []
    for node in mine:
        if node.is_manager:
            yield _check(node.host, "tcp", node.address, _CONTROL)
    for node in mine[:peers]:
        yield from _of(node)


def rows(results: Iterable[Mapping[str, Any]], host: str, reason: str = "") -> list[Row]:
    """Return what the checks found on a host as rows of the table probe.

    What could not be tried is one row of the state ``error``, with the reason, which ``reason`` is where nothing could.
    """
    results = list(results)
    failed = [str(said.get("reason") or said["state"]) for said in results if said["state"] not in _STATES]
    why = reason or (f"{len(failed)} of {len(results)} could not be tried: {failed[0]}" if failed else "")
    told = [
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
    nothing = dict.fromkeys(("target", "protocol", "port", "seconds"))
    return told + ([{"host": host, **nothing, "state": "error", "reason": why}] if why else [])


def _nodes(infos: Mapping[str, Mapping[str, Any]]) -> Iterator[_Node]:
    spaces = [space for info in infos.values() for space in info.get("namespaces") or ()]
    swarms = _swarms(infos)
    vteps = {row["dst"] for row in _rows(spaces, "overlay", "fdb") if row["dst"]}
    for host, info in infos.items():
        engine = (info.get("docker") or {}).get("engine") or {}
        mine = info.get("namespaces") or ()
        own = {row["address"] for row in _rows(mine, "host", "addresses") if row["scope"] in ("global", "site")}
        address = str(engine.get("swarm_address"))
        swarm = swarms.get(str(engine.get("swarm_node_id")))
        if engine.get("swarm_state") == "active" and address in own and swarm:
            # The kernel listens for VXLAN as long as there is a link for it.
            links = [row for row in _rows(mine, "overlay", "interfaces") if row["kind"] == "vxlan"]
            yield _Node(
                host,
                address,
                # The others send what overlays carry to --data-path-addr, where there is one.
                address if address in vteps else min(own & vteps, default=address),
                tuple(sorted({int(row["options"]["port"]) for row in links if row["options"].get("port")})),
                engine.get("swarm_role") == "manager",
                swarm,
            )


def _swarms(infos: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return by the id of a node the first host that manages it."""
    found: dict[str, str] = {}
    for host in sorted(infos):
        for row in (infos[host].get("docker") or {}).get("swarm_nodes") or ():
            found.setdefault(row["id"], host)
    return found


def _rows(spaces: Iterable[Mapping[str, Any]], kind: str, part: str) -> Iterator[Mapping[str, Any]]:
    for space in spaces:
        if space["kind"] == kind:
            yield from space.get(part) or ()


def _of(node: _Node) -> Iterator[Row]:
    yield _check(node.host, "tcp", node.address, _GOSSIP)
    yield _check(node.host, "udp", node.address, _GOSSIP)
    for port in node.data_ports:
        yield _check(node.host, "udp", node.data_address, port)


def _check(host: str, protocol: str, address: str, port: int) -> Row:
    return {"name": host, "type": protocol, "target": address, "port": port, "timeout": _SECONDS}
