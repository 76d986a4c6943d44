# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that fail for twenty reasons: every member starts again, and is where it was.

NETFLEET_FAILURES is the number of failed runs (6).
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .docker_host import DockerHost

pytestmark = pytest.mark.long

_RUNS = int(os.environ.get("NETFLEET_FAILURES", "6"))
_POOL = {"subnet": "10.41.0.0/24", "gateway": "10.41.0.1"}
_BRIDGE = "com.docker.network.bridge.name"
_MTU = "com.docker.network.driver.mtu"
_CONTAINERS = ("auto", "fixed", "off", "alone")
Failure = Callable[[random.Random], dict[str, Any]]


def members(*listed: dict[str, Any] | str) -> dict[str, Any]:
    """Return parameters that connect further containers."""
    return {"connected": list(listed), "appends": True}


def recreate(**more: Any) -> dict[str, Any]:
    """Return parameters that require a recreation of the network."""
    return {"labels": {"run": str(random.random())}, "ipam_config": [_POOL], **more}


def member(name: str, address: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "ipv4_address": address, **more}


# Parameters of the module by the reason of the failure. The network exists with the members auto, fixed and off.
FAILURES: dict[str, Failure] = {
    "address of a member": lambda _draw: members(member("alone", "10.41.0.50")),
    "address of a member in a recreation": lambda _draw: recreate(**members(member("alone", "10.41.0.50"))),
    "duplicate address": lambda _draw: members(member("alone", "10.41.0.70"), member("auto", "10.41.0.70")),
    "gateway": lambda _draw: members(member("alone", "10.41.0.1")),
    "address outside the subnet": lambda draw: members(member("alone", f"10.99.0.{draw.randint(2, 250)}")),
    "IPv6 without IPv6": lambda _draw: members({"name": "alone", "ipv6_address": "fd00::5"}),
    "container that does not exist": lambda _draw: recreate(**members("alone", "nobody")),
    "container in the host namespace": lambda _draw: members("alone", "inhost"),
    "recreation and a container in the host namespace": lambda _draw: recreate(**members("alone", "inhost")),
    "container that shares a namespace": lambda _draw: members("alone", "joined"),
    "recreation and a container that shares a namespace": lambda _draw: recreate(**members("alone", "joined")),
    "container without network": lambda _draw: recreate(**members("alone", "isolated")),
    "name of a bridge in use": lambda _draw: recreate(driver_options={_BRIDGE: "br-other"}),
    "name of a link that is no bridge": lambda _draw: recreate(driver_options={_BRIDGE: "eth9"}),
    "invalid MTU": lambda draw: recreate(driver_options={_MTU: draw.choice(["many", "-1"])}),
    "subnet of another network": lambda _draw: recreate(ipam_config=[_POOL, {"subnet": "10.44.0.0/25"}]),
    "driver that the engine lacks": lambda _draw: recreate(driver="nowhere", driver_options={}),
    "parent that does not exist": lambda draw: recreate(
        driver="macvlan", driver_options={"parent": f"eth{draw.randint(70, 79)}.4095"}
    ),
    "missing configuration": lambda _draw: {"labels": {"a": str(random.random())}, "config_from": "nothing"},
    "stopped engine": lambda draw: recreate(stop=draw.uniform(0.1, 1.2), deadline=3),
}


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerHost]:
    """Return a host with an engine and the containers of the tests."""
    with DockerHost() as found:
        found.docker("network", "create", "--subnet=10.44.0.0/24", "--opt", f"{_BRIDGE}=br-other", "other")
        found.sh("ip link add eth9 type veth peer name eth8")
        found.docker("network", "create", "--subnet=10.41.0.0/24", "--gateway=10.41.0.1", "shop")
        found.container("auto", "--network=shop", "--network-alias=first")
        found.container("fixed", "--network=shop", "--ip=10.41.0.50", "--network-alias=anchor")
        found.container("off", "--network=shop", "--ip=10.41.0.60")
        found.docker("stop", "-t", "0", "off")
        found.container("alone")
        found.container("inhost", "--network=host")
        found.container("joined", "--network=container:alone")
        found.container("isolated", "--network=none")
        yield found


def read_members(host: DockerHost) -> dict[str, Any]:
    """Return the address and the aliases of each member; of a stopped one, its configuration."""
    found = {}
    for name, end in host.endpoints("shop").items():
        identity = host.inspect("container", name)["Id"][:12]
        given = (end["IPAMConfig"] or {}).get("IPv4Address")
        found[name] = (end["IPAddress"] or given, sorted(set(end["Aliases"] or ()) - {identity}))
    return found


def run_with_stopped_engine(host: DockerHost, after: float, args: dict[str, Any]) -> bool:
    """Stop the engine during a run, and return whether the run failed; the next run completes it."""
    timer = threading.Timer(after, lambda: host.sh("kill -STOP $(cat /run/docker.pid)"))
    timer.start()
    try:
        failed = host.network(**args).failed
    finally:
        timer.join()
        host.sh("kill -CONT $(cat /run/docker.pid)")
    if failed:
        former = {key: value for key, value in args.items() if key in ("name", "ipam_config")}
        again = host.network(**former)
        assert not again.failed, again.msg
    return failed


def test_members_survive_failed_runs(engine: DockerHost) -> None:
    draw = random.Random(7 if "NETFLEET_FAILURES" not in os.environ else None)
    before = read_members(engine)
    assert set(before) == {"auto", "fixed", "off"}
    failures = 0
    for number in range(_RUNS):
        # Each reason once before the next round.
        if number % len(FAILURES) == 0:
            reasons = draw.sample([*FAILURES], len(FAILURES))
        reason = reasons[number % len(FAILURES)]
        args = {"name": "shop", **FAILURES[reason](draw)}
        after = args.pop("stop", None)
        if after is not None:
            failures += run_with_stopped_engine(engine, after, args)
        else:
            failed = engine.network(**args)
            assert failed.failed, f"{reason}: {failed.data['operations']}"
            failures += 1
        assert read_members(engine) == before, reason
        for name in _CONTAINERS:
            engine.docker("restart", "--time=0", name)
        assert read_members(engine) == before, reason
        engine.docker("stop", "--time=0", "off")
        assert "shop" not in engine.inspect("container", "alone")["NetworkSettings"]["Networks"]
    # Only the engine can be stopped too late.
    assert failures >= _RUNS - _RUNS // len(FAILURES) - 1
