# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan of a Swarm → the steps that carry it out, in order, each on one host; pure.

A node that joins has no id yet, so its later steps name it by its host, and the action that carries the steps out
remembers the id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Row = Mapping[str, Any]
Step = dict[str, Any]

MANAGER, WORKER = "manager", "worker"


def steps(plan: Row, settings: Row) -> list[Step]:
    """Return the steps of a plan, as ``swarm_planner.plan`` returns it.

    ``settings`` are the parameters of a Swarm that is initialised: ``data_path_port``, ``default_addr_pool``,
    ``subnet_size``. A step has ``do``, ``host`` (where it is carried out), ``node`` (whom it concerns), ``text``,
    ``changes``, and what the action needs besides.
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


def _step(do: str, host: str, node: str, text: str, changes: bool = True, **more: Any) -> Step:
    return {"do": do, "host": host, "node": node, "text": text, "changes": changes, **more}


def _remove_stale(plan: Row) -> Iterator[Step]:
    for row in plan["stale"]:
        name = f"{row['hostname']} ({row['id']})"
        if row["manager"]:
            yield _step("demote", plan["manager"], name, f"demote {name}, which is down", id=row["id"], down=True)
        yield _step("remove", plan["manager"], name, f"remove {name}, which is down", id=row["id"], down=True)


def _initialise(plan: Row, settings: Row) -> Iterator[Step]:
    if plan["init"]:
        (first,) = (row for row in plan["members"] if row["host"] == plan["init"])
        text = f"initialise a Swarm on {first['host']}"
        yield _step("init", first["host"], first["host"], text, **_addresses(first), **settings)


def _join(plan: Row) -> Iterator[Step]:
    if plan["join"]:
        yield _step("read_tokens", plan["manager"], plan["manager"], "read the join tokens", changes=False)
    for row in plan["join"]:
        text = f"join {row['host']} as a {row['role']}"
        more = {**_addresses(row), "remote": plan["remote"], "role": row["role"]}
        yield _step("join", row["host"], row["host"], text, **more)


def _addresses(row: Row) -> Step:
    return {"address": row["address"], "data_path": row["data_path"]}


def _set_roles(plan: Row) -> Iterator[Step]:
    for row in plan["roles"]:
        do = "promote" if row["role"] == MANAGER else "demote"
        yield _step(do, plan["manager"], row["host"], f"{do} {row['host']}", id=row["id"])


def _set_availability(plan: Row) -> Iterator[Step]:
    joined = [row for row in (*plan["join"], *_initial(plan)) if row["state"] != "active"]
    for row in (*plan["availability"], *joined):
        text = f"set the availability of {row['host']} to {row['state']}"
        yield _step("availability", plan["manager"], row["host"], text, id=row["id"], state=row["state"])


def _initial(plan: Row) -> list[Row]:
    return [row for row in plan["members"] if row["host"] == plan["init"]]


def _leave(plan: Row) -> Iterator[Step]:
    for row in plan["leave"]:
        host, manager = row["host"], plan["manager"]
        if not row["last"]:
            yield _step("drain", manager, host, f"drain {host}", id=row["id"])
            text = f"wait until no task of a service runs on {host}"
            yield _step("wait_tasks", host, host, text, changes=False)
            if row["manages"]:
                yield _step("demote", manager, host, f"demote {host}", id=row["id"])
                text = f"wait until {host} reports the worker role"
                yield _step("wait_worker", host, host, text, changes=False)
        yield _step("leave", host, host, f"have {host} leave the Swarm", force=row["last"])
        if not row["last"]:
            yield _step("remove", manager, host, f"remove {host} from the list of nodes", id=row["id"], down=False)


def _wait_until_ready(plan: Row) -> Iterator[Step]:
    unready = set(plan["unready"])
    members = [row for row in plan["members"] if row["host"] in unready]
    if members:
        nodes = {row["host"]: row["id"] for row in members}
        text = f"wait until {', '.join(nodes)} {'is' if len(nodes) == 1 else 'are'} ready"
        yield _step("wait_ready", plan["manager"], ", ".join(nodes), text, changes=False, nodes=nodes)


def keeps_quorum(nodes: list[Row], leaving: str) -> bool:
    """Return whether more than half of the managers answer once one of them is none any more.

    ``nodes`` are a Swarm's nodes as the API of Docker Engine returns them, ``leaving`` is the id of one.
    """
    managers = [node for node in nodes if node.get("ManagerStatus") and node.get("ID") != leaving]
    answering = [node for node in managers if node["ManagerStatus"].get("Reachability") == "reachable"]
    return len(answering) > len(managers) // 2
