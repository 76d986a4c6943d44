# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Owners of namespaces from their references and the engine data."""

from __future__ import annotations

from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._facts.netns_ownership import (
    EngineOwnership,
    NetnsReferences,
    build_row,
)

WEB, DB, JOINED, AWAY, NEAR = ("a" * 64, "b" * 64, "c" * 64, "d" * 64, "e" * 64)


def container(container_id: str, name: str, **more: Any) -> dict[str, Any]:
    """Return the row of a container with the columns that determine owners."""
    base = {"id": container_id, "name": name, "state": "running", "netns": None, "sandbox_netns": None}
    return {**base, "joined_id": None, "network_mode": "bridge", **more}


DOCKER = EngineOwnership(
    [
        container(WEB, "web", netns="1", sandbox_netns="1"),
        container(JOINED, "joined", netns="1", joined_id=WEB, network_mode=f"container:{WEB}"),
        container(AWAY, "away", netns="3", sandbox_netns="2"),
        container(NEAR, "near", netns="9", network_mode="host"),
        container(DB, "db", state="exited"),
    ],
    [
        {"id": "kq2abcdefg1234567890xxxxx", "name": "over", "ingress": False},
        {"id": "ingressabcdefghijklmnopqr", "name": "ingress", "ingress": True},
    ],
    answered=True,
    complete=True,
)
BRIEF = EngineOwnership(
    [
        container(WEB, "web"),
        container(JOINED, "joined", joined_id=WEB),
        container(NEAR, "near", network_mode="host", state="paused"),
    ],
    answered=True,
)


def told(trace: NetnsReferences, docker: EngineOwnership) -> tuple[Any, ...]:
    found = build_row(trace, docker, 4)
    return found["kind"], found["container"], found["containers"], found["reference"]


def test_container_and_a_container_that_joined_it() -> None:
    trace = NetnsReferences("1", sandboxes=["0123456789ab"], paths=["/run/docker/netns/0123456789ab"], pids=[7, 8])
    assert told(trace, DOCKER) == ("container", "web", ["joined", "web"], "container:web")
    assert told(trace._replace(container_ids=[JOINED, WEB]), BRIEF)[:3] == ("container", "web", ["joined", "web"])


def test_container_that_left_its_namespace() -> None:
    sandbox = NetnsReferences("2", sandboxes=["0123456789ab"], paths=["/x"])
    assert told(sandbox, DOCKER) == ("container", "away", [], "container:away")
    assert told(NetnsReferences("3", pids=[9]), DOCKER) == ("process", None, ["away"], "pid:9")


def test_host_namespace_belongs_to_the_host() -> None:
    host = NetnsReferences("9", is_host=True, sandboxes=["default"], pids=[1])
    assert told(host, DOCKER) == ("host", None, ["near"], "host")
    assert told(host, BRIEF) == ("host", None, ["near"], "host")


def test_sandboxes_belong_to_networks() -> None:
    def kind(name: str, docker: EngineOwnership = DOCKER) -> tuple[str, str | None]:
        found = build_row(NetnsReferences("5", sandboxes=[name], paths=[name]), docker, 4)
        return found["kind"], found["docker_network"]

    assert kind("1-kq2abcdefg") == ("overlay", "over")
    assert kind("lb_kq2abcdef") == ("load-balancer", "over")
    assert kind("ingress_sbox") == ("ingress", "ingress")
    # The engine has no such network, so the sandbox is leaked. Without engine data this is unknown.
    assert kind("1-abcdefghij") == ("unowned", None)
    assert kind("1-abcdefghij", EngineOwnership()) == ("overlay", None)
    assert kind("0123456789ab") == ("unowned", None)
    assert kind("0123456789ab", EngineOwnership()) == ("container", None)


def test_oldest_process_owns_a_namespace_without_engine_data() -> None:
    trace = NetnsReferences("1", sandboxes=["0123456789ab"], paths=["/x"], pids=[7], container_ids=[WEB, JOINED])
    found = build_row(trace, EngineOwnership(), 4)
    assert (found["kind"], found["container_id"], found["container_source"]) == ("container", WEB, "cgroup")
    assert found["containers"] == [WEB[:12], JOINED[:12]]
    assert found["reference"] == f"container:{WEB[:12]}"


def test_owners_by_name_by_process_and_none() -> None:
    assert told(NetnsReferences("5", names=["red"], paths=["/run/netns/red"], pids=[3]), DOCKER)[0] == "named"
    assert told(NetnsReferences("5", pids=[3]), DOCKER) == ("process", None, [], "pid:3")
    assert told(NetnsReferences("5", paths=["/b", "/a"]), DOCKER) == ("unowned", None, [], "path:/a")
    assert build_row(NetnsReferences("5", descriptors=["/proc/1/fd/3"]), DOCKER, 4)["held_by"] == ["descriptor"]
    assert build_row(NetnsReferences("nsid:1@4"), DOCKER, 4)["held_by"] == ["nsid"]


def test_invalid_engine_data_gives_no_owner() -> None:
    docker = EngineOwnership(
        [{**container(WEB, "web", netns="5", sandbox_netns="5"), "id": None, "name": None}],
        [{"id": None, "name": None, "ingress": None, "driver": "bridge"}],
        answered=True,
        complete=True,
    )
    assert told(NetnsReferences("5", sandboxes=["ingress_sbox"], paths=["/x"]), docker)[0] == "unowned"
    assert docker.networks == []
