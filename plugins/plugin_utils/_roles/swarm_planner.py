# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done that a Swarm has the nodes that are declared, in which order, and what is refused; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_nodes import (
    ABSENT,
    MANAGER,
    Node,
    nodes,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_ports import CONTROL

Row = Mapping[str, Any]
# What it is for, which node, and whether it becomes a manager.
Step = tuple[str, str, bool]


def plan(declared: Mapping[str, Row], managers: Sequence[str] = (), port: int = 4789) -> dict[str, Any]:
    """Return who begins, joins, changes and leaves; raise BadParameter where a quorum would be lost.

    ``declared`` has the hosts of the run, ``managers`` all hosts of the group of managers.
    """
    if not 1024 <= port <= 49151:
        raise BadParameter("overlay_data_path_port", f"must be 1024 to 49151, not {port}")
    found = nodes(declared)
    speaker, listed = _speaker(found, declared)
    stale = _stale(found, listed)
    coming = [node for node in found if not node.in_swarm and node.state != ABSENT]
    begins = _begins(found, coming, managers)
    leaving = sorted((node for node in found if node.in_swarm and node.state == ABSENT), key=lambda node: node.manages)
    roles = [
        node for node in found if node.in_swarm and node.state != ABSENT and node.manages != (node.role == MANAGER)
    ]
    dissolves = (
        bool(leaving)
        and not coming
        and {row["id"] for row in listed}
        <= {
            *(node.id for node in leaving),
            *(row["id"] for row in stale),
        }
    )
    if not dissolves and begins is None:
        _keep_quorum(listed, _steps(stale, coming, roles, leaving))
    members = [node for node in found if node.state != ABSENT]
    by_id = {row["id"]: row for row in listed}
    return {
        "init": begins.host if begins else None,
        "manager": begins.host if begins else speaker,
        "remote": _endpoint(found, begins.host if begins else speaker),
        "join": [_shown(node) for node in coming if node is not begins],
        "stale": [{"id": row["id"], "hostname": row["hostname"], "manager": row["role"] == MANAGER} for row in stale],
        # Who becomes a manager comes before who stops being one.
        "roles": [_shown(node) for node in sorted(roles, key=lambda node: node.role != MANAGER)],
        "availability": [
            _shown(node)
            for node in members
            if node.in_swarm and by_id.get(node.id, {}).get("availability") != node.state
        ],
        "leave": [
            {**_shown(node), "manages": node.manages, "last": dissolves and node is leaving[-1]} for node in leaving
        ],
        "members": [_shown(node) for node in members],
        "mtu": min((node.mtu for node in members), default=1500),
        "ipv6": any(":" in node.data_path for node in members),
        "port": port,
        # Those that join are not ready before they did.
        "unready": [node.host for node in members if by_id.get(node.id, {}).get("state") != "ready"],
        "warnings": _warnings(members, listed),
        "changes": bool(coming or stale or leaving or roles),
        "membership_changes": bool(coming or stale or leaving),
    }


def _endpoint(found: Iterable[Node], speaker: str | None) -> str | None:
    address = next((node.address for node in found if node.host == speaker), None)
    return address and (f"[{address}]:{CONTROL}" if ":" in address else f"{address}:{CONTROL}")


def _shown(node: Node) -> dict[str, Any]:
    keys = ("host", "role", "state", "address", "data_path", "id")
    return {key: getattr(node, key) for key in keys}


def _speaker(found: Iterable[Node], declared: Mapping[str, Row]) -> tuple[str | None, list[Row]]:
    """Return a host that manages the Swarm, and the Swarm's nodes."""
    inside = [node for node in found if node.in_swarm]
    # One that stays speaks rather than one that leaves.
    talkers = sorted(
        (node for node in inside if node.manages), key=lambda node: (node.state == ABSENT, node.role != MANAGER)
    )
    for node in talkers:
        rows: list[Row] = list(declared[node.host]["info"]["docker"].get("swarm_nodes") or ())
        if rows:
            strangers = [one.host for one in inside if one.id not in {row["id"] for row in rows}]
            if strangers:
                raise BadParameter(
                    "overlay_manager_group",
                    f"{', '.join(strangers)} is in another Swarm than {node.host}, or was removed from it; "
                    "have it leave first: docker swarm leave --force",
                )
            return node.host, rows
    if talkers:
        raise BadParameter(
            "overlay_manager_group",
            f"{talkers[0].host} manages a Swarm that has lost its quorum; bring its other managers back, or make it "
            "the only one there: docker swarm init --force-new-cluster",
        )
    if inside:
        raise BadParameter(
            "overlay_manager_group",
            f"{inside[0].host} is in a Swarm, and none of its managers is in this run; take one in",
        )
    return None, []


