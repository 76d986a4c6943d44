# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print a snapshot of each host as a short table: python demo/table.py .lab/snapshots/*.json.gz."""

from __future__ import annotations

import gzip
import json
import sys
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

Row = dict[str, Any]


def other_end(link: Row, references: dict[str, str]) -> str:
    """Return the master, peer or parent of a link, with its namespace."""
    found = [f"port of {link['master']}"] if link["master"] else []
    for role, words in (("peer", "peer"), ("parent", "on")):
        if link[f"{role}_index"] is not None:
            where = references.get(link[f"{role}_netns"], link[f"{role}_netns"])
            found.append(f"{words} {link[role]} in {where}")
    if link["docker_network"]:
        found.append(f"Docker network {link['docker_network']}")
    return "\n".join(found)


def table(snapshot: Row) -> Table:
    """Return the table of one host."""
    host, engine = snapshot["host"], snapshot["docker"]["engine"] or {}
    system = f"{host['os']}, Docker Engine {engine.get('version', 'unknown')}"
    title = f"{host['name']}: {system}, {len(snapshot['namespaces'])} namespaces in {host['seconds']} s"
    result = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for column in ("namespace", "kind", "link", "addresses", "connected to"):
        result.add_column(column)
    references = {netns["netns"]: netns["reference"] or netns["netns"] for netns in snapshot["namespaces"]}
    for netns in snapshot["namespaces"]:
        for link in netns["interfaces"]:
            if link["kind"] == "loopback":
                continue
            addresses = [
                f"{one['address']}/{one['prefixlen']}"
                for one in netns["addresses"]
                if one["index"] == link["index"] and one["scope"] == "global"
            ]
            cells = (
                references[netns["netns"]],
                netns["kind"],
                f"{link['name']} ({link['kind'] or 'device'})",
                "\n".join(addresses),
                other_end(link, references),
            )
            result.add_row(*map(escape, cells))
        result.add_section()
    return result


def main() -> None:
    """Print a table for each snapshot file."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    for path in sys.argv[1:]:
        with gzip.open(path) as file:
            console.print(table(json.load(file)))


if __name__ == "__main__":
    main()
