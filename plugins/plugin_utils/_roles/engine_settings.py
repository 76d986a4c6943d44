# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of a Docker Engine, merged into what daemon.json has; pure."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter

# What the engine takes anew from its file without a restart.
_RELOADED = {"live-restore"}
_INTEGERS = {"mtu"}
_LISTS = {"default-address-pools", "dns", "dns-search", "dns-opts", "hosts"}
_SWITCHES = {
    "icc",
    "ip-forward",
    "ip-masq",
    "iptables",
    "ip6tables",
    "ipv6",
    "userland-proxy",
    "tlsverify",
    "live-restore",
}
_LOCAL = ("fd://", "unix://")
_SOCKETS = ("fd://", "unix:///var/run/docker.sock", "unix:///run/docker.sock")


_PUBLIC = _INTEGERS | _LISTS | _SWITCHES | {"bip", "bip6", "fixed-cidr", "fixed-cidr-v6", "ip"}


def engine_settings(current: str, wanted: Mapping[str, Any], absent: Iterable[str]) -> dict[str, Any]:
    """Return the settings that are to be, the keys that change, and how the engine takes them.

    ``current`` is the text of the file, empty where there is none; ``wanted`` has the keys of the file, None where
    nothing is said; ``absent`` names keys that are to be removed.
    """
    before = _parsed(current)
    given = {key: _typed(key, value) for key, value in wanted.items() if value is not None and value != ""}
    gone = set(absent)
    both = sorted(gone & set(given))
    if both:
        raise BadParameter("engine_settings_absent", f"{both[0]} is to be set and to be removed")
    after = {key: value for key, value in {**before, **given}.items() if key not in gone}
    _see(given, after)
    changed = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    # What leaves the file keeps its value in an engine that only reads it anew.
    reloaded = {key for key in changed if key in _RELOADED and key in after}
    return {
        "settings": after,
        "before": before,
        "changed": changed,
        "changes": [f"{key}: {_told(key, before, given)} -> {_told(key, after, given)}" for key in changed],
        "restart": bool(set(changed) - reloaded),
        "manages_hosts": "hosts" in given,
        "leaves_hosts": "hosts" in gone,
    }


