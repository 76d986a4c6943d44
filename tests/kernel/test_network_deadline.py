# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Engines that hang, respond slowly or send invalid data: the module network ends in time and loses no member."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.netfleet.docker.tests.unit.fake_engine import Answer, FakeEngine, http

from .docker_host import DOCKER, DockerHost
from .sandbox import Sandbox
from .test_network import engine, five, host, remembered

__all__ = ["engine", "host"]

VERSION = http(json.dumps({"ApiVersion": "1.41", "Version": "20.10", "MinAPIVersion": "1.12"}).encode())
# On a busy machine, reporting the timeout also takes time.
_MORE = 4.0


def dripping(body: bytes) -> Iterator[bytes | float]:
    """Send single bytes, each before the timeout of a single read."""
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
def test_timeout_covers_the_whole_response(tmp_path: Path, answer: object, check: bool) -> None:
    with Sandbox() as box, FakeEngine(tmp_path / "s", answer) as fake:  # type: ignore[arg-type]
        args = {"name": "one", "docker_host": f"unix://{fake.path}", "timeout": 30, "deadline": 2}
        begin = time.monotonic()
        failed = box.module("network", args, check=check)
        assert failed.failed
        assert time.monotonic() - begin < 2 + _MORE
        assert failed.msg == f"the Docker Engine at unix://{fake.path}: timed out after 2 s"


@pytest.mark.parametrize(
    "nonsense", [b"", b"no HTTP\r\n\r\n", http(b"{"), http(b"[1]"), http(b'{"message": 3}', "500 No")]
)
def test_invalid_response_is_reported_in_one_line(tmp_path: Path, nonsense: bytes) -> None:
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


def test_stopped_engine_is_reported(host: DockerHost) -> None:
    host.sh("kill -STOP $(cat /run/docker.pid)")
    try:
        begin = time.monotonic()
        failed = host.network(name="one", deadline=2)
        assert time.monotonic() - begin < 2 + _MORE
    finally:
        host.sh("kill -CONT $(cat /run/docker.pid)")
    assert "timed out after 2 s" in failed.msg
    assert host.inspect("network", "one") is None


@contextmanager
def stopping_after(host: DockerHost, action: str, count: int) -> Iterator[list[str]]:
    """Stop the engine after a number of connect and disconnect events, and continue it at the end.

    Yields the list of the events; the last is the one after which the engine was stopped.
    """
    said: list[str] = []
    argv = (DOCKER, "events", "--filter=type=network", f"--filter=event={action}", "--format={{.Action}}")
    with subprocess.Popen([*host.entering(), *argv], stdout=subprocess.PIPE, text=True) as events:

        def listen() -> None:
            assert events.stdout
            for line in events.stdout:
                said.append(line.strip())
                if len(said) == count:
                    host.sh("kill -STOP $(cat /run/docker.pid)")
                    return

        listener = threading.Thread(target=listen)
        listener.start()
        # The engine reports only events after the listener has connected.
        time.sleep(0.5)
        try:
            yield said
        finally:
            # Continued last: a late event would otherwise stop the engine again.
            events.kill()
            listener.join()
            host.sh("kill -CONT $(cat /run/docker.pid)")


@pytest.mark.parametrize(("action", "count"), [("disconnect", 4), ("connect", 1)])
def test_engine_that_stops_during_a_recreation(host: DockerHost, action: str, count: int) -> None:
    wanted = five(host)
    before = remembered(host)
    args = {**wanted, "driver_options": {"com.docker.network.driver.mtu": 1400}}
    with stopping_after(host, action, count) as said:
        begin = time.monotonic()
        # Enough time to reach that moment on a busy machine.
        failed = host.network(**args, deadline=8)
        assert time.monotonic() - begin < 8 + _MORE
    assert said == [action] * count, "the engine was not stopped at the intended event"
    assert failed.failed
    assert "timed out after 8 s" in failed.msg
    done = host.network(**args)
    assert not done.failed, done.msg
    assert remembered(host) == before
    assert not host.network(**args).changed
