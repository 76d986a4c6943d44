# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert overlay networks, ingress and gateway bridges of a Swarm to parameters of the module network; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import host as roles_host
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import overlaps
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.host import HostInfo, format_flag, parse_subnet

Options = dict[str, Any]

GWBRIDGE, INGRESS = "docker_gwbridge", "ingress"
_BRIDGE = "com.docker.network.bridge."
_MTU = "com.docker.network.driver.mtu"
# The MTU option of the driver is that of the underlay. The driver subtracts 50 bytes for VXLAN over IPv4, and with ESP
# 26 more, rounded down to a multiple of 4. It does not subtract the additional 20 bytes of an IPv6 header.
_VXLAN, _ESP, _IPV6 = 50, 26, 20
_LEAST, _MOST = 68, 65535


class Underlay:
    """The underlay: the links between the nodes that carry the overlay networks."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        """Take the plan of the Swarm."""
        self.mtu = int(plan["mtu"]) - (_IPV6 if plan["ipv6"] else 0)

    def get_mtu_option(self, mtu: Any, encrypted: bool) -> str:
        """Return the MTU option of the driver; raise BadParameter if the underlay cannot carry the MTU."""
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


def build_overlay_networks(
    networks: Iterable[Mapping[str, Any]],
    plan: Mapping[str, Any],
    infos: Mapping[str, Mapping[str, Any]],
    lacks_esp: Mapping[str, str],
    ingress: Mapping[str, Any] | None = None,
) -> list[Options]:
    """Return the parameters of each network on a manager, networks to remove first.

    ``infos`` are the results of netns_info by host, ``lacks_esp`` the reasons for missing support of ESP by host.
    """
    networks = list(networks)
    under = Underlay(plan)
    found = []
    for one in networks:
        if one.get("state") != "absent":
            try:
                found.append(_build_network(one, under, lacks_esp))
            except BadParameter as error:
                raise roles_host.prefix_parameter(str(one.get("name")), error) from None
    if ingress:
        found.append(_build_ingress(ingress, under))
    names = [one["name"] for one in networks] + ([INGRESS] if ingress else [])
    for name in names:
        if names.count(name) > 1:
            raise BadParameter(f"{name}: name", "declared twice")
    tolerated = {str(one["name"]) for one in networks if one.get("allow_overlap")}
    for host, info in infos.items():
        there = HostInfo(host, info)
        overlaps.refuse_overlaps(found, there)
        overlaps.refuse_used_subnets(found, there, names, tolerated)
    return [{"name": one["name"], "state": "absent"} for one in networks if one.get("state") == "absent"] + found


def _build_network(network: Mapping[str, Any], under: Underlay, lacks_esp: Mapping[str, str]) -> Options:
    encrypted = bool(network.get("encrypted"))
    for host, why in lacks_esp.items() if encrypted else ():
        raise BadParameter(
            "encrypted",
            f"the kernel of {host} has no ESP ({why}), so the network would carry no traffic there; load the "
            "modules esp4, xfrm_user and gcm, or set encrypted=false",
        )
    options = {_MTU: under.get_mtu_option(network.get("mtu"), encrypted)}
    if encrypted:
        options["encrypted"] = ""
    found = roles_host.build_common_parameters(network, "overlay", options)
    found.update(attachable=bool(network.get("attachable")), internal=bool(network.get("internal")))
    pools = [_build_pool(one) for one in network.get("subnets") or ()]
    if pools:
        found["ipam_config"] = pools
    if any(":" in pool["subnet"] for pool in pools):
        found["enable_ipv6"] = True
    return found


def _build_pool(subnet: Mapping[str, Any]) -> Options:
    parse_subnet("subnets[].subnet", subnet["subnet"])
    keys = ("subnet", "gateway", "iprange", "aux_addresses")
    return {key: subnet[key] for key in keys if subnet.get(key) is not None}


def _build_ingress(ingress: Mapping[str, Any], under: Underlay) -> Options:
    try:
        return {
            "name": INGRESS,
            "driver": "overlay",
            "ingress": True,
            "driver_options": {_MTU: under.get_mtu_option(ingress.get("mtu"), False)},
            "ipam_config": [_build_pool(ingress)],
        }
    except BadParameter as error:
        raise BadParameter(f"overlay_ingress.{error.parameter}", error.reason) from None


def build_gwbridge(wanted: Mapping[str, Any], in_swarm: bool) -> Options:
    """Return the parameters of the gateway bridge of a host; it is never recreated on a node."""
    parse_subnet("overlay_gwbridge.subnet", wanted["subnet"])
    options = {
        f"{_BRIDGE}name": GWBRIDGE,
        f"{_BRIDGE}enable_icc": format_flag(wanted.get("icc", False)),
        f"{_BRIDGE}enable_ip_masquerade": format_flag(wanted.get("masquerade", True)),
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
