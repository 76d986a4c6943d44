# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of Docker Engine, checked with dockerd: its parser and a running engine."""

from __future__ import annotations

import dataclasses
import json
import shutil
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._engine import observe
from ansible_collections.netfleet.docker.plugins.module_utils._engine.daemon_json import render_settings
from ansible_collections.netfleet.docker.plugins.module_utils._engine.model import EngineState
from ansible_collections.netfleet.docker.plugins.module_utils._engine.validate import find_rejection
from ansible_collections.netfleet.docker.plugins.module_utils._engine.verification import find_differences

from . import forked
from .docker_host import DockerHost

DOCKERD = shutil.which("dockerd") or "dockerd"
SETTINGS: dict[str, Any] = {
    "default-address-pools": [{"base": "10.200.0.0/16", "size": 24}],
    # The default bridge can be part of a pool.
    "bip": "10.200.7.1/24",
    "icc": False,
    "ip": "127.0.0.1",
    "ip-masq": False,
    "live-restore": True,
    "mtu": 1400,
}
OTHERS: dict[str, Any] = {
    "default-address-pools": [{"base": "10.201.0.0/16", "size": 24}],
    "bip": "172.30.8.1/24",
    "icc": True,
    "ip": "127.0.0.2",
    "ip-masq": True,
    "ipv6": True,
    "live-restore": False,
    "mtu": 1500,
}


@pytest.mark.parametrize("settings", [{}, SETTINGS, {"log-opts": {"max-size": "11m"}, "dns": ["192.0.2.1"]}])
def test_dockerd_accepts_the_settings(settings: dict[str, Any]) -> None:
    assert find_rejection(render_settings(settings), [DOCKERD]) == ""


@pytest.mark.parametrize(
    ("settings", "options", "words"),
    [
        ({"netfleet-nonsense": 1}, [], "netfleet-nonsense"),
        ({"mtu": "large"}, [], "mtu"),
        ({"icc": True}, ["--icc=true"], "icc"),
        ({"hosts": ["unix:///var/run/docker.sock"]}, ["-H", "fd://"], "hosts"),
    ],
)
def test_settings_that_dockerd_rejects_are_reported(settings: dict[str, Any], options: list[str], words: str) -> None:
    assert words in find_rejection(render_settings(settings), [DOCKERD, *options])


def test_missing_dockerd_is_reported() -> None:
    assert find_rejection("{}", ["/nonexistent/dockerd"]) == "no such program: /nonexistent/dockerd"


def test_differences_from_a_running_engine() -> None:
    """An engine started with these settings has no differences, and one difference from each changed setting."""

    def read() -> None:
        print(json.dumps(dataclasses.asdict(observe.read_engine())))  # noqa: T201

    flags = ["--icc=false", "--ip=127.0.0.1", "--ip-masq=false", "--live-restore", "--mtu=1400", "--bip=10.200.7.1/24"]
    with DockerHost(*flags, "--default-address-pool=base=10.200.0.0/16,size=24") as host:
        host.container("runs")
        out, err, _status = forked.run(host.pid, read, b"")
        engine = EngineState(**json.loads(out or err))
    assert list(engine.running) == ["runs"]
    assert engine.swarm == "inactive"
    assert find_differences(SETTINGS, engine, with_bridge=True) == []
    found = find_differences(OTHERS, engine, with_bridge=True)
    assert {line.split()[0] for line in found} == set(OTHERS)
