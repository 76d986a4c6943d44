# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of a run as they will be when a later role runs; pure.

A role plans with the networks that the roles before it create and remove, and with the settings of Docker Engine that
the role engine applies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_interface
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.fleet import InventoryFleet

Row = Mapping[str, Any]
_DEFAULT_NETWORK, _DEFAULT_LINK = "bridge", "docker0"
_ROWS_OF_LINKS = ("addresses", "routes")


class PredictedFleet(InventoryFleet):
    """The hosts of a run with a Docker Engine, and their predicted state."""

    def __init__(self, task_vars: Mapping[str, Any]) -> None:
        """Take the variables of the task; ``without_engine`` are the hosts whose Docker networks are not known yet."""
        super().__init__(task_vars)
        self._infos: dict[str, Mapping[str, Any]] = {}
        for host in self.in_run:
            state = self.get_host_state(host)
            if ((state.get("state") or {}).get("docker") or {}).get("engine"):
                self._infos[host] = predict_engine(state["state"], state.get("engine") or {})
        self.without_engine = [
            host for host in self.in_run if host not in self._infos and "docker" in self._list_subset(host)
        ]
        self.in_run = list(self._infos)

    def get_info(self, host: str) -> Mapping[str, Any]:
        """Return the predicted state of a host in the format of netns_info."""
        return self._infos.get(host, {})

    def apply_networks(self, host: str, networks: Iterable[Row]) -> None:
        """Predict that networks are created and removed; ``networks`` are parameters of the module network."""
        info = self._infos[host]
        docker = {**info["docker"], "networks": predict_networks(info["docker"].get("networks") or (), networks)}
        self._infos[host] = {**info, "docker": docker}

    def _list_subset(self, host: str) -> list[str]:
        return list((self.get_host_state(host).get("needs") or {}).get("subset") or ())


def predict_networks(existing: Iterable[Row], networks: Iterable[Row]) -> list[Row]:
    """Return the Docker networks of a host after the module network has applied these parameters."""
    found = {str(network["name"]): network for network in existing}
    for options in networks:
        name = str(options["name"])
        if options.get("state") == "absent":
            found.pop(name, None)
        elif name not in found or options.get("ipam_config"):
            found[name] = {
                "id": (found.get(name) or {}).get("id"),
                "name": name,
                "driver": options.get("driver"),
                "config_only": bool(options.get("config_only")),
                "ipam": [{"subnet": pool["subnet"]} for pool in options.get("ipam_config") or ()],
                "options": dict(options.get("driver_options") or {}),
            }
    return list(found.values())


def predict_engine(info: Row, engine: Row) -> Mapping[str, Any]:
    """Return the state of a host after the role engine; ``engine`` is its prediction from host_state."""
    if not (engine.get("result") or {}).get("changed"):
        return info
    arguments = engine["arguments"]
    docker = dict(info["docker"])
    if arguments.get("live_restore") is not None:
        docker["engine"] = {**docker["engine"], "live_restore": arguments["live_restore"]}
    # Docker Engine releases its ports when it restarts.
    places = [{key: rows for key, rows in place.items() if key != "sockets"} for place in info["namespaces"]]
    subnets = [arguments[name] for name in ("bip", "bip6") if arguments.get(name)]
    if subnets or arguments.get("default_address_pools"):
        others = [network for network in docker.get("networks") or () if network["name"] != _DEFAULT_NETWORK]
        default = {"name": _DEFAULT_NETWORK, "driver": "bridge", "state": "present"}
        pools = [{"subnet": str(ip_interface(one).network)} for one in subnets]
        docker["networks"] = predict_networks(others, [{**default, "ipam_config": pools}])
        places = [_remove_link(place, _DEFAULT_LINK) for place in places]
    return {**info, "docker": docker, "namespaces": places}


def _remove_link(place: Row, link: str) -> dict[str, Any]:
    """Return a namespace without the addresses and routes of a link."""
    kept = {
        part: [row for row in place.get(part) or () if row["interface"] != link] for part in ("addresses", "routes")
    }
    return {**place, **kept}
