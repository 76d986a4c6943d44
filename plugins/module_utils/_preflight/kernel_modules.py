# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kernel modules: loaded, loadable, or built in. Checks do not load modules."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from ansible_collections.netfleet.docker.plugins.module_utils._core.programs import run_command
from ansible_collections.netfleet.docker.plugins.module_utils._preflight import kernel_features

LOADED, LOADABLE, BUILT_IN, MISSING = "loaded", "loadable", "built in", "missing"
_PROGRAMS = "/usr/sbin:/sbin:/usr/bin:/bin"
_SECONDS = 30
# Objects that exist only with a feature, for kernels without module files such as in containers.
_SIGNS = {
    "br_netfilter": ("/proc/sys/net/bridge/bridge-nf-call-iptables",),
    "nf_conntrack": ("/proc/sys/net/netfilter/nf_conntrack_max",),
    "nf_nat": ("/proc/sys/net/netfilter/nf_conntrack_max",),
    "ip_vs": ("/proc/net/ip_vs", "/proc/sys/net/ipv4/vs"),
}
_LINKS = {
    **{name: name for name in ("bridge", "veth", "vxlan", "macvlan", "ipvlan", "dummy", "vrf", "wireguard")},
    "8021q": "vlan",
}


class KernelModules:
    """The modules of the running kernel."""

    def __init__(self) -> None:
        self._loaded = {line.split()[0] for line in _read_lines("/proc/modules")}
        self._filesystems = {line.split()[-1] for line in _read_lines("/proc/filesystems")}
        paths = _read_lines(f"/lib/modules/{os.uname().release}/modules.builtin")
        self._built_in = {Path(path).name.split(".")[0].replace("-", "_") for path in paths}

    def get_states(self, names: list[str]) -> dict[str, str]:
        """Return the state of each module by its name."""
        found = {name: self._get_state(name.replace("-", "_")) for name in names}
        # Existing links of a kind show that a module is available; the kernel is tested only without other evidence.
        kinds = {name: _LINKS[name] for name, state in found.items() if state == MISSING and name in _LINKS}
        if kinds:
            unknown = kernel_features.find_missing_features(sorted(set(kinds.values())), [])
            found.update({name: BUILT_IN for name, kind in kinds.items() if f"kind:{kind}" not in unknown})
        return found

    def _get_state(self, name: str) -> str:
        if name in self._loaded:
            return LOADED
        if name in self._built_in or Path("/sys/module", name).is_dir():
            return BUILT_IN
        if is_loadable(name):
            return LOADABLE
        is_there = name in self._filesystems or any(Path(path).exists() for path in _SIGNS.get(name, ()))
        return BUILT_IN if is_there else MISSING


def is_loadable(name: str) -> bool:
    """Return whether modprobe(8) can load a module."""
    return _find_modprobe("--dry-run", "--quiet", name) == ""


def load_module(name: str) -> str:
    """Load a module; return why that failed, empty on success."""
    return _find_modprobe(name)


def _find_modprobe(*arguments: str) -> str:
    program = shutil.which("modprobe", path=_PROGRAMS)
    if not program:
        return "this host has no modprobe(8)"
    try:
        done = run_command([program, *arguments], _SECONDS)
    except subprocess.TimeoutExpired:
        return f"modprobe timed out after {_SECONDS} s"
    return (done.stderr.strip() or f"modprobe failed with status {done.returncode}") if done.returncode else ""


def _read_lines(path: str) -> list[str]:
    try:
        return [line for line in Path(path).read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    except OSError:
        return []
