# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Helpers for tests of the audit rules on a host with Docker Engine."""

from __future__ import annotations

from ansible_collections.netfleet.docker.tests.auditing import Document

from .docker_host import DockerHost


def look(host: DockerHost) -> Document:
    """Return a complete snapshot of the host."""
    result = host.module("netns_info", {})
    assert not result.failed, result.msg
    # The kernel keeps the ID of a removed namespace for a while.
    unread = [one for one in result.data["missing"] if one["what"] != "gone" and not one["netns"].startswith("nsid:")]
    assert unread == [], unread
    return result.data


def uplink(host: DockerHost) -> None:
    """Create an uplink with an address and a default route."""
    host.sh(
        "ip link add eth0 type veth peer name wire",
        "ip link set eth0 up",
        "ip link set wire up",
        "ip address add 192.0.2.1/24 dev eth0",
        "ip route add default via 192.0.2.254",
    )


def network(host: DockerHost, name: str, subnet: str, *more: str) -> None:
    """Create a bridge network with a named bridge."""
    bridge = ("--opt", f"com.docker.network.bridge.name=br-{name}")
    host.docker("network", "create", *bridge, "--subnet", subnet, *more, name)


def inside(host: DockerHost, container: str, *lines: str) -> None:
    """Run shell code in the network namespace of a container."""
    key = host.inspect("container", container)["NetworkSettings"]["SandboxKey"]
    host.sh(*lines, netns=f"path:{key}")
