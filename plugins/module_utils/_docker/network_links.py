# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The links that Docker Engine created for its networks and containers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import EngineError
from ansible_collections.netfleet.docker.plugins.module_utils._docker.local_api import LocalEngineClient

_BRIDGE_NAME = "com.docker.network.bridge.name"
_SHORT_ID = 12
# Names of bridges that Docker chooses.
_BRIDGES = re.compile(r"docker0|docker_gwbridge|br-[0-9a-f]{12}")


class EngineLinks(NamedTuple):
    """Descriptions of bridges by name, and of the links in containers by MAC address.

    ``answered`` is false if they were not read from an engine; bridges are then known by their names only.
    """

    bridges: Mapping[str, str]
    endpoints: Mapping[str, str]
    answered: bool

    def describe_bridge(self, name: str) -> str | None:
        """Return what a bridge belongs to, None for one that does not belong to Docker."""
        guess = f"a bridge of Docker, by its name {name}" if has_bridge_name(name) and not self.answered else None
        return self.bridges.get(name) or guess


def has_bridge_name(name: str) -> bool:
    """Return whether Docker chooses such names for its bridges."""
    return bool(_BRIDGES.fullmatch(name))


def read_engine_links() -> EngineLinks:
    """Return the links of the local engine; none if it does not answer."""
    networks, containers = LocalEngineClient().get_all(["/networks", "/containers/json"])
    if isinstance(networks, EngineError) or isinstance(containers, EngineError):
        return EngineLinks({}, {}, answered=False)
    return parse_engine_links(networks, containers)


def parse_engine_links(networks: list[dict[str, Any]], containers: list[dict[str, Any]]) -> EngineLinks:
    """Return the links from the engine's lists of networks and of running containers."""
    bridges = {
        get_bridge_name(network): f"the bridge of Docker network {network.get('Name')}"
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


def get_bridge_name(network: Mapping[str, Any]) -> str:
    """Return the name of the bridge of a network with the driver bridge."""
    given = (network.get("Options") or {}).get(_BRIDGE_NAME)
    return str(given or f"br-{str(network.get('Id') or '')[:_SHORT_ID]}")
