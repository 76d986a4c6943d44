# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert a plan of a Swarm to ordered steps, each on one host; pure.

A node that joins has no ID yet. Its later steps refer to it by host, and the action that executes the steps stores its
ID.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Row = Mapping[str, Any]
Step = dict[str, Any]

MANAGER, WORKER = "manager", "worker"


def build_steps(plan: Row, settings: Row) -> list[Step]:
    """Return the steps of a plan of ``swarm_planner.plan``.

    ``settings`` are the parameters of a Swarm that is initialised: ``data_path_port``, ``default_addr_pool``,
    ``subnet_size``. A step has ``do``, ``host`` (where it runs), ``node`` (the affected node), ``text``, ``changes``,
    and further parameters.
    """
    return [
        *_remove_stale(plan),
        *_initialise(plan, settings),
        *_join(plan),
        *_set_roles(plan),
        *_set_availability(plan),
        *_leave(plan),
        *_wait_until_ready(plan),
    ]


def _build_step(do: str, host: str, node: str, text: str, changes: bool = True, **more: Any) -> Step:
    return {"do": do, "host": host, "node": node, "text": text, "changes": changes, **more}


def _remove_stale(plan: Row) -> Iterator[Step]:
    for row in plan["stale"]:
        name = f"{row['hostname']} ({row['id']})"
        if row["manager"]:
            yield _build_step("demote", plan["manager"], name, f"demote {name}, which is down", id=row["id"], down=True)
        yield _build_step("remove", plan["manager"], name, f"remove {name}, which is down", id=row["id"], down=True)


def _initialise(plan: Row, settings: Row) -> Iterator[Step]:
    if plan["init"]:
        (first,) = (row for row in plan["members"] if row["host"] == plan["init"])
        text = f"initialise a Swarm on {first['host']}"
        yield _build_step("init", first["host"], first["host"], text, **_select_addresses(first), **settings)


def _join(plan: Row) -> Iterator[Step]:
    if plan["join"]:
        yield _build_step("read_tokens", plan["manager"], plan["manager"], "read the join tokens", changes=False)
    for row in plan["join"]:
        text = f"join {row['host']} as a {row['role']}"
        more = {**_select_addresses(row), "remote": plan["remote"], "role": row["role"]}
        yield _build_step("join", row["host"], row["host"], text, **more)


def _select_addresses(row: Row) -> Step:
    return {"address": row["address"], "data_path": row["data_path"]}


def _set_roles(plan: Row) -> Iterator[Step]:
    for row in plan["roles"]:
        do = "promote" if row["role"] == MANAGER else "demote"
        yield _build_step(do, plan["manager"], row["host"], f"{do} {row['host']}", id=row["id"])
    for row in plan["roles"]:
        yield _wait_for_role(row["host"], MANAGER if row["role"] == MANAGER else WORKER)


def _wait_for_role(host: str, role: str) -> Step:
    """Return the step that waits until a node has learned its new role, which it does after a delay."""
    return _build_step("wait_role", host, host, f"wait until {host} reports the {role} role", changes=False, role=role)


def _set_availability(plan: Row) -> Iterator[Step]:
    joined = [row for row in (*plan["join"], *_list_initial_members(plan)) if row["state"] != "active"]
    for row in (*plan["availability"], *joined):
        text = f"set the availability of {row['host']} to {row['state']}"
        yield _build_step("availability", plan["manager"], row["host"], text, id=row["id"], state=row["state"])


def _list_initial_members(plan: Row) -> list[Row]:
    return [row for row in plan["members"] if row["host"] == plan["init"]]


def _leave(plan: Row) -> Iterator[Step]:
    for row in plan["leave"]:
        host, manager = row["host"], plan["manager"]
        if not row["last"]:
            yield _build_step("drain", manager, host, f"drain {host}", id=row["id"])
            text = f"wait until no task of a service runs on {host}"
            yield _build_step("wait_tasks", host, host, text, changes=False)
            if row["manages"]:
                yield _build_step("demote", manager, host, f"demote {host}", id=row["id"])
                yield _wait_for_role(host, WORKER)
        yield _build_step("leave", host, host, f"have {host} leave the Swarm", force=row["last"])
        if not row["last"]:
            yield _build_step(
                "remove", manager, host, f"remove {host} from the list of nodes", id=row["id"], down=False
            )


def _wait_until_ready(plan: Row) -> Iterator[Step]:
    unready = set(plan["unready"])
    members = [row for row in plan["members"] if row["host"] in unready]
    if members:
        nodes = {row["host"]: row["id"] for row in members}
        text = f"wait until {', '.join(nodes)} {'is' if len(nodes) == 1 else 'are'} ready"
        yield _build_step("wait_ready", plan["manager"], ", ".join(nodes), text, changes=False, nodes=nodes)


def keeps_quorum(nodes: list[Row], leaving: str) -> bool:
    """Return whether more than half of the managers are reachable without the leaving one.

    ``nodes`` are the nodes in the format of the API of Docker Engine, ``leaving`` is the ID of one.
    """
    managers = [node for node in nodes if node.get("ManagerStatus") and node.get("ID") != leaving]
    answering = [node for node in managers if node["ManagerStatus"].get("Reachability") == "reachable"]
    return len(answering) > len(managers) // 2
