# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collect the network data of this host's engine. Missing responses are reported."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import (
    EngineError,
    NetfleetError,
    NoSuchNetns,
    NotFound,
)
from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8
from ansible_collections.netfleet.docker.plugins.module_utils._docker.daemon import find_daemon
from ansible_collections.netfleet.docker.plugins.module_utils._docker.local_api import DEFAULT_SOCKET, LocalEngineClient
from ansible_collections.netfleet.docker.plugins.module_utils._facts.cgroup import find_container_ids as cgroup_ids
from ansible_collections.netfleet.docker.plugins.module_utils._facts.docker import engine_rows, json_fields, swarm_rows
from ansible_collections.netfleet.docker.plugins.module_utils._facts.docker import rows as docker_rows
from ansible_collections.netfleet.docker.plugins.module_utils._netns import namespaces

Row = dict[str, Any]

_CONFIG_FILE = "/etc/docker/daemon.json"
_RUN_SOCKET = "/run/docker.sock"
_MOST_SETTINGS = 1 << 20
_MOST_RESOLVER = 1 << 14


def collect_engine(engine: LocalEngineClient, labels: Collection[str] = ()) -> tuple[Row, list[Row]]:
    """Return the object ``docker`` of a snapshot, and its rows of ``missing``.

    ``labels`` are collected in addition to those of Compose and Swarm. /swarm is never requested, because it contains
    join tokens.
    """
    reading = _EngineCollector(engine, labels)
    reading.attempt(("docker",), reading.read_engine)
    if reading.docker["engine"] is not None:
        reading.attempt(("networks", "network_peers"), reading.read_networks)
        reading.attempt(("containers", "published_ports"), reading.read_containers)
        reading.attempt(("endpoints",), reading.merge_endpoints)
        reading.read_swarm()
    return reading.docker, reading.missing


