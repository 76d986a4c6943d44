# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The links that Docker Engine created for its networks and containers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.bridge_names import get_bridge_name, has_bridge_name
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import EngineError
from ansible_collections.netfleet.docker.plugins.module_utils._docker.local_api import LocalEngineClient


class EngineLinks(NamedTuple):
    """Networks by the name of their bridge, and descriptions of the links in containers by MAC address.

    ``answered`` is false if they were not read from an engine; bridges are then known by their names only.
    """

    bridges: Mapping[str, str]
    endpoints: Mapping[str, str]
    answered: bool

    def describe_bridge(self, name: str) -> str | None:
        """Return what a bridge belongs to, None for one that does not belong to Docker."""
        if name in self.bridges:
            return f"the bridge of Docker network {self.bridges[name]}"
        return f"a bridge of Docker, by its name {name}" if has_bridge_name(name) and not self.answered else None


def read_engine_links() -> EngineLinks:
    """Return the links of the local engine; none if it does not answer."""
    networks, containers = LocalEngineClient().get_all(["/networks", "/containers/json"])
    if isinstance(networks, EngineError) or isinstance(containers, EngineError):
        return EngineLinks({}, {}, answered=False)
    return parse_engine_links(networks, containers)


def parse_engine_links(networks: list[dict[str, Any]], containers: list[dict[str, Any]]) -> EngineLinks:
    """Return the links from the engine's lists of networks and of running containers."""
    bridges = {
        get_bridge_name(str(network.get("Id")), network.get("Options")): str(network.get("Name"))
        for network in networks
        if network.get("Driver") == "bridge"
    }
    endpoints = {}
    for container in containers:
        name = str((container.get("Names") or ["?"])[0]).lstrip("/")
        for network, endpoint in ((container.get("NetworkSettings") or {}).get("Networks") or {}).items():
            if endpoint.get("MacAddress"):
                endpoints[str(endpoint["MacAddress"]).lower()] = f"container {name} in Docker network {network}"
    return EngineLinks(bridges, endpoints, answered=True)
