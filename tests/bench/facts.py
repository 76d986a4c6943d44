# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure facts of containers: the loop of typical guides, plain netlink, and netns_info.

Run it on the control node: ``tests/bench/facts.py --help``. It creates containers on one Docker host, measures whole
processes there in turn, runs Ansible from here, and removes what it created. See docs/performance.md. The benchmark
fails on errors only, not because of figures.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SUBSET = ["addresses", "routes", "neighbours", "rules"]
ROUTES = 100_000
# The commands of the environment of this Python.
ENVIRONMENT = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
TASKS: dict[str, list[dict[str, Any]]] = {
    "empty": [],
    "no-op": [{"name": "Nothing", "ansible.builtin.ping": {}}],
    "task": [{"name": "Facts", "netfleet.docker.netns_info": {"gather_subset": SUBSET}}],
}
Run = dict[str, Any]


class Host:
    """A Docker host with a folder for the benchmark, and how Ansible connects to it."""

    def __init__(self, name: str, inventory: str, local: bool) -> None:
        self.name = "localhost" if local else name
        self.ansible = ["-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
        self.python, self._shell = sys.executable, ["sh", "-c"]
        if not local:
            said = _output("ansible-inventory", "-i", inventory, "--host", name)
            facts = json.loads(said)
            self.ansible = ["-i", inventory]
            self.python = facts.get("ansible_python_interpreter", "python3")
            key = facts.get("ansible_ssh_private_key_file")
            user = facts.get("ansible_user")
            self._shell = [
                "ssh",
                "-T",
                *shlex.split(facts.get("ansible_ssh_common_args", "")),
                *(["-i", key] if key else []),
                *(["-l", user] if user else []),
                facts.get("ansible_host", name),
            ]
        self.folder = self.sh("mktemp -d /tmp/nfbench-XXXXXX").strip()

    def sh(self, command: str, stdin: bytes | None = None) -> str:
        """Run a shell command on the host and return its output."""
        return _output(*self._shell, command, stdin=stdin)

    def do(self, *args: str) -> str:
        """Run the host's part of the benchmark."""
        return self.sh(shlex.join([self.python, f"{self.folder}/on_host.py", *args]))

    def send(self, files: dict[str, Path]) -> None:
        """Copy files and folders to the folder on the host."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name, path in files.items():
                archive.add(path, name, filter=lambda item: None if "__pycache__" in item.name else item)
        self.sh(f"tar -x -C {self.folder}", packed.getvalue())

    def close(self) -> None:
        """Remove everything, the folder last; an error here does not hide an earlier one."""
        for command in (shlex.join([self.python, f"{self.folder}/on_host.py", "down"]), f"rm -rf {self.folder}"):
            try:
                self.sh(command)
            except SystemExit as error:
                print(error, file=sys.stderr)


def _output(*command: str, stdin: bytes | None = None) -> str:
    done = subprocess.run(command, input=stdin or b"", capture_output=True, check=False, env=ENVIRONMENT)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(command)[:300]}: {(done.stderr + done.stdout).decode(errors='replace')[-3000:]}")
    return done.stdout.decode()


def files(scratch: Path) -> tuple[dict[str, Path], bool]:
    """Return the files for the host, and whether the netlink program is among them, which requires a compiler."""
    import ansible  # the plain process needs the files that AnsiballZ would transfer

    found = {name: HERE / name for name in ("on_host.py", "collect.py", "guide.sh")}
    found["lib/ansible/__init__.py"] = scratch / "__init__.py"
    found["lib/ansible/__init__.py"].touch()
    found["lib/ansible/module_utils"] = Path(ansible.__file__).parent / "module_utils"
    inside = "lib/ansible_collections/netfleet/docker/plugins"
    found |= {f"{inside}/{name}": ROOT / "plugins" / name for name in ("module_utils", "modules")}
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler:
        found["netlink"] = scratch / "netlink"
        _output(compiler, "-O2", "-static", "-o", str(found["netlink"]), str(HERE / "netlink.c"))
    return found, bool(compiler)


def time_tasks(host: Host, scratch: Path, rounds: int) -> dict[str, list[Run]]:
    """Measure ansible-playbook with each play in turn, over a connection that persists from the first round."""
    collections = scratch / "collections"  # this checkout, even if another version is installed
    link = collections / "ansible_collections/netfleet/docker"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.symlink_to(ROOT)
    runs: dict[str, list[Run]] = {name: [] for name in TASKS}
    for number in range(rounds + 1):
        for name, tasks in TASKS.items():
            play = scratch / f"{name}.yml"
            play.write_text(json.dumps([{"hosts": host.name, "gather_facts": False, "tasks": tasks}]))
            began = time.perf_counter()
            _output("env", f"ANSIBLE_COLLECTIONS_PATH={collections}", "ansible-playbook", *host.ansible, str(play))
            if number:
                runs[name].append({"ms": (time.perf_counter() - began) * 1000})
    return runs


def median(runs: list[Run], key: str = "ms") -> float | None:
    """Return the median, or nothing without values."""
    seen = [run[key] for run in runs if run.get(key) is not None]
    return statistics.median(seen) if seen else None


def ratios(figures: dict[str, dict[str, float | None]]) -> dict[str, float | None]:
    """Return the ratios, which are comparable between machines."""

    def get(variant: str, key: str = "ms") -> float | None:
        return figures.get(variant, {}).get(key)

    def over(above: float | None, below: float | None) -> float | None:
        return above / below if above is not None and below else None

    empty, task, noop = get("empty") or 0, get("task"), get("no-op")
    return {
        "guide / collector": over(get("guide"), get("collector")),
        "guide / module": over(get("guide"), get("module")),
        "guide / floor": over(get("guide"), get("floor")),
        "collector / floor": over(get("collector"), get("floor")),
        "netlink and decoding / floor's netlink": over(get("collector", "netlink_ms"), get("floor", "netlink_ms")),
        "the whole visit / floor's netlink": over(get("collector", "visit_ms"), get("floor", "netlink_ms")),
        "(task - empty) / (no-op - empty)": over(task and task - empty, noop and noop - empty),
    }


def measure(host: Host, options: argparse.Namespace, scratch: Path, variants: list[str]) -> dict[str, dict[str, Any]]:
    """Return the medians of every variant for each number of containers, and with a large routing table."""
    figures: dict[str, dict[str, Any]] = {}
    for count in sorted(options.containers):
        host.do("up", str(count), options.image)
        runs = json.loads(host.do("measure", str(options.rounds), *variants)) | time_tasks(
            host, scratch, options.rounds
        )
        figures[str(count)] = _medians(runs)
    host.do("routes", str(ROUTES))
    runs = json.loads(host.do("measure", str(options.rounds), *(name for name in variants if name != "guide")))
    figures[f"{max(options.containers)}, one of them with {ROUTES:,} routes"] = _medians(runs)
    return figures


def _medians(runs: dict[str, list[Run]]) -> dict[str, dict[str, float | None]]:
    return {
        name: {key: median(seen, key) for key in ("ms", "netlink_ms", "visit_ms", "mib")} for name, seen in runs.items()
    }


def show(figures: dict[str, dict[str, Any]], console: Console) -> None:
    """Print times and ratios."""
    times = Table("containers", "variant", title="Medians of whole processes")
    for heading in ("ms", "netlink, ms", "peak, MiB"):
        times.add_column(heading, justify="right")
    compared = Table("containers", "ratio", title="Ratios")
    compared.add_column("", justify="right")
    for containers, found in figures.items():
        for variant, seen in found.items():
            times.add_row(containers, variant, *(_cell(seen[key]) for key in ("ms", "netlink_ms", "mib")))
        for name, ratio in ratios(found).items():
            if ratio is not None:
                compared.add_row(containers, name, _cell(ratio))
        times.add_section()
        compared.add_section()
    console.print(times, compared)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def main() -> None:
    """Measure on one host."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inventory", default=str(ROOT / ".lab/inventory.yml"), help="inventory with the host")
    parser.add_argument("--host", default="netfleet-h1", help="name of the host in the inventory (netfleet-h1)")
    parser.add_argument("--local", action="store_true", help="use the engine of this machine, as root")
    parser.add_argument("--image", default="netfleet/busybox", help="image of the engine that contains sleep")
    parser.add_argument("--containers", type=int, nargs="+", default=[20, 100], help="numbers of containers (20 100)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each variant (5)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    # Clean up on SIGTERM as on Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))

    console = Console()
    with tempfile.TemporaryDirectory(prefix="nfbench-") as name:
        needed, compiled = files(Path(name))
        variants = ["guide", *(["floor"] if compiled else []), "collector", "module"]
        if not compiled:
            console.print("No C compiler found: see docs/performance.md for the figure of the floor.")
        host = Host(options.host, options.inventory, options.local)
        try:
            host.send(needed)
            figures = measure(host, options, Path(name), variants)
            show(figures, console)
            if options.json:
                document = {"figures": figures, "ratios": {key: ratios(found) for key, found in figures.items()}}
                options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        finally:
            host.close()


if __name__ == "__main__":
    main()
