# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what collecting snapshots costs the control node for each host, compared with ``ansible -m ping``.

Each host of the inventory gets several names, each with its own SSH connection. The commands run in turns for all
names with the same number of forks, first with new connections and then with persistent ones. Each command also runs
for one name, to separate the cost of a host from the start of Ansible.

The processor time includes Ansible and all processes that it starts, such as SSH clients in the background, but not the
time on the hosts, even if they are containers on this machine. See docs/performance.md.
"""

from __future__ import annotations

import argparse
import ctypes
import dataclasses
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from facts import Host  # type: ignore[import-not-found,unused-ignore]
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BIN = Path(sys.executable).parent
PR_SET_CHILD_SUBREAPER = 36
# Objects that a drift check reads in check mode: a namespace, a veth pair, an address.
DECLARED: dict[str, Any] = {
    "topology_name": "nfbench",
    "topology_namespaces": [{"name": "nfbench"}],
    "topology_links": [
        {
            "name": "eth0",
            "netns": "nfbench",
            "kind": "veth",
            "addresses": ["192.0.2.1/24"],
            "peer": {"name": "nfbench0", "netns": "host"},
        }
    ],
}


@dataclasses.dataclass(frozen=True)
class Cost:
    """CPU and wall-clock time in seconds, and memory of the largest process in MiB."""

    processor: float
    clock: float
    memory: float


# By persistent connection and by command: the costs for all names and for one name in each round.
Runs = dict[str, dict[str, list[tuple[Cost, Cost]]]]


class Controller:
    """Run commands and measure their cost; background processes become children of this process."""

    def __init__(self, folder: Path, forks: int) -> None:
        if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
            sys.exit("prctl: this kernel has no subreapers")
        self._folder = folder
        self._env = {
            **os.environ,
            "ANSIBLE_FORKS": str(forks),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=1h",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder / "cp"),
        }

    def run(self, argv: list[str]) -> Cost:
        """Run a command and return its cost; exit with its output if it fails."""
        before, began = _spent(), time.perf_counter()
        with (self._folder / "said").open("w+b") as said:
            process = subprocess.Popen(
                [str(BIN / argv[0]), *argv[1:]], stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=self._env
            )
            _pid, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            took = time.perf_counter() - began
            if status:
                said.seek(0)
                sys.exit(f"{' '.join(argv)}: {said.read().decode(errors='replace')[-2000:]}")
        return Cost(_spent() - before, took, used.ru_maxrss / 1024)

    def disconnect(self) -> None:
        """End the SSH clients in the background."""
        for pid in _children():
            os.kill(pid, signal.SIGTERM)
        while _children():
            os.wait()


def _children() -> list[int]:
    own = str(os.getpid())
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            said = path.read_text()
        except OSError:  # it has ended meanwhile
            continue
        # The name of a program can contain brackets and spaces.
        if said.rpartition(")")[2].split()[1] == own:
            found.append(int(path.parent.name))
    return found


def _spent() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    there = sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in _children())
    return ended.ru_utime + ended.ru_stime + there / 1e9


def hosts_of(inventory: str, pattern: str) -> dict[str, dict[str, Any]]:
    """Return the variables of each host that matches the pattern."""
    argv = [str(BIN / "ansible-inventory"), "--inventory", inventory, "--limit", pattern, "--list"]
    said = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    variables: dict[str, dict[str, Any]] = said["_meta"]["hostvars"]
    return variables


def named(hosts: dict[str, dict[str, Any]], names: int) -> dict[str, dict[str, Any]]:
    """Return an inventory with the given number of names; SSH uses a separate connection for each."""
    every = list(hosts.items())
    found = {}
    for number in range(names):
        name, facts = every[number % len(every)]
        address = facts.get("ansible_host", name)
        options = f"{facts.get('ansible_ssh_common_args', '')} -o HostName={address} -o HostKeyAlias={address}"
        alias = f"{name}-{number}"
        found[alias] = {**facts, "ansible_host": alias, "ansible_ssh_common_args": options}
    return found


def commands(folder: Path, inventory: dict[str, Any]) -> dict[str, list[str]]:
    """Return the commands by name; ping is the first."""
    hosts, audit = folder / "hosts.yml", "netfleet.docker.audit"
    hosts.write_text(yaml.safe_dump(inventory))
    declared = folder / "declared.json"
    declared.write_text(json.dumps(DECLARED))
    of = ["--inventory", str(hosts)]
    collect = ["ansible-playbook", *of, audit, "-e", "audit_stage=collect", "-e", f"audit_directory={folder}/audit"]
    return {
        "ping": ["ansible", *of, "all", "-m", "ansible.builtin.ping"],
        "snapshot": ["ansible", *of, "all", "-m", "netfleet.docker.snapshot", "-a", f"dest={folder}/snapshots/"],
        "collect": [*collect, "-e", "audit_drift=false"],
        "drift, nothing declared": collect,
        "drift, a topology": [*collect, "-e", f"@{declared}"],
    }


def measure(controller: Controller, argvs: dict[str, list[str]], rounds: int, one: str) -> Runs:
    """Return the costs of each command for all names and for one name per round, without and with connections."""
    runs: Runs = {"new": {}, "kept": {}}
    for number in range(rounds + 1):
        for name, argv in argvs.items():
            for_all = [controller.run(argv) for _connections in runs]
            controller.disconnect()
            for_one = [controller.run([*argv, "--limit", one]) for _connections in runs]
            controller.disconnect()
            if number:  # the first round fills the caches
                for seen, pair in zip(runs.values(), zip(for_all, for_one)):
                    seen.setdefault(name, []).append(pair)
    return runs


def show(runs: Runs, names: int, console: Console) -> None:
    """Print the cost per host and its ratio to ping in the same round."""
    table = Table(title="Cost on the control node: minimum / median / maximum")
    table.add_column("connections", no_wrap=True)
    table.add_column("command", no_wrap=True)
    for heading in ("CPU, ms per host", "of ping", "additional ms", "of ping", "wall, ms per host", "peak, MiB"):
        table.add_column(heading, justify="right", no_wrap=True)
    for connections, every in runs.items():
        processor = {name: [all_.processor / names for all_, _one in seen] for name, seen in every.items()}
        more = {
            name: [(all_.processor - one.processor) / (names - 1) for all_, one in seen] for name, seen in every.items()
        }
        for name, seen in every.items():
            cells = []
            for took in (processor, more):
                cells.append(_cell([1000 * seconds for seconds in took[name]], 0))
                cells.append(_cell([mine / pings for mine, pings in zip(took[name], took["ping"])], 2))
            clock = _cell([1000 * all_.clock / names for all_, _one in seen], 0)
            table.add_row(connections, name, *cells, clock, f"{max(all_.memory for all_, _one in seen):.0f}")
        table.add_section()
    console.print(table)


def _cell(figures: list[float], digits: int) -> str:
    return " / ".join(f"{one:.{digits}f}" for one in (min(figures), statistics.median(figures), max(figures)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--inventory", default=str(ROOT / ".lab/inventory.yml"), help="inventory with hosts that are connected by SSH"
    )
    parser.add_argument("--hosts", default="all", help="pattern of the hosts (all)")
    parser.add_argument("--names", type=int, default=60, help="number of names for the hosts (60)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command (5)")
    parser.add_argument("--forks", type=int, default=10, help="number of forks (10)")
    parser.add_argument("--containers", type=int, default=0, help="containers to start on each host (0)")
    parser.add_argument("--image", default="netfleet/busybox", help="image of the engines that contains sleep")
    parser.add_argument("--only", nargs="+", default=[], help="commands in addition to ping and snapshot (all)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    # Clean up on SIGTERM as on Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))

    hosts = hosts_of(options.inventory, options.hosts)
    names = named(hosts, options.names)
    filled: list[Host] = []
    with tempfile.TemporaryDirectory(prefix="nfbench-") as where:
        folder = Path(where)
        controller = Controller(folder, options.forks)
        try:
            for name in hosts if options.containers else ():
                filled.append(Host(name, options.inventory, local=False))
                filled[-1].send({"on_host.py": HERE / "on_host.py"})
                filled[-1].do("up", str(options.containers), options.image)
            argvs = commands(folder, {"all": {"hosts": names}})
            if options.only:
                argvs = {name: argvs[name] for name in argvs if name in ("ping", "snapshot", *options.only)}
            runs = measure(controller, argvs, options.rounds, min(names))
        finally:
            controller.disconnect()
            for host in filled:
                host.close()
        sizes = [path.stat().st_size for path in (folder / "snapshots").iterdir()]
    if len(sizes) != len(names):
        sys.exit(f"{len(sizes)} snapshots of {len(names)} hosts")
    console = Console()
    how = f"{len(names)} names, {options.forks} forks, {options.rounds} rounds"
    console.print(f"{how}; a snapshot has {statistics.mean(sizes) / 1024:.0f} KiB")
    # Without a terminal, the width is assumed to be small.
    show(runs, len(names), console if console.is_terminal else Console(width=165))
    if options.json:
        options.json.write_text(json.dumps(runs, indent=2, default=dataclasses.asdict) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
