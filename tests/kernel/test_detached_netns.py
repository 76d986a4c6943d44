# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verification of a network of a rootless engine, whose bridges are in a namespace that its process is not in.

A process with the socket and the environment of such an engine takes its place.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.kernel_check import find_kernel_faults
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.model import ActualNetwork, Network, Pool

from . import forked
from .sandbox import Sandbox

SOCKET = "/run/engine.sock"
LISTEN = (
    "import socket; s = socket.socket(socket.AF_UNIX); s.bind('/run/engine.sock'); s.listen(); "
    "print(flush=True); input()"
)
BRIDGE = {"com.docker.network.bridge.name": "br-one"}
ACTUAL = ActualNetwork(
    Network("one", "bridge", options=BRIDGE, pools=(Pool("10.5.0.0/24", gateway="10.5.0.1"),)), "f" * 64
)


def faults(host: Sandbox) -> list[str]:
    def check() -> None:
        print(json.dumps(find_kernel_faults(SOCKET, ACTUAL, [])))  # noqa: T201

    out, err, _status = forked.run(host.pid, check, b"")
    found: list[str] = json.loads(out or err)
    return found


@contextmanager
def engine(host: Sandbox, **variables: str) -> Iterator[None]:
    """Run a process that listens on the socket of an engine in the namespace of the host."""
    command = [*host.entering(), sys.executable, "-c", LISTEN]
    environment = {**os.environ, **variables}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield
        finally:
            process.communicate(b"\n")
            host.sh(f"rm {SOCKET}")


@pytest.mark.libraries
def test_bridge_of_a_rootless_engine_is_in_its_detached_namespace() -> None:
    with Sandbox() as host:
        host.sh(
            "ip netns add detached",
            "ip -n detached link add br-one type bridge",
            "ip -n detached address add 10.5.0.1/24 dev br-one",
            "ip -n detached link set br-one up",
            "mkdir /run/state && touch /run/state/netns && mount --bind /run/netns/detached /run/state/netns",
        )
        with engine(host, ROOTLESSKIT_STATE_DIR="/run/state"):
            assert faults(host) == []
            host.sh("ip -n detached link delete br-one")
            assert faults(host) == ["no such bridge: br-one"]
            # A bridge of the host with this name is another one.
            host.sh("ip link add br-one type bridge", "ip address add 10.5.0.1/24 dev br-one", "ip link set br-one up")
            assert faults(host) == ["no such bridge: br-one"]
        # Without a state directory, the bridges are in the namespace of the process.
        with engine(host):
            assert faults(host) == []
