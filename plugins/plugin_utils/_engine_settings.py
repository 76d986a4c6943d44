# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of a Docker Engine, merged into what daemon.json has; pure."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._errors import BadParameter

# What the engine takes anew from its file without a restart.
_RELOADED = {"live-restore"}
# The options of the engine that say the same as a key of its file, in which case it refuses to start.
_LOCAL = ("fd://", "unix://")
_SOCKETS = ("fd://", "unix:///var/run/docker.sock", "unix:///run/docker.sock")


def engine_settings(current: str, wanted: Mapping[str, Any], absent: Iterable[str]) -> dict[str, Any]:
    """Return the settings that are to be, the keys that change, and how the engine takes them.

    ``current`` is the text of the file, empty where there is none; ``wanted`` has the keys of the file, None where
    nothing is said; ``absent`` names keys that are to be removed.
    """
    before = _parsed(current)
    given = {key: value for key, value in wanted.items() if value is not None}
    gone = set(absent)
    both = sorted(gone & set(given))
    if both:
        raise BadParameter("engine_settings_absent", f"{both[0]} is to be set and to be removed")
    after = {key: value for key, value in {**before, **given}.items() if key not in gone}
    _see(given, after)
    changed = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    return {
        "settings": after,
        "before": before,
        "changed": changed,
        "restart": bool(set(changed) - _RELOADED),
        "manages_hosts": "hosts" in given,
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


def _see(given: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Refuse what no engine takes, or what would cut it off, by the variable's name."""
    for key in ("bip", "bip6"):
        if key in given:
            _interface(f"engine_{key}", given[key])
    for key in ("fixed-cidr", "fixed-cidr-v6"):
        if key in given:
            _network(_variable(key), given[key])
    if "bip" in after and "fixed-cidr" in after and {"bip", "fixed-cidr"} & set(given):
        bridge, part = ipaddress.ip_interface(after["bip"]).network, ipaddress.ip_network(after["fixed-cidr"])
        if part.version != bridge.version or not part.subnet_of(bridge):  # type: ignore[arg-type]
            raise BadParameter("engine_fixed_cidr", f"{part} lies outside of the bridge's subnet {bridge} (engine_bip)")
    if "mtu" in given and not 68 <= int(given["mtu"]) <= 65535:
        raise BadParameter("engine_mtu", f"must be 68 to 65535, not {given['mtu']}")
    for server in given.get("dns", ()):
        _address("engine_dns", server)
    _see_pools(given.get("default-address-pools", ()), after)
    _see_hosts(given.get("hosts"), after)


def _see_pools(pools: Iterable[Mapping[str, Any]], after: Mapping[str, Any]) -> None:
    seen: list[tuple[str, Any]] = []
    for at, pool in enumerate(pools):
        where = f"engine_default_address_pools[{at}]"
        base, size = _network(f"{where}.base", pool.get("base")), int(pool.get("size") or 0)
        if not base.prefixlen <= size <= base.max_prefixlen:
            raise BadParameter(
                f"{where}.size", f"must be {base.prefixlen} to {base.max_prefixlen} in {base}, not {size}"
            )
        for other, net in seen:
            if net.version == base.version and net.overlaps(base):
                raise BadParameter(f"{where}.base", f"{base} overlaps {net} of {other}")
        seen.append((where, base))
    if seen and "bip" in after:
        bridge = ipaddress.ip_interface(after["bip"]).network
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


def _interface(where: str, value: Any) -> None:
    try:
        found = ipaddress.ip_interface(str(value))
    except ValueError:
        found = None
    if found is None or "/" not in str(value) or found.ip == found.network.network_address:
        raise BadParameter(where, f"must be the bridge's address with its prefix, such as 172.17.0.1/16, not {value!r}")


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
