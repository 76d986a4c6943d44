# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Execution of the steps of a Swarm plan, with simulated results of community.docker modules."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.module_runner import ModuleFailed, ModuleRunner
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_planner import plan
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_session import SwarmSession
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_steps import build_steps

TOKEN = "SWMTKN-1-3pu6hszjas19xyp7ghgosyx9k8atbfcr8p2is99znpy26u2lkl-1awxwuwd3z9j1z3puu7rcgdbx"
Row = dict[str, Any]


class Hosts:
    """An action with the attributes that ModuleRunner requires; ``calls`` records host, module and arguments."""

    def __init__(self, failing: str = "") -> None:
        self.host = ""
        self.calls: list[tuple[str, str, Row]] = []
        self._failing = failing
        self._play_context = self._connection = self
        self.no_log = False

    def _execute_module(self, module_name: str, module_args: Row, task_vars: Row) -> Row:
        assert self.no_log, "the arguments and the result of the module would be displayed at -vvv"
        self.calls.append((self.host, module_name.rpartition(".")[2], module_args))
        if module_args.get("state") == self._failing:
            return {"failed": True, "msg": f"cannot join with {TOKEN}"}
        node = {"ID": f"id-{self.host}", "Status": {"State": "ready"}, "ManagerStatus": {"Reachability": "reachable"}}
        answers: dict[str, Row] = {
            "docker_swarm": {"changed": True, "swarm_facts": {"JoinTokens": {"Manager": TOKEN, "Worker": TOKEN}}},
            "docker_swarm_info": {"swarm_facts": {"JoinTokens": {"Manager": TOKEN, "Worker": TOKEN}}},
            "docker_host_info": {"host_info": {"Swarm": {"NodeID": f"id-{self.host}"}}, "containers": []},
            "docker_node_info": {"nodes": [{**node, "ID": f"id-h{number}"} for number in (1, 2, 3)]},
            "docker_node": {"changed": True},
        }
        return answers[module_name.rpartition(".")[2]]


def new_swarm() -> list[Row]:
    """Return the steps of a new Swarm with a manager and two workers, one of which is drained."""
    planned = {
        "init": "h1",
        "manager": "h1",
        "remote": "192.0.2.1:2377",
        "stale": [],
        "roles": [],
        "availability": [],
        "leave": [],
        "unready": ["h1", "h2", "h3"],
    }
    rows = [
        {"host": f"h{number}", "role": role, "state": state, "address": f"192.0.2.{number}", "data_path": "", "id": ""}
        for number, role, state in ((1, "manager", "active"), (2, "worker", "active"), (3, "worker", "drain"))
    ]
    settings = {"data_path_port": 4789, "default_addr_pool": [], "subnet_size": None}
    return build_steps({**planned, "members": rows, "join": rows[1:]}, settings)


def carry_out(todo: list[Row], hosts: Hosts) -> list[Row]:
    """Execute steps like the items of one loop, and return the result of each."""
    session, results = SwarmSession(), []
    for step in todo:
        hosts.host = step["host"]
        runner = ModuleRunner(hosts, {})
        try:
            session.run_step(step, runner, "unix:///var/run/docker.sock", 1)
            results.append(runner.result)
        except ModuleFailed as error:
            results.append(error.result)
        except NetfleetError as error:
            results.append({"failed": True, "msg": str(error)})
    return results


def test_nodes_join_with_tokens_and_later_steps_use_their_ids() -> None:
    hosts = Hosts()
    results = carry_out(new_swarm(), hosts)
    assert not [one for one in results if one.get("failed")]
    joins = [(host, args["join_token"]) for host, _name, args in hosts.calls if args.get("state") == "join"]
    assert joins == [("h2", TOKEN), ("h3", TOKEN)]
    drains = [(host, args["hostname"]) for host, _name, args in hosts.calls if args.get("availability")]
    assert drains == [("h1", "id-h3")]


@pytest.mark.parametrize("failing", ["", "join"])
def test_results_contain_no_token(failing: str) -> None:
    assert "SWMTKN" not in str(carry_out(new_swarm(), Hosts(failing)))


def test_steps_after_a_failed_step_are_not_executed() -> None:
    hosts = Hosts(failing="join")
    results = carry_out(new_swarm(), hosts)
    assert [bool(one.get("failed")) for one in results] == [False, False, True, True, True, True]
    assert results[2]["msg"] == "cannot join with TOKEN"
    assert results[3]["msg"] == "not executed, because this step failed: join h2 as a worker"
    assert hosts.calls[-1][0] == "h2"


def test_empty_plan_has_no_steps() -> None:
    assert build_steps(plan({}), {}) == []
