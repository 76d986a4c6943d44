# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network modes of containers on a real engine."""

from __future__ import annotations

from .docker_host import DockerHost
from .sandbox import Sandbox


def test_containers_are_compared_with_their_expected_modes() -> None:
    with DockerHost() as host:
        host.container("exporter", "--network=host")
        host.container("batch", "--network=none")
        host.container("web", "--network=bridge")
        host.container("stopped", "--network=none", start=False)
        expected = {"host": ["exporter"], "none": ["batch", "stopped"]}
        result = host.module("network_mode", expected)
        assert not result.changed
        assert result.data["faults"] == []
        swapped = host.module("network_mode", {"host": ["batch"], "none": ["exporter", "web", "absent"]})
        assert swapped.failed
        assert swapped.data["faults"] == [
            "batch has the network mode none, not host; recreate it with network_mode: host",
            "exporter has the network mode host, not none; recreate it with network_mode: none",
            "web has the network mode bridge, not none; recreate it with network_mode: none",
            "no such container: absent",
        ]


def test_unreachable_engine_is_reported(box: Sandbox) -> None:
    result = box.module("network_mode", {"host": ["exporter"]})
    assert result.failed
    assert result.msg.startswith("the containers of this host cannot be read: ")
