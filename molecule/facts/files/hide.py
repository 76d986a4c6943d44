# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create hidden namespaces, invalid entries and hostile names on this host.

Each namespace is held open in one way only. The output is JSON with the namespaces and their locations. Processes run
as systemd units, so that they keep running and ``hide.py remove`` finds them.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path("/run/mf")
NAMED = Path("/run/netns")
LEAK = Path("/run/docker/netns/mfleaked0000")
UNITS = ("mf-process", "mf-mount", "mf-descriptor", "mf-socket")
# The kernel accepts each as an interface name, and ip passes bytes through unchanged.
NAMES = (b"<b>x", b"{{7*7}}", b"$(id)", b"\x1b[31mred", b"bad\xff\xfe", b"a\\x41b", b"'\";-rf", "\u202egnp".encode())
ALIAS = b"<script>{{ 7*7 }}</script>\x1b]0;x\x07\xc3\x28 ../../etc/passwd\n$(id)"

# A process that enters another namespace and leaves a socket there.
HOLD_SOCKET = """
import ctypes, os, signal, socket
libc = ctypes.CDLL(None)
own = os.open("/proc/self/ns/net", os.O_RDONLY)
libc.unshare(0x40000000)
there = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
os.system("ip link add mf-far type veth peer name mf-near netns 1")
libc.setns(own, 0x40000000)
signal.pause()
"""
# A process that keeps a namespace file open after the only process inside has ended.
HOLD_DESCRIPTOR = """
import os, signal, subprocess
first = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 60"], stdout=subprocess.PIPE)
first.stdout.readline()
fd = os.open(f"/proc/{first.pid}/ns/net", os.O_RDONLY)
first.kill()
first.wait()
signal.pause()
"""
MOUNT_INSIDE = "touch /run/mf/inner && unshare --net mount --bind /proc/self/ns/net /run/mf/inner && exec sleep 86400"


def run(*argv: str | bytes) -> str:
    """Run a command that must succeed."""
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout.decode("utf-8", "surrogateescape")


def unit(name: str, *argv: str) -> int:
    """Start a background command and return its PID."""
    run("systemd-run", "--quiet", "--collect", f"--unit={name}", *argv)
    return int(run("systemctl", "show", "--property=MainPID", "--value", name))


def bind(path: Path) -> int:
    """Create a namespace that only a mount holds open, and return its inode."""
    path.touch()
    run("unshare", "--net", "mount", "--bind", "/proc/self/ns/net", str(path))
    return path.stat().st_ino


def until_found(path: str) -> int:
    """Wait until the path is a namespace other than the host's, and return its inode."""
    deadline = time.monotonic() + 10
    host = os.stat("/proc/1/ns/net")
    while time.monotonic() < deadline:
        try:
            found = os.stat(path)
        except OSError:
            found = host
        if found.st_dev == host.st_dev and found.st_ino != host.st_ino:
            return found.st_ino
        time.sleep(0.05)
    sys.exit(f"{path} did not become a namespace")


