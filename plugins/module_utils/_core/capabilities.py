# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Linux capabilities that a module requires, checked before anything is changed."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import MissingPrivilege

# linux/capability.h
TO_CHANGE = {12: "CAP_NET_ADMIN", 21: "CAP_SYS_ADMIN"}
# Without CAP_SYS_PTRACE the kernel hides the namespaces of other users' processes without an error.
TO_READ = {12: "CAP_NET_ADMIN", 19: "CAP_SYS_PTRACE", 21: "CAP_SYS_ADMIN"}


def require_capabilities(capabilities: dict[int, str]) -> None:
    """Raise MissingPrivilege with the missing capabilities, unless the process has all of them."""
    effective = int(re.findall(r"CapEff:\s+(\w+)", Path("/proc/self/status").read_text(encoding="ascii"))[0], 16)
    missing = [name for bit, name in capabilities.items() if not effective >> bit & 1]
    if missing:
        *most, last = missing
        names = f"{', '.join(most)} and {last}" if most else last
        raise MissingPrivilege(f"requires root on the host (become: true); missing capabilities: {names}")
