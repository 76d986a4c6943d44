# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print the output of lsns, ip, bridge, ss and docker on this host as one JSON document.

Each namespace found by lsns, in the mount table or as an argument is mounted under its inode in a private /run/netns.
``ip -n INODE`` enters it, and ``ip netns list-id`` inside shows other namespaces by inode.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

NAMED = Path("/run/netns")
_LSNS = ("lsns", "--type", "net", "--json", "--output", "NS,PID,NPROCS")
_CLONE_NEWNS = 0x20000


def said(*argv: str) -> str:
    """Return the output of a command, which can contain any bytes."""
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE)
    return done.stdout.decode("utf-8", "surrogateescape")


def told(*argv: str) -> Any:
    """Return the JSON output of a command; names can contain control characters."""
    text = said(*argv)
    return json.loads(text, strict=False) if text.strip() else []


def places(known: list[str]) -> tuple[dict[int, str], dict[int, dict[str, Any]]]:
    """Return a path for each namespace by inode, and the lsns data of those with processes."""
    listed = {row["ns"]: row for row in told(*_LSNS)["namespaces"] if row["pid"]}
    found = {os.stat(path).st_ino: path for path in [*known, *_mounted()]}
    return found | {inode: f"/proc/{row['pid']}/ns/net" for inode, row in listed.items()}, listed


def _mounted() -> list[str]:
    """Return the mount points of network namespaces from the mount table of this process."""
    fields = (line.split(" ") for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").split("\n"))
    paths = [entry[4] for entry in fields if len(entry) > 4 and entry[3].startswith("net:[")]
    return [re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), path) for path in paths]


def look(name: str) -> dict[str, Any]:
    """Return everything in the named namespace."""
    ip, enter = ("ip", "-n", name, "-j", "-d"), ("nsenter", f"--net={NAMED / name}")
    return {
        "links": told(*ip, "link", "show"),
        "addresses": told(*ip, "address", "show"),
        "routes4": told(*ip, "-4", "route", "show", "table", "all"),
        "routes6": told(*ip, "-6", "route", "show", "table", "all"),
        "rules4": told(*ip, "-4", "rule", "show"),
        "rules6": told(*ip, "-6", "rule", "show"),
        "neighbours": told(*ip, "neighbour", "show", "nud", "all"),
        "nsids": told("ip", "-n", name, "-j", "netns", "list-id"),
        "fdb": told("bridge", "-n", name, "-j", "fdb", "show"),
        "sockets": said(*enter, "ss", "-H", "-l", "-n", "-t", "-u", "-e", "-p").splitlines(),
        "iptables": said(*enter, "iptables-save").splitlines(),
        "ip_forward": said(*enter, "cat", "/proc/sys/net/ipv4/ip_forward").strip(),
    }


def docker(what: str, *ids: str) -> Any:
    """Return the output of docker inspect."""
    return told("docker", *what.split(), *ids) if ids else []


def main(hidden: dict[str, Any]) -> None:
    """Collect everything from a mount namespace with a private /run/netns."""
    known = [what["path"] for what in hidden.values() if "path" in what and "inode" in what]
    containers = docker("inspect", *said("docker", "ps", "--all", "--quiet", "--no-trunc").split())
    by_inode, listed = places(known)
    own = {inode: os.open(path, os.O_RDONLY) for inode, path in by_inode.items()}
    held = {"by_path": {path: os.stat(path).st_ino for path in [*known, *_mounted()]}}
    if ctypes.CDLL(None).unshare(_CLONE_NEWNS):
        sys.exit("cannot create a private mount namespace")
    said("mount", "--make-rprivate", "/")
    said("mount", "--types", "tmpfs", "tmpfs", str(NAMED))
    for inode, fd in own.items():
        (NAMED / str(inode)).touch()
        enter = ("nsenter", f"--net=/proc/{os.getpid()}/fd/{fd}")
        said(*enter, "mount", "--bind", "/proc/self/ns/net", str(NAMED / str(inode)))
    document = {
        "host": os.stat("/proc/1/ns/net").st_ino,
        "hidden": hidden,
        "lsns": listed,
        **held,
        "namespaces": {inode: look(str(inode)) for inode in by_inode},
        "named": [line.split(" ")[0] for line in said("ip", "netns", "list").splitlines()],
        "containers": [{**one, "netns": _inode(one["State"]["Pid"])} for one in containers],
        "networks": docker("network inspect --verbose", *said("docker", "network", "ls", "--quiet").split()),
        "info": told("docker", "info", "--format", "{{json .}}"),
    }
    print(json.dumps(document))


def _inode(pid: int) -> int | None:
    return os.stat(f"/proc/{pid}/ns/net").st_ino if pid else None


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="ascii")))
