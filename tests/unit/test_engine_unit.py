# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The systemd unit of Docker Engine, as ``systemctl cat`` shows it."""

from __future__ import annotations

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._engine.systemd_unit import (
    parse_unit,
    remove_hosts,
    render_dropin,
)

DEBIAN = """\
# /lib/systemd/system/docker.service
[Unit]
Description=Docker Application Container Engine
After=network-online.target docker.socket firewalld.service containerd.service
Requires=docker.socket

[Service]
Type=notify
EnvironmentFile=-/etc/default/docker
# the default is not to use systemd for cgroups because the delegate issues still
# ExecStart=/commented/out
ExecStart=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS
ExecReload=/bin/kill -s HUP $MAINPID

[Install]
WantedBy=multi-user.target
"""
OURS = "/etc/systemd/system/docker.service.d/netfleet-hosts.conf"


def test_command_and_socket_of_the_debian_unit() -> None:
    command, has_socket = parse_unit(DEBIAN, "docker", OURS)
    assert command == "/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS"
    assert has_socket


def test_drop_in_replaces_the_command() -> None:
    path = "/etc/systemd/system/docker.service.d/override.conf"
    text = f"{DEBIAN}\n# {path}\n[Service]\nExecStart=\nExecStart=/opt/dockerd\n"
    assert parse_unit(text, "docker", OURS)[0] == "/opt/dockerd"


def test_drop_in_of_this_collection_is_ignored() -> None:
    """A new version of the package can change the command, and the drop-in must follow."""
    text = f"{DEBIAN}\n# {OURS}\n[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd --old\n"
    assert parse_unit(text, "docker", OURS)[0].endswith("$DOCKER_OPTS")


def test_command_of_several_lines() -> None:
    text = (
        "# /lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd \\\n  --host=fd:// \\\n  --debug\n"
    )
    command, has_socket = parse_unit(text, "docker", OURS)
    assert command == "/usr/bin/dockerd  --host=fd://  --debug"
    assert not has_socket
    assert render_dropin(command, "/etc/docker/daemon.json").endswith("ExecStart=/usr/bin/dockerd  --debug\n")


def test_unit_without_a_command() -> None:
    assert parse_unit("# /x/docker.service\n[Unit]\nExecStart=/not/here\n", "docker", OURS) == ("", False)


@pytest.mark.parametrize(
    ("flags", "left"),
    [
        ("-H fd:// --debug", "--debug"),
        ("--debug -H=fd://", "--debug"),
        ("-Hfd:// --debug", "--debug"),
        ("--host fd:// --debug --host=tcp://127.0.0.1:2375", "--debug"),
        ("--hosts-are-not-this --debug", "--hosts-are-not-this --debug"),
        ("--debug", "--debug"),
    ],
)
def test_sockets_are_removed_from_a_command(flags: str, left: str) -> None:
    assert remove_hosts(["dockerd", *flags.split()]) == ["dockerd", *left.split()]
    assert f"ExecStart=dockerd {left}\n" in render_dropin(f"dockerd {flags}", "/etc/docker/daemon.json")
