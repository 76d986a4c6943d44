# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures: each test runs for each host whose results verify.yml has fetched."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ["NETFLEET_WITNESSES"])
HOSTS = sorted(path.name.partition(".")[0] for path in FOLDER.glob("*.info.json"))
Row = dict[str, Any]


class Host:
    """Results of the modules on a host (info, facts), and the output of lsns, ip, bridge, ss and docker (witness)."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.info, self.facts, self.witness, self.canaries = (
            json.loads((FOLDER / f"{name}.{what}.json").read_text(encoding="utf-8"))
            for what in ("info", "facts", "witness", "canaries")
        )
        self.netns: dict[str, Row] = {row["netns"]: row for row in self.info["namespaces"]}
        self.docker: dict[str, Any] = self.info["docker"]
        self.containers: dict[str, Row] = {row["name"]: row for row in self.docker["containers"]}
        self.inspected: dict[str, Row] = {one["Name"].lstrip("/"): one for one in self.witness["containers"]}
        self.hidden: dict[str, Any] = self.witness["hidden"]

    def both(self) -> Iterator[tuple[str, Row, Row]]:
        """Yield the inode, row and expected contents of each namespace that the witness entered."""
        for inode, look in self.witness["namespaces"].items():
            assert inode in self.netns, f"namespace {inode} is missing"
            yield inode, self.netns[inode], look

    def mounts(self) -> dict[str, list[str]]:
        """Return the paths in the mount table by the inode of their namespace."""
        paths = defaultdict(list)
        for path, inode in self.witness["by_path"].items():
            if not path.startswith("/proc/"):
                paths[str(inode)].append(path)
        return paths


@pytest.fixture(scope="session", params=HOSTS)
def host(request: pytest.FixtureRequest) -> Host:
    """Return each host in turn."""
    return Host(request.param)


def shown(text: str | None) -> str | None:
    """Return text with bytes that are not UTF-8 escaped as described in the tables reference."""
    if text is None:
        return None
    raw = re.sub(r"\\(?=x[0-9a-f]{2})", r"\\x5c", text).encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "backslashreplace")


def same(ours: Iterable[object], theirs: Iterable[object], where: str) -> None:
    """Compare two collections regardless of order, and show the items that only one of them has."""
    left, right = sorted(map(repr, ours)), sorted(map(repr, theirs))
    only_ours = [one for one in left if left.count(one) > right.count(one)]
    only_theirs = [one for one in right if right.count(one) > left.count(one)]
    assert left == right, f"{where}: only here {only_ours}, only there {only_theirs}"
