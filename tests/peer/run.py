# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the integration tests of community.docker's docker_network against netfleet.docker.network.

    python -m ansible_collections.netfleet.docker.tests.peer.run FOLDER

FOLDER is ``tests/integration/targets/docker_network`` of a checkout of community.docker, which is not part of this
repository. Each file runs on its own engine: once with only the module name replaced, and once with each task also run
in check mode before, which must predict whether the task changes something. Requires root, docker.io and
busybox-static.
"""

from __future__ import annotations

import copy
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from ..kernel.docker_host import IMAGE, DockerHost

THEIRS = ("docker_network", "community.docker.docker_network")
OURS = "netfleet.docker.network"
# Known differences of docker_network: it does not remove a label that is no longer listed.
CONTRADICTED = {"labels_3 is not changed": "labels_3 is changed"}
PLAY = """
- hosts: localhost
  gather_facts: true
  collections: [community.docker]
  vars:
    docker_api_version: "1.41"
    docker_py_version: "7.1.0"
    docker_test_image_alpine: {image}
    name_prefix: netfleet-peer
    cnames: []
    dnetworks: []
  tasks: []
"""


def ours(tasks: list[dict[str, Any]], checked: bool) -> list[dict[str, Any]]:
    """Return the tasks with the module replaced; each is preceded by check mode and followed by a comparison."""
    found: list[dict[str, Any]] = []
    for task in tasks:
        for key in ("block", "rescue", "always"):
            if key in task:
                task[key] = ours(task[key], checked)
        for name in (name for name in THEIRS if name in task):
            task = {OURS if key == name else key: value for key, value in task.items()}
            task.setdefault("register", "netfleet_done")
            if checked:
                before = {
                    **copy.deepcopy(task),
                    "check_mode": True,
                    "ignore_errors": True,
                    "register": "netfleet_foretold",
                }
                same = f"netfleet_foretold is failed or netfleet_foretold is changed == ({task['register']} is changed)"
                alike = (
                    f"({task['register']} is failed) == (netfleet_foretold is failed) or {task['register']} is failed"
                )
                after = {"ansible.builtin.assert": {"that": [same, alike]}}
                found += [before, task, {**after, **({"when": task["when"]} if "when" in task else {})}]
                break
        else:
            found.append(task)
            continue
        if not checked:
            found.append(task)
    return found


def text(tasks: list[dict[str, Any]]) -> str:
    """Return a play with the tasks."""
    (play,) = yaml.safe_load(PLAY.format(image=IMAGE))
    play["tasks"] = tasks
    found = yaml.safe_dump([play], sort_keys=False, width=10000)
    for theirs, our in CONTRADICTED.items():
        if theirs in found:
            print(f"  replaced {theirs!r} by {our!r}")
            found = found.replace(theirs, our)
    return found


def run(path: Path, checked: bool) -> bool:
    """Run one of the files and return whether it passes."""
    tasks = ours(yaml.safe_load(path.read_text(encoding="utf-8")), checked)
    with DockerHost() as host, tempfile.TemporaryDirectory(prefix="netfleet-peer-") as folder:
        host.sh("ip link add eth0 type veth peer name far", "ip address add 192.0.2.1/24 dev eth0")
        host.sh("ip link set eth0 up", "ip link set far up", "ip route add default via 192.0.2.2")
        play = Path(folder, "play.yml")
        play.write_text(text(tasks), encoding="utf-8")
        playbook = str(Path(sys.executable).with_name("ansible-playbook"))
        argv = [
            *host.entering(),
            playbook,
            "-i",
            "localhost,",
            "-c",
            "local",
            "-e",
            f"ansible_python_interpreter={sys.executable}",
            str(play),
        ]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode:
        print(done.stdout[-3000:], done.stderr[-1000:])
    return done.returncode == 0


def main() -> int:
    """Run all files in both ways."""
    files = sorted(Path(sys.argv[1], "tasks/tests").glob("*.yml"))
    failed = 0
    for path in files:
        for checked in (False, True):
            name = f"{path.name}{', with a check before each step' if checked else ''}"
            passes = run(path, checked)
            failed += not passes
            print(f"{name}: {'passed' if passes else 'FAILED'}", flush=True)
    print(f"{2 * len(files) - failed} passed, {failed} failed")
    return bool(failed or not files)


if __name__ == "__main__":
    sys.exit(main())
