# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which container a process belongs to, told by its control groups where no engine answers. Pure."""

from __future__ import annotations

import re
from collections.abc import Set

# A component of the path is the id, or systemd's scope of it: docker-ID.scope, libpod-ID.scope, crio-ID.scope.
# Podman's monitor (libpod-conmon-ID) is no process of the container.
_CONTAINER = re.compile(r"(?<![^/:])(?:(?:docker|libpod|cri-containerd|crio)-)?([0-9a-f]{64})(?:\.scope)?(?=/|$)")


def container_ids(cgroup: str) -> set[str]:
    """Return the ids in the text of /proc/PID/cgroup; of PID 1's, those of the machine itself."""
    return {one for line in cgroup.splitlines() for one in _in_path(line)}


def container_id(cgroup: str, own: Set[str] = frozenset()) -> str | None:
    """Return the container that the text of /proc/PID/cgroup names, the innermost of nested ones, or None.

    ``own`` are the ids of the containers that this machine itself runs in.
    """
    for line in cgroup.splitlines():
        found = [one for one in _in_path(line) if one not in own]
        if found:
            return found[-1]
    return None


def _in_path(line: str) -> list[str]:
    """Return the ids in the path of a line ``NUMBER:CONTROLLERS:PATH``, outermost first."""
    fields = line.split(":", 2)
    # containerd's own scopes with a cgroup driver of systemd stand as SLICE:cri-containerd:ID
    return _CONTAINER.findall(fields[2]) if len(fields) == 3 else []
