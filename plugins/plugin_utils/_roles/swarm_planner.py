# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the changes of the nodes of a Swarm; pure."""

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
    """Return which nodes initialise, join, change and leave; raise BadParameter if the quorum would be lost.

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
    """Return a host that manages the Swarm, and the nodes of the Swarm."""
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
                    "run docker swarm leave --force there first",
                )
            return node.host, rows
    if talkers:
        raise BadParameter(
            "overlay_manager_group",
            f"{talkers[0].host} manages a Swarm that has lost its quorum; start the other managers, or make it "
            "the only one: docker swarm init --force-new-cluster",
        )
    if inside:
        raise BadParameter(
            "overlay_manager_group",
            f"{inside[0].host} is in a Swarm, but none of its managers is in this run; include one",
        )
    return None, []


def _stale(found: Iterable[Node], listed: Iterable[Row]) -> list[Row]:
    """Return the former nodes of hosts of this run that lost their state."""
    ids = {node.hostname: node.id for node in found}
    return [
        row for row in listed if row["hostname"] in ids and row["state"] == "down" and row["id"] != ids[row["hostname"]]
    ]


def _begins(found: Sequence[Node], coming: Iterable[Node], managers: Sequence[str]) -> Node | None:
    """Return the node that initialises a Swarm; only a run with all managers can know that there is none."""
    coming = list(coming)
    if any(node.in_swarm for node in found) or not coming:
        return None
    lacking = [host for host in managers if host not in {node.host for node in found}]
    if lacking:
        raise BadParameter(
            "overlay_manager_group",
            f"the hosts of this run are in no Swarm, but the run does not include {', '.join(lacking)}; include "
            "all managers, or there could be two Swarms",
        )
    first = next((node for node in coming if node.role == MANAGER), None)
    if first is None:
        raise BadParameter("overlay_manager_group", "has no host for the Swarm; at least one manager is required")
    return first


def _steps(stale: Iterable[Row], coming: Iterable[Node], roles: Iterable[Node], leaving: Iterable[Node]) -> list[Step]:
    """Return the changes of the managers in order: a label, the node, and whether it becomes a manager."""
    return [
        *((f"removing {row['hostname']}, which is down", row["id"], False) for row in stale),
        *((f"{node.host} as a manager", node.host, True) for node in coming if node.role == MANAGER),
        *((f"{node.host} as a manager", node.id, True) for node in roles if node.role == MANAGER),
        *((f"overlay_worker_group: demoting {node.host}", node.id, False) for node in roles if node.role != MANAGER),
        *((f"overlay_node_state=absent of {node.host}", node.id, False) for node in leaving),
    ]


def _keep_quorum(listed: Iterable[Row], steps: Iterable[Step]) -> None:
    """Raise BadParameter if after a step not more than half of the managers are reachable."""
    managing = {row["id"]: row["reachability"] == "reachable" for row in listed if row["role"] == MANAGER}
    for what, one, comes in steps:
        if not comes and one not in managing:
            continue
        if not _holds(managing):
            raise BadParameter(what, f"the managers have no quorum ({_count(managing)}); start them first")
        if not comes:
            managing.pop(one)
        else:
            managing[one] = True
        if not _holds(managing):
            raise BadParameter(what, f"would lose the quorum: {_count(managing)} would remain")


def _holds(managing: Mapping[str, bool]) -> bool:
    return sum(managing.values()) > len(managing) // 2


def _count(managing: Mapping[str, bool]) -> str:
    total = len(managing)
    return f"{sum(managing.values())} of {total} reachable manager{'' if total == 1 else 's'}"


def _warnings(members: Sequence[Node], listed: Sequence[Row]) -> list[str]:
    found = []
    count = sum(node.role == MANAGER for node in members)
    if count and count % 2 == 0:
        found.append(f"{count} managers tolerate the loss of no more managers than {count - 1}; use an odd number")
    hosts = {node.hostname for node in members}
    others = sorted({row["hostname"] for row in listed if row["hostname"] not in hosts and row["state"] == "down"})
    if others:
        found.append(f"nodes are down that are not hosts of this run: {', '.join(others)}; they are not removed")
    return found
