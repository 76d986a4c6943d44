# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Execute the steps of a plan of a Swarm with the modules of community.docker.

All steps of one plan are items of one loop, which Ansible runs in one process. Each item runs on the host that it is
delegated to. The join tokens and the IDs of new nodes stay in the memory of that process, so the tokens are in no
result, variable or file of the controller.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.module_runner import ModuleRunner
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_steps import MANAGER, keeps_quorum

Step = Mapping[str, Any]

_DEFAULT_PORT = 4789
_PAUSE = 2.0
_ROLE_SECONDS = _READY_SECONDS = 30.0


class SwarmSession:
    """State of the execution of one plan; after ``failed``, no other step is executed."""

    def __init__(self) -> None:
        self.failed = ""
        self._tokens: dict[str, str] = {}
        self._ids: dict[str, str] = {}

    def run_step(self, step: Step, runner: ModuleRunner, docker_host: str, drain_seconds: float) -> None:
        """Execute a step on the host of the runner; raise NetfleetError or ModuleFailed."""
        if self.failed:
            raise NetfleetError(f"not executed, because this step failed: {self.failed}")
        self.failed = str(step["text"])
        StepExecution(self._tokens, self._ids, runner, docker_host, drain_seconds).run(step)
        self.failed = ""


class StepExecution:
    """The execution of one step."""

    def __init__(
        self,
        tokens: dict[str, str],
        ids: dict[str, str],
        runner: ModuleRunner,
        docker_host: str,
        drain_seconds: float,
    ) -> None:
        self._tokens, self._ids, self._runner = tokens, ids, runner
        self._docker_host, self._drain_seconds = docker_host, drain_seconds

    def run(self, step: Step) -> None:
        """Execute the step."""
        steps: dict[str, Callable[[Step], None]] = {
            "init": self._initialise,
            "read_tokens": self._read_tokens,
            "join": self._join,
            "promote": lambda one: self._update_node(one, role="manager"),
            "demote": self._demote,
            "availability": lambda one: self._update_node(one, availability=one["state"]),
            "drain": lambda one: self._update_node(one, availability="drain"),
            "wait_tasks": self._wait_for_tasks,
            "wait_role": self._wait_for_role,
            "leave": lambda one: self._run_swarm_module(state="absent", force=one["force"]),
            "remove": self._remove,
            "wait_ready": self._wait_until_ready,
        }
        steps[step["do"]](step)

    def _run_module(self, module: str, **arguments: Any) -> dict[str, Any]:
        """Run a module of community.docker; its result can contain join tokens and passwords of proxies."""
        given = {key: value for key, value in arguments.items() if value not in (None, [])}
        return self._runner.run(f"community.docker.{module}", {**given, "docker_host": self._docker_host}, secret=True)

    def _run_swarm_module(self, **arguments: Any) -> None:
        self._run_module("docker_swarm", **arguments)

    def _initialise(self, step: Step) -> None:
        port = int(step["data_path_port"])
        self._run_swarm_module(
            state="present",
            advertise_addr=step["address"],
            data_path_addr=step["data_path"],
            # The SDK of Debian 12 lacks the option, and Docker Engine 20.10 does not accept the default as a number.
            data_path_port=None if port == _DEFAULT_PORT else port,
            default_addr_pool=step["default_addr_pool"],
            subnet_size=step["subnet_size"],
        )
        self._store_node_id(step)

    def _read_tokens(self, _step: Step) -> None:
        tokens = self._run_module("docker_swarm_info")["swarm_facts"]["JoinTokens"]
        self._tokens.update({"manager": tokens["Manager"], "worker": tokens["Worker"]})

    def _join(self, step: Step) -> None:
        self._run_swarm_module(
            state="join",
            advertise_addr=step["address"],
            data_path_addr=step["data_path"],
            remote_addrs=[step["remote"]],
            join_token=self._tokens[step["role"]],
        )
        self._store_node_id(step)

    def _store_node_id(self, step: Step) -> None:
        self._ids[step["node"]] = self._read_own_state()["NodeID"]

    def _read_own_state(self) -> dict[str, Any]:
        found: dict[str, Any] = self._run_module("docker_host_info")["host_info"]["Swarm"]
        return found

    def _get_node_id(self, step: Step) -> str:
        return str(step["id"] or self._ids[step["node"]])

    def _update_node(self, step: Step, **arguments: Any) -> None:
        self._run_module("docker_node", hostname=self._get_node_id(step), **arguments)

    def _demote(self, step: Step) -> None:
        """Demote a manager as soon as the others have a quorum, which a promoted node joins after a delay."""
        if not self._wait_for(lambda: keeps_quorum(self._list_nodes(), self._get_node_id(step)), _ROLE_SECONDS):
            raise NetfleetError(f"{step['text']}: the managers would lose the quorum; see docker node ls")
        self._update_node(step, role="worker")

    def _remove(self, step: Step) -> None:
        self._run_swarm_module(state="remove", node_id=self._get_node_id(step), force=True if step["down"] else None)

    def _list_nodes(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self._run_module("docker_node_info")["nodes"]
        return found

    def _wait_for_tasks(self, step: Step) -> None:
        def has_no_tasks() -> bool:
            label = {"label": ["com.docker.swarm.task.id"]}
            return not self._run_module("docker_host_info", containers=True, containers_filters=label)["containers"]

        if not self._wait_for(has_no_tasks, self._drain_seconds):
            reason = f"timed out after {self._drain_seconds:g} s; increase overlay_drain_timeout, or stop the tasks"
            raise NetfleetError(f"{step['text']}: {reason}")

    def _wait_for_role(self, step: Step) -> None:
        # The managers notify the node after a delay.
        manages = step["role"] == MANAGER
        if not self._wait_for(lambda: bool(self._read_own_state().get("ControlAvailable")) == manages, _ROLE_SECONDS):
            raise NetfleetError(f"{step['text']}: timed out after {_ROLE_SECONDS:g} s; see docker node ls")

    def _wait_until_ready(self, step: Step) -> None:
        wanted = {str(identity or self._ids[host]) for host, identity in step["nodes"].items()}

        def are_ready() -> bool:
            return wanted <= {node["ID"] for node in self._list_nodes() if node["Status"]["State"] == "ready"}

        if not self._wait_for(are_ready, _READY_SECONDS):
            raise NetfleetError(f"{step['text']}: timed out after {_READY_SECONDS:g} s; see docker node ls")

    @staticmethod
    def _wait_for(condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until the condition is true; return False on a timeout."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(_PAUSE)
        return True
