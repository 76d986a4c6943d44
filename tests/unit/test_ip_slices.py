# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter in Ansible: documentation, unchanged examples and errors."""

from __future__ import annotations

import ipaddress
import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.netfleet.docker.plugins.filter import ip_slices
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices import allocator

PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
GUIDE = Path(__file__).parents[2] / "docs/guides/macvlan.md"
HEADER = "- hosts: docker\n  gather_facts: false\n  tasks:\n"
# Parameters for Docker become facts, which are read below; Docker Engine is not required.
DOCKER = "netfleet.docker.network:"
TOLD = """
- ansible.builtin.debug:
    msg: "told {{ dict(groups.docker | zip(groups.docker | map('extract', hostvars, 'ipam_config'))) | to_json }}"
  run_once: true
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an inventory directory with the contents of the examples, before the first run."""
    said = re.findall(r"^#   (.*)$", ip_slices.EXAMPLES, re.MULTILINE)
    (tmp_path / "group_vars/docker").mkdir(parents=True)
    wire = {"wire_subnet": "192.0.2.0/24", "wire_gateway": "192.0.2.1"}
    (tmp_path / "group_vars/docker/wire.yml").write_text(f"{said[0]}\n{yaml.safe_dump(wire)}", encoding="utf-8")
    (tmp_path / "group_vars/docker/wire_slices.yml").write_text(f"{said[1]}\n", encoding="utf-8")
    examples = yaml.safe_load(ip_slices.EXAMPLES)
    tell = yaml.safe_load(TOLD)
    plays = {"plain": [*examples[:2], *tell], "ipam": [examples[0], examples[2], *tell], "others": examples[3:]}
    for name, tasks in plays.items():
        text = yaml.safe_dump(tasks, sort_keys=False, width=1000).replace(DOCKER, "ansible.builtin.set_fact:")
        text = HEADER + "".join(f"    {line}\n" for line in text.splitlines())
        (tmp_path / f"{name}.yml").write_text(text, encoding="utf-8")
    return tmp_path


def run(folder: Path, playbook: str, hosts: list[str]) -> str:
    variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = {"docker": {"hosts": {host: {"wire_slice": at} for at, host in enumerate(hosts)}, "vars": variables}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory, sort_keys=False), encoding="utf-8")
    done = subprocess.run(
        [PLAYBOOK, "-i", folder / "hosts.yml", folder / f"{playbook}.yml"],
        env={**os.environ, "HOME": str(folder), "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def kept(folder: Path) -> dict[str, str]:
    text = (folder / "group_vars/docker/wire_slices.yml").read_text(encoding="utf-8")
    found: dict[str, str] = yaml.safe_load(text)["wire_slices"]
    return found


def told(said: str) -> Any:
    match = re.search(r'"msg": ("told .*")', said)
    assert match, said
    return json.loads(json.loads(match[1]).removeprefix("told "))


@pytest.mark.long
def test_examples_keep_the_assigned_slices(folder: Path) -> None:
    run(folder, "plain", ["a", "b", "c"])
    first = kept(folder)
    entries = told(run(folder, "plain", ["x", "c", "a", "y"]))
    then = kept(folder)

    assert set(first) == {"a", "b", "c"}
    assert set(then) == {*first, "x", "y"}
    assert {host: then[host] for host in first} == first
    parts = [ipaddress.ip_network(one) for one in then.values()]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(parts, 2))
    wire = {"subnet": "192.0.2.0/24", "gateway": "192.0.2.1"}
    assert entries == {host: [{**wire, "iprange": then[host]}] for host in ("x", "c", "a", "y")}

    said = run(folder, "ipam", ["x", "c", "a", "y"])
    assert "changed=1" not in said
    for host, (entry,) in told(said).items():
        part = ipaddress.ip_network(then[host])
        aux = {"nas": "192.0.2.20", "printer": "192.0.2.21"}
        inside = {name: one for name, one in aux.items() if ipaddress.ip_address(one) in part}
        more = {"aux_addresses": inside} if inside else {}
        assert entry == {**wire, "iprange": then[host], **more}


@pytest.mark.long
def test_other_examples_run(folder: Path) -> None:
    said = run(folder, "others", ["a", "b", "c"])
    assert '"b": "192.0.2.16/28"' in said
    assert '"b": "fd00::1:' in said


def test_invalid_input_is_an_error_of_the_filter() -> None:
    refuse = ip_slices.FilterModule().filters()["ip_slices"]
    for options in ({}, {"hosts": ["a", "a"]}, {"hosts": ["a"], "what": 1}, {"hosts": ["a"], "prefix": 1}):
        with pytest.raises(AnsibleFilterError, match=r"^(hosts|what|prefix): .+"):
            refuse("192.0.2.0/24", **options)


def test_every_option_is_documented() -> None:
    documented = yaml.safe_load(ip_slices.DOCUMENTATION)["options"]
    assert set(documented) == {"_input", "hosts", *allocator.OPTIONS}


def test_guide_and_filter_show_the_same_example() -> None:
    """docs/guides/macvlan.md shows the example that runs above."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    group, memory, play = (yaml.safe_load(block) for block in blocks[:3])
    examples = yaml.safe_load(ip_slices.EXAMPLES)
    said = [yaml.safe_load(one) for one in re.findall(r"^#   (.*)$", ip_slices.EXAMPLES, re.MULTILINE)]
    assert [{"wire": group["wire"]}, memory] == said
    assert play[0]["tasks"] == examples[:2]
    ipam = next(yaml.safe_load(block) for block in blocks[3:] if "ipam=true" in block)
    assert ipam["wire"] == examples[2]["vars"]["slices"]
