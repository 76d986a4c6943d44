# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert user-defined bridge networks of a host into parameters of the module network; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import host as roles_host
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import overlaps
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.host import HostInfo, format_flag

_BRIDGE = "com.docker.network.bridge."
_MTU = "com.docker.network.driver.mtu"
# First engine version with the mode. Earlier ones ignore it and would publish ports that must stay unreachable.
_GATEWAY_MODES = {"nat": (27, 0), "routed": (27, 0), "isolated": (28, 0), "nat-unprotected": (28, 0)}
_NAME_BYTES = 15


def build_bridge_networks(
    networks: Sequence[Mapping[str, Any]], host: HostInfo, slices: Mapping[str, Any], uplink: str | None = None
) -> list[dict[str, Any]]:
    """Return the parameters of each network, networks to remove first."""
    absent = [{"name": one["name"], "state": "absent"} for one in networks if one.get("state") == "absent"]
    found = []
    for one in networks:
        if one.get("state") != "absent":
            try:
                found.append(_build_options(one, host, slices, uplink))
            except BadParameter as error:
                raise roles_host.prefix_parameter(str(one.get("name")), error) from None
    tolerated = {str(one["name"]) for one in networks if one.get("allow_overlap")}
    overlaps.refuse_overlaps(found, host)
    overlaps.refuse_used_subnets(found, host, {str(one["name"]) for one in networks}, tolerated)
    return [*absent, *found]


def _build_options(
    network: Mapping[str, Any], host: HostInfo, slices: Mapping[str, Any], uplink: str | None
) -> dict[str, Any]:
    pools = [_build_pool(str(network["name"]), subnet, host, slices) for subnet in network.get("subnets") or ()]
    options = {**_build_switch_options(network), **_build_link_options(network), **_build_gateway_modes(network, host)}
    mtu = _resolve_mtu(network, host, uplink)
    if mtu is not None:
        options[_MTU] = str(mtu)
    found = roles_host.build_common_parameters(network, "bridge", options)
    ipv6 = any(":" in pool["subnet"] for pool in pools)
    if network.get("ipv6") is not None or ipv6:
        found["enable_ipv6"] = ipv6 if network.get("ipv6") is None else bool(network["ipv6"])
        if ipv6 and not found["enable_ipv6"]:
            raise BadParameter("ipv6", "false is not possible with an IPv6 subnet; omit it, or set it to true")
    if pools:
        found["ipam_config"] = pools
    return found


def _build_pool(name: str, subnet: Mapping[str, Any], host: HostInfo, slices: Mapping[str, Any]) -> dict[str, Any]:
    own = roles_host.get_slice(name, subnet, host, slices)
    if own is None:
        roles_host.parse_subnet("subnets[].subnet", subnet["subnet"])
        keys = ("subnet", "gateway", "iprange", "aux_addresses")
        return {key: subnet[key] for key in keys if subnet.get(key) is not None}
    for key in ("gateway", "iprange", "aux_addresses"):
        if subnet.get(key) is not None:
            raise BadParameter(f"subnets[].{key}", "not supported together with slices: each host has its own subnet")
    return {"subnet": own}


def _build_switch_options(network: Mapping[str, Any]) -> dict[str, str]:
    names = {"icc": f"{_BRIDGE}enable_icc", "masquerade": f"{_BRIDGE}enable_ip_masquerade"}
    return {names[key]: format_flag(network[key]) for key in names if network.get(key) is not None}


def _build_link_options(network: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    name = network.get("link")
    if name:
        if len(str(name).encode()) > _NAME_BYTES or "/" in str(name) or str(name).split() != [str(name)]:
            raise BadParameter(
                "link", f"{name!r} is not a valid link name; must be 1 to {_NAME_BYTES} bytes without / and spaces"
            )
        found[f"{_BRIDGE}name"] = str(name)
    if network.get("host_binding"):
        found[f"{_BRIDGE}host_binding_ipv4"] = str(network["host_binding"])
    return found


def _build_gateway_modes(network: Mapping[str, Any], host: HostInfo) -> dict[str, str]:
    found = {}
    for key in ("gateway_mode_ipv4", "gateway_mode_ipv6"):
        mode = network.get(key)
        if mode is None:
            continue
        least = _GATEWAY_MODES[mode]
        if host.get_engine_version() < least:
            has = ".".join(map(str, host.get_engine_version()))
            raise BadParameter(key, f"{mode} requires Docker Engine {least[0]} or later; {host.name} has {has}")
        found[f"{_BRIDGE}{key}"] = mode
    return found


def _resolve_mtu(network: Mapping[str, Any], host: HostInfo, uplink: str | None) -> int | None:
    mtu = network.get("mtu")
    if mtu in (None, ""):
        return None
    if mtu == "uplink":
        return int((host.get_link("uplink", uplink) if uplink else host.find_uplink())["mtu"])
    if not str(mtu).isdecimal() or not 68 <= int(mtu) <= 65535:
        raise BadParameter("mtu", f"must be 68 to 65535 or uplink, not {str(mtu)[:40]}")
    return int(mtu)
