# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print which of the kernel's parts that are given as arguments are neither there nor can be loaded, one a line.

With `--load`, those that can be loaded are, and printed with a plus sign before them.
"""

from __future__ import annotations

import os
import subprocess
import sys

# What shows that a part is there, built in or not; besides a folder in /sys/module, which not every one has.
SIGNS = {
    "br_netfilter": ("/proc/sys/net/bridge/bridge-nf-call-iptables",),
    "nf_conntrack": ("/proc/sys/net/netfilter/nf_conntrack_max",),
    "nf_nat": ("/proc/sys/net/netfilter/nf_conntrack_max",),
    "ip_vs": ("/proc/net/ip_vs", "/proc/sys/net/ipv4/vs"),
}
LINKS = ("bridge", "veth", "vxlan", "macvlan", "ipvlan", "dummy", "vlan", "8021q", "vrf", "wireguard")
RELEASE = os.uname().release


def built_in() -> set[str]:
    """Return the modules that are part of the kernel itself, where it says so."""
    names = set()
    try:
        with open(f"/lib/modules/{RELEASE}/modules.builtin", encoding="utf-8") as file:
            names = {os.path.basename(line.strip()).split(".")[0].replace("-", "_") for line in file}
    except OSError:
        pass
    return names


def knows_link(kind: str) -> bool:
    """Tell whether the kernel knows a kind of link, tried in a namespace that is thrown away."""
    kind = {"8021q": "vlan"}.get(kind, kind)
    # Its help is asked of ip(8); the kernel answers what it does not know with "Unknown device type".
    command = ["unshare", "--net", "ip", "link", "add", "netfleet0", "type", kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "Unknown device type" not in done.stderr and "not supported" not in done.stderr.lower()


def filesystems() -> set[str]:
    """Return the file systems that the kernel knows."""
    with open("/proc/filesystems", encoding="ascii") as file:
        return {line.split()[-1] for line in file}


def has(name: str) -> bool:
    """Tell whether a part of the kernel is there."""
    if os.path.isdir(f"/sys/module/{name}") or name in built_in() or name in filesystems():
        return True
    if any(os.path.exists(path) for path in SIGNS.get(name, ())):
        return True
    if name in LINKS:
        return knows_link(name)
    return False


def main() -> None:
    """Look at each, load what can be loaded where that is wanted."""
    names = [name for name in sys.argv[1:] if not name.startswith("--")]
    for name in names:
        if has(name):
            continue
        try:
            load = ["modprobe", *([] if "--load" in sys.argv else ["--dry-run"]), name]
            loads = subprocess.run(load, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            loads = False
        sys.stdout.write(f"+{name}\n" if loads else f"{name}\n")


if __name__ == "__main__":
    main()
