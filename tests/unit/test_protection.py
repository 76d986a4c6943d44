# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SSH connection of a run, and the links of Docker Engine, from their sources."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.ssh import find_server_address
from ansible_collections.netfleet.docker.plugins.module_utils._docker.network_links import parse_engine_links

ID = "0123456789abcdef" * 4


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory like /proc: this process is a child of 30 (sudo), 20 (a shell) and 10 (sshd)."""
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    monkeypatch.setattr(os, "getppid", lambda: 30)
    environments = {
        30: b"LANG=C\0",
        20: b"LANG=C\0SSH_CONNECTION=192.0.2.1 5000 192.0.2.2 22\0",
        10: b"SSH_CONNECTION=192.0.2.1 5000 192.0.2.99 22\0",
    }
    for pid, parent in ((30, 20), (20, 10), (10, 1)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "environ").write_bytes(environments[pid])
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a ) (b) S {parent} 1 1")
    return tmp_path


def test_closest_parent_process_has_the_connection(processes: Path) -> None:
    assert find_server_address(str(processes)) == "192.0.2.2"


def test_no_parent_process_has_a_connection(processes: Path) -> None:
    (processes / "20" / "environ").write_bytes(b"")
    (processes / "10" / "environ").unlink()
    assert find_server_address(str(processes)) is None


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("192.0.2.1 5000 192.0.2.3 22", "192.0.2.3"),
        ("::ffff:192.0.2.1 5000 ::ffff:192.0.2.3 22", "192.0.2.3"),
        ("2001:db8::1 5000 2001:DB8:0::3 22", "2001:db8::3"),
        ("fe80::1%eth0 5000 fe80::3%eth0 22", "fe80::3"),
        ("UNKNOWN 65535 UNKNOWN 65535", None),
        ("192.0.2.1 5000", None),
    ],
)
def test_address_of_the_host_in_the_connection(
    processes: Path, monkeypatch: pytest.MonkeyPatch, value: str, address: str | None
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", value)
    assert find_server_address(str(processes)) == address


@pytest.mark.parametrize(
    ("network", "bridge"),
    [
        ({"Name": "shop", "Driver": "bridge", "Id": ID, "Options": None}, "br-0123456789ab"),
        ({"Name": "bridge", "Driver": "bridge", "Options": {"com.docker.network.bridge.name": "docker0"}}, "docker0"),
        ({"Name": "lan", "Driver": "macvlan", "Id": ID, "Options": {"parent": "eth0"}}, None),
    ],
)
def test_bridge_of_a_network(network: dict[str, Any], bridge: str | None) -> None:
    found = parse_engine_links([network], [])
    assert list(found.bridges) == ([bridge] if bridge else [])
    assert found.describe_bridge("br-fedcba987654") is None


def test_endpoints_of_containers_by_mac_address() -> None:
    endpoints = {"shop": {"MacAddress": "02:42:AC:00:00:02"}, "host": {"MacAddress": ""}, "lan": {}}
    found = parse_engine_links([], [{"Names": ["/web"], "NetworkSettings": {"Networks": endpoints}}])
    assert found.endpoints == {"02:42:ac:00:00:02": "container web in Docker network shop"}
