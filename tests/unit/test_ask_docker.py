# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collection of engine data over a real socket; failures are reported and the rest is collected."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import EngineError
from ansible_collections.netfleet.docker.plugins.module_utils._docker.local_api import LocalEngineClient
from ansible_collections.netfleet.docker.plugins.module_utils._facts.docker import collect, owners
from ansible_collections.netfleet.docker.tests.schema import DOCKER_LISTS, assert_row
from ansible_collections.netfleet.docker.tests.unit.engine_words import (
    CANARY,
    CONTAINER,
    DOCKER_NETWORK,
    ENDPOINT,
    ID,
    INFO,
    LISTED,
    NETWORK,
    NODE,
    OTHER,
    SERVICE,
    TASK,
    VERSION,
)
from ansible_collections.netfleet.docker.tests.unit.fake_engine import Answer, FakeEngine, http, routes

FAILED = http(b'{"message": "out of\\norder"}', "500 Internal Server Error")
GONE = http(b'{"message": "no such object"}', "404 Not Found")
OWN_NETNS = str(Path("/proc/self/ns/net").stat().st_ino)
DB = {**CONTAINER, "Id": OTHER, "Name": "/db", "State": {"Status": "exited", "Pid": 0}}
WEB = {**CONTAINER, "State": {**CONTAINER["State"], "Pid": os.getpid()}}
SAID: dict[str, Any] = {
    "/version": VERSION,
    "/info": INFO,
    "/containers/json?all=1": [LISTED, {**LISTED, "Id": OTHER, "Names": ["/db"]}],
    f"/containers/{ID}/json": WEB,
    f"/containers/{OTHER}/json": DB,
    "/networks": [{**DOCKER_NETWORK, "Containers": {}, "Peers": None}],
    f"/networks/{NETWORK}": DOCKER_NETWORK,
    "/nodes": [NODE],
    "/services": [SERVICE],
    "/tasks": [TASK],
}


def read(
    place: Path, said: Mapping[str, Any] | None = None, labels: Collection[str] = ()
) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
    """Return the data collected from an engine with these responses, and its requests; verify the schema."""
    with FakeEngine(place, routes({**SAID, **(said or {})})) as fake:
        docker, missing = collect.collect_engine(LocalEngineClient(fake.path, time.monotonic() + 60), labels)
    for name, table in DOCKER_LISTS.items():
        for row in docker.get(name, []):
            assert_row(table, row)
    for row in missing:
        assert_row("missing", row)
        assert row["reason"] and "\n" not in row["reason"]
    if docker["engine"] is not None:
        assert_row("docker_engine", docker["engine"])
    return docker, missing, fake.requests


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a path for a socket."""
    return tmp_path / "docker.sock"


@pytest.fixture
def dockerd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run a process named dockerd that the kernel reports as the owner of the socket."""
    script = tmp_path / "dockerd"
    script.write_text("#!/bin/sh\nread line\n", encoding="utf-8")
    script.chmod(0o755)
    command = [str(script), "--iptables=false", "--config-file", str(tmp_path / "daemon.json")]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        while Path(f"/proc/{process.pid}/comm").read_text(encoding="utf-8") != "dockerd\n":
            time.sleep(0.01)
        monkeypatch.setattr(LocalEngineClient, "get_listener_pid", lambda _self: process.pid)
        yield
        process.kill()


