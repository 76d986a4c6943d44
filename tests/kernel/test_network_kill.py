# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recreation of a network killed at any moment: one more run completes it, and no member is lost.

NETFLEET_NETWORK_KILLS is the number of runs (6).
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from .docker_host import DockerHost
from .test_network import engine, five, host, remembered

__all__ = ["engine", "host"]

pytestmark = pytest.mark.long

_KILLS = int(os.environ.get("NETFLEET_NETWORK_KILLS", "6"))
# The usual duration of a run here, with a margin.
_SECONDS = 2.0


def mtus() -> Iterator[dict[str, Any]]:
    """Return options that differ from the previous ones each time."""
    # IPv6 requires at least 1280.
    number = 1300
    while True:
        yield {"com.docker.network.driver.mtu": number}
        number += 1


def test_killed_recreation_is_completed(host: DockerHost) -> None:
    wanted, options = five(host), mtus()
    before = remembered(host)
    assert len(before) == 5
    killed = amid = 0
    for _each in range(_KILLS):
        args = {**wanted, "driver_options": next(options)}
        if not host.killed(random.uniform(0, _SECONDS), args):
            continue
        killed += 1
        amid += host.run("ls", "/var/lib/netfleet.docker/networks", check=False).count(".json")
        # Check mode reports it and changes nothing.
        lost = host.all_networks()
        foretold = host.network(check=True, **args)
        assert host.all_networks() == lost
        done = host.network(**args)
        assert not done.failed, done.msg
        assert foretold.plan == done.plan
        assert remembered(host) == before
        assert not host.network(**args).changed
        assert host.run("ls", "/var/lib/netfleet.docker/networks", check=False) == ""
    assert killed > _KILLS // 4
    print(f"killed {killed} times, {amid} of them while members were disconnected or being reconnected")  # noqa: T201


@pytest.mark.parametrize("state", ["present", "absent", "other"])
def test_changed_options_after_a_killed_run(host: DockerHost, state: str) -> None:
    wanted, options = five(host), mtus()
    before = remembered(host)
    while not host.run("ls", "/var/lib/netfleet.docker/networks", check=False).count(".json"):
        host.killed(random.uniform(0, _SECONDS), {**wanted, "driver_options": next(options)})
    if state == "absent":
        host.network(name="one", state="absent")
        assert host.inspect("network", "one") is None
        assert host.run("ls", "/var/lib/netfleet.docker/networks") == ""
        # Former members of a removed network are not connected to a new network of its name.
        host.applied(**wanted)
        assert not host.endpoints("one")
        return
    more: dict[str, Any] = {} if state == "present" else {"labels": {"a": "b"}, "internal": True}
    host.applied(name="one", **more)
    assert remembered(host) == before


def test_removed_container_is_reported(host: DockerHost) -> None:
    wanted, options = five(host), mtus()
    while not host.run("ls", "/var/lib/netfleet.docker/networks", check=False).count(".json"):
        host.killed(random.uniform(0, _SECONDS), {**wanted, "driver_options": next(options)})
    host.docker("rm", "-f", "second")
    done = host.network(**wanted)
    assert not done.failed, done.msg
    assert set(host.endpoints("one")) == {"dynamic", "fixed", "marked", "off"}
    assert not host.network(**wanted).changed


def test_automatic_addresses_are_restored_after_a_killed_run(host: DockerHost) -> None:
    """In an automatic subnet the engine assigns no requested address, so the network is recreated with a subnet."""
    host.network(name="one")
    for name in ("first", "second", "third"):
        host.container(name, "--network=one")
    before, options = remembered(host), mtus()
    seen = 0
    for number in range(_KILLS * 3):
        if seen and number >= _KILLS:
            break
        more = {"driver_options": next(options)} if number % 2 else {"driver_options": {}}
        if host.killed(random.uniform(0.2, _SECONDS), {"name": "one", "force": True, **more}):
            seen += len(host.endpoints("one")) < 3
        # The desired options are those before, other ones, or the current ones.
        done = host.network(name="one", rebuild="never")
        assert not done.failed, done.msg
        assert remembered(host) == before
        assert not host.network(name="one").changed
        if number % 4 == 3:
            # A network with an automatic subnet again.
            host.docker("network", "disconnect", "-f", "one", "first")
            for name in ("first", "second", "third"):
                host.docker("rm", "-f", name)
            host.network(name="one", state="absent")
            host.network(name="one")
            for name in ("first", "second", "third"):
                host.container(name, "--network=one")
            before = remembered(host)
    assert seen
