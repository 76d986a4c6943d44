# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print which of the kernel's parts that are given as arguments are neither there nor can be loaded, one a line.

Those that can be loaded have a plus sign before them, and those that are an equals sign.
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


def loaded() -> set[str]:
    """Return the modules that are loaded, of a kernel that has any."""
    try:
        with open("/proc/modules", encoding="ascii") as file:
            return {line.split()[0] for line in file}
    except OSError:
        return set()


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


def is_built_in(name: str) -> bool:
    """Tell whether a part of the kernel is there and no module that is loaded."""
    return name in built_in() or os.path.isdir(f"/sys/module/{name}")


def can_load(name: str) -> bool:
    """Tell whether there is a module to load."""
    try:
        return subprocess.run(["modprobe", "--dry-run", name], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def has(name: str) -> bool:
    """Tell whether the kernel behaves as if a part were there, which is all that a kernel without modules shows."""
    if name in filesystems() or any(os.path.exists(path) for path in SIGNS.get(name, ())):
        return True
    return name in LINKS and knows_link(name)


def main() -> None:
    """Look at each. What can be loaded is not tried out: the kernel would load it to find out."""
    for name in dict.fromkeys(sys.argv[1:]):
        if name in loaded():
            sys.stdout.write(f"={name}\n")
        elif is_built_in(name):
            continue
        elif can_load(name):
            sys.stdout.write(f"+{name}\n")
        elif not has(name):
            sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