def _parsed(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadParameter(
            "engine_config_file", f"what the host has there is no JSON, and is left as it is: {error}"
        ) from None
    if not isinstance(found, dict):
        raise BadParameter("engine_config_file", "what the host has there is no JSON object, and is left as it is")
    return found


def _typed(key: str, value: Any) -> Any:
    """Return a value as the engine wants it: an inventory may say yes or "1450", and the engine takes neither."""
    try:
        if key in _SWITCHES:
            return boolean(value)
        if key in _INTEGERS:
            return int(value)
    except (TypeError, ValueError):
        kind = "a number" if key in _INTEGERS else "true or false"
        raise BadParameter(_variable(key), f"must be {kind}, not {value!r}") from None
    if key in _LISTS and (isinstance(value, (str, Mapping)) or not isinstance(value, Iterable)):
        raise BadParameter(_variable(key), f"must be a list, not {value!r}")
    return value


def _told(key: str, settings: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """Return a value for people to read, of the keys that the inventory says; what others say may be a secret."""
    if key not in settings:
        return "nothing"
    return json.dumps(settings[key]) if key in given or key in _PUBLIC else "(not shown)"


def _see(given: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Refuse what no engine takes, or what would cut it off, by the variable's name."""
    for key in ("bip", "bip6"):
        if key in given:
            _interface(f"engine_{key}", given[key])
    for key in ("fixed-cidr", "fixed-cidr-v6"):
        if key in given:
            _network(_variable(key), given[key])
    if "bip" in after and "fixed-cidr" in after and {"bip", "fixed-cidr"} & set(given):
        bridge, part = _interface("engine_bip", after["bip"]), _network("engine_fixed_cidr", after["fixed-cidr"])
        if part.version != bridge.version or not part.subnet_of(bridge):
            raise BadParameter("engine_fixed_cidr", f"{part} lies outside of the bridge's subnet {bridge} (engine_bip)")
    if "mtu" in given and not 68 <= given["mtu"] <= 65535:
        raise BadParameter("engine_mtu", f"must be 68 to 65535, not {given['mtu']}")
    for server in given.get("dns", ()):
        _address("engine_dns", server)
    if "ip" in given:
        _address("engine_ip", given["ip"])
    _see_pools(given.get("default-address-pools", ()), after)
    _see_hosts(given.get("hosts"), after)


def _see_pools(pools: Iterable[Mapping[str, Any]], after: Mapping[str, Any]) -> None:
    seen: list[tuple[str, Any]] = []
    for at, pool in enumerate(pools):
        where = f"engine_default_address_pools[{at}]"
        if not isinstance(pool, Mapping) or not {"base", "size"} <= set(pool):
            raise BadParameter(
                where, f"must have a base and a size, such as base: 10.200.0.0/16, size: 24, not {pool!r}"
            )
        base, size = _network(f"{where}.base", pool["base"]), pool["size"]
        if isinstance(size, bool) or not isinstance(size, int):
            raise BadParameter(f"{where}.size", f"must be a number, not {size!r}")
        if not base.prefixlen <= size <= base.max_prefixlen:
            raise BadParameter(
                f"{where}.size", f"must be {base.prefixlen} to {base.max_prefixlen} in {base}, not {size}"
            )
        for other, net in seen:
            if net.version == base.version and net.overlaps(base):
                raise BadParameter(f"{where}.base", f"{base} overlaps {net} of {other}")
        seen.append((where, base))
    if seen and "bip" in after:
        bridge = _interface("engine_bip", after["bip"])
        for where, net in seen:
            if net.version == bridge.version and net.overlaps(bridge):
                raise BadParameter(f"{where}.base", f"{net} overlaps the default bridge's subnet {bridge} (engine_bip)")


def _see_hosts(hosts: Any, after: Mapping[str, Any]) -> None:
    if hosts is None:
        return
    if not any(str(host) in _SOCKETS for host in hosts):
        reason = "without unix:///var/run/docker.sock nothing on the host reaches its engine, this collection included"
        raise BadParameter("engine_hosts", reason)
    for host in hosts:
        if str(host).startswith("tcp://") and not after.get("tlsverify"):
            address = str(host)[6:].rpartition(":")[0].strip("[]")
            if address not in ("127.0.0.1", "localhost", "::1"):
                reason = f"{host} without engine_tlsverify makes everybody who reaches it root on the host"
                raise BadParameter("engine_hosts", reason)
        elif not str(host).startswith(("tcp://", *_LOCAL)):
            raise BadParameter("engine_hosts", f"{host} is no unix://PATH, fd:// or tcp://ADDRESS:PORT")
    for key in ("tlscacert", "tlscert", "tlskey") if after.get("tlsverify") else ():
        if not after.get(key):
            raise BadParameter(f"engine_{key}", "is needed with engine_tlsverify")


def _variable(key: str) -> str:
    return f"engine_{key.replace('-', '_')}"


def _interface(where: str, value: Any) -> Any:
    """Return the subnet of a bridge's address."""
    try:
        found = ipaddress.ip_interface(str(value))
    except ValueError:
        found = None
    if found is None or "/" not in str(value) or found.ip == found.network.network_address:
        raise BadParameter(where, f"must be the bridge's address with its prefix, such as 172.17.0.1/16, not {value!r}")
    return found.network


def _network(where: str, value: Any) -> Any:
    try:
        return ipaddress.ip_network(str(value))
    except ValueError as error:
        raise BadParameter(where, f"{error}; a subnet is written as 10.200.0.0/16") from None


def _address(where: str, value: Any) -> None:
    try:
        ipaddress.ip_address(str(value))
    except ValueError as error:
        raise BadParameter(where, str(error)) from None
