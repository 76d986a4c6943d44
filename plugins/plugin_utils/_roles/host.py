# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert networks that roles declare for a host into parameters of the module network; pure.

The state of a host is the result of the module netns_info.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices.networks import is_sliced

# Parameters that are passed to the module unchanged.
PASSED = ("labels", "connected", "rebuild", "internal", "attachable")


class HostInfo:
    """The result of netns_info for a host; the methods raise BadParameter if the host lacks an object."""

    def __init__(self, name: str, info: Mapping[str, Any]) -> None:
        """Take the inventory name and the result of the module."""
        self.name = name
        places = [place for place in info.get("namespaces") or () if place.get("kind") == "host"]
        self._place: Mapping[str, Any] = places[0] if places else {}
        self.docker: Mapping[str, Any] = info.get("docker") or {}
        self.links: dict[str, Mapping[str, Any]] = {link["name"]: link for link in self._place.get("interfaces") or ()}
        self.routes: Sequence[Mapping[str, Any]] = self._place.get("routes") or ()
        self.addresses: Sequence[Mapping[str, Any]] = self._place.get("addresses") or ()
        self.networks: Sequence[Mapping[str, Any]] = self.docker.get("networks") or ()

    def get_link(self, parameter: str, name: str) -> Mapping[str, Any]:
        """Return a link by name."""
        if name not in self.links:
            known = ", ".join(sorted(link for link in self.links if self.links[link].get("kind") != "loopback"))
            raise BadParameter(parameter, f"{self.name} has no link {name}; it has {known}")
        return self.links[name]

    def find_uplink(self) -> Mapping[str, Any]:
        """Return the link of the default route with the lowest metric; IPv4 takes precedence."""
        routes = [
            route
            for route in self.routes
            if route.get("dst") in ("default", "0.0.0.0/0", "::/0") and route.get("table") in (254, "main", None)
        ]
        routes.sort(key=lambda route: (route.get("family") != 4, route.get("metric") or 0))
        for route in routes:
            if route.get("interface") in self.links:
                return self.links[route["interface"]]
        raise BadParameter("uplink", f"{self.name} has no default route; specify its uplink")

    def get_engine_version(self) -> tuple[int, ...]:
        """Return the major and minor version of Docker Engine."""
        version = str((self.docker.get("engine") or {}).get("version") or "")
        if not version:
            raise BadParameter("host", f"no Docker Engine answers on {self.name}")
        return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def prefix_parameter(name: str, error: BadParameter) -> BadParameter:
    """Return the error with the name of the network before the parameter."""
    return BadParameter(f"{name}: {error.parameter}", error.reason)


def build_common_parameters(network: Mapping[str, Any], driver: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that are common to the networks of all drivers."""
    own = network.get("driver_options") or {}
    both = {key for key in options if key in own}
    if both:
        raise BadParameter(f"driver_options[{min(both)}]", "use the option of the network instead")
    passed = {key: network[key] for key in PASSED if network.get(key) is not None}
    return {
        "name": network["name"],
        "driver": driver,
        "driver_options": {**{key: _format_option(value) for key, value in own.items()}, **options},
        **passed,
    }


def get_slice(name: str, subnet: Mapping[str, Any], host: HostInfo, slices: Mapping[str, Any]) -> str | None:
    """Return the slice of the host in a subnet; None for a subnet without slices."""
    if not is_sliced(subnet):
        return None
    net = str(parse_subnet("subnets[].subnet", subnet["subnet"]))
    try:
        return str(slices[name][net][host.name])
    except KeyError:
        raise BadParameter("slices", f"{host.name} has no slice of {net}") from None


def parse_subnet(parameter: str, value: Any) -> Any:
    """Return the subnet; raise BadParameter if it is invalid."""
    try:
        return ipaddress.ip_network(str(value))
    except ValueError as error:
        raise BadParameter(parameter, f"{error}; must be a subnet such as 192.0.2.0/24 or fd00::/64") from None


def format_flag(value: Any) -> str:
    """Return a Boolean as the text of a driver option."""
    return "true" if value else "false"


def _format_option(value: Any) -> str:
    return format_flag(value) if isinstance(value, bool) else str(value)
