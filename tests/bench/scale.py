# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure the time and memory of the audit of a large fleet: scale.py [HOSTS [CONTAINERS [FOLDER]]].

The files are kept if FOLDER is given.

Creates a simulated fleet with known faults (fleet.py), evaluates all rules with all outputs in a separate process, and
prints the time in seconds and the peak memory. Fails if a known fault is not found, or if a host without faults has a
finding of severity high or above.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import fleet  # type: ignore[import-not-found,unused-ignore]

_EVERY = 97


def planted(hosts: int) -> dict[int, list[fleet.Fault]]:
    """Return faults by the number of the host: each kind on about one host in a hundred."""
    found: dict[int, list[fleet.Fault]] = {}
    for place, fault in enumerate(fleet.FAULTS.values()):
        for number in range(place, hosts, _EVERY):
            found.setdefault(number, []).append(fault)
    return found


def evaluate(snapshots: Path, dest: Path) -> None:
    """Evaluate and print the measured values as JSON; run in a separate process."""
    from ansible_collections.netfleet.docker.plugins.plugin_utils._audit import run

    begin = time.monotonic()
    report = run.run_evaluation(run.EvaluationRequest(snapshots, dest))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = {"seconds": time.monotonic() - begin, "peak_mib": peak // 1024, "summary": report["summary"]}
    print(json.dumps({**told, "broken": report["broken_rules"] + report["broken_snapshots"]}))


def missed(dest: Path, faults: dict[int, list[fleet.Fault]]) -> tuple[list[str], list[str]]:
    """Return known faults without a finding, and severe findings on hosts without faults."""
    rules: dict[str, set[str]] = {}
    severe = []
    expected = {f"h{number:05}" for number in faults}
    with (dest / "report.json").open(encoding="utf-8") as file:
        for line in file:
            if line.startswith('  {"rule"'):
                finding: dict[str, Any] = json.loads(line.rstrip().removesuffix(","))
                rules.setdefault(finding["rule"], set()).add(finding["host"])
                if finding["severity"] in ("critical", "high") and finding["host"] not in expected:
                    severe.append(f"{finding['host']}: {finding['rule']}: {finding['object']}")
    absent = [
        f"h{number:05}: {rule}"
        for number, changes in faults.items()
        for rule, change in fleet.FAULTS.items()
        if change in changes and f"h{number:05}" not in rules.get(rule, set())
    ]
    return absent, severe


def main() -> int:
    """Create the fleet, evaluate it, print and check the results."""
    given = sys.argv[1:]
    hosts = int(given[0]) if given else 1000
    containers = int(given[1]) if given[1:] else 100
    with tempfile.TemporaryDirectory(prefix="netfleet-scale-") as name:
        folder = Path(name)
        faults = planted(hosts)
        begin = time.monotonic()
        fleet.make(folder / "snapshots", hosts, containers, faults)
        size = sum(path.stat().st_size for path in (folder / "snapshots").iterdir())
        made = f"{size / 2**20:.0f} MiB of snapshots, made in {time.monotonic() - begin:.0f} s"
        print(f"{hosts} hosts with {containers} containers each: {made}")
        command = [sys.executable, __file__, "--evaluate", str(folder / "snapshots"), str(folder / "out")]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(f"evaluated all rules in {told['seconds']:.0f} s, with a peak memory of {told['peak_mib']} MiB")
        print(f"findings: {told['summary']['findings']}; broken: {told['broken']}")
        for path in sorted((folder / "out").glob("*.*")):
            print(f"  {path.name}: {path.stat().st_size / 2**20:.1f} MiB")
        absent, severe = missed(folder / "out", faults)
        print(f"planted and not found: {absent[:5] or 'none'}; severe on a healthy host: {severe[:5] or 'none'}")
        if given[2:]:
            shutil.copytree(folder / "out", given[2], dirs_exist_ok=True)
        return bool(absent or severe or told["broken"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--evaluate"]:
        evaluate(Path(sys.argv[2]), Path(sys.argv[3]))
        sys.exit(0)
    sys.exit(main())
