# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of the engine on real sockets: any fault ends in one typed error before the deadline."""

from __future__ import annotations

import itertools
import json
import os
import socket
import time
from pathlib import Path

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import (
    EngineApiError,
    EngineError,
    NoSuchNetns,
    NotFound,
)
from ansible_collections.netfleet.docker.plugins.module_utils._docker import local_api
from ansible_collections.netfleet.docker.plugins.module_utils._docker.local_api import LocalEngineClient
from ansible_collections.netfleet.docker.tests.unit.fake_engine import CLOSE, Answer, FakeEngine, http, routes

_LONG = 60.0
_SHORT = 0.6
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def endless(start: bytes, block: bytes) -> Answer:
    """Return a response that does not end."""
    return itertools.chain([start], itertools.repeat(block))


SLOW: dict[str, Answer] = {
    "no response": [_LONG],
    "no body after the headers": [_HEAD + b"Content-Length: 10\r\n\r\n", _LONG],
    "headers in single bytes": itertools.chain(*((bytes([byte]), 0.25) for byte in _HEAD)),
    "body in single bytes": itertools.chain(
        [_HEAD + b"Content-Length: 1000\r\n\r\n"], *((b" ", 0.25) for _number in range(200))
    ),
    "endless 100 Continue": itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n", 1_000_000),
}
BAD: dict[str, tuple[Answer, str]] = {
    "garbage": ([b"\x00\xff\xfe no HTTP at all\n" * 10], "is not HTTP"),
    "another protocol": ([b"SSH-2.0-OpenSSH_9.2\r\n"], "is not HTTP"),
    "closed without a response": ([CLOSE], "is not HTTP"),
    "closed in the headers": ([b"HTTP/1.1 200 OK\r\n" + CLOSE], "is not (HTTP|JSON)"),
    "closed in the body": ([_HEAD + CLOSE + b"Content-Length: 100\r\n\r\n{"], "not (HTTP|JSON)"),
    "truncated JSON": ([http(b'{"half": ')], "is not JSON"),
    "not JSON": ([http(b"<html>")], "is not JSON"),
    "not UTF-8": ([http(b"\xff\xfe")], "is not JSON"),
    "empty body": ([http(b"")], "is not JSON"),
    "deeply nested JSON": ([http(b"[" * 100000)], "is not JSON"),
    "a number too long": ([http(b"1" * 5000 + b"x")], "is not JSON"),
    "invalid length": ([_HEAD + b"Content-Length: many\r\n" + CLOSE + b"\r\n{}x"], "not (HTTP|JSON)"),
    "endless headers": (endless(_HEAD, b"X: y\r\n"), "is not HTTP"),
    "endless status line": (endless(b"HTTP/1.1 200 ", b"x" * 4096), "is not HTTP"),
    "too large": (endless(_HEAD + b"Content-Length: 1099511627776\r\n\r\n", b" " * 65536), "exceeds 64 MiB"),
    "too large, without a length": (endless(_HEAD + b"\r\n", b" " * 65536), "exceeds 64 MiB"),
    "an error": ([http(b'{"message": "no  such\\ncommand"}', "500 Internal Server Error")], ": no such command$"),
    "an error that is not JSON": ([http(b"<html>", "502 Bad Gateway")], "status 502"),
    "an error in another format": ([http(b'["x"]', "503 Service Unavailable")], "status 503"),
}


