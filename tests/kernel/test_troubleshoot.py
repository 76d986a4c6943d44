# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Diagnoses of containers of a real engine: the snapshot, the probes and the verdict, as in the role troubleshoot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import snapshot_codec
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot import case, diagnosis, references, render

from .docker_host import IMAGE, DockerHost

Diagnosis = dict[str, Any]
_LISTEN = "while true; do echo yes | nc -l -p 80 >/dev/null; done"


@pytest.fixture(scope="module")
def host() -> Iterator[DockerHost]:
    """A host with two networks of two containers each, and a container that shares the network of another one."""
    with DockerHost() as found:
        found.docker("network", "create", "--subnet", "10.61.0.0/24", "front")
        found.docker("network", "create", "--ipv6", "--subnet", "10.62.0.0/24", "--subnet", "fd62::/64", "back")
        found.container("web", "--network=front")
        found.container("cache", "--network=front")
        found.container("db", "--network=back")
        found.container("app", "--network=back")
        found.container("sidecar", "--network=container:cache")
        yield found


def diagnose(host: DockerHost, source: str, target: str) -> Diagnosis:
    """Return the diagnosis with real probes, and its lines."""
    asked = list(references.list_references([source, target], "h1"))
    taken = host.module("netns_info", {"references": asked, "packed": True})
    assert not taken.failed, taken.msg
    found = {"h1": snapshot_codec.decompress(taken.data["packed"])}
    opened = case.open_case(found, "h1", source, target, "tcp")
    checks = diagnosis.plan_checks(opened, 1)
    results = host.module("probe", {"netns": opened.netns, "checks": checks}).data["results"] if checks else []
    told = diagnosis.diagnose(opened, results)
    return {**told, "lines": render.render_lines(told)}


def assert_fault(told: Diagnosis, step: str, words: str, remedy: str = "") -> None:
    assert told["first_broken"] == step, told["lines"]
    assert words in told["cause"], told["lines"]
    assert told["remedy"].startswith(remedy), told["lines"]


def test_container_is_found_by_every_reference(host: DockerHost) -> None:
    told = host.inspect("container", "web")
    pid, sandbox = told["State"]["Pid"], told["NetworkSettings"]["SandboxKey"]
    identity = told["Id"]
    # A process that is not among the first ones of its namespace.
    later = host.docker("exec", "-d", "web", "sleep", "86400") or host.docker("top", "web", "-eo", "pid").split()[-1]
    for source in (
        *("container:web", f"container:{identity}", f"container:{identity[:12]}", f"pid:{pid}", f"pid:{later}"),
        *(f"path:{sandbox}", f"docker:{sandbox.rpartition('/')[2]}", f"path:/proc/{pid}/ns/net", "h1/container:web"),
    ):
        for target in ("container:cache", "cache"):
            if target == "cache" and not source.rpartition("/")[2].startswith("container:"):
                # Only containers have Docker's DNS server.
                continue
            found = diagnose(host, source, target)
            assert (found["reached"], found["address"]) == (True, "10.61.0.3"), (source, found["lines"])


def test_paused_target_is_named_although_its_kernel_answers(host: DockerHost) -> None:
    host.docker("pause", "cache")
    try:
        told = diagnose(host, "container:web", "cache")
        assert told["reached"] is True
        assert_fault(told, "target container", "container cache is paused", "docker unpause cache")
    finally:
        host.docker("unpause", "cache")
    assert diagnose(host, "container:web", "cache")["first_broken"] is None


def test_stopped_target_is_named(host: DockerHost) -> None:
    host.container("batch", "--network=front")
    try:
        host.docker("stop", "-t", "0", "batch")
        for target in ("batch:80", "container:batch:80"):
            assert_fault(diagnose(host, "container:web", target), "target container", "batch is exited", "docker start")
    finally:
        host.docker("rm", "-f", "batch")


def test_containers_without_a_common_network_are_connected_by_the_remedy(host: DockerHost) -> None:
    told = diagnose(host, "container:web", "container:db")
    assert told["reached"] is False
    assert_fault(
        told, "firewall", "web (front) and db (back) have no common network", "docker network connect back web"
    )
    host.run("sh", "-c", told["remedy"])
    try:
        assert diagnose(host, "container:web", "db")["reached"] is True
    finally:
        host.docker("network", "disconnect", "back", "web")


def test_container_in_the_former_namespace_of_a_restarted_one(host: DockerHost) -> None:
    assert diagnose(host, "container:sidecar", "10.61.0.2")["reached"] is True
    host.docker("restart", "-t", "0", "cache")
    told = diagnose(host, "container:sidecar", "10.61.0.2")
    assert told["reached"] is False
    assert_fault(told, "process", "former namespace of container cache, which was restarted", "docker restart sidecar")
    host.run("sh", "-c", told["remedy"])
    assert diagnose(host, "container:sidecar", "10.61.0.2")["first_broken"] is None


def test_open_ports_are_named_instead_of_the_closed_one(host: DockerHost) -> None:
    host.docker("run", "-d", "--stop-timeout=0", "--name=api", "--network=front", IMAGE, "sh", "-c", _LISTEN)
    try:
        assert diagnose(host, "container:web", "http://api/health")["reached"] is True
        told = diagnose(host, "container:web", "https://user:secret@api/health")
        assert_fault(told, "service", "listening there: 80")
        assert "secret" not in str(told)
    finally:
        host.docker("rm", "-f", "api")


def test_dead_resolver_does_not_contradict_the_headline(host: DockerHost) -> None:
    pid = host.inspect("container", "web")["State"]["Pid"]
    inside = ("nsenter", "--net", f"--target={pid}", "iptables")
    host.run(*inside, "-I", "OUTPUT", "-d", "127.0.0.11", "-j", "DROP")
    try:
        told = diagnose(host, "container:web", "cache")
        assert_fault(told, "resolver", "no name server answers")
        assert told["lines"][1] == "the target is reachable by its address, but not by its name"
    finally:
        host.run(*inside, "-D", "OUTPUT", "-d", "127.0.0.11", "-j", "DROP")


def test_docker_dns_server_is_a_target(host: DockerHost) -> None:
    assert diagnose(host, "container:web", "127.0.0.11:53")["reached"] is True
    host.container("plain")
    try:
        told = diagnose(host, "container:plain", "127.0.0.11:53")
        assert_fault(told, "service", "only in the default network bridge", "docker network connect NETWORK plain")
    finally:
        host.docker("rm", "-f", "plain")


def test_unreachable_ipv6_address_of_a_name(host: DockerHost) -> None:
    pid = host.inspect("container", "db")["State"]["Pid"]
    inside = ("nsenter", "--net", f"--target={pid}", "ip6tables")
    assert diagnose(host, "container:app", "db")["first_broken"] is None
    host.run(*inside, "-I", "INPUT", "-p", "icmpv6", "--icmpv6-type", "echo-request", "-j", "DROP")
    try:
        told = diagnose(host, "container:app", "db")
        assert told["reached"] is True
        assert_fault(told, "other address", "most programs try first")
    finally:
        host.run(*inside, "-D", "INPUT", "-p", "icmpv6", "--icmpv6-type", "echo-request", "-j", "DROP")
