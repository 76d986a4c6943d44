# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure playbooks/provision.yml without changes: tasks, wall time, CPU time of the control node, lines of output.

The hosts are those of the lab. If there are more names than hosts, several names lead to one host, so that the control
node works for a larger fleet. Each round runs ``ansible -m ping`` and the playbook for each number of names in turn;
the figures are medians. See docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
RECAP = re.compile(r"^(\S+)\s+: (ok=.*)$", re.MULTILINE)
# Maximum number of runs until the playbook changes nothing.
ATTEMPTS = 2


def main() -> None:
    """Measure and print a table."""
    options = parse_arguments()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # the commands of this environment
    environment = {**os.environ, "PATH": path, "ANSIBLE_NOCOLOR": "true", "ANSIBLE_FORCE_COLOR": "false"}
    with tempfile.TemporaryDirectory(prefix="nfbench-") as folder:
        fleets = {count: inventories(options, count, Path(folder)) for count in options.names}
        for fleet in fleets.values():
            prepare(fleet, options, environment)
        rounds = [measure(fleets, options, environment) for _round in range(options.rounds)]
    figures = {name: medians([one[name] for one in rounds]) for name in rounds[0]}
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inventory", type=Path, default=ROOT / ".lab/inventory.yml", help="inventory of the lab")
    parser.add_argument("--hosts", nargs="+", default=["netfleet-h1", "netfleet-h2", "netfleet-h3"])
    parser.add_argument("--names", nargs="+", type=int, default=[3, 30], help="numbers of names for the hosts (3 30)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--forks", type=int, default=5)
    parser.add_argument("--playbook", type=Path, default=ROOT / "playbooks/provision.yml")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


def inventories(options: argparse.Namespace, count: int, folder: Path) -> list[str]:
    """Return the arguments for an inventory with the given number of names.

    The first names are the hosts with all that the demo declares. The others lead to the same hosts, so they declare
    networks without slices that have different names, and do not join the Swarm.
    """
    given = yaml.safe_load(options.inventory.read_text(encoding="utf-8"))
    hosts = {name: values for name, values in hosts_of(given).items() if name in options.hosts}
    shared = given["lab"].get("vars", {}) if "lab" in given else {}
    demo = yaml.safe_load((ROOT / "demo/inventory.yml").read_text(encoding="utf-8"))
    variables = {**shared, **demo["lab"]["vars"]}
    names = {name: {**hosts[name], "demo_number": at + 1} for at, name in enumerate(options.hosts)}
    variables.pop("demo_number", None)
    children = {
        "demo_hosts": {"hosts": names, "vars": variables},
        "managers": {"hosts": {options.hosts[0]: None}},
        "workers": {"hosts": dict.fromkeys(options.hosts[1:])},
    }
    more = {f"alias{at:03}": hosts[options.hosts[at % len(hosts)]] for at in range(count - len(hosts))}
    if more:
        children["aliases"] = {"hosts": more, "vars": {**shared, **without_slices(variables)}}
    path = folder / f"names{count}.yml"
    path.write_text(yaml.safe_dump({"lab": {"children": children}}), encoding="utf-8")
    return ["--inventory", str(path), "--forks", str(options.forks)]


def hosts_of(inventory: Any) -> dict[str, Any]:
    """Return all hosts of an inventory, at any depth, with their variables."""
    found: dict[str, Any] = {}
    for key, value in (inventory or {}).items():
        if key == "hosts":
            for name, variables in (value or {}).items():
                found[name] = {**found.get(name, {}), **(variables or {})}
        elif isinstance(value, dict):
            for name, variables in hosts_of(value).items():
                found[name] = {**found.get(name, {}), **variables}
    return found


def without_slices(variables: dict[str, Any]) -> dict[str, Any]:
    """Return variables that several names of one host can share: without slices and without a Swarm."""
    kept = {name: value for name, value in variables.items() if name.startswith(("ansible_", "engine_", "containers_"))}
    plain = {"name": "nfbench", "link": "nfbench", "mtu": "uplink", "subnets": [{"subnet": "10.62.0.0/24"}]}
    link = {"name": "nfbench0", "kind": "bridge", "addresses": ["10.63.0.1/24"], "stp": False}
    return {**kept, "bridge_networks": [plain], "topology_name": "nfbench", "topology_links": [link]}


def prepare(fleet: list[str], options: argparse.Namespace, environment: dict[str, str]) -> None:
    """Run the playbooks until there is nothing left to change."""
    run(["ansible-playbook", *fleet, str(ROOT / "demo/containers.yml")], environment)
    for _attempt in range(ATTEMPTS):
        if changes(run(["ansible-playbook", *fleet, str(options.playbook)], environment)["output"]) == 0:
            return
    if changes(run(["ansible-playbook", *fleet, str(options.playbook)], environment)["output"]):
        sys.exit("the playbook does not reach changed=0")


def measure(fleets: dict[int, list[str]], options: argparse.Namespace, environment: dict[str, str]) -> dict[str, Any]:
    """Return the figures of one round."""
    found = {}
    for count, fleet in fleets.items():
        found[f"ping, {count} names"] = run(["ansible", *fleet, "lab", "-m", "ansible.builtin.ping"], environment)
        found[f"provision, {count} names"] = run(["ansible-playbook", *fleet, str(options.playbook)], environment)
        if changes(found[f"provision, {count} names"]["output"]):
            sys.exit("a measured run changed something")
    return {name: {"tasks": tasks(figures.pop("output")), **figures} for name, figures in found.items()}


def run(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """Return the cost of a command and its output."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": wall, "cpu": cpu, "lines": len((done.stdout + done.stderr).splitlines()), "output": done.stdout}


def recap(output: str) -> dict[str, dict[str, int]]:
    """Return the counts of each host in the play recap."""
    return {
        host: {key: int(value) for key, value in (word.split("=") for word in words.split())}
        for host, words in RECAP.findall(output)
    }


def changes(output: str) -> int:
    """Return the number of changed tasks."""
    return sum(numbers["changed"] for numbers in recap(output).values())


def tasks(output: str) -> int:
    """Return the highest number of tasks of a host, including skipped tasks and includes."""
    return max((numbers["ok"] + numbers["skipped"] for numbers in recap(output).values()), default=0)


def medians(figures: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure."""
    return {name: statistics.median(one[name] for one in figures) for name in figures[0]}


def show(figures: dict[str, Any]) -> None:
    """Print the table."""
    print("| Run | Tasks per host | Wall (s) | CPU of the control node (s) | Lines | Wall / ping |")
    print("|---|---|---|---|---|---|")
    for name, one in figures.items():
        ping = figures[name.replace("provision", "ping")]["seconds"]
        numbers = f"{one['tasks']:.0f} | {one['seconds']:.1f} | {one['cpu']:.1f} | {one['lines']:.0f}"
        print(f"| {name} | {numbers} | {one['seconds'] / ping:.1f} |")


if __name__ == "__main__":
    main()