def by(seconds: float) -> float:
    """Return a deadline."""
    return time.monotonic() + seconds


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a path for a socket."""
    return tmp_path / "docker.sock"


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
def test_deadline_covers_the_whole_response(place: Path, answer: Answer) -> None:
    """A timeout of each read would never be reached here."""
    with FakeEngine(place, lambda _target: answer) as fake:
        engine = LocalEngineClient(fake.path, by(_SHORT))
        with pytest.raises(EngineError, match=f"the Docker Engine at {fake.path}: timed out"):
            engine.get("/info")
        with pytest.raises(EngineError, match="timed out"):
            engine.get("/version")


def test_deadline_covers_all_responses(place: Path) -> None:
    """Each response is fast, but there are too many."""
    with FakeEngine(place, lambda _target: [0.2, http(b"{}")]) as fake:
        engine = LocalEngineClient(fake.path, by(_SHORT))
        assert engine.get("/info") == {}
        with pytest.raises(EngineError, match="timed out"):
            all(engine.get("/info") == {} for _number in range(100))


@pytest.mark.parametrize("answer, words", BAD.values(), ids=BAD)
def test_invalid_response_is_rejected(place: Path, answer: Answer, words: str) -> None:
    with FakeEngine(place, lambda _target: answer) as fake:
        engine = LocalEngineClient(fake.path, by(_LONG))
        with pytest.raises(EngineError, match=words) as caught:
            engine.get("/info")
        assert "\n" not in str(caught.value)
        assert isinstance(caught.value, EngineApiError) == ("status" in words or "command" in words)


def test_missing_socket_is_reported(place: Path) -> None:
    with pytest.raises(EngineError, match="no such socket"):
        LocalEngineClient(str(place), by(_LONG)).get("/info")
    place.write_bytes(b"")
    with pytest.raises(EngineError, match="Connection refused"):
        LocalEngineClient(str(place), by(_LONG)).get("/info")
    for path in (str(place) * 100, "a\0b"):
        with pytest.raises(EngineError):
            LocalEngineClient(path, by(_LONG)).get("/info")


def test_unresponsive_engine_is_reported(place: Path) -> None:
    """The engine is stopped, and the kernel accepts connections until the queue is full."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen(0)
        for _number in range(3):
            with pytest.raises(EngineError):
                LocalEngineClient(str(place), by(_SHORT)).get("/info")
        waiting = [socket.socket(socket.AF_UNIX) for _number in range(3)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(str(place))
            with pytest.raises(EngineError):
                LocalEngineClient(str(place), by(_SHORT)).get("/info")
        finally:
            for one in waiting:
                one.close()


def test_responses_are_parsed(place: Path) -> None:
    answers = {"/a?all=1": {"b": [1, "\u00e9"]}, "/c": b"HTTP/1.0 200 OK\r\n" + CLOSE + b'\r\n{"a": 12}'}
    with FakeEngine(place, routes(answers)) as fake:
        engine = LocalEngineClient(fake.path, by(_LONG))
        assert engine.get("/a?all=1") == {"b": [1, "\u00e9"]}
        assert engine.get("/c") == {"a": 12}
        with pytest.raises(NotFound, match="page not found"):
            engine.get("/d")
        assert engine.get("/c") == {"a": 12}
        assert fake.requests == ["/a?all=1", "/c", "/d", "/c"]


def test_parallel_requests_keep_their_order(place: Path) -> None:
    answers: dict[str, object] = {f"/{number}": {"number": number, "long": "x" * 5000} for number in range(100)}
    answers["/50"] = b"garbage\n" + CLOSE
    del answers["/51"]
    with FakeEngine(place, routes(answers)) as fake:
        found = LocalEngineClient(fake.path, by(_LONG)).get_all([f"/{number}" for number in range(100)])
    assert isinstance(found[50], EngineError) and not isinstance(found[50], EngineApiError)
    assert isinstance(found[51], NotFound)
    assert [one["number"] for one in found[:50] + found[52:]] == [*range(50), *range(52, 100)]
    assert LocalEngineClient(str(place), by(_LONG)).get_all([]) == []


def test_unanswered_request_does_not_affect_others(place: Path) -> None:
    def answer(target: str) -> Answer:
        return [_LONG] if target == "/0" else [http(b"{}")]

    with FakeEngine(place, answer) as fake:
        found = LocalEngineClient(fake.path, by(_SHORT)).get_all([f"/{number}" for number in range(40)])
    assert isinstance(found[0], EngineError) and "timed out" in str(found[0])
    assert found[1:] == [{}] * 39


def test_process_behind_the_socket_is_verified(place: Path) -> None:
    with FakeEngine(place, routes({})) as fake:
        assert LocalEngineClient(fake.path, by(_LONG)).get_listener_pid() == os.getpid()
    assert LocalEngineClient(str(place) + "-absent", by(_LONG)).get_listener_pid() is None


def test_remote_engine_address_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    assert local_api.find_local_socket() == "/var/run/docker.sock"
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/user/1000/docker.sock")
    assert local_api.find_local_socket() == "/run/user/1000/docker.sock"


ID = "c1" * 32
WEB = {"Id": ID, "Name": "/web", "State": {"Pid": 42, "Status": "running"}, "HostConfig": {"NetworkMode": "bridge"}}


@pytest.mark.parametrize("reference", ["web", ID, ID[:12]])
def test_container_is_inspected(place: Path, monkeypatch: pytest.MonkeyPatch, reference: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{place}")
    with FakeEngine(place, routes({f"/containers/{reference}/json": WEB})):
        assert local_api.inspect_container(reference) == local_api.ContainerState("web", 42, "running", "bridge")


@pytest.mark.parametrize(
    "reference, words", [("we", "no such container"), (ID[:11], "12 digits"), ("we b/?#", "no such")]
)
def test_container_id_prefix_is_rejected(
    place: Path, monkeypatch: pytest.MonkeyPatch, reference: str, words: str
) -> None:
    """The engine accepts a prefix of an ID, also where the text is meant as a name."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{place}")
    answers = {f"/containers/{ID[:11]}/json": WEB}
    with FakeEngine(place, routes(answers)), pytest.raises(NoSuchNetns, match=words):
        local_api.inspect_container(reference)


@pytest.mark.parametrize("said", [None, [], {}, {**WEB, "State": None}, {**WEB, "State": {"Pid": "x"}}], ids=json.dumps)
def test_unexpected_container_data_is_reported(place: Path, monkeypatch: pytest.MonkeyPatch, said: object) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{place}")
    with (
        FakeEngine(place, routes({"/containers/web/json": said})),
        pytest.raises(EngineError, match="invalid response for container"),
    ):
        local_api.inspect_container("web")