class _EngineCollector:
    """Collected data; missing or incomplete parts are reported."""

    def __init__(self, engine: LocalEngineClient, labels: Collection[str]) -> None:
        self.docker: Row = {"engine": None}
        self.missing: list[Row] = []
        self._engine = engine
        self._labels = labels
        # /var/run is a link to /run on most hosts, and a mount can name either.
        self._sockets = sorted({engine.path, str(Path(engine.path).resolve()), DEFAULT_SOCKET, _RUN_SOCKET})
        self._networks: list[Any] = []
        self._containers: list[Any] = []

    def attempt(self, parts: Collection[str], work: Callable[[], None]) -> None:
        """Run a part of the collection; a failure is recorded and the rest continues."""
        try:
            work()
        except NetfleetError as error:
            for part in parts:
                self._record_missing(part, "missing", str(error))

    def read_engine(self) -> None:
        """Read the engine's versions, state and settings."""
        version = self._engine.get("/version")
        info = None
        try:
            info = self._engine.get("/info")
        except EngineError as error:
            self._record_missing("engine", "truncated", str(error))
        self.docker["engine"] = engine_rows.build_engine_row(version, info, self._engine.path, self._read_settings())

    def read_networks(self) -> None:
        """Read all networks with their peers."""
        # The list does not contain the containers of a network.
        parts = ("networks", "network_peers", "endpoints")
        self._networks = [data for data, _whole in self._inspect_all("/networks", "/networks/{}", parts)]
        self.docker["networks"] = [docker_rows.build_network(data, self._labels) for data in self._networks]
        self.docker["network_peers"] = [row for data in self._networks for row in docker_rows.build_network_peers(data)]

    def read_containers(self) -> None:
        """Read all containers with their published ports."""
        rows, ports = [], []
        parts = ("containers", "published_ports")
        for data, whole in self._inspect_all("/containers/json?all=1", "/containers/{}/json", parts):
            self._containers.append(data)
            rows.append(
                self._build_container(data) if whole else docker_rows.build_listed_container(data, self._labels)
            )
            ports += docker_rows.build_published_ports(data) if whole else []
        docker_rows.fill_joined_names(rows)
        self.docker.update(containers=rows, published_ports=ports)

    def merge_endpoints(self) -> None:
        """Merge the endpoints from containers and networks."""
        for part in ("containers", "networks"):
            if part not in self.docker:
                self._record_missing("endpoints", "truncated", f"the {part} could not be read")
        networks = {row["id"]: row["name"] for row in self.docker.get("networks", [])}
        names = {row["id"]: row["name"] for row in self.docker.get("containers", [])}
        rows = [row for data in self._containers for row in docker_rows.build_container_endpoints(data, networks)]
        known = {row["endpoint_id"] for row in rows}
        rows += [row for data in self._networks for row in docker_rows.build_network_endpoints(data, names, known)]
        self.docker["endpoints"] = rows

    def read_swarm(self) -> None:
        """Read the objects that only a manager provides."""
        self.docker.update(swarm_nodes=[], swarm_services=[], swarm_tasks=[])
        if self.docker["engine"]["swarm_role"] != "manager":
            return
        self._read_swarm_list("swarm_nodes", "/nodes", swarm_rows.build_node)
        self._read_swarm_list("swarm_services", "/services", swarm_rows.build_service)
        services = {row["id"]: row["name"] for row in self.docker.get("swarm_services", [])}
        self._read_swarm_list("swarm_tasks", "/tasks", lambda data: swarm_rows.build_task(data, services))

    def _read_swarm_list(self, part: str, path: str, row: Callable[[Any], Row]) -> None:
        del self.docker[part]

        def work() -> None:
            self.docker[part] = [row(data) for data in json_fields.get_list(self._engine.get(path))]

        self.attempt((part,), work)

    def _inspect_all(self, list_path: str, path: str, parts: Collection[str]) -> Iterator[tuple[Any, bool]]:
        """Yield all objects of a list, inspected (true) or, if that failed, as listed (false).

        Objects that are removed between list and inspection are left out.
        """
        listed = json_fields.get_list(self._engine.get(list_path))
        failures = []
        answers = self._engine.get_all([path.format(json_fields.text(one, "Id")) for one in listed])
        for one, answer in zip(listed, answers):
            if isinstance(answer, NotFound):
                continue
            if isinstance(answer, EngineError):
                failures.append(str(answer))
            yield (one, False) if isinstance(answer, EngineError) else (answer, True)
        if failures:
            for part in parts:
                self._record_missing(
                    part, "truncated", f"{len(failures)} of {len(listed)} could not be inspected: {failures[0]}"
                )

    def _build_container(self, data: Any) -> Row:
        row = docker_rows.build_container(data, self._labels)
        row["netns"] = self._read_netns(row)
        row["sandbox_netns"] = _read_mounted_netns(json_fields.get_path(data, "NetworkSettings", "SandboxKey"))
        row["engine_socket"] = docker_rows.find_engine_socket(data, self._sockets)
        row["name_servers"] = _read_name_servers(json_fields.text(data, "ResolvConfPath"))
        return row

    def _read_netns(self, row: Row) -> str | None:
        """Return the namespace of a container's PID 1, unless the container ended and the PID can be reused."""
        pid, netns = row["pid"], None
        with contextlib.suppress(OSError):
            if pid:
                netns = str(Path(f"/proc/{pid}/ns/net").stat().st_ino)
                cgroup = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8", errors="replace")
                # A process that moved to another cgroup is inspected again.
                if row["id"] not in cgroup_ids(cgroup) and self._read_pid(row["id"]) != pid:
                    return None
        return netns

    def _read_pid(self, container_id: str) -> int | None:
        with contextlib.suppress(EngineError):
            return json_fields.integer(self._engine.get(f"/containers/{container_id}/json"), "State", "Pid")
        return None

    def _read_settings(self) -> dict[str, Any]:
        """Return the settings of command line and daemon.json; Docker does not start if both set the same key."""
        daemon = find_daemon(self._engine)
        if daemon is None:
            self._record_missing("engine", "truncated", "its process was not found, so its command line is not known")
        root = daemon.root if daemon else ""
        flags = engine_rows.parse_command_line(daemon.argv[1:] if daemon else ())
        path = flags.get("config-file") or _CONFIG_FILE
        try:
            with Path(f"{root}/{path}").open(encoding="utf-8", errors="surrogateescape") as file:
                return {**engine_rows.parse_daemon_json(file.read(_MOST_SETTINGS)), **flags}
        except FileNotFoundError:
            pass
        except OSError as error:
            self._record_missing("engine", "truncated", f"the settings in {path}: {os.strerror(error.errno or 0)}")
        except NetfleetError as error:
            self._record_missing("engine", "truncated", f"the settings in {path}: {error}")
        return flags

    def _record_missing(self, part: str, what: str, reason: str) -> None:
        line = escape_invalid_utf8(" ".join(reason.split()))
        self.missing.append({"netns": None, "part": part, "what": what, "reason": line})


def _read_name_servers(path: str | None) -> list[str] | None:
    """Return the servers in the resolv.conf that Docker created for a container, or None."""
    try:
        with Path(path or "").open(encoding="ascii", errors="replace") as file:
            lines = [line.split() for line in file.read(_MOST_RESOLVER).splitlines()]
    except (OSError, ValueError):
        return None
    return [escape_invalid_utf8(words[1]) for words in lines if len(words) > 1 and words[0] == "nameserver"]


def _read_mounted_netns(path: Any) -> str | None:
    """Return the namespace mounted at a path, or None."""
    try:
        fd = namespaces.open_netns(str(path or ""))
    except (NoSuchNetns, ValueError):
        return None
    try:
        return str(namespaces.get_namespace_id(fd)[1])
    finally:
        os.close(fd)