def _stale(found: Iterable[Node], listed: Iterable[Row]) -> list[Row]:
    """Return nodes that a host of this run was before it lost its state."""
    ids = {node.hostname: node.id for node in found}
    return [
        row for row in listed if row["hostname"] in ids and row["state"] == "down" and row["id"] != ids[row["hostname"]]
    ]


def _begins(found: Sequence[Node], coming: Iterable[Node], managers: Sequence[str]) -> Node | None:
    """Return who makes the Swarm where there is none; only one that sees all managers can know that there is none."""
    coming = list(coming)
    if any(node.in_swarm for node in found) or not coming:
        return None
    lacking = [host for host in managers if host not in {node.host for node in found}]
    if lacking:
        raise BadParameter(
            "overlay_manager_group",
            f"no Swarm is there yet as far as this run sees, and it does not see {', '.join(lacking)}; take all "
            "managers in, or there may be two Swarms",
        )
    first = next((node for node in coming if node.role == MANAGER), None)
    if first is None:
        raise BadParameter("overlay_manager_group", "has no host that is to be in the Swarm; there must be a manager")
    return first


def _steps(stale: Iterable[Row], coming: Iterable[Node], roles: Iterable[Node], leaving: Iterable[Node]) -> list[Step]:
    """Return who becomes a manager, True, and who stops being a node or a manager, in order, with what it is for."""
    return [
        *((f"removing {row['hostname']}, which is down", row["id"], False) for row in stale),
        *((f"{node.host} as a manager", node.host, True) for node in coming if node.role == MANAGER),
        *((f"{node.host} as a manager", node.id, True) for node in roles if node.role == MANAGER),
        *(
            (f"overlay_worker_group: making {node.host} a worker", node.id, False)
            for node in roles
            if node.role != MANAGER
        ),
        *((f"overlay_node_state=absent of {node.host}", node.id, False) for node in leaving),
    ]


def _keep_quorum(listed: Iterable[Row], steps: Iterable[Step]) -> None:
    """See that after each step more than half of the managers answer."""
    managing = {row["id"]: row["reachability"] == "reachable" for row in listed if row["role"] == MANAGER}
    for what, one, comes in steps:
        if not comes and one not in managing:
            continue
        if not _holds(managing):
            raise BadParameter(what, f"the managers have no quorum now ({_count(managing)}); bring them back first")
        if not comes:
            managing.pop(one)
        else:
            managing[one] = True
        if not _holds(managing):
            raise BadParameter(what, f"would lose the quorum: {_count(managing)} would be left")


def _holds(managing: Mapping[str, bool]) -> bool:
    return sum(managing.values()) > len(managing) // 2


def _count(managing: Mapping[str, bool]) -> str:
    total = len(managing)
    return (
        f"{sum(managing.values())} of {total} manager{'' if total == 1 else 's'} that answer{'s' if total == 1 else ''}"
    )


def _warnings(members: Sequence[Node], listed: Sequence[Row]) -> list[str]:
    found = []
    count = sum(node.role == MANAGER for node in members)
    if count and count % 2 == 0:
        found.append(f"{count} managers stand the loss of no more of them than {count - 1} do; an odd number is better")
    hosts = {node.hostname for node in members}
    others = sorted({row["hostname"] for row in listed if row["hostname"] not in hosts and row["state"] == "down"})
    if others:
        found.append(f"nodes are down that no host of this run is: {', '.join(others)}; they are left alone")
    return found
