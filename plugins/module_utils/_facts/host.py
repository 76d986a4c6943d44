# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host itself, and the time of the collection."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8

COLLECTOR = "netfleet.docker 0.1.0"
_RELEASES = ("/etc/os-release", "/usr/lib/os-release")
# Folders of network managers with a file per link index, and the text in files of managed links.
_MANAGERS = {
    "NetworkManager": ("/run/NetworkManager/devices", ("managed=true",)),
    "networkd": (
        "/run/systemd/netif/links",
        ("ADMIN_STATE=configured", "ADMIN_STATE=configuring", "ADMIN_STATE=failed"),
    ),
}


def build_host_row(started: float) -> dict[str, Any]:
    """Return the row of the table host; ``started`` is the start of the collection (time.time)."""
    system = os.uname()
    return {
        "name": None,
        "hostname": escape_invalid_utf8(system.nodename),
        "taken_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.time() - started, 3),
        "collector": COLLECTOR,
        "kernel": system.release,
        "architecture": system.machine,
        "os": next((name for path in _RELEASES if (name := _read_pretty_name(path))), None),
        "boot_id": _read_text("/proc/sys/kernel/random/boot_id").strip() or None,
    }


def find_link_managers() -> dict[int, str]:
    """Return the network managers of the links in the host's namespace by index."""
    found = {}
    for name, (folder, signs) in _MANAGERS.items():
        with contextlib.suppress(OSError):
            for entry in filter(str.isdigit, os.listdir(folder)):
                if not {*signs}.isdisjoint(_read_text(f"{folder}/{entry}").splitlines()):
                    found[int(entry)] = name
    return found


def _read_pretty_name(path: str) -> str | None:
    fields = (line.partition("=") for line in _read_text(path).splitlines())
    return next((value.strip().strip("\"'") for key, _is, value in fields if key == "PRETTY_NAME"), None)


def _read_text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 16)
    except OSError:
        return ""
