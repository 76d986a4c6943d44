# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Combinations of settings that Docker Engine rejects, or that make it unreachable. Pure.

Errors name the option to correct, even if the other setting is already in the file.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any, Callable

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter

_LOCAL = ("fd://", "unix://")
# Without a path, it is the default socket.
_SOCKETS = ("fd://", "unix://", "unix:///var/run/docker.sock", "unix:///run/docker.sock")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MTU = (68, 65535)
_MARK = re.compile(r"(?:0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10})")
_API_VERSION = re.compile(r"1\.[0-9]{1,3}")
_VERSION = re.compile(r"([0-9]+)\.([0-9]+)")
# The versions of Docker Engine that introduced a setting. Earlier versions do not start with it.
_VERSIONS: dict[str, tuple[int, int]] = {
    "allow-direct-routing": (28, 2),
    "bip6": (28, 0),
    "bridge-accept-fwmark": (29, 0),
    "default-network-opts": (24, 0),
    "firewall-backend": (29, 0),
    "host-gateway-ips": (28, 0),
    "ip-forward-no-drop": (28, 0),
    "min-api-version": (29, 0),
}


def check_settings(given: Mapping[str, Any], absent: Iterable[str], after: Mapping[str, Any]) -> None:
    """Reject settings that are given or removed; ``after`` are the resulting settings in the file."""
    for key, check in _CHECKS.items():
        if key in given:
            check(key.replace("-", "_"), given[key])
    if {"bip", "fixed-cidr"} <= set(after) and {"bip", "fixed-cidr"} & set(given):
        bridge, part = _parse_bridge_subnet("bip", after["bip"]), _parse_subnet("fixed_cidr", after["fixed-cidr"])
        if part.version != bridge.version or not part.subnet_of(bridge):
            raise BadParameter("fixed_cidr", f"{part} is outside the subnet {bridge} of the default bridge (bip)")
    _check_pools(given.get("default-address-pools", ()))
    if isinstance(after.get("hosts"), list) and {"hosts", "tlsverify"} & {*given, *absent}:
        _check_hosts([str(host) for host in after["hosts"]], after)
    if after.get("tlsverify") and {"hosts", "tlsverify"} & set(given):
        for key in ("tlscacert", "tlscert", "tlskey"):
            if not after.get(key):
                raise BadParameter(key, "required for tlsverify")


def check_version(given: Iterable[str], version: str) -> None:
    """Reject settings that an engine of this version does not have; a version that is not a number is not compared."""
    found = _VERSION.match(version)
    if found is None:
        return
    for key in given:
        first = _VERSIONS.get(key)
        if first and (int(found[1]), int(found[2])) < first:
            reason = f"requires Docker Engine {first[0]}.{first[1]} or later; this host has {version}"
            raise BadParameter(key.replace("-", "_"), reason)


def check_nftables(given: Iterable[str], after: Mapping[str, Any], swarm: str, forwards: bool) -> None:
    """Reject nftables where the engine does not start with it: in a Swarm, and without IP forwarding.

    With nftables, the engine does not enable IP forwarding; it only checks it unless ip-forward is false.
    """
    keys = {"firewall-backend", "features", "ip-forward"} & set(given)
    if not keys or after.get("firewall-backend") != "nftables":
        return
    features = after.get("features")
    if swarm not in ("", "inactive") and not (isinstance(features, Mapping) and features.get("swarm-nftables")):
        reason = "nftables is not supported on a host in a Swarm; set firewall_backend: iptables"
        raise BadParameter("firewall_backend", reason)
    if not forwards and after.get("ip-forward", True):
        reason = "nftables requires IP forwarding, which the engine does not enable then; set net.ipv4.ip_forward: 1"
        raise BadParameter("firewall_backend", f"{reason} in sysctls")


