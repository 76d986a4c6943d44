# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert overlay networks, ingress and gateway bridges of a Swarm into parameters of the module network; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import host as roles_host
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.host import Host, flag, network_of

Options = dict[str, Any]

GWBRIDGE, INGRESS = "docker_gwbridge", "ingress"
_BRIDGE = "com.docker.network.bridge."
_MTU = "com.docker.network.driver.mtu"
# The driver is told the MTU of the links below, takes 50 bytes off for VXLAN over IPv4, and for ESP 26 more and what is
# above a multiple of 4. The header of IPv6 has 20 bytes more, which it does not know of.
_VXLAN, _ESP, _IPV6 = 50, 26, 20
_LEAST, _MOST = 68, 65535


class Underlay:
    """The links between the nodes, below the overlay networks."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        """Take a plan of the Swarm."""
        self.mtu = int(plan["mtu"]) - (_IPV6 if plan["ipv6"] else 0)

    def option(self, mtu: Any, encrypted: bool) -> str:
        """Return the MTU option of the driver."""
        if mtu in (None, "", "underlay"):
            return str(self.mtu)
        if not str(mtu).isdecimal() or not _LEAST <= int(mtu) <= _MOST:
            raise BadParameter("mtu", f"must be {_LEAST} to {_MOST} or underlay, not {str(mtu)[:40]}")
        if encrypted and int(mtu) % 4:
            raise BadParameter("mtu", f"must be a multiple of 4 with encryption, not {mtu}")
        found = int(mtu) + _VXLAN + (_ESP if encrypted else 0)
        if found > self.mtu:
            raise BadParameter(
                "mtu", f"{mtu} and the headers are {found} bytes, but the links between the nodes have {self.mtu}"
            )
        return str(found)


def overlay_networks(
    networks: Iterable[Mapping[str, Any]],
    plan: Mapping[str, Any],
    infos: Mapping[str, Mapping[str, Any]],
    lacks_esp: Mapping[str, str],
    ingress: Mapping[str, Any] | None = None,
) -> list[Options]:
    """Return the parameters of each network on a manager, networks to remove first.

    ``infos`` has by host what netns_info returned, ``lacks_esp`` by host why its kernel has no ESP.
    """
    networks = list(networks)
    under = Underlay(plan)
    found = []
    for one in networks:
        if one.get("state") != "absent":
            try:
                found.append(_network(one, under, lacks_esp))
            except BadParameter as error:
                raise roles_host.prefixed(str(one.get("name")), error) from None
    if ingress:
        found.append(_ingress(ingress, under))
    names = [one["name"] for one in networks] + ([INGRESS] if ingress else [])
    for name in names:
        if names.count(name) > 1:
            raise BadParameter(f"{name}: name", "declared twice")
    for host, info in infos.items():
        there = Host(host, info)
        roles_host.see_disjoint(found, there)
        _see_free(found, set(names), there, info)
    return [{"name": one["name"], "state": "absent"} for one in networks if one.get("state") == "absent"] + found


def _network(network: Mapping[str, Any], under: Underlay, lacks_esp: Mapping[str, str]) -> Options:
    encrypted = bool(network.get("encrypted"))
    for host, why in lacks_esp.items() if encrypted else ():
        raise BadParameter(
            "encrypted",
            f"the kernel of {host} has no ESP ({why}), so the network would carry no traffic there; load the "
            "modules esp4, xfrm_user and gcm, or set encrypted=false",
        )
    options = {_MTU: under.option(network.get("mtu"), encrypted)}
    if encrypted:
        options["encrypted"] = ""
    found = roles_host.common(network, "overlay", options)
    found.update(attachable=bool(network.get("attachable")), internal=bool(network.get("internal")))
    pools = [_pool(one) for one in network.get("subnets") or ()]
    if pools:
        found["ipam_config"] = pools
    if any(":" in pool["subnet"] for pool in pools):
        found["enable_ipv6"] = True
    return found


def _pool(subnet: Mapping[str, Any]) -> Options:
    network_of("subnets[].subnet", subnet["subnet"])
    keys = ("subnet", "gateway", "iprange", "aux_addresses")
    return {key: subnet[key] for key in keys if subnet.get(key) is not None}


def _ingress(ingress: Mapping[str, Any], under: Underlay) -> Options:
    try:
        return {
            "name": INGRESS,
            "driver": "overlay",
            "ingress": True,
            "driver_options": {_MTU: under.option(ingress.get("mtu"), False)},
            "ipam_config": [_pool(ingress)],
        }
    except BadParameter as error:
        raise BadParameter(f"overlay_ingress.{error.parameter}", error.reason) from None


def _see_free(found: Iterable[Options], names: set[str], host: Host, info: Mapping[str, Any]) -> None:
    """Raise BadParameter if a subnet overlaps a route or another network of the host."""
    taken = [
        (network_of("route", route["dst"]), f"the route to {route['dst']} through {route.get('interface')}")
        for place in info.get("namespaces") or ()
        if place.get("kind") == "host"
        for route in place.get("routes") or ()
        if route.get("table") == 254 and "/" in str(route.get("dst")) and not str(route["dst"]).endswith("/0")
    ]
    taken += [
        (network_of("network", pool["subnet"]), f"the network {network['name']}")
        for network in host.docker.get("networks") or ()
        if network["name"] not in names
        for pool in network.get("ipam") or ()
        if pool.get("subnet")
    ]
    for options in found:
        for pool in options.get("ipam_config") or ():
            own = network_of("subnet", pool["subnet"])
            for other, what in taken:
                if own.version == other.version and own.overlaps(other):
                    raise BadParameter(f"{options['name']}: subnets[].subnet", f"{own} overlaps {what} of {host.name}")


def gwbridge(wanted: Mapping[str, Any], in_swarm: bool) -> Options:
    """Return the parameters of a host's gateway bridge, which is never recreated on a node."""
    network_of("overlay_gwbridge.subnet", wanted["subnet"])
    options = {
        f"{_BRIDGE}name": GWBRIDGE,
        f"{_BRIDGE}enable_icc": flag(wanted.get("icc", False)),
        f"{_BRIDGE}enable_ip_masquerade": flag(wanted.get("masquerade", True)),
    }
    if wanted.get("mtu"):
        options[_MTU] = str(wanted["mtu"])
    pool = {key: wanted[key] for key in ("subnet", "gateway") if wanted.get(key)}
    return {
        "name": GWBRIDGE,
        "driver": "bridge",
        "driver_options": options,
        "ipam_config": [pool],
        "rebuild": "never" if in_swarm else "force",
    }
