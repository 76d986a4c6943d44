# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process of an engine: its command line and the default options of its networks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._docker.daemon import (
    Daemon,
    find_detached_netns,
    parse_network_defaults,
    read_network_defaults,
)


@pytest.mark.parametrize(
    ("settings", "argv", "found"),
    [
        ({}, [], {}),
        ([], ["dockerd", "--debug"], {}),
        ({"default-network-opts": {"bridge": {"a": "1", "b": "2"}}}, [], {"bridge": {"a", "b"}}),
        ({}, ["dockerd", "--default-network-opt", "macvlan=a=b=c"], {"macvlan": {"a"}}),
        (
            {},
            ["dockerd", "--default-network-opt=bridge=a=1", "--debug", "--default-network-opt=bridge=b=2"],
            {"bridge": {"a", "b"}},
        ),
        ({"default-network-opts": ["bridge"]}, [], {}),
        ({"default-network-opts": {"bridge": "mtu"}}, [], {"bridge": set()}),
        ({}, ["dockerd", "--default-network-opt"], {"": {""}}),
    ],
)
def test_default_options_of_file_and_command_line(settings: Any, argv: list[str], found: dict[str, set[str]]) -> None:
    assert parse_network_defaults(settings, argv) == found


def test_settings_are_read_from_the_file_of_the_command_line(tmp_path: Path) -> None:
    text = json.dumps({"default-network-opts": {"bridge": {"a": "1"}}})
    (tmp_path / "other.json").write_text(text, encoding="utf-8")
    command = ("dockerd", "--config-file=/other.json")
    assert read_network_defaults(Daemon(1, str(tmp_path), command)) == {"bridge": frozenset("a")}
    assert read_network_defaults(Daemon(1, str(tmp_path), ("dockerd",))) == {}
    (tmp_path / "other.json").write_text("not JSON", encoding="utf-8")
    assert read_network_defaults(Daemon(1, str(tmp_path), command)) == {}


@pytest.mark.parametrize("exists", [True, False])
def test_namespace_of_rootlesskit_is_that_of_its_state_directory(tmp_path: Path, exists: bool) -> None:
    if exists:
        (tmp_path / "netns").touch()
    command = [sys.executable, "-c", "print(flush=True); input()"]
    environment = {**os.environ, "ROOTLESSKIT_STATE_DIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        found = find_detached_netns(process.pid)
        process.communicate(b"\n")
    assert found == (f"/proc/{process.pid}/root{tmp_path}/netns" if exists else None)


def test_process_that_ended_has_no_detached_namespace() -> None:
    with subprocess.Popen(["true"]) as process:
        pass
    assert find_detached_netns(process.pid) is None
