# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets, forwarding and packet filters of each namespace, compared with ss, /proc/sys and iptables-save."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from .conftest import Host, Row, same


def test_sockets(host: Host) -> None:
    seen = 0
    for inode, row, look in host.both():
        ours = {(one["protocol"], one["port"], one["inode"]): _pids(one["processes"]) for one in row["sockets"]}
        theirs = dict(map(_ss_socket, look["sockets"]))
        same(ours.items(), theirs.items(), inode)
        seen += len(ours)
    assert seen > 0


def _pids(processes: Iterable[Row]) -> list[int]:
    return sorted(one["pid"] for one in processes)


def _ss_socket(line: str) -> tuple[tuple[str, int, int], list[int]]:
    fields = line.split()
    inode = re.search(r" ino:(\d+)", line)
    pids = sorted({int(pid) for pid in re.findall(r"pid=(\d+)", line)})
    return (fields[0], int(fields[4].rpartition(":")[2]), int(inode[1]) if inode else 0), pids


def test_forwarding(host: Host) -> None:
    for inode, row, look in host.both():
        assert _sysctl(row["sysctls"], "net/ipv4/ip_forward") == look["ip_forward"], inode


def _sysctl(sysctls: Any, key: str) -> str:
    return (
        str(sysctls[key]) if isinstance(sysctls, dict) else next(one["value"] for one in sysctls if one["key"] == key)
    )


def test_rules_of_iptables(host: Host) -> None:
    seen = 0
    for inode, row, look in host.both():
        ours = Counter(
            (one["table"], one["chain"])
            for one in row["firewall_rules"]
            if one["family"] == "ip" and one["backend"].startswith("iptables")
        )
        theirs: Counter[tuple[str, str]] = Counter()
        table = ""
        for line in look["iptables"]:
            if line.startswith("*"):
                table = line[1:]
            elif line.startswith("-A "):
                theirs[table, line.split()[1]] += 1
        assert ours == theirs, inode
        seen += len(ours)
    assert seen > 0
