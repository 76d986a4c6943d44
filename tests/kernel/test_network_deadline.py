# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Engines that hang, drip or talk nonsense: a run of the module network ends in time, and nobody is lost by it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.netfleet.docker.tests.unit.fake_engine import Answer, FakeEngine, http

from .docker_host import DockerHost
from .sandbox import Sandbox
from .test_network import engine, five, host, remembered

__all__ = ["engine", "host"]

VERSION = http(json.dumps({"ApiVersion": "1.41", "Version": "20.10", "MinAPIVersion": "1.12"}).encode())
# On a machine that is busy with other things, to say that it is over takes a while as well.
_MORE = 4.0


def dripping(body: bytes) -> Iterator[bytes | float]:
    """Send a byte now and then, each in time for a timeout that is for each read."""
    for byte in body:
        yield bytes([byte])
        yield 0.25


def dripping_from_the_start(_target: str) -> Answer:
    return dripping(VERSION)


def dripping_networks(target: str) -> Answer:
    return [VERSION] if target.endswith("/version") else dripping(http(b"[" + b" " * 999 + b"]"))


def silent(target: str) -> Answer:
    return [VERSION] if target.endswith("/version") else [60.0]


@pytest.mark.parametrize("answer", [dripping_from_the_start, dripping_networks, silent])
@pytest.mark.parametrize("check", [True, False])
def test_the_deadline_is_for_all_that_is_said(tmp_path: Path, answer: object, check: bool) -> None:
    with Sandbox() as box, FakeEngine(tmp_path / "s", answer) as fake:  # type: ignore[arg-type]
        args = {"name": "one", "docker_host": f"unix://{fake.path}", "timeout": 30, "deadline": 2}
        begin = time.monotonic()
        failed = box.module("network", args, check=check)
        assert failed.failed
        assert time.monotonic() - begin < 2 + _MORE
        assert (
            failed.msg
            == f"the Docker Engine at unix://{fake.path}: it did not come to an end within 2 seconds (deadline)"
        )


@pytest.mark.parametrize(
    "nonsense", [b"", b"no HTTP\r\n\r\n", http(b"{"), http(b"[1]"), http(b'{"message": 3}', "500 No")]
)
def test_nonsense_is_one_line(tmp_path: Path, nonsense: bytes) -> None:
    for answer in (
        (lambda _target: [nonsense]),
        (lambda target: [VERSION if target.endswith("/version") else nonsense]),
    ):
        with Sandbox() as box, FakeEngine(tmp_path / "s", answer) as fake:
            args = {"name": "one", "docker_host": f"unix://{fake.path}", "timeout": 1, "deadline": 5}
            failed = box.module("network", args)
            assert failed.failed
            assert fake.path in failed.msg
        (tmp_path / "s").unlink()


def test_an_engine_that_has_stopped(host: DockerHost) -> None:
    host.sh("kill -STOP $(cat /run/docker.pid)")
    try:
        begin = time.monotonic()
        failed = host.network(name="one", deadline=2)
        assert time.monotonic() - begin < 2 + _MORE
    finally:
        host.sh("kill -CONT $(cat /run/docker.pid)")
    assert "(deadline)" in failed.msg
    assert host.inspect("network", "one") is None


@pytest.mark.parametrize("moment", [0.5, 0.9, 1.4])
def test_an_engine_that_stops_while_members_are_away(host: DockerHost, moment: float) -> None:
    wanted = five(host)
    before = remembered(host)
    host.sh(
        f"(sleep {moment}; kill -STOP $(cat /run/docker.pid); sleep 8; kill -CONT $(cat /run/docker.pid)) >&- 2>&- &"
    )
    begin = time.monotonic()
    args = {**wanted, "driver_options": {"com.docker.network.driver.mtu": 1400}}
    failed = host.network(**args, deadline=3)
    assert time.monotonic() - begin < 3 + _MORE
    time.sleep(max(0.0, begin + moment + 9 - time.monotonic()))
    assert failed.failed
    assert "(deadline)" in failed.msg
    done = host.network(**args)
    assert not done.failed, done.msg
    assert remembered(host) == before
    assert not host.network(**args).changed
