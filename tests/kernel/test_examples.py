# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Examples in the module documentation run unchanged with Ansible."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest

from .sandbox import Sandbox

PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
HEADER = "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n"

INVENTORY = """
overlay:
  hosts:
    localhost: {vtep: {dst: 192.0.2.1}}
    second: {vtep: {dst: 192.0.2.2}}
    third: {vtep: {dst: 192.0.2.3}}
"""


@pytest.mark.parametrize(
    ("module", "left"),
    [("bridge", {"port1", "far1"}), ("macvlan", set()), ("netns", set()), ("veth", set()), ("vxlan", set())],
)
def test_examples_run(box: Sandbox, tmp_path: Path, module: str, left: set[str]) -> None:
    found = importlib.import_module(f"ansible_collections.netfleet.docker.plugins.modules.{module}")
    playbook = tmp_path / "examples.yml"
    playbook.write_text(HEADER + "".join(f"    {line}\n" for line in found.EXAMPLES.splitlines()), encoding="utf-8")
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(INVENTORY, encoding="utf-8")
    box.sh("ip link add eth0 type veth peer name wire", "ip link set eth0 up")
    said = box.run(
        "env",
        f"HOME={tmp_path}",
        f"ANSIBLE_PYTHON_INTERPRETER={sys.executable}",
        f"PATH={os.environ['PATH']}",
        str(PLAYBOOK),
        "-i",
        str(inventory),
        str(playbook),
        check=False,
    )
    assert "failed=0" in said, said
    assert "changed=0" not in said, said
    # Each ends with the removal of its objects.
    there = {link["ifname"] for netns in ("host", "red", "blue") for link in box.ip("link", netns=netns)}
    assert there == {"lo", "eth0", "wire", *left}
    assert "router" not in box.run("ip", "netns")