def lost(missing: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Return missing parts without reasons."""
    return {(row["part"], row["what"]) for row in missing}


def test_all_lists_are_collected(place: Path, dockerd: None) -> None:
    docker, missing, asked = read(place, labels=["team"])
    assert missing == []
    assert set(docker) == {"engine", *DOCKER_LISTS}
    assert all(docker.values())
    assert CANARY not in json.dumps(docker)
    # The container is inspected again because this process has none of its cgroups. /swarm is never requested.
    assert sorted(asked) == sorted([*SAID, f"/containers/{ID}/json"])
    web, db = docker["containers"]
    assert (web["netns"], web["joined"], web["labels"]["team"]) == (OWN_NETNS, "db", "red")
    assert (db["netns"], db["pid"]) == (None, None)
    own = [row["container"] for row in docker["endpoints"] if row["endpoint_id"] == ENDPOINT]
    assert own == ["web-1", "db"], "each endpoint is listed once, with the data of its container"
    assert docker["swarm_tasks"][0]["service"] == "shop_web"


def test_swarm_objects_are_not_requested_from_a_worker(place: Path, dockerd: None) -> None:
    info = {**INFO, "Swarm": {**INFO["Swarm"], "ControlAvailable": False}}
    docker, missing, asked = read(place, said={"/info": info})
    assert docker["engine"]["swarm_role"] == "worker"
    assert (docker["swarm_nodes"], docker["swarm_services"], docker["swarm_tasks"]) == ([], [], [])
    assert not {"/nodes", "/services", "/tasks", "/swarm"} & set(asked)
    assert missing == []


def test_objects_removed_during_collection_are_left_out(place: Path, dockerd: None) -> None:
    docker, missing, _asked = read(place, said={f"/containers/{ID}/json": GONE, f"/networks/{NETWORK}": GONE})
    assert [row["name"] for row in docker["containers"]] == ["db"]
    assert (docker["networks"], docker["network_peers"], missing) == ([], [], [])


@pytest.mark.parametrize(
    "paths, wanted",
    [
        (["/info"], {("engine", "truncated")}),
        ([f"/containers/{ID}/json"], {("containers", "truncated"), ("published_ports", "truncated")}),
        (
            [f"/networks/{NETWORK}"],
            {("networks", "truncated"), ("network_peers", "truncated"), ("endpoints", "truncated")},
        ),
        (
            ["/containers/json?all=1"],
            {("containers", "missing"), ("published_ports", "missing"), ("endpoints", "truncated")},
        ),
        (["/networks"], {("networks", "missing"), ("network_peers", "missing"), ("endpoints", "truncated")}),
        (["/nodes", "/tasks"], {("swarm_nodes", "missing"), ("swarm_tasks", "missing")}),
        (["/services"], {("swarm_services", "missing")}),
        (["/version"], {("docker", "missing")}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_failed_requests_are_reported(
    place: Path, dockerd: None, paths: list[str], wanted: set[tuple[str, str]]
) -> None:
    """A list that cannot be read is absent; a truncated list is present and reported."""
    docker, missing, _asked = read(place, said=dict.fromkeys(paths, FAILED))
    assert lost(missing) == wanted
    assert all("out of order" in row["reason"] for row in missing if row["part"] != "endpoints")
    gone = {part for part, what in wanted if what == "missing"}
    if "docker" in gone:
        assert docker == {"engine": None}
    else:
        assert set(docker) == {"engine", *DOCKER_LISTS} - gone


def test_container_that_cannot_be_inspected_has_its_listed_values(place: Path, dockerd: None) -> None:
    docker, missing, _asked = read(place, said={f"/containers/{ID}/json": FAILED})
    web = docker["containers"][0]
    assert (web["name"], web["state"], web["privileged"]) == ("web-1", "paused", None)
    assert "1 of 2 could not be inspected" in missing[0]["reason"]


def test_missing_engine_is_reported(place: Path) -> None:
    docker, missing = collect.collect_engine(LocalEngineClient(str(place)))
    assert docker == {"engine": None}
    assert lost(missing) == {("docker", "missing")}
    assert missing[0]["reason"] == f"the Docker Engine at {place}: no such socket"


def test_engine_that_stops_during_collection(place: Path, dockerd: None) -> None:
    """Data read before is kept, and each missing part is reported once."""
    answer = routes(SAID)

    def falter(target: str) -> Answer:
        return [60.0] if target.startswith("/containers") else answer(target)

    with FakeEngine(place, falter) as fake:
        engine = LocalEngineClient(fake.path, time.monotonic() + 1)
        docker, missing = collect.collect_engine(engine)
    assert docker["networks"] and docker["network_peers"] and docker["engine"]
    parts = [row["part"] for row in missing]
    assert sorted(parts) == sorted({*DOCKER_LISTS} - {"networks", "network_peers"})


@pytest.mark.parametrize("said", [None, {}, "x", [None, 1, "x", [], {}]], ids=json.dumps)
def test_invalid_responses_are_reported(place: Path, said: Any) -> None:
    docker, _missing, _asked = read(place, said=dict.fromkeys(SAID, said))
    assert docker["engine"]["version"] is None


def test_reused_pid_is_detected(place: Path, dockerd: None) -> None:
    """The cgroup of the process does not name the container, so the container is inspected again."""
    states = [os.getpid(), os.getpid() + 1]
    answer = routes(SAID)

    def restarted(target: str) -> Answer:
        if target != f"/containers/{ID}/json":
            return answer(target)
        return [http(json.dumps({**WEB, "State": {**WEB["State"], "Pid": states.pop(0)}}).encode())]

    with FakeEngine(place, restarted) as fake:
        engine = LocalEngineClient(fake.path, time.monotonic() + 60)
        docker, _missing = collect.collect_engine(engine)
    assert docker["containers"][0]["netns"] is None
    assert states == []


def test_sandboxes_are_found(place: Path, dockerd: None, tmp_path: Path) -> None:
    """Only a path with a mounted namespace is a sandbox; the path of a process is a link."""
    for key in (str(tmp_path), str(tmp_path / "absent"), "/proc/self/ns/net", "a\0b", 3):
        web = {**WEB, "NetworkSettings": {**WEB["NetworkSettings"], "SandboxKey": key}}
        docker, _missing, _asked = read(place, said={f"/containers/{ID}/json": web})
        assert docker["containers"][0]["sandbox_netns"] is None
        place.unlink()


@pytest.mark.parametrize(
    "content, reason",
    [
        ('{"mtu": 1400, "icc": false}', None),
        ("{broken", "not JSON"),
        ("[]", "not a JSON object"),
        (None, None),
    ],
)
def test_settings_of_the_engine_are_read(
    place: Path, dockerd: None, tmp_path: Path, content: str | None, reason: str | None
) -> None:
    """Read the command line and the file it names. An invalid file is reported, and the flags are kept."""
    if content is not None:
        (tmp_path / "daemon.json").write_text(content, encoding="utf-8")
    docker, missing, _asked = read(place)
    row = docker["engine"]
    assert (row["iptables"], row["userland_proxy"], row["tls"]) == (False, None, None)
    of_file = {"mtu": 1400, "icc": False} if content and not reason else {}
    assert row["settings"] == {"iptables": False, **of_file}
    assert row["icc"] == of_file.get("icc")
    assert lost(missing) == ({("engine", "truncated")} if reason else set())
    assert all(f"the settings in {tmp_path}/daemon.json: {reason}" in line["reason"] for line in missing)


def test_unreadable_file_is_reported(place: Path, dockerd: None, tmp_path: Path) -> None:
    (tmp_path / "daemon.json").mkdir()
    _docker, missing, _asked = read(place)
    assert lost(missing) == {("engine", "truncated")}
    assert "Is a directory" in missing[0]["reason"]


@pytest.mark.parametrize("pid", [os.getpid(), None, 2**22 + 1], ids=["not dockerd", "unknown", "ended"])
def test_engine_without_a_known_process(place: Path, monkeypatch: pytest.MonkeyPatch, pid: int | None) -> None:
    monkeypatch.setattr(LocalEngineClient, "get_listener_pid", lambda _self: pid)
    docker, missing, _asked = read(place)
    assert docker["engine"]["version"] == "26.1.5"
    assert missing[0]["reason"] == "its process was not found, so its command line is not known"


def test_owners_are_read_with_one_request(place: Path) -> None:
    """One request returns the owners of all namespaces."""
    with FakeEngine(place, routes(SAID)) as fake:
        engine = LocalEngineClient(fake.path, time.monotonic() + 60)
        rows = owners.list_containers(engine, ["team"])
    assert fake.requests == ["/containers/json?all=1"]
    assert [row["name"] for row in rows] == ["web-1", "db"]
    for row in rows:
        assert_row("container", row)
    assert CANARY not in json.dumps(rows)
    with pytest.raises(EngineError):
        owners.list_containers(LocalEngineClient(str(place) + "x"))
