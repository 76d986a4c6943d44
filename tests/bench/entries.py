# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure how the time to check a namespace grows with its addresses, routes and policy rules.

Run it as root: ``tests/bench/entries.py --help``. A process checks a declaration before its entries exist, and after
they were applied. The last columns are the time per entry in units of that of the smallest measured number with at
least 1,000 entries: about 1 if the time grows linearly. See docs/performance.md.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import Any

try:
    from ansible_collections.netfleet.docker.tests.kernel.sandbox import Sandbox
    from rich.console import Console
    from rich.table import Table
except ImportError as missing:
    sys.exit(f"{missing}: run it with the Python of the environment that make setup creates")

# Fewer entries take less time than the process itself.
SMALLEST = 1000


def build_addresses(count: int) -> dict[str, Any]:
    """Return a topology with addresses on one link."""
    addresses = [f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}/32" for number in range(1, count + 1)]
    return {"links": [{"name": "eth7", "netns": "red", "kind": "ifb", "addresses": addresses}]}


def build_routes_and_rules(count: int) -> dict[str, Any]:
    """Return a topology with two thirds routes and one third policy rules."""
    routes = [
        {"dst": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}/32", "type": "blackhole"}
        for number in range(1, count * 2 // 3 + 1)
    ]
    rules = [{"priority": 100 + number, "table": 100 + number} for number in range(count - len(routes))]
    return {"namespaces": [{"name": "red", "routes": routes, "rules": rules}]}


DOCUMENTS = {"addresses": build_addresses, "routes and rules": build_routes_and_rules}


def check(box: Sandbox, document: dict[str, Any]) -> float:
    """Return the seconds of a process that checks the document."""
    started = time.perf_counter()
    result = box.module("topology", document, check=True)
    seconds = time.perf_counter() - started
    if result.failed:
        sys.exit(result.msg)
    return seconds


def measure(document: dict[str, Any]) -> dict[str, float]:
    """Return the seconds to check the document before and after it is applied, and those of an empty one."""
    with Sandbox() as box:
        box.netns("red")
        box.sh("ip -n red link set lo up")
        found = {"empty": check(box, {"namespaces": [{"name": "red"}]}), "before": check(box, document)}
        result = box.module("topology", document)
        if result.failed:
            sys.exit(result.msg)
        return {**found, "after": check(box, document)}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, nargs="+", default=[10, 1000, 5000, 20000], metavar="N")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    figures: dict[tuple[str, int], list[dict[str, float]]] = {}
    for _round in range(options.rounds):
        for name, build in DOCUMENTS.items():
            for count in options.entries:
                figures.setdefault((name, count), []).append(measure(build(count)))
    show(figures, options.entries)


def show(figures: dict[tuple[str, int], list[dict[str, float]]], counts: list[int]) -> None:
    """Print medians, and the time per entry relative to the smallest large number."""
    table = Table("Entries", "Number", "before, s", "after, s", "before, relative", "after, relative")
    large = [count for count in counts if count >= SMALLEST]

    def per_entry(name: str, count: int, phase: str) -> float:
        return statistics.median(one[phase] - one["empty"] for one in figures[name, count]) / count

    for (name, count), rounds in figures.items():
        seconds = [f"{statistics.median(one[phase] for one in rounds):.2f}" for phase in ("before", "after")]
        relative = [
            f"{per_entry(name, count, phase) / per_entry(name, large[0], phase):.2f}" if count in large else ""
            for phase in ("before", "after")
        ]
        table.add_row(name, f"{count:,}", *seconds, *relative)
    Console().print(table)


if __name__ == "__main__":
    main()
