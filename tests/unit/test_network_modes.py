# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers whose network mode is not the expected one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._facts.network_modes import (
    find_faults,
    read_containers,
)


def container(mode: str, **fields: Any) -> dict[str, Any]:
    networks: dict[str, Any] = {mode: {}} if mode in ("host", "none") else {}
    return {
        "network_mode": mode,
        "networks": networks,
        "netns": "4026532448",
        "state": "running",
        "shares_host": mode == "host",
        **fields,
    }


def test_containers_with_their_modes_have_no_faults() -> None:
    containers = {"exporter": container("host"), "batch": container("none"), "web": container("shop")}
    assert find_faults(containers, ["exporter"], ["batch"]) == []


def test_stopped_container_has_no_namespace_to_compare() -> None:
    assert find_faults({"batch": container("host", state="exited", shares_host=False)}, ["batch"], []) == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "no such container: batch"),
        (container("bridge"), "batch has the network mode bridge, not none; recreate it"),
        (container("none", networks={"none": {}, "shop": {}}), "batch is connected to shop as well"),
        (container("none", netns=None), "the network namespace of batch could not be read"),
        (container("none", shares_host=True), "batch runs in the host's network namespace, despite"),
    ],
)
def test_faults_of_a_container_without_network(found: dict[str, Any] | None, words: str) -> None:
    (fault,) = find_faults({"batch": found} if found else {}, [], ["batch"])
    assert fault.startswith(words)


def test_container_that_left_the_host_namespace_is_reported() -> None:
    (fault,) = find_faults({"exporter": container("host", shares_host=False)}, ["exporter"], [])
    assert fault.startswith("exporter runs outside of the host's network namespace")


def test_containers_of_a_snapshot_have_their_networks_and_namespaces() -> None:
    rows = [
        {"id": "a", "name": "exporter", "state": "running", "network_mode": "host", "netns": "1"},
        {"id": "b", "name": "batch", "state": "exited", "network_mode": "none", "netns": None},
    ]
    endpoints = [{"container_id": "a", "network": "host"}, {"container_id": "c", "network": "shop"}]
    docker = {"containers": rows, "endpoints": endpoints}
    found = read_containers({"namespaces": [{"kind": "host", "netns": "1"}], "docker": docker, "missing": []})
    assert found["exporter"] == {
        "state": "running",
        "network_mode": "host",
        "netns": "1",
        "networks": ["host"],
        "shares_host": True,
    }
    assert (found["batch"]["networks"], found["batch"]["shares_host"]) == ([], False)


def test_unread_containers_are_an_error() -> None:
    missing = [{"netns": None, "part": "docker", "what": "missing", "reason": "no engine"}]
    with pytest.raises(NetfleetError, match="no engine"):
        read_containers({"namespaces": [], "missing": missing})
