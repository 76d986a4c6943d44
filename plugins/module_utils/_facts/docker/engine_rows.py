# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert the engine's own data, its daemon.json and its command line to the row docker_engine. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._facts.docker import json_fields
from ansible_collections.netfleet.docker.plugins.module_utils._facts.docker.rows import build_network_options

Row = dict[str, Any]
Settings = dict[str, Any]


def _parse_pools(data: Any) -> list[Row]:
    """Return address pools; the keys are lowercase in daemon.json and capitalized in the API."""
    return [
        {
            "base": json_fields.network(pool, "base") or json_fields.network(pool, "Base"),
            "size": json_fields.integer(pool, "size") or json_fields.integer(pool, "Size"),
        }
        for pool in json_fields.get_list(data)
    ]


def _select_pools(reported: Any, settings: Settings) -> list[Row] | None:
    """Return the address pools that the engine reports, or those of its settings; None if neither is known.

    After a reload, Docker Engine 28 reports "invalid Prefix" instead of the subnets.
    """
    found = _parse_pools(reported) if reported else []
    if found and all(pool["base"] for pool in found):
        return found
    declared = settings.get("default-address-pools")
    return _parse_pools(declared) if declared else None


def _parse_options(data: Any) -> dict[str, dict[str, str]]:
    drivers = ("bridge", "ipvlan", "macvlan", "overlay")
    return {driver: build_network_options(options) for driver, options in json_fields.items(data) if driver in drivers}


_BOOLEANS = (
    *("allow-direct-routing", "icc", "ip-forward", "ip-forward-no-drop", "ip-masq", "ip6tables", "iptables", "ipv6"),
    *("live-restore", "tls", "tlsverify", "userland-proxy", "experimental"),
)
_TEXTS = (
    *("bip", "bip6", "bridge", "bridge-accept-fwmark", "default-gateway", "default-gateway-v6", "firewall-backend"),
    *("fixed-cidr", "fixed-cidr-v6", "host-gateway-ip", "ip", "swarm-default-advertise-addr", "userland-proxy-path"),
)
_NUMBERS = ("mtu", "network-control-plane-mtu", "network-diagnostic-port")
_LISTS = ("dns", "dns-opts", "dns-search", "host-gateway-ips", "hosts")
_SETTINGS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_BOOLEANS, json_fields.boolean),
    **dict.fromkeys(_TEXTS, json_fields.text),
    **dict.fromkeys(_NUMBERS, json_fields.integer),
    **dict.fromkeys(_LISTS, json_fields.texts),
    "default-address-pools": _parse_pools,
    "default-network-opts": _parse_options,
}
# Flags that are not named like their setting.
_FLAGS: Mapping[str, str] = {
    "-H": "hosts",
    "--host": "hosts",
    "-b": "bridge",
    "--dns-opt": "dns-opts",
    "--default-address-pool": "default-address-pools",
    "--default-network-opt": "default-network-opts",
    **{f"--{name}": name for name in _SETTINGS if name not in ("hosts", "dns-opts")},
    "--config-file": "config-file",
    "--pidfile": "pidfile",
    "-p": "pidfile",
}
# Short flags without a value; others can follow in the same word, as in -DH tcp://…
_SHORT_SWITCHES = "Dv"


def parse_daemon_json(content: str) -> Settings:
    """Return the network settings of a daemon.json; raise NetfleetError if it is invalid."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NetfleetError(f"not JSON: {error}") from None
    if not isinstance(data, Mapping):
        raise NetfleetError("not a JSON object")
    return {name: take(data[name]) for name, take in _SETTINGS.items() if data.get(name) is not None}


def parse_command_line(arguments: Iterable[str]) -> Settings:
    """Return the network settings of dockerd's command line, and config-file if it is given."""
    given: dict[str, list[str]] = {}
    waiting = list(arguments)
    while waiting:
        flag, value = _split_flag(waiting.pop(0))
        name = _FLAGS.get(flag)
        if name is None:
            continue
        if value is None:
            # A Boolean flag stands alone; other flags are followed by their value.
            value = "true" if name in _BOOLEANS else waiting.pop(0) if waiting else ""
        given.setdefault(name, []).append(value)
    return {name: _parse_value(name, values) for name, values in given.items()}