def descriptor(pid: int) -> str:
    """Return the path of a namespace that a process has open."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # the process closes files while it starts
                alone = not Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
                if alone and os.readlink(path).startswith("net:"):
                    return str(path)
        time.sleep(0.05)
    sys.exit(f"process {pid} has not opened a namespace")


def add() -> None:
    """Create all hidden namespaces and entries."""
    remove()
    HERE.mkdir()
    LEAK.parent.mkdir(parents=True, exist_ok=True)
    found: dict[str, object] = {"mount": {"path": str(HERE / "bound"), "inode": bind(HERE / "bound")}}

    pid = unit("mf-process", "unshare", "--net", "sleep", "86400")
    found["process"] = {"pid": pid, "inode": until_found(f"/proc/{pid}/ns/net")}

    pid = unit("mf-mount", "unshare", "--mount", "--propagation=private", "sh", "-c", MOUNT_INSIDE)
    path = f"/proc/{pid}/root/run/mf/inner"
    found["other mount namespace"] = {"path": path, "inode": until_found(path)}

    pid = unit("mf-descriptor", sys.executable, "-c", HOLD_DESCRIPTOR)
    path = descriptor(pid)
    found["descriptor"] = {"path": path, "inode": until_found(path), "pid": pid}

    found["socket"] = {"pid": unit("mf-socket", sys.executable, "-c", HOLD_SOCKET), "peer": "mf-near"}
    found["sandbox"] = {"path": str(LEAK), "inode": bind(LEAK)}
    found["strays"] = strays()
    found["odd"] = {"names": [_text(name) for name in NAMES], "alias": _text(ALIAS)}
    odd_links()
    print(json.dumps(found))


def strays() -> dict[str, str]:
    """Create invalid entries in /run/netns; return their types by path."""
    (NAMED / "mf-stub").touch()
    (NAMED / "mf-directory").mkdir()
    (NAMED / "mf-text").write_text("not a namespace\n", encoding="ascii")
    (NAMED / "mf-dangling").symlink_to("/nowhere/mf")
    (NAMED / "mf-hosts").symlink_to("/proc/1/ns/net")
    (NAMED / "mf-new\nline").touch()
    return {
        str(NAMED / name): kind
        for name, kind in {
            "mf-stub": "empty file",
            "mf-directory": "directory",
            "mf-text": "file",
            "mf-dangling": "link",
            "mf-hosts": "link",
            "mf-new\nline": "empty file",
        }.items()
    }


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def odd_links() -> None:
    """Create unusual links, addresses, routes, rules and neighbors in a named namespace."""
    run("ip", "netns", "add", "mf-odd")
    inside = ("ip", "-n", "mf-odd")
    for name in NAMES:
        run(*inside, b"link", b"add", b"name", name, b"type", b"bridge")
    for name, alias in zip(NAMES, (ALIAS, b"\xff" * 255, b"=cmd|'/c calc'!A0")):
        run(*inside, b"link", b"set", b"dev", name, b"alias", alias)
    run(*inside, "link", "property", "add", "dev", "<b>x", "altname", "{{9*9}}<i>$(id)")
    lines = """
        link set lo up
        link add br0 type bridge
        link add v0 type veth peer name v1
        link set v0 master br0 up
        link set v1 up mtu 1400 group 7
        link set br0 up
        link add vx0 type vxlan id 77 local 192.0.2.1 dev v1 dstport 4790
        link add mv0 link v1 type macvlan mode private
        address add 192.0.2.1/24 dev v1
        address add 192.0.2.9/24 dev v1
        address add 198.51.100.1 peer 198.51.100.2/32 dev br0
        address add 2001:db8::1/64 dev v1 nodad
        route add 203.0.113.0/24 via 192.0.2.7 mtu 1300 table 77 src 192.0.2.9
        route add 203.0.113.0/25 metric 9 nexthop via 192.0.2.7 weight 2 nexthop via 192.0.2.8
        route add blackhole 203.0.113.128/25
        route add unreachable 2001:db8:f::/48
        -6 route add 2001:db8:2::/64 via 2001:db8::7
        rule add from 192.0.2.0/24 to 203.0.113.0/24 iif br0 fwmark 5/7 lookup 77 priority 100
        -6 rule add from 2001:db8::/64 prohibit priority 200
        neighbour add 192.0.2.7 lladdr 02:00:00:00:00:07 dev v1 nud permanent
        neighbour add 2001:db8::7 lladdr 02:00:00:00:00:08 dev v1 nud permanent
    """
    for line in lines.strip().splitlines():
        run(*inside, *line.split())
    for kind in ("dummy", "ifb", "vrf table 99", "vlan id 5 link v1"):  # not supported by every kernel
        what, *options = kind.split()
        add_it = [*inside, "link", "add", f"{what}9", *options[2:], "type", what, *options[:2]]
        subprocess.run(add_it, check=False, stderr=subprocess.DEVNULL)
    bridge = ("bridge", "-n", "mf-odd", "fdb", "add", "02:00:00:00:00:09", "dev")
    run(*bridge, "vx0", "dst", "192.0.2.7", "self", "permanent")
    run(*bridge, "v0", "master", "static")


def remove() -> None:
    """Remove everything, even if only part of it exists."""
    subprocess.run(["systemctl", "stop", *UNITS], check=False, stderr=subprocess.DEVNULL)
    subprocess.run(["systemctl", "reset-failed", *UNITS], check=False, stderr=subprocess.DEVNULL)
    NAMED.mkdir(exist_ok=True)
    for path in [HERE / "bound", LEAK, *NAMED.glob("mf-*")]:
        subprocess.run(["umount", "--lazy", "--no-canonicalize", path], check=False, stderr=subprocess.DEVNULL)
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
    shutil.rmtree(HERE, ignore_errors=True)
    subprocess.run(["ip", "link", "delete", "mf-near"], check=False, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    {"add": add, "remove": remove}[sys.argv[1]]()
