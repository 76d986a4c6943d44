# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One phase of a probe of ports on this host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._facts import options, snapshot
from ansible_collections.netfleet.docker.plugins.module_utils._swarm import ports


def run_phase(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of a phase."""
    phase = params["phase"]
    if phase == "listen":
        return {"socket": ports.listen(params["expected"])}
    if phase == "send":
        return {"answers": ports.send(params["targets"], params["seconds"])}
    if phase == "collect":
        return {"packed": options.pack_document(_collect(params["socket"]))}
    raise BadParameter("phase", f"{phase} runs on the controller; use the action of this module")


def _collect(socket: str | None) -> dict[str, Any]:
    """Return the missing packets and, if there are any, the namespace of the host with its firewall."""
    if not socket:
        raise BadParameter("socket", "required for phase=collect: the result of phase=listen")
    missing = ports.collect(socket)
    if not missing:
        return {"missing": [], "namespace": {}}
    wanted = snapshot.SnapshotRequest(subset=frozenset(("addresses", "firewall")), kinds=frozenset(("host",)))
    return {"missing": missing, "namespace": next(iter(snapshot.collect_snapshot(wanted)["namespaces"]), {})}
