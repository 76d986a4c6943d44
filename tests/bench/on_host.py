# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Host's part of the benchmark: create containers, measure processes, and remove everything.

facts.py copies it to a folder on the host and runs it there. The folder also contains guide.sh, netlink, collect.py and
``lib``, from which the collection is imported.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

HERE = Path(__file__).parent
NAME = "nfbench"
PYTHON = sys.executable
MODULE = "ansible_collections.netfleet.docker.plugins.modules.netns_info"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE / "lib"), "LC_ALL": "C"}


def docker(*args: str) -> list[str]:
    """Return the output lines of a docker command."""
    return subprocess.run(["docker", *args], check=True, stdout=subprocess.PIPE, text=True).stdout.split()


def up(count: str, image: str) -> None:
    """Start a number of containers on a separate network."""
    if not docker("network", "ls", "--quiet", "--filter", f"name=^{NAME}$"):
        docker("network", "create", "--label", NAME, "--opt", f"com.docker.network.bridge.name={NAME}", NAME)
    there = len(docker("ps", "--quiet", "--filter", f"label={NAME}"))

    # One after the other: an engine that starts many in parallel can lose endpoints of a network.
    for number in range(there + 1, int(count) + 1):
        options = ("--detach", "--label", NAME, "--network", NAME, "--pull", "never")
        docker("run", *options, "--name", f"{NAME}-{number}", image, "sleep", "86400")
        # The write fails if the control node has disconnected, which ends this process.
        print(number, flush=True)


def down() -> None:
    """Remove everything that the benchmark created in the engine."""
    containers = docker("ps", "--all", "--quiet", "--filter", f"label={NAME}")
    for container in containers:
        docker("rm", "--force", "--volumes", container)
    for _attempt in range(10):
        networks = docker("network", "ls", "--quiet", "--filter", f"label={NAME}")
        if not networks or not subprocess.run(["docker", "network", "rm", *networks], check=False).returncode:
            return
        time.sleep(1)  # the engine is still removing the last endpoints
    sys.exit(f"the network {NAME} was not removed")


def routes(count: str) -> None:
    """Add a number of routes to the first container in one batch."""
    (pid,) = docker("inspect", "--format", "{{.State.Pid}}", f"{NAME}-1")
    lines = (f"route add blackhole 100.{64 + (i >> 16)}.{i >> 8 & 255}.{i & 255}\n" for i in range(int(count)))
    command = ["nsenter", "--target", pid, "--net", "ip", "-batch", "-"]
    subprocess.run(command, input="".join(lines), text=True, check=True)


def measure(rounds: str, *variants: str) -> None:
    """Measure each variant in turn for several rounds, and print the result of each run."""
    names = docker("ps", "--filter", f"label={NAME}", "--format", "{{.Names}}")
    commands = _commands(names, docker("inspect", "--format", "{{.State.Pid}}", *names))
    runs: dict[str, list[dict[str, Any]]] = {variant: [] for variant in variants}
    for number in range(int(rounds) + 1):
        for variant in variants:
            run = _run(*commands[variant])
            if number:  # the first round fills the caches
                runs[variant].append(run)
    print(json.dumps(runs))


def _commands(names: list[str], pids: list[str]) -> dict[str, tuple[list[str], str]]:
    subset = ["addresses", "routes", "neighbours", "rules"]  # links always exist
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {"gather_subset": subset}})
    return {
        "guide": (["sh", str(HERE / "guide.sh"), *names], ""),
        # The namespace of the host is also collected.
        "floor": ([str(HERE / "netlink"), str(os.getpid()), *pids], ""),
        "collector": ([PYTHON, str(HERE / "collect.py"), *subset], ""),
        "module": ([PYTHON, "-m", MODULE], arguments),
    }


def _run(command: list[str], stdin: str) -> dict[str, Any]:
    """Run a process; its peak memory is measured from this small parent process."""
    with (HERE / "in").open("w+") as source, (HERE / "out").open("w+") as sink, (HERE / "err").open("w+") as words:
        source.write(stdin)
        source.seek(0)
        began = time.perf_counter()
        process = subprocess.Popen(command, stdin=source, stdout=sink, stderr=words, env=ENVIRONMENT, cwd="/")
        _pid, status, usage = os.wait4(process.pid, 0)
        took = (time.perf_counter() - began) * 1000
        process.returncode = os.waitstatus_to_exitcode(status)
        if status:
            sys.exit(f"{command[:3]}: {(HERE / 'err').read_text()[-2000:]}{(HERE / 'out').read_text()[-2000:]}")
    said = (HERE / "err").read_text()
    inner = json.loads(said) if said.startswith('{"milliseconds"') else {}
    netlink, visit = inner.get("milliseconds"), inner.get("visit_milliseconds")
    return {"ms": took, "mib": usage.ru_maxrss / 1024, "netlink_ms": netlink, "visit_ms": visit}


ACTIONS: dict[str, Callable[..., None]] = {"up": up, "down": down, "routes": routes, "measure": measure}

if __name__ == "__main__":
    with (HERE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ACTIONS[sys.argv[1]](*sys.argv[2:])
