# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of the variables of all roles and hosts, in a playbook of Ansible that connects to no host."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PLAY = [{"hosts": "all", "gather_facts": False, "tasks": [{"netfleet.docker.role_variables": {}, "run_once": True}]}]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            {"topology_lniks": []},
            "h3: topology_lniks: the role topology has no such variable; did you mean topology_links",
        ),
        ({"engine_icc": "perhaps"}, "h3: role engine: argument 'engine_icc'"),
        (
            {"bridge_networks": "{{ [{'nmae': 'app'}] }}"},
            "h3: role bridge: missing required arguments: name",
        ),
        ({"topology_host_links": [{"name": "v", "mtu": 1}]}, "h3: topology_host_links[0].mtu: "),
        ({"topology_links": [{"name": "v0", "kind": "vxaln"}]}, "did you mean vxlan"),
        ({"bridge_networks": "{{ defined_by_a_later_task }}"}, ""),
        ({"bridge_networks": [{"name": "app"}], "topology_of_a_user": 1}, ""),
    ],
)
def test_variables_of_another_host_are_checked(tmp_path: Path, variables: dict[str, Any], words: str) -> None:
    hosts: dict[str, Any] = {"h1": {}, "h2": {"engine_mtu": "1400"}, "h3": variables}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    (tmp_path / "play.yml").write_text(json.dumps(PLAY), encoding="utf-8")
    playbook = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [playbook, "-i", "hosts.json", "play.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode != 0) == bool(words), done.stdout
    assert words in " ".join((done.stdout + done.stderr).split())
