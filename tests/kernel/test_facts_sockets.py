# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets and their processes, compared with ss(8)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import conntrack
from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import sockets as sockets_table

from .reading import read, read_all
from .sandbox import Sandbox

_OPEN = """
import os, socket as s
kept = []
def add(family, kind, address, *options, connect=None):
    one = s.socket(family, kind)
    for option in options:
        one.setsockopt(*option)
    one.bind(address)
    if connect:
        one.connect(connect)
    elif kind == s.SOCK_STREAM:
        one.listen()
    kept.append(one)
only = (s.IPPROTO_IPV6, s.IPV6_V6ONLY)
add(s.AF_INET, s.SOCK_STREAM, ("127.0.0.1", 1001))
add(s.AF_INET, s.SOCK_STREAM, ("0.0.0.0", 1002), (s.SOL_SOCKET, s.SO_BINDTODEVICE, b"lo"))
add(s.AF_INET6, s.SOCK_STREAM, ("::", 1003), (*only, 1))
add(s.AF_INET6, s.SOCK_STREAM, ("::", 1004), (*only, 0))
add(s.AF_INET6, s.SOCK_STREAM, ("::ffff:127.0.0.1", 1005), (*only, 0))
add(s.AF_INET6, s.SOCK_DGRAM, ("::1", 1006))
add(s.AF_INET, s.SOCK_DGRAM, ("0.0.0.0", 1007))
add(s.AF_INET, s.SOCK_DGRAM, ("127.0.0.1", 1008), connect=("127.0.0.1", 9))
kept.append(s.socket(s.AF_INET, s.SOCK_DGRAM))
taken = s.create_connection(("127.0.0.1", 1001))
os.seteuid(65534)
add(s.AF_INET, s.SOCK_STREAM, ("127.0.0.2", 10009))
os.seteuid(0)
child = os.fork()
if child:
    print("ready", flush=True)
    input()
    os.kill(child, 9)
else:
    import time
    time.sleep(600)
"""
_LINE = re.compile(
    r"(?P<protocol>\w+)\s+(?:LISTEN|UNCONN)\s+\d+\s+\d+\s+"
    r"(?P<address>[^ %]+?)(?:%(?P<interface>[^ :]+))?:(?P<port>\d+)\s"
)


@contextmanager
def running(box: Sandbox, netns: str, program: str) -> Iterator[None]:
    """Run a Python program that reports when it is ready, until the block ends."""
    argv = [*box.entering(netns), sys.executable, "-c", program]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout
    try:
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        process.communicate("\n")


def witness(box: Sandbox, netns: str) -> dict[int, dict[str, Any]]:
    """Return the listening sockets of ss by port."""
    found = {}
    for line in box.run("ss", "-H", "-l", "-n", "-t", "-u", "-e", netns=netns).splitlines():
        match = _LINE.match(line)
        assert match, line
        six = match["address"] == "*" or match["address"].startswith("[")
        user = re.search(r"uid:(\d+)", line)
        inode = re.search(r"ino:(\d+)", line)
        found[int(match["port"])] = {
            "protocol": match["protocol"],
            "family": 6 if six else 4,
            "address": match["address"].strip("[]").replace("*", "::"),
            "port": int(match["port"]),
            "interface": match["interface"],
            "uid": int(user[1]) if user else 0,
            "inode": int(inode[1]) if inode else 0,
            "v6only": "v6only:1" in line if six else None,
        }
    return found


def names(box: Sandbox, netns: str) -> dict[int, str]:
    return {link["ifindex"]: link["ifname"] for link in box.ip("link", netns=netns)}


def test_listening_sockets_match_ss_output(box: Sandbox) -> None:
    box.sh("ip link set lo up", netns="red")
    with running(box, "red", _OPEN):
        rows = read(box, "red", sockets_table.read_sockets)["sockets"]
        held = sockets_table.read_descriptors(time.monotonic() + 60)
        rows = sockets_table.complete_rows(rows, names(box, "red"), held.sockets)
        expected = witness(box, "red")
        assert set(expected) == {*range(1001, 1008), 10009}
        assert held.complete
        for row in rows:
            processes = row.pop("processes")
            assert row == expected.pop(row["port"])
            assert len(processes) == 2 and processes[0]["pid"] != processes[1]["pid"]
            for process in processes:
                with open(f"/proc/{process['pid']}/comm", encoding="utf-8") as comm:
                    assert process["command"] == comm.read().strip()
                assert os.stat(f"/proc/{process['pid']}/ns/net").st_ino != os.stat("/proc/self/ns/net").st_ino
        assert not expected
    assert read(box, "blue", sockets_table.read_sockets) == {"sockets": []}


def test_sockets_are_truncated_at_the_limit(box: Sandbox) -> None:
    box.sh("ip link set lo up", netns="red")
    program = (
        "import socket as s\n"
        "kept = [s.create_server(('127.0.0.1', port)) for port in range(2000, 2100)]\n"
        "print('ready', flush=True)\ninput()"
    )
    with running(box, "red", program):
        found, exceeded = read_all(box, "red", sockets_table.read_sockets, messages=10)
        assert len(found["sockets"]) == 10 and exceeded
        assert len(read(box, "red", sockets_table.read_sockets)["sockets"]) == 100


def test_namespace_held_by_a_file_descriptor_is_found(box: Sandbox) -> None:
    inode = int(box.run("stat", "-L", "-c", "%i", "/run/netns/red"))
    # The first reads as the mount point, then as "/"; the second as net:[INODE].
    opens = "kept = [open('/run/netns/red'), open('/proc/self/ns/net')]\nprint('ready', flush=True)\ninput()"
    with running(box, "red", opens):
        for remove in ("true", "ip netns del red"):
            box.sh(remove)
            holders = sockets_table.read_descriptors(time.monotonic() + 60).namespaces[inode]
            assert [os.stat(path).st_ino for _pid, path in holders] == [inode, inode]
            assert all(path.startswith(f"/proc/{pid}/fd/") for pid, path in holders)


def test_scan_of_open_files_ends_at_its_deadline() -> None:
    assert not sockets_table.read_descriptors(0).complete


def test_tracked_connections_are_counted(box: Sandbox) -> None:
    program = (
        "import socket as s\nfor port in (1, 2, 3): s.socket(s.AF_INET, s.SOCK_DGRAM).sendto(b'', ('127.0.0.1', port))"
    )
    box.sh("ip link set lo up", "iptables-nft -A OUTPUT -m conntrack --ctstate NEW", netns="red")
    box.run(sys.executable, "-c", program, netns="red")
    for netns in ("red", "blue"):
        folder = "/proc/sys/net/netfilter/nf_conntrack"
        count, most = box.run("cat", f"{folder}_count", f"{folder}_max", netns=netns).split()
        found = read(box, netns, conntrack.read_conntrack)
        assert found == {"conntrack_count": int(count), "conntrack_max": int(most)}
        assert (found["conntrack_count"] > 0) == (netns == "red")
