# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert networks that roles declare for a host into parameters of the module network; pure.

A host is known by what the module netns_info returned of it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices.networks import is_sliced

# What the module takes as it is.
PASSED = ("labels", "connected", "rebuild", "internal", "attachable")


class Host:
    """A host as netns_info describes it; its methods raise BadParameter if a declaration does not fit."""

    def __init__(self, name: str, info: Mapping[str, Any]) -> None:
        """Take the inventory name and the result of the module."""
        self.name = name
        places = [place for place in info.get("namespaces") or () if place.get("kind") == "host"]
        self._place: Mapping[str, Any] = places[0] if places else {}
        self.docker: Mapping[str, Any] = info.get("docker") or {}
        self.links: dict[str, Mapping[str, Any]] = {link["name"]: link for link in self._place.get("interfaces") or ()}

    def link(self, parameter: str, name: str) -> Mapping[str, Any]:
        """Return a link by name."""
        if name not in self.links:
            known = ", ".join(sorted(link for link in self.links if self.links[link].get("kind") != "loopback"))
            raise BadParameter(parameter, f"{self.name} has no link {name}; it has {known}")
        return self.links[name]

    def uplink(self) -> Mapping[str, Any]:
        """Return the link of the default route; the one of the lowest metric, IPv4 first."""
        routes = [
            route
            for route in self._place.get("routes") or ()
            if route.get("dst") in ("default", "0.0.0.0/0", "::/0") and route.get("table") in (254, "main", None)
        ]
        routes.sort(key=lambda route: (route.get("family") != 4, route.get("metric") or 0))
        for route in routes:
            if route.get("interface") in self.links:
                return self.links[route["interface"]]
        raise BadParameter("uplink", f"{self.name} has no default route; specify its uplink")

    def engine(self) -> tuple[int, ...]:
        """Return the version of its Docker Engine."""
        version = str((self.docker.get("engine") or {}).get("version") or "")
        if not version:
            raise BadParameter("host", f"no Docker Engine answers on {self.name}")
        return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def prefixed(name: str, error: BadParameter) -> BadParameter:
    """Return an error of a network with the network's name."""
    return BadParameter(f"{name}: {error.parameter}", error.reason)


def common(network: Mapping[str, Any], driver: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that networks of every driver have."""
    own = network.get("driver_options") or {}
    both = {key for key in options if key in own}
    if both:
        raise BadParameter(f"driver_options[{min(both)}]", "use the option of the network instead")
    passed = {key: network[key] for key in PASSED if network.get(key) is not None}
    return {
        "name": network["name"],
        "driver": driver,
        "driver_options": {**{key: _text(value) for key, value in own.items()}, **options},
        **passed,
    }


def slice_of(name: str, subnet: Mapping[str, Any], host: Host, slices: Mapping[str, Any]) -> str | None:
    """Return the host's slice of a subnet, None if it is not shared."""
    if not is_sliced(subnet):
        return None
    net = str(network_of("subnets[].subnet", subnet["subnet"]))
    try:
        return str(slices[name][net][host.name])
    except KeyError:
        raise BadParameter("slices", f"{host.name} has no slice of {net}") from None


def network_of(parameter: str, value: Any) -> Any:
    """Return a subnet as a value."""
    try:
        return ipaddress.ip_network(str(value))
    except ValueError as error:
        raise BadParameter(parameter, f"{error}; must be a subnet such as 192.0.2.0/24 or fd00::/64") from None


def see_disjoint(found: Sequence[Mapping[str, Any]], host: Host) -> None:
    """Raise BadParameter if networks of a host overlap."""
    pools = [
        (options["name"], network_of("subnets[].subnet", pool["subnet"]))
        for options in found
        for pool in options.get("ipam_config") or ()
    ]
    for at, (name, pool) in enumerate(pools):
        for other, before in pools[:at]:
            if pool.version == before.version and pool.overlaps(before):
                raise BadParameter(f"{name}: subnets[].subnet", f"{pool} overlaps {before} of {other} on {host.name}")


def flag(value: Any) -> str:
    """Return a Boolean as drivers expect it."""
    return "true" if value else "false"


def _text(value: Any) -> str:
    return flag(value) if isinstance(value, bool) else str(value)
