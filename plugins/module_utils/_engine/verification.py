# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the data of Docker Engine with its settings. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._engine.model import EngineState

# An engine with running containers keeps its default bridge.
OF_BRIDGE = ("bip", "bip6", "fixed-cidr", "fixed-cidr-v6", "icc", "ip", "ip-masq", "ipv6", "mtu")
_SWITCHES = {
    "icc": "com.docker.network.bridge.enable_icc",
    "ip-masq": "com.docker.network.bridge.enable_ip_masquerade",
}
_TEXTS = {"ip": "com.docker.network.bridge.host_binding_ipv4", "mtu": "com.docker.network.driver.mtu"}


def keeps_bridge(settings: Mapping[str, Any], before: EngineState | None) -> bool:
    """Return whether the default bridge keeps its settings until a restart without running containers."""
    return bool(settings.get("live-restore") and before and before.running)


def find_pending_bridge_settings(
    changed: Iterable[str], settings: Mapping[str, Any], before: EngineState | None
) -> list[str]:
    """Return the changed settings that are not applied to the default bridge yet."""
    return [key for key in changed if key in OF_BRIDGE] if keeps_bridge(settings, before) else []


def find_differences(settings: Mapping[str, Any], engine: EngineState, with_bridge: bool) -> list[str]:
    """Return differences between the engine and its settings; those of the default bridge only with ``with_bridge``."""
    found = []
    if bool(settings.get("live-restore")) != engine.live_restore:
        found.append(_format_difference("live-restore", bool(settings.get("live-restore")), engine.live_restore))
    found += _find_pool_differences(settings, engine)
    return found + (_find_bridge_differences(settings, engine.bridge) if with_bridge else [])


def _find_pool_differences(settings: Mapping[str, Any], engine: EngineState) -> list[str]:
    pools = engine.info.get("DefaultAddressPools")
    if not pools or "default-address-pools" not in settings:
        return []
    wanted = [(_normalize_subnet(one.get("base")), one.get("size")) for one in settings["default-address-pools"]]
    reported = [(_normalize_subnet(one.get("Base")), one.get("Size")) for one in pools]
    # After a reload, Docker Engine 28 reports "invalid Prefix" for the subnets that it uses.
    if wanted == reported or any(base is None for base, _size in reported):
        return []
    return [_format_difference("default-address-pools", _format_pools(wanted), _format_pools(reported))]


def _normalize_subnet(text: Any) -> str | None:
    try:
        return str(ipaddress.ip_network(str(text), strict=False))
    except ValueError:
        return None


def _format_pools(pools: Iterable[tuple[str | None, Any]]) -> str:
    return ", ".join(f"{base} size {size}" for base, size in pools)


def _find_bridge_differences(settings: Mapping[str, Any], bridge: Mapping[str, Any]) -> list[str]:
    options: Mapping[str, Any] = bridge.get("Options") or {}
    found = []
    for key, name in _SWITCHES.items():
        if key in settings and name in options and (options[name] == "true") != settings[key]:
            found.append(_format_difference(key, settings[key], options[name] == "true"))
    for key, name in _TEXTS.items():
        if key in settings and name in options and options[name] != str(settings[key]):
            found.append(_format_difference(key, settings[key], options[name]))
    if "ipv6" in settings and "EnableIPv6" in bridge and bridge["EnableIPv6"] != settings["ipv6"]:
        found.append(_format_difference("ipv6", settings["ipv6"], bridge["EnableIPv6"]))
    subnets = [one for one in (bridge.get("IPAM") or {}).get("Config") or () if one.get("Gateway")]
    for key in ("bip", "bip6"):
        if key in settings:
            wanted = ipaddress.ip_interface(settings[key])
            gateways = [ipaddress.ip_address(one["Gateway"].partition("/")[0]) for one in subnets]
            same = [gateway for gateway in gateways if gateway.version == wanted.version]
            if same and wanted.ip not in same:
                found.append(_format_difference(key, settings[key], same[0]))
    return found


def _format_difference(key: str, wanted: Any, actual: Any) -> str:
    return f"{key} is {actual}, not {wanted}"
