# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What collecting costs the controller for each host, held against a bare ``ansible -m ping`` in the same run.

python tests/bench/controller.py .lab/inventory.yml [NAMES] [ROUNDS]

Each host of the inventory gets several names, until there are NAMES. Three commands take turns over all of them, by SSH
and with the same forks: ping, the module snapshot, and the playbook audit with ``audit_stage: collect``. Counted is the
processor time of ansible and all its children, SSH clients among them; what the hosts do themselves is not in it, even
where they are containers of the same machine. Wall time is printed too, which then has both in it.
"""

from __future__ import annotations

import dataclasses
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

_BIN = Path(sys.executable).parent
_FORKS = 10


@dataclasses.dataclass(frozen=True)
class Cost:
    """Seconds of the processor and of the clock, and the largest process in MiB."""

    processor: float
    clock: float
    memory: float


def named(inventory: Path, names: int) -> dict[str, object]:
    """Return an inventory with so many names for the hosts of another one."""
    listed = [str(_BIN / "ansible-inventory"), "--inventory", str(inventory), "--list", "--yaml"]
    said = subprocess.run(listed, check=True, capture_output=True, text=True).stdout
    hosts = {name: facts for name, facts in _hosts(yaml.safe_load(said)["all"]) if facts}
    pairs = list(hosts.items())
    several = [pairs[number % len(pairs)] for number in range(names)]
    return {"all": {"hosts": {f"{name}-{number}": facts for number, (name, facts) in enumerate(several)}}}


def _hosts(group: dict[str, dict[str, dict[str, object]]]) -> list[tuple[str, dict[str, object]]]:
    found = list((group.get("hosts") or {}).items())
    for child in (group.get("children") or {}).values():
        found += _hosts(child or {})  # type: ignore[arg-type]
    return found


def measured(argv: list[str], folder: Path) -> Cost:
    """Run a command and return what it took, or end with what it said."""
    began = time.perf_counter()
    with (folder / "said").open("w+b") as said:
        env = {
            **os.environ,
            "ANSIBLE_FORKS": str(_FORKS),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        }
        process = subprocess.Popen([str(_BIN / argv[0]), *argv[1:]], stdout=said, stderr=said, env=env)
        _pid, status, used = os.wait4(process.pid, 0)
        if status:
            said.seek(0)
            sys.exit(f"{' '.join(argv)}: {said.read().decode(errors='replace')[-2000:]}")
    return Cost(used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 1024)


def main(inventory: Path, names: int = 30, rounds: int = 5) -> None:
    """Print what each command took for each host: least, median and most, and its ratio to ping's."""
    with tempfile.TemporaryDirectory(prefix="netfleet-bench-") as where:
        folder = Path(where)
        hosts = folder / "hosts.yml"
        hosts.write_text(yaml.safe_dump(named(inventory, names)), encoding="utf-8")
        of = ["--inventory", str(hosts)]
        audit = ["audit_stage=collect", "audit_drift=false", f"audit_directory={folder}/audit"]
        commands = {
            "ping": ["ansible", *of, "all", "-m", "ansible.builtin.ping"],
            "snapshot": ["ansible", *of, "all", "-m", "netfleet.docker.snapshot", "-a", f"dest={folder}/snapshots/"],
            "collect": [
                "ansible-playbook",
                *of,
                "netfleet.docker.audit",
                *(word for one in audit for word in ("-e", one)),
            ],
        }
        # The connections are there before anything is counted.
        measured(commands["ping"], folder)
        costs: dict[str, list[Cost]] = {name: [] for name in commands}
        for _round in range(rounds):
            for name, argv in commands.items():
                costs[name].append(measured(argv, folder))
        got = len(list((folder / "snapshots").iterdir()))
        if got != names:
            sys.exit(f"{got} snapshots of {names} hosts")
    print(f"{names} names, {rounds} rounds, {_FORKS} forks; milliseconds a host: least / median / most")
    for name, every in costs.items():
        print(f"{name:<10}", *(_row(every, costs["ping"], part, names) for part in ("processor", "clock")), sep="  ")
        print(f"{'':<10}  largest process: {max(one.memory for one in every):.0f} MiB")


def _row(every: list[Cost], pings: list[Cost], part: str, names: int) -> str:
    took = [getattr(one, part) / names * 1000 for one in every]
    ratios = [getattr(one, part) / getattr(ping, part) for one, ping in zip(every, pings)]
    figures = " / ".join(f"{figure:.0f}" for figure in (min(took), statistics.median(took), max(took)))
    return f"{part} {figures} ({statistics.median(ratios):.2f} of ping)"


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:4]))