def _check_pools(pools: Iterable[Mapping[str, Any]]) -> None:
    seen: list[tuple[str, Any]] = []
    for place, pool in enumerate(pools):
        where = f"default_address_pools[{place}]"
        base, size = _parse_subnet(f"{where}.base", pool["base"]), pool["size"]
        if not base.prefixlen <= size <= base.max_prefixlen:
            reason = f"must be {base.prefixlen} to {base.max_prefixlen} in {base}, not {size}"
            raise BadParameter(f"{where}.size", reason)
        for other, net in seen:
            if net.version == base.version and net.overlaps(base):
                raise BadParameter(f"{where}.base", f"{base} overlaps {net} of {other}")
        seen.append((where, base))


def _check_hosts(hosts: list[str], after: Mapping[str, Any]) -> None:
    if not any(host in _SOCKETS for host in hosts):
        reason = "unix:///var/run/docker.sock or fd:// is required; nothing on the host reaches the engine without it"
        raise BadParameter("hosts", reason)
    for place, host in enumerate(hosts):
        where = f"hosts[{place}]"
        if host.startswith("tcp://"):
            address = host[6:].rpartition(":")[0].strip("[]")
            if address not in _LOOPBACK and not after.get("tlsverify"):
                raise BadParameter(
                    where, f"{host} requires tlsverify; every client would be root on the host without it"
                )
        elif not host.startswith(_LOCAL):
            raise BadParameter(where, f"must be unix://PATH, fd:// or tcp://ADDRESS:PORT, not {host!r}")


def _parse_bridge_subnet(option: str, value: Any) -> Any:
    """Return the subnet of a bridge address."""
    try:
        found = ipaddress.ip_interface(str(value))
    except ValueError:
        found = None
    if found is None or "/" not in str(value) or found.ip == found.network.network_address:
        reason = f"must be the address of the bridge with its prefix, such as 172.17.0.1/16, not {value!r}"
        raise BadParameter(option, reason)
    return found.network


def _parse_subnet(option: str, value: Any) -> Any:
    """Return a subnet; like the engine, accept an address of it."""
    try:
        return ipaddress.ip_network(str(value), strict=False)
    except ValueError as error:
        raise BadParameter(option, f"{error}; must be a subnet such as 10.200.0.0/16") from None


def _check_address(option: str, value: Any) -> None:
    try:
        ipaddress.ip_address(str(value))
    except ValueError as error:
        raise BadParameter(option, str(error)) from None


def _check_mtu(option: str, value: int) -> None:
    low, high = _MTU
    if not low <= value <= high:
        raise BadParameter(option, f"must be {low} to {high}, not {value}")


def _check_addresses(option: str, values: list[str]) -> None:
    for place, value in enumerate(values):
        _check_address(f"{option}[{place}]", value)


def _check_gateways(option: str, values: list[str]) -> None:
    _check_addresses(option, values)
    versions = [ipaddress.ip_address(str(value)).version for value in values]
    if len(versions) != len(set(versions)):
        raise BadParameter(option, "must be at most one IPv4 and one IPv6 address")


def _check_mark(option: str, value: str) -> None:
    parts = value.split("/")
    if len(parts) > 2 or not all(_MARK.fullmatch(part) and int(part, 0) < 1 << 32 for part in parts):
        raise BadParameter(option, f"must be a mark such as 1 or 0x1/0x3, not {value!r}")


def _check_api_version(option: str, value: str) -> None:
    if not _API_VERSION.fullmatch(value):
        raise BadParameter(option, f"must be a version of the API such as 1.44, quoted in YAML, not {value!r}")


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "bip": _parse_bridge_subnet,
    "bip6": _parse_bridge_subnet,
    "fixed-cidr": _parse_subnet,
    "fixed-cidr-v6": _parse_subnet,
    "mtu": _check_mtu,
    "dns": _check_addresses,
    "ip": _check_address,
    "host-gateway-ips": _check_gateways,
    "bridge-accept-fwmark": _check_mark,
    "min-api-version": _check_api_version,
}
