# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks that a run must not delete or recreate without ``force``; pure."""

from __future__ import annotations

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.effects import Effects
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.model import ActualNetwork

_GWBRIDGE = "docker_gwbridge"
_REMEDY = "set force=true to do this nevertheless"


def refuse_protected_network(name: str, actual: ActualNetwork, effects: Effects, server: str | None) -> None:
    """Raise PlanError if the network belongs to Swarm or carries the SSH connection.

    ``server`` is the address of this host in the SSH connection, None without one or for a remote engine.
    """
    change = "deleted" if name in effects.deleted else "recreated" if name in effects.recreated else ""
    network = actual.network
    if network is None or not change:
        return
    if network.ingress or name == _GWBRIDGE:
        raise PlanError(f"network {name} belongs to Swarm and is not {change}; {_REMEDY}")
    if server and any(pool.gateway == server for pool in network.pools or ()):
        raise PlanError(f"network {name} carries the SSH connection to {server} and is not {change}; {_REMEDY}")
