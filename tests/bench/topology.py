# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare ip(8), loops of Ansible tasks and the module topology by number of endpoints.

Run it as root: ``tests/bench/topology.py --help``. Each run has its own network, mount and PID namespaces, so the host
is unchanged. Whole processes are measured in turn. See docs/performance.md. The benchmark fails on errors only, not
because of figures.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

try:
    from ansible_collections.netfleet.docker.tests.bench import endpoints
    from ansible_collections.netfleet.docker.tests.kernel.sandbox import Sandbox
    from rich.console import Console
    from rich.table import Table
except ImportError as missing:
    sys.exit(f"{missing}: run it with the Python of the environment that make setup creates")

# Duplicate address detection and router solicitation load the kernel for a while after links are set up.
PAUSE = 3.0
DEADLINE = 60.0
# Comparisons (phase, numerator, denominator; the fastest of several names counts) and targets by endpoints.
RATIOS = {
    "engine / batch, peer at creation": ("create", "engine", "batch, peer at creation", {100: "≤ 1.5", 500: "≤ 0.8"}),
    "playbook / batch, peer at creation": ("create", "playbook", "batch, peer at creation", {500: "≤ 1"}),
    "engine / best batch": ("create", "engine", "best batch", {}),
    "playbook / best batch": ("create", "playbook", "best batch", {}),
    "engine / best batch on one processor": ("create", "engine", "best batch:", {}),
    "playbook / best batch on one processor": ("create", "playbook", "best batch:", {}),
    "Ansible loops / engine, an endpoint": ("create", "Ansible loops", "engine", {}),
    "Ansible loops / playbook, an endpoint": ("create", "Ansible loops", "playbook", {500: "≥ 100"}),
    "ip -n each / engine, unchanged": ("unchanged", "ip -n each", "engine", {500: "≥ 10"}),
    "ip -n each / playbook, unchanged": ("unchanged", "ip -n each", "playbook", {}),
    "ip link del each / engine": ("remove", "ip link del each", "engine", {100: "≥ 20"}),
    "ip link del each / engine, removal alone": ("remove", "ip link del each", "engine, apply_ms", {}),
    "ip link del each / playbook": ("remove", "ip link del each", "playbook", {}),
}
PARTS = ("import", "document", "look", "plan", "apply", "verify")
Figures = dict[str, dict[str, dict[str, float]]]


class Failed(Exception):
    """A step had an unexpected result."""


def live(box: Sandbox, life: endpoints.Life, count: int) -> list[tuple[str, str, dict[str, float]]]:
    """Run one variant; return phase, name and milliseconds: total, time spent waiting for the kernel, and parts."""
    seen = [("create", life.create.name, _run(box, life.create))]
    _check_there(box, count)
    time.sleep(PAUSE)
    seen += [("unchanged", step.name, _run(box, step)) for step in life.unchanged]
    total = 0.0
    for step in life.remove:
        took = _run(box, step)
        took["waited_ms"] = _wait_until_gone(box, step.gone)
        total += took["ms"] + took["waited_ms"]
        seen.append(("remove", step.name, {**took, "ms": total}))
    return seen


def _run(box: Sandbox, step: endpoints.Step) -> dict[str, float]:
    """Run a step in the sandbox; return its milliseconds."""
    began = time.perf_counter()
    done = subprocess.run(
        [*box.entering(), *step.argv], input=step.stdin, capture_output=True, text=True, check=False, cwd="/"
    )
    took = (time.perf_counter() - began) * 1000
    if done.returncode != 0 or step.prints not in done.stdout:
        raise Failed(f"{step.name}: {(done.stdout + done.stderr)[-3000:]}")
    parts = json.loads(done.stderr) if done.stderr.startswith('{"import"') else {}
    return {"ms": took, **{f"{name}_ms": parts.get(name, 0.0) for name in PARTS if parts}}


def _check_there(box: Sandbox, count: int) -> None:
    """Verify the ports of the bridge, and that lo and eth0 are up in each namespace."""
    deadline = time.monotonic() + DEADLINE
    want = {endpoints.host_end(number) for number in range(count)}
    while want != {link["ifname"] for link in box.ip("link", "show", "master", endpoints.BRIDGE) if _runs(link)}:
        if time.monotonic() > deadline:
            raise Failed(f"not all of {count} ports are there and up")
    names = [endpoints.netns(number) for number in range(count)]
    said = box.sh(*(f"nsenter --net=/run/netns/{name} ip -j addr" for name in names))
    for number, line in enumerate(said.splitlines()):
        links = {link["ifname"]: link for link in json.loads(line) if _runs(link)}
        inner = links.get("eth0", {"addr_info": []})
        found = [f"{one['local']}/{one['prefixlen']}" for one in inner["addr_info"] if one["family"] == "inet"]
        if set(links) != {"lo", "eth0"} or found != [endpoints.address(number)]:
            raise Failed(f"{names[number]}: {line}")


def _runs(link: dict[str, Any]) -> bool:
    return {"UP", "LOWER_UP"} <= set(link["flags"])


def _wait_until_gone(box: Sandbox, what: str) -> float:
    """Wait until the kernel has removed the ports, names, and namespaces with an ID."""
    began = time.perf_counter()
    waited = 0.0
    while waited < DEADLINE * 1000:
        left = box.ip("link", "show", "master", endpoints.BRIDGE)
        if what == "all":
            left = left or box.run("ls", "/run/netns") or box.run("ip", "netns", "list-id")
        if not left:
            return waited
        # Objects that exist at the first check count as waiting time; the check itself does not.
        waited = (time.perf_counter() - began) * 1000
    raise Failed(f"still there: {str(left)[:1000]}")


