# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure the report page by number of hosts: time to write, time to open, and size.

``tests/bench/report.py --help``. It creates fleets with findings in memory, writes their reports to a temporary folder,
and opens each view in Chromium with an empty cache. The benchmark fails on errors only, not because of figures.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.report import html
from ansible_collections.netfleet.docker.tests import fleet, sample
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.table import Table

SCREENS = ("", "findings", "findings?group=rule", "hosts", "host/node-00002", "fleet")
TIMES = 3


def main() -> None:
    """Print a table; each fleet runs in its own process, so that memory is measured separately."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--hosts", type=int, nargs="+", default=[3, 1000, 10000])
    parser.add_argument("--containers", type=int, default=100)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.into:
        write(chosen.into, chosen.hosts[0], chosen.containers)
        return
    table = Table(
        "hosts", "write s", "memory MiB", "page kB", "beside MB", *(f"{one or 'overview'} s" for one in SCREENS)
    )
    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        for hosts in chosen.hosts:
            with tempfile.TemporaryDirectory(prefix="netfleet-") as folder:
                command = [sys.executable, __file__, "--hosts", str(hosts), "--containers", str(chosen.containers)]
                said = subprocess.run([*command, "--into", folder], check=True, capture_output=True, text=True).stdout
                browser = playwright.chromium.launch(executable_path=program, args=arguments)
                page = Path(folder) / html.NAME
                beside = sum(path.stat().st_size for path in Path(folder).glob("hosts/*.js"))
                sizes = (f"{page.stat().st_size / 1e3:.0f}", f"{beside / 1e6:.1f}")
                table.add_row(
                    str(hosts), *said.split(), *sizes, *(f"{seconds(browser, page, one):.2f}" for one in SCREENS)
                )
                browser.close()
    Console(width=160).print(table)


def write(folder: Path, hosts: int, containers: int) -> None:
    """Write a report and print its time in seconds and memory in MiB, without the tables of the fleet."""
    database = fleet.made(hosts, containers)
    sample.plant(database, hosts)
    report = sample.report(database, list(sample.findings(hosts)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    html.write_page(database, report, folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{time.perf_counter() - start:.1f}", f"{(peak - before) / 1024:.0f}")


def seconds(browser: Browser, page: Path, screen: str) -> float:
    """Return the median time until a view is complete."""
    found = []
    for _time in range(TIMES):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        opened = context.new_page()
        start = time.perf_counter()
        opened.goto(f"{page.as_uri()}#/{screen}")
        opened.locator("body[data-ready]").wait_for()
        found.append(time.perf_counter() - start)
        context.close()
    return statistics.median(found)


if __name__ == "__main__":
    main()
