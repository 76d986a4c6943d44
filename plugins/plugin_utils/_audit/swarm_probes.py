# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Port checks between Swarm nodes, and their results as rows of the table probe; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Row = dict[str, Any]

# The port of the managers, and the gossip port of all nodes.
_CONTROL, _GOSSIP = 2377, 7946
_SECONDS = 2
# A rejected packet means a closed port. A UDP port that does not answer may be open.
_STATES = {
    "open": "open",
    **dict.fromkeys(("refused", "prohibited", "unreachable"), "closed"),
    **dict.fromkeys(("filtered", "open_or_filtered"), "filtered"),
}


class _ProbeNode(NamedTuple):
    host: str
    address: str
    data_address: str
    data_ports: tuple[int, ...]
    is_manager: bool
    # The first host that manages this node; it identifies the Swarm.
    swarm: str


def plan_checks(infos: Mapping[str, Mapping[str, Any]], peers: int) -> dict[str, list[Row]]:
    """Return the checks for the module probe by node; the name of a check is the checked host.

    infos: results of netns_info by host of the play. The nodes form a ring, and each checks the next ``peers`` nodes of
    its Swarm and all its managers, so that every node is checked equally often. Only addresses of hosts of the play are
    checked, and only within a Swarm with a manager in the play; other addresses may belong to other systems.
    """
    nodes = sorted(_find_nodes(infos))
    return {
        node.host: list(_build_node_checks([*nodes[at + 1 :], *nodes[:at]], node.swarm, peers))
        for at, node in enumerate(nodes)
    }


def _build_node_checks(others: Sequence[_ProbeNode], swarm: str, peers: int) -> Iterator[Row]:
    mine = [node for node in others if node.swarm == swarm] if peers > 0 else []
    for node in mine:
        if node.is_manager:
            yield _build_check(node.host, "tcp", node.address, _CONTROL)
    for node in mine[:peers]:
        yield from _list_checks(node)


def find_obstacle(info: Mapping[str, Any], is_node: bool) -> str:
    """Return why a host cannot check its Swarm, an empty string if it can or if it is in none.

    info: the result of netns_info; is_node: whether the result of ``plan_checks`` contains the host.
    """
    if "namespaces" not in info:
        return str(info.get("msg") or "the host was not read")
    engine = (info.get("docker") or {}).get("engine") or {}
    if engine.get("swarm_state") == "active" and not is_node:
        return "no manager of its Swarm is in the play, or the host does not have its advertised address"
    return ""


def build_rows(results: Iterable[Mapping[str, Any]], host: str, reason: str = "") -> list[Row]:
    """Return the results of the checks on a host as rows of the table probe.

    Checks that failed are combined in one row with the state ``error`` and the reason. ``reason`` is set if no check
    could be performed.
    """
    results = list(results)
    failed = [str(result.get("reason") or result["state"]) for result in results if result["state"] not in _STATES]
    why = reason or (f"{len(failed)} of {len(results)} checks failed: {failed[0]}" if failed else "")
    checked = [
        {
            "host": host,
            "target": result["name"],
            "protocol": result["type"],
            "port": result["port"],
            "state": _STATES[result["state"]],
            "seconds": result["latency"]["avg_ms"] / 1000 if result.get("latency") else None,
        }
        for result in results
        if result["state"] in _STATES
    ]
    nothing = dict.fromkeys(("target", "protocol", "port", "seconds"))
    return checked + ([{"host": host, **nothing, "state": "error", "reason": why}] if why else [])


def _find_nodes(infos: Mapping[str, Mapping[str, Any]]) -> Iterator[_ProbeNode]:
    spaces = [space for info in infos.values() for space in info.get("namespaces") or ()]
    swarms = _map_swarms(infos)
    vteps = {row["dst"] for row in _iterate_rows(spaces, "overlay", "fdb") if row["dst"]}
    for host, info in infos.items():
        engine = (info.get("docker") or {}).get("engine") or {}
        mine = info.get("namespaces") or ()
        own = {row["address"] for row in _iterate_rows(mine, "host", "addresses") if row["scope"] in ("global", "site")}
        address = str(engine.get("swarm_address"))
        swarm = swarms.get(str(engine.get("swarm_node_id")))
        if engine.get("swarm_state") == "active" and address in own and swarm:
            # The kernel listens for VXLAN while a VXLAN link exists.
            links = [row for row in _iterate_rows(mine, "overlay", "interfaces") if row["kind"] == "vxlan"]
            yield _ProbeNode(
                host,
                address,
                # Other nodes send overlay traffic to the data path address if it is set.
                address if address in vteps else min(own & vteps, default=address),
                tuple(sorted({int(row["options"]["port"]) for row in links if row["options"].get("port")})),
                engine.get("swarm_role") == "manager",
                swarm,
            )


def _map_swarms(infos: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the first host that manages each node, by node ID."""
    found: dict[str, str] = {}
    for host in sorted(infos):
        for row in (infos[host].get("docker") or {}).get("swarm_nodes") or ():
            found.setdefault(row["id"], host)
    return found


def _iterate_rows(spaces: Iterable[Mapping[str, Any]], kind: str, part: str) -> Iterator[Mapping[str, Any]]:
    for space in spaces:
        if space["kind"] == kind:
            yield from space.get(part) or ()


def _list_checks(node: _ProbeNode) -> Iterator[Row]:
    yield _build_check(node.host, "tcp", node.address, _GOSSIP)
    yield _build_check(node.host, "udp", node.address, _GOSSIP)
    for port in node.data_ports:
        yield _build_check(node.host, "udp", node.data_address, port)


def _build_check(host: str, protocol: str, address: str, port: int) -> Row:
    return {"name": host, "type": protocol, "target": address, "port": port, "timeout": _SECONDS}
