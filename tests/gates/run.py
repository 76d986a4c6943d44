# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the gates of the noxfile in parallel, and print the time of each and the ten slowest tests.

Usage: run.py [GATE ...]. Without arguments, every gate of ``make test`` runs. A failed gate does not stop the others.
Three gates run at a time (JOBS=N for another number). Those in ``WIDE`` count twice, and of each group in
``EXCLUSIVE``, one runs at a time. The output of each gate is written to .cache/gates/NAME.log; for a failed gate, the
first failures are printed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / ".cache/gates"
RESULTS = ROOT / ".cache/junit"
NOX = [
    str(Path(sys.executable).parent / "nox"),
    "--noxfile",
    str(ROOT / "noxfile.py"),
    "--no-error-on-missing-interpreters",
]
# Gates that run only if the command line or GATES names them.
OPTIONAL = {"vm"}
# Long gates start first, so that none runs alone at the end, and wide ones together.
FIRST = ("vm", "molecule", "kernel", "units", "integration", "sanity", "lint", "report", "docs", "importer")
# Gates that use the same resource: the lab, or links and namespaces of this machine with the same names.
EXCLUSIVE = {"molecule": "lab", "vm": "lab", "integration": "machine"}
# Gates that use two processors. The scenarios of the lab wait half of their time.
WIDE = {"kernel", "units"}
FAILURE = re.compile(r"fatal: |^(FAILED|ERROR) |^E  |^nox > .*failed|error:", re.MULTILINE)
FAILURE_LINES = 25
SLOWEST = 10


def list_gates(names: Sequence[str]) -> list[str]:
    """Return the selected sessions of the noxfile with each of their parameters, in the order to start them."""
    listed = json.loads(subprocess.run([*NOX, "--list", "--json"], check=True, capture_output=True, text=True).stdout)
    extra = os.environ.get("GATES", "").split()
    found = [
        one["session"]
        for one in listed
        if one["name"] in (*names, *extra) or (not names and one["name"] not in OPTIONAL)
    ]
    ranks = {name: rank for rank, name in enumerate(FIRST)}
    return sorted(found, key=lambda gate: ranks.get(base_name(gate), len(ranks)))


def base_name(gate: str) -> str:
    """Return the name of a gate without its parameters."""
    return re.split(r"[(-]", gate)[0]


class Outcome(NamedTuple):
    """The result of a gate, its duration, and the processor time of its processes without those of the lab's hosts."""

    passed: bool
    seconds: float
    cpu_seconds: float


class Board:
    """Pending gates, and results of the others."""

    def __init__(self, gates: Sequence[str], places: int) -> None:
        self.waiting = list(gates)
        self.places = places
        self.busy: dict[str, int] = {}
        self.done: dict[str, Outcome] = {}
        self.changed = threading.Condition()

    def take(self) -> str | None:
        """Return the next gate whose group is free and for which there is a place, or None."""
        with self.changed:
            while self.waiting:
                free = self.places - sum(self.busy.values())
                for gate in self.waiting:
                    group, width = EXCLUSIVE.get(base_name(gate), gate), 2 if base_name(gate) in WIDE else 1
                    # A wide gate can run alone with a single place.
                    if group not in self.busy and (width <= free or not self.busy):
                        self.waiting.remove(gate)
                        self.busy[group] = width
                        return gate
                self.changed.wait()
            return None

    def finish(self, gate: str, outcome: Outcome) -> None:
        """Record the result of a gate and release its group."""
        with self.changed:
            self.done[gate] = outcome
            del self.busy[EXCLUSIVE.get(base_name(gate), gate)]
            self.changed.notify_all()


def work(board: Board) -> None:
    """Run pending gates until none is left."""
    while (gate := board.take()) is not None:
        print(f"{clock()} {gate} started", flush=True)
        started = time.monotonic()
        log = LOGS / f"{re.sub(r'[^A-Za-z0-9.-]+', '-', gate).strip('-')}.log"
        with log.open("w", encoding="utf-8") as output:
            process = subprocess.Popen([*NOX, "--session", gate], stdout=output, stderr=subprocess.STDOUT)
            _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds, passed = time.monotonic() - started, process.returncode == 0
        board.finish(gate, Outcome(passed, seconds, usage.ru_utime + usage.ru_stime))
        print(f"{clock()} {gate} {'passed' if passed else 'FAILED'} after {seconds:.0f} s", flush=True)
        text = log.read_text(encoding="utf-8", errors="replace")
        for line in re.findall(r"^SKIPPED .*|^nox > .*(?:skipped|not found).*", text, re.MULTILINE):
            print(f"         {line}", flush=True)
        if not passed:
            print_failures(text, log)


def clock() -> str:
    """Return the time of day."""
    return time.strftime("%H:%M:%S")


def print_failures(text: str, log: Path) -> None:
    """Print the first failures of a gate and the path of its log."""
    lines = text.splitlines()
    places = [number for number, line in enumerate(lines) if FAILURE.search(line)]
    for line in lines[places[0] :][:FAILURE_LINES] if places else lines[-FAILURE_LINES:]:
        print(f"         {line}")
    for line in [line for line in lines if line.startswith(("FAILED ", "ERROR "))][:FAILURE_LINES]:
        print(f"         {line}")
    print(f"         Complete output: {log.relative_to(ROOT)}", flush=True)


def slowest_tests() -> list[tuple[float, str]]:
    """Return the seconds and names of the slowest tests from the pytest result files."""
    cases = [
        (float(case.get("time", 0)), f"{path.stem}: {case.get('classname', '').split('.')[-1]}::{case.get('name')}")
        for path in RESULTS.glob("*.xml")
        for case in ET.parse(path).iter("testcase")
    ]
    return sorted(cases, reverse=True)[:SLOWEST]


def main() -> int:
    """Run the gates and print the summary; return 1 if one has failed."""
    gates = list_gates(sys.argv[1:])
    if not gates:
        print(f"no such gate: {' '.join(sys.argv[1:])}", file=sys.stderr)
        return 2
    for folder in (LOGS, RESULTS):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    started = time.monotonic()
    places = int(os.environ.get("JOBS", "3"))
    board = Board(gates, places)
    workers = [threading.Thread(target=work, args=(board,)) for _number in range(places)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print("\nTime of each gate, and of the processor")
    for gate, one in sorted(board.done.items(), key=lambda item: -item[1].seconds):
        print(f"  {one.seconds:6.0f} s {one.cpu_seconds:6.0f} s  {gate}{'' if one.passed else '  FAILED'}")
    total = sum(one.cpu_seconds for one in board.done.values())
    print(f"  {time.monotonic() - started:6.0f} s {total:6.0f} s  all")
    print("\nSlowest tests")
    for seconds, name in slowest_tests():
        print(f"  {seconds:6.1f} s  {name}")
    failed = sum(not one.passed for one in board.done.values())
    print(f"\ngates: {len(board.done) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
