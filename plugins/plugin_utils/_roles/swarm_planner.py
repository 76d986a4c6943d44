# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the changes of the nodes of a Swarm; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.suggestions import suggest
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_nodes import (
    ABSENT,
    MANAGER,
    SwarmNode,
    build_nodes,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_ports import CONTROL

Row = Mapping[str, Any]
# The label of the change, the node, and whether it becomes a manager.
Step = tuple[str, str, bool]


def plan(declared: Mapping[str, Row], managers: Sequence[str] = (), port: int = 4789) -> dict[str, Any]:
    """Return the nodes that initialise, join, change and leave; raise BadParameter if the quorum would be lost.

    ``declared`` contains the hosts of the run, ``managers`` all hosts of the group of managers.
    """
    if not 1024 <= port <= 49151:
        raise BadParameter("overlay_data_path_port", f"must be 1024 to 49151, not {port}")
    found = build_nodes(declared)
    manager, listed = _find_manager(found, declared)
    stale = _find_stale_nodes(found, listed)
    joining = [node for node in found if not node.in_swarm and node.state != ABSENT]
    first = _choose_first_manager(found, joining, managers)
    leaving = sorted((node for node in found if node.in_swarm and node.state == ABSENT), key=lambda node: node.manages)
    roles = [
        node for node in found if node.in_swarm and node.state != ABSENT and node.manages != (node.role == MANAGER)
    ]
    dissolves = (
        bool(leaving)
        and not joining
        and {row["id"] for row in listed}
        <= {
            *(node.id for node in leaving),
            *(row["id"] for row in stale),
        }
    )
    if not dissolves and first is None:
        _check_quorum(listed, _list_manager_changes(stale, joining, roles, leaving))
    members = [node for node in found if node.state != ABSENT]
    by_id = {row["id"]: row for row in listed}
    return {
        "init": first.host if first else None,
        "manager": first.host if first else manager,
        "remote": _format_endpoint(found, first.host if first else manager),
        "join": [_describe_node(node) for node in joining if node is not first],
        "stale": [{"id": row["id"], "hostname": row["hostname"], "manager": row["role"] == MANAGER} for row in stale],
        # Promotions before demotions.
        "roles": [_describe_node(node) for node in sorted(roles, key=lambda node: node.role != MANAGER)],
        "availability": [
            _describe_node(node)
            for node in members
            if node.in_swarm and by_id.get(node.id, {}).get("availability") != node.state
        ],
        "leave": [
            {**_describe_node(node), "manages": node.manages, "last": dissolves and node is leaving[-1]}
            for node in leaving
        ],
        "members": [_describe_node(node) for node in members],
        "mtu": min((node.mtu for node in members), default=1500),
        "ipv6": any(":" in node.data_path for node in members),
        "port": port,
        # Includes the nodes that join.
        "unready": [node.host for node in members if by_id.get(node.id, {}).get("state") != "ready"],
        "warnings": _build_warnings(members, listed, stale),
        "changes": bool(joining or stale or leaving or roles),
        "membership_changes": bool(joining or stale or leaving),
    }


def require_managers(group: str, groups: Mapping[str, Sequence[str]], networks: Iterable[Row]) -> None:
    """Raise BadParameter if networks are declared and the group of the managers has no hosts."""
    present = [str(one["name"]) for one in networks if one["state"] != ABSENT]
    if groups.get(group) or not present:
        return
    similar = suggest(group, [name for name, hosts in groups.items() if hosts])
    problem = f"the group {group} has no hosts" if group in groups else f"the inventory has no group {group}"
    raise BadParameter(
        "overlay_manager_group",
        f"{problem}, and overlay_networks ({', '.join(present)}) requires a manager"
        + (f"; did you mean {similar}?" if similar else ""),
    )


def _format_endpoint(found: Iterable[SwarmNode], manager: str | None) -> str | None:
    address = next((node.address for node in found if node.host == manager), None)
    return address and (f"[{address}]:{CONTROL}" if ":" in address else f"{address}:{CONTROL}")


def _describe_node(node: SwarmNode) -> dict[str, Any]:
    keys = ("host", "role", "state", "address", "data_path", "id")
    return {key: getattr(node, key) for key in keys}


def _find_manager(found: Iterable[SwarmNode], declared: Mapping[str, Row]) -> tuple[str | None, list[Row]]:
    """Return a manager of the Swarm, and the nodes that it lists; raise BadParameter if no manager lists them."""
    inside = [node for node in found if node.in_swarm]
    # Managers that stay take precedence.
    managers = sorted(
        (node for node in inside if node.manages), key=lambda node: (node.state == ABSENT, node.role != MANAGER)
    )
    for node in managers:
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
    if managers:
        raise BadParameter(
            "overlay_manager_group",
            f"{managers[0].host} manages a Swarm that has lost its quorum; start the other managers, or make it "
            "the only one: docker swarm init --force-new-cluster",
        )
    if inside:
        raise BadParameter(
            "overlay_manager_group",
            f"{inside[0].host} is in a Swarm, but none of its managers is in this run; include one",
        )
    return None, []


def _find_stale_nodes(found: Iterable[SwarmNode], listed: Iterable[Row]) -> list[Row]:
    """Return the former nodes of the hosts of this run: down, with their hostname and address, but another node ID.

    A hostname alone is not sufficient, because hosts that were cloned can have the same one.
    """
    hosts = {(node.hostname, node.address) for node in found}
    ids = {node.id for node in found}
    return [
        row
        for row in listed
        if row["state"] == "down"
        and row["id"] not in ids
        and hosts & {(row["hostname"], address) for address in _list_node_addresses(row)}
    ]


def _list_node_addresses(row: Row) -> list[str]:
    """Return the addresses that the manager has of a node; of itself, it can list 0.0.0.0."""
    manager = str(row.get("manager_address") or "").rpartition(":")[0].strip("[]")
    return [address for address in (str(row.get("address") or ""), manager) if address]


def _choose_first_manager(
    found: Sequence[SwarmNode], joining: Iterable[SwarmNode], managers: Sequence[str]
) -> SwarmNode | None:
    """Return the node that initialises a Swarm; raise BadParameter unless the run includes all managers."""
    joining = list(joining)
    if any(node.in_swarm for node in found) or not joining:
        return None
    lacking = [host for host in managers if host not in {node.host for node in found}]
    if lacking:
        raise BadParameter(
            "overlay_manager_group",
            f"the hosts of this run are in no Swarm, but the run does not include {', '.join(lacking)}; include "
            "all managers, or there could be two Swarms",
        )
    first = next((node for node in joining if node.role == MANAGER), None)
    if first is None:
        raise BadParameter("overlay_manager_group", "has no host for the Swarm; at least one manager is required")
    return first


def _list_manager_changes(
    stale: Iterable[Row], joining: Iterable[SwarmNode], roles: Iterable[SwarmNode], leaving: Iterable[SwarmNode]
) -> list[Step]:
    """Return the changes of the set of managers in order: label, node, and whether it becomes a manager."""
    return [
        *((f"removing {row['hostname']}, which is down", row["id"], False) for row in stale),
        *((f"{node.host} as a manager", node.host, True) for node in joining if node.role == MANAGER),
        *((f"{node.host} as a manager", node.id, True) for node in roles if node.role == MANAGER),
        *((f"overlay_worker_group: demoting {node.host}", node.id, False) for node in roles if node.role != MANAGER),
        *((f"overlay_node_state=absent of {node.host}", node.id, False) for node in leaving),
    ]


def _check_quorum(listed: Iterable[Row], steps: Iterable[Step]) -> None:
    """Raise BadParameter if the managers have no quorum before or after a step."""
    managing = {row["id"]: row["reachability"] == "reachable" for row in listed if row["role"] == MANAGER}
    for what, one, comes in steps:
        if not comes and one not in managing:
            continue
        if not _has_quorum(managing):
            raise BadParameter(what, f"the managers have no quorum ({_format_count(managing)}); start them first")
        if not comes:
            managing.pop(one)
        else:
            managing[one] = True
        if not _has_quorum(managing):
            raise BadParameter(what, f"would lose the quorum: {_format_count(managing)} would remain")


def _has_quorum(managing: Mapping[str, bool]) -> bool:
    return sum(managing.values()) > len(managing) // 2


def _format_count(managing: Mapping[str, bool]) -> str:
    total = len(managing)
    return f"{sum(managing.values())} of {total} reachable manager{'' if total == 1 else 's'}"


def _build_warnings(members: Sequence[SwarmNode], listed: Sequence[Row], stale: Sequence[Row]) -> list[str]:
    found = []
    count = sum(node.role == MANAGER for node in members)
    if count and count % 2 == 0:
        found.append(f"{count} managers tolerate the same number of failures as {count - 1}; use an odd number")
    ids = {*(node.id for node in members), *(row["id"] for row in stale)}
    others = [row for row in listed if row["id"] not in ids and row["state"] == "down"]
    if others:
        names = ", ".join(sorted(f"{row['hostname']} (node {row['id']})" for row in others))
        found.append(
            f"nodes are down that are not hosts of this run: {names}; they are not removed: see docker node rm"
        )
    return found