def _settle(keeper: Sandbox) -> None:
    """Wait until the kernel has removed the last sandbox; it removes namespaces in order."""
    time.sleep(0.1)
    keeper.netns("last")
    keeper.sh("ip link add last type veth peer name eth0 netns last", "ip netns del last")
    while keeper.run("ip", "link", "show", "last", check=False):
        time.sleep(0.02)


def measure(options: argparse.Namespace, loops: bool, scratch: Path) -> dict[int, Figures]:
    """Return the medians by phase and name for each number of endpoints; the first round is not counted."""
    figures: dict[int, Figures] = {}
    with Sandbox() as keeper:
        for count in sorted(options.n):
            folder = scratch / str(count)
            folder.mkdir()
            lives = [
                one
                for one in endpoints.Ways(count, folder).lives(loops)
                if (options.all or count <= one.most) and one.create.name.startswith(tuple(options.only))
            ]
            seen: dict[tuple[str, str], list[dict[str, float]]] = {}
            for number in range(options.rounds + 1):
                for life in lives:
                    with Sandbox() as box:
                        box.sh(f"ip link add {endpoints.BRIDGE} type bridge", f"ip link set {endpoints.BRIDGE} up")
                        for phase, name, took in live(box, life, count):
                            if number:
                                seen.setdefault((phase, name), []).append(took)
                    _settle(keeper)
            figures[count] = {"create": {}, "unchanged": {}, "remove": {}}
            for (phase, name), runs in seen.items():
                medians = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
                figures[count][phase][name] = {**medians, "ms_an_endpoint": medians["ms"] / count}
    return figures


def ratios(figures: dict[int, Figures]) -> dict[int, dict[str, float]]:
    """Return the ratios, which are comparable between machines; loops of Ansible tasks count per endpoint."""
    found: dict[int, dict[str, float]] = {count: {} for count in figures}
    for count, phases in figures.items():
        for name, (phase, above, below, _aims) in RATIOS.items():
            one, other = _fastest(phases[phase], above), _fastest(phases[phase], below)
            if above == "Ansible loops" and one is None:
                one = next(filter(None, (_fastest(others[phase], above) for others in figures.values())), None)
            if one and other:
                found[count][name] = one / other
    return found


def _fastest(seen: dict[str, dict[str, float]], name: str) -> float | None:
    """Return the time per endpoint of the fastest variant of a name, or of the part named after a comma."""
    name, _comma, part = name.partition(", ") if name.endswith("_ms") else (name, "", "ms")
    found = (figure for variant, figure in seen.items() if variant.startswith(name))
    return min((figure[part] * figure["ms_an_endpoint"] / figure["ms"] for figure in found), default=None)


def show(figures: dict[int, Figures], console: Console) -> None:
    """Print times, ratios, and the parts of the module's run time."""
    times = _table("Medians of whole processes", "phase", "variant", "ms", "ms an endpoint", "of it waiting, ms")
    compared = _table("Ratios", "ratio", "", "aim")
    split = _table("The engine, ms", "phase", *PARTS, "all")
    for count, phases in figures.items():
        for phase, seen in phases.items():
            for name, figure in seen.items():
                waited = f"{figure['waited_ms']:.0f}" if "waited_ms" in figure else ""
                times.add_row(str(count), phase, name, f"{figure['ms']:.0f}", f"{figure['ms_an_endpoint']:.2f}", waited)
            times.add_section()
            if "engine" in seen:
                parts = (*(f"{part}_ms" for part in PARTS), "ms")
                split.add_row(str(count), phase, *(f"{seen['engine'][part]:.0f}" for part in parts))
        for name, ratio in ratios(figures)[count].items():
            compared.add_row(str(count), name, f"{ratio:.2f}", RATIOS[name][3].get(count, ""))
        compared.add_section()
    console.print(times, compared, split)


def _table(title: str, *headings: str) -> Table:
    table = Table("endpoints", title=title)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("phase", "variant", "ratio") else "right")
    return table


def _refuse() -> None:
    """Exit with a message if a requirement is missing."""
    if os.geteuid() != 0:
        sys.exit("This benchmark creates network namespaces: run it as root.")
    missing = [program for program in ("ip", "unshare", "nsenter", "xargs") if not shutil.which(program)]
    if missing:
        sys.exit(f"Not found: {', '.join(missing)}. Install iproute2, util-linux and findutils.")


def main() -> None:
    """Run the benchmark on this machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, nargs="+", default=[10, 100, 500], help="numbers of endpoints (10 100 500)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each variant (5)")
    parser.add_argument("--all", action="store_true", help="run every variant with every number of endpoints")
    parser.add_argument("--only", nargs="+", default=[""], help="variants to run, by the start of their names")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    _refuse()

    console = Console()
    loops = importlib.util.find_spec("ansible_collections.community.general") is not None
    if not loops:
        console.print("community.general is not installed: Ansible loops are skipped.")
    with tempfile.TemporaryDirectory(prefix="nfbench-") as scratch:
        try:
            figures = measure(options, loops, Path(scratch))
        except Failed as error:
            sys.exit(str(error))
    show(figures, console)
    if options.json:
        document = {"figures": figures, "ratios": ratios(figures)}
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