def build_engine_row(version: Any, info: Any, socket: str, settings: Settings) -> Row:
    """Return the row of the engine from /version, /info and the settings of file and flags."""
    swarm = json_fields.get_path(info, "Swarm")
    manager = json_fields.boolean(swarm, "ControlAvailable")
    state = json_fields.text(swarm, "LocalNodeState")
    return {
        "version": json_fields.text(version, "Version") or json_fields.text(info, "ServerVersion"),
        "api_version": json_fields.text(version, "ApiVersion"),
        "socket": json_fields.text(socket),
        "cgroup_driver": json_fields.text(info, "CgroupDriver"),
        "cgroup_version": json_fields.integer(info, "CgroupVersion"),
        "live_restore": json_fields.boolean(info, "LiveRestoreEnabled"),
        "userland_proxy": settings.get("userland-proxy"),
        "iptables": settings.get("iptables"),
        "ip6tables": settings.get("ip6tables"),
        "icc": settings.get("icc"),
        "ip_forward": settings.get("ip-forward"),
        "ip_masq": settings.get("ip-masq"),
        "firewall_backend": json_fields.text(info, "FirewallBackend", "Driver") or settings.get("firewall-backend"),
        "firewall_reloaded_at": _find_reload_time(json_fields.get_path(info, "FirewallBackend", "Info")),
        "hosts": settings.get("hosts"),
        "tls": settings.get("tlsverify"),
        "default_address_pools": _select_pools(json_fields.get_path(info, "DefaultAddressPools"), settings),
        "settings": {name: value for name, value in settings.items() if name in _SETTINGS},
        # From API version 1.48 on, the engine loads br_netfilter only when required, and reports always false.
        "bridge_nf_iptables": None if _has_no_bridge_nf(version) else json_fields.boolean(info, "BridgeNfIptables"),
        "bridge_nf_ip6tables": None if _has_no_bridge_nf(version) else json_fields.boolean(info, "BridgeNfIp6tables"),
        "ipv4_forwarding": json_fields.boolean(info, "IPv4Forwarding"),
        "warnings": json_fields.texts(info, "Warnings"),
        "swarm_state": state,
        "swarm_role": "manager" if manager else "worker" if state == "active" else None,
        "swarm_node_id": json_fields.text(swarm, "NodeID"),
        "swarm_address": json_fields.address(swarm, "NodeAddr"),
        "swarm_managers": [
            found
            for one in json_fields.get_list(swarm, "RemoteManagers")
            if (found := json_fields.text(one, "Addr")) is not None
        ],
    }


def _has_no_bridge_nf(version: Any) -> bool:
    numbers = (json_fields.text(version, "ApiVersion") or "").split(".")
    return len(numbers) == 2 and all(one.isdigit() for one in numbers) and tuple(map(int, numbers)) >= (1, 48)


def _find_reload_time(data: Any) -> str | None:
    """Return when the engine last restored its rules, from pairs of name and value."""
    pairs = [one for one in json_fields.get_list(data) if isinstance(one, list) and len(one) == 2]
    return next((json_fields.time(value) for name, value in pairs if name == "ReloadedAt"), None)


def _split_flag(argument: str) -> tuple[str, str | None]:
    """Return a flag and its value in the same word: --flag=x, -H=x or -Hx."""
    if argument.startswith("--"):
        flag, equals, value = argument.partition("=")
        return flag, value if equals else None
    letters = argument[1:].lstrip(_SHORT_SWITCHES) if argument.startswith("-") else ""
    if not letters:
        return "", None
    return f"-{letters[0]}", letters[1:].removeprefix("=") or None


def _parse_value(name: str, values: Sequence[str]) -> Any:
    """Return a setting in the format of daemon.json."""
    last = values[-1]
    if name in _BOOLEANS:
        return {"1": True, "0": False}.get(last, last[:1] in "tT")
    if name in _NUMBERS:
        return json_fields.integer(last)
    if name in _LISTS:
        return json_fields.texts(list(values))
    if name == "default-address-pools":
        return _parse_pools([_parse_pairs(value.split(",")) for value in values])
    if name == "default-network-opts":
        return _parse_options(_parse_network_options(values))
    return json_fields.text(last)


def _parse_network_options(values: Iterable[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for value in values:
        driver, _equals, option = value.partition("=")
        found.setdefault(driver, {}).update(_parse_pairs([option]))
    return found


def _parse_pairs(words: Iterable[str]) -> dict[str, str]:
    return {key.strip(): value.strip() for key, _equals, value in (word.partition("=") for word in words)}
