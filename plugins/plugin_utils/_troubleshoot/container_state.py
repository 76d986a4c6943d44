# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers that cannot send or answer: stopped, paused, or left in the namespace of a restarted container; pure."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import quote
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Row

Fault = tuple[str, str]
_RUNNING, _PAUSED = "running", "paused"
_REMEDIES = {
    "created": "docker start {name}",
    "exited": "docker start {name}",
    "restarting": "docker logs --tail 20 {name}   # why does it end?",
    "dead": "docker rm {name}   # Docker could not remove it completely; create it again",
}


def find_fault(container: Row, containers: Sequence[Row]) -> Fault | None:
    """Return what is wrong with a container and a remedy, or None; ``containers`` are all of its host."""
    name = quote(container["name"])
    state = str(container["state"])
    if state == _PAUSED:
        detail = f"container {container['name']} is paused: the kernel answers for it, but its programs do not run"
        return detail, f"docker unpause {name}"
    if state != _RUNNING:
        return f"container {container['name']} is {state}", _REMEDIES.get(state, "").format(name=name)
    if container["joined_id"]:
        return _find_left_behind(container, containers)
    return None


def _find_left_behind(container: Row, containers: Sequence[Row]) -> Fault | None:
    """Return the fault of a container whose namespace is not that of the container that it joined."""
    name, joined_id = container["name"], str(container["joined_id"])
    joined = next((row for row in containers if row["id"] == joined_id), None)
    if joined is None:
        detail = f"container {name} shares the namespace of container {joined_id[:12]}, which no longer exists"
        return detail, ""
    is_alive = joined["state"] in (_RUNNING, _PAUSED)
    now = {joined["netns"], joined["sandbox_netns"]} - {None}
    if not container["netns"] or container["netns"] in now or (is_alive and not now):
        return None
    if is_alive:
        detail = f"container {name} is in the former namespace of container {joined['name']}, which was restarted"
        return detail, f"docker restart {quote(name)}"
    detail = f"container {name} is in the former namespace of container {joined['name']}, which is {joined['state']}"
    return detail, f"docker start {quote(joined['name'])} && docker restart {quote(name)}"
