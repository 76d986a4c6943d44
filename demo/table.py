# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print what ip(8) said of each host of the lab as one short table a host: python demo/table.py .lab/demo-*.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

Links = dict[str, list[dict[str, Any]]]


def other_end(namespaces: Links, netns: str, link: dict[str, Any]) -> str:
    """Return what a link hangs on: its master, its peer or its parent, with the namespace where that is another."""
    found = [f"port of {link['master']}"] if "master" in link else []
    kind = link.get("linkinfo", {}).get("info_kind")
    if "link" in link:
        found.append(f"{'peer' if kind == 'veth' else 'on'} {link['link']}")
    elif "link_index" in link:
        # The index is one of another namespace: a veth's peer points back at it, a macvlan's parent is the host's.
        for name, links in namespaces.items():
            for other in links:
                points_back = kind != "veth" or other.get("link_index") == link["ifindex"]
                if name != netns and other["ifindex"] == link["link_index"] and points_back:
                    found.append(f"{'peer' if kind == 'veth' else 'on'} {other['ifname']} in {name}")
    return "\n".join(found)


def table(host: str, namespaces: Links) -> Table:
    """Return the table of one host."""
    result = Table(title=host, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for column in ("namespace", "link", "kind", "addresses", "hangs on"):
        result.add_column(column)
    for netns, links in namespaces.items():
        for link in links:
            if link["ifname"] == "lo":
                continue
            addresses = [f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"] if one["scope"] == "global"]
            kind = link.get("linkinfo", {}).get("info_kind", "")
            result.add_row(netns, link["ifname"], kind, "\n".join(addresses), other_end(namespaces, netns, link))
        result.add_section()
    return result


def main() -> None:
    """Print the table of every file that is named."""
    for path in sys.argv[1:]:
        Console().print(
            table(Path(path).stem.removeprefix("demo-"), json.loads(Path(path).read_text(encoding="utf-8")))
        )


if __name__ == "__main__":
    main()
