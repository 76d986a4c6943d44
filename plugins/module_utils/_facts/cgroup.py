# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers of processes by cgroup, if no engine responds. Pure."""

from __future__ import annotations

import re
from collections.abc import Set

# A component of the path is the ID, or a systemd scope with it: docker-ID.scope, libpod-ID.scope, crio-ID.scope.
# The monitor of Podman (libpod-conmon-ID) is not part of the container.
_CONTAINER = re.compile(r"(?<![^/:])(?:(?:docker|libpod|cri-containerd|crio)-)?([0-9a-f]{64})(?:\.scope)?(?=/|$)")


def find_container_ids(cgroup: str) -> set[str]:
    """Return the IDs in /proc/PID/cgroup; for PID 1, those of the machine itself."""
    return {one for line in cgroup.splitlines() for one in _find_path_ids(line)}


def find_container_id(cgroup: str, own: Set[str] = frozenset()) -> str | None:
    """Return the innermost container in the text of /proc/PID/cgroup, or None.

    ``own`` are the IDs of the containers in which this machine runs.
    """
    for line in cgroup.splitlines():
        found = [one for one in _find_path_ids(line) if one not in own]
        if found:
            return found[-1]
    return None


def _find_path_ids(line: str) -> list[str]:
    """Return the IDs in the path of a line ``NUMBER:CONTROLLERS:PATH``, outermost first."""
    fields = line.split(":", 2)
    # With the systemd cgroup driver, scopes of containerd have the form SLICE:cri-containerd:ID
    return _CONTAINER.findall(fields[2]) if len(fields) == 3 else []
