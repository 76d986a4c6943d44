# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Map API responses of the engine to a network and its members; pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.model import Member, Network, Pool

_SHORT_ID = 12
_GIVEN = {"ipv4": "IPv4Address", "ipv6": "IPv6Address"}
_SERVICE = "com.docker.swarm.task.id"


def parse_api_network(data: Mapping[str, Any]) -> Network:
    """Return a network from its inspected data."""
    ipam = data.get("IPAM") or {}
    return Network(
        name=data["Name"],
        driver=data["Driver"],
        options=dict(data.get("Options") or {}),
        ipam_driver=ipam.get("Driver") or "default",
        ipam_options=dict(ipam.get("Options") or {}),
        pools=tuple(_parse_api_pool(one) for one in ipam.get("Config") or () if one.get("Subnet")),
        ipv4=data.get("EnableIPv4"),
        ipv6=bool(data.get("EnableIPv6")),
        internal=bool(data.get("Internal")),
        attachable=bool(data.get("Attachable")),
        ingress=bool(data.get("Ingress")),
        scope=data.get("Scope"),
        config_only=bool(data.get("ConfigOnly")),
        config_from=(data.get("ConfigFrom") or {}).get("Network") or "",
        labels=dict(data.get("Labels") or {}),
    )


def _parse_api_pool(data: Mapping[str, Any]) -> Pool:
    iprange, gateway = data.get("IPRange"), data.get("Gateway")
    return Pool(
        subnet=_normalize_subnet(data["Subnet"]),
        iprange=_normalize_subnet(iprange) if iprange else None,
        gateway=_strip_prefix(gateway) if gateway else None,
        aux={key: _strip_prefix(one) for key, one in (data.get("AuxiliaryAddresses") or {}).items()},
    )


def _normalize_subnet(text: str) -> str:
    # The engine replaces it by an address of the subnet and returns that.
    return str(ipaddress.ip_network(text, strict=False))


def _strip_prefix(text: str) -> str:
    # Some addresses in the response have a prefix length.
    return str(ipaddress.ip_interface(text).ip)


def parse_api_members(identity: str, name: str, containers: Iterable[Mapping[str, Any]]) -> dict[str, Member]:
    """Return the members of a network by container ID, from the inspected data of running and stopped containers."""
    found = {}
    for data in containers:
        for called, endpoint in ((data.get("NetworkSettings") or {}).get("Networks") or {}).items():
            # A container that was never started has the network by name only.
            if endpoint is not None and (
                endpoint.get("NetworkID") == identity or (not endpoint.get("NetworkID") and called == name)
            ):
                member = _parse_api_member(data, endpoint)
                found[member.id] = member
    return found


def _parse_api_member(data: Mapping[str, Any], endpoint: Mapping[str, Any]) -> Member:
    config, identity = data.get("Config") or {}, str(data["Id"])
    running = bool((data.get("State") or {}).get("Running"))
    given = endpoint.get("IPAMConfig") or {}
    # A stopped container keeps only addresses that were assigned by the user.
    addresses = {
        "ipv4": given.get("IPv4Address") or (endpoint.get("IPAddress") if running else None),
        "ipv6": given.get("IPv6Address") or (endpoint.get("GlobalIPv6Address") if running else None),
    }
    mac = endpoint.get("MacAddress") if running else None
    aliases = [one for one in endpoint.get("Aliases") or () if one != identity[:_SHORT_ID]]
    return Member(
        name=str(data["Name"]).lstrip("/"),
        id=identity,
        mac=mac.lower() if mac else None,
        aliases=tuple(dict.fromkeys(aliases)),
        links=tuple(endpoint["Links"]) if endpoint.get("Links") else None,
        driver_opts=dict(endpoint.get("DriverOpts") or {}),
        priority=endpoint.get("GwPriority"),
        running=running,
        chosen=tuple(key for key, name in _GIVEN.items() if addresses[key] and not given.get(name)),
        service=_SERVICE in (config.get("Labels") or {}),
        own_mac=(config.get("MacAddress") or "").lower() or None,
        ipv4=_strip_prefix(addresses["ipv4"]) if addresses["ipv4"] else None,
        ipv6=_strip_prefix(addresses["ipv6"]) if addresses["ipv6"] else None,
    )


def build_endpoint_config(member: Member) -> dict[str, Any]:
    """Return the endpoint parameters of an API request."""
    addresses = {"IPv4Address": member.ipv4, "IPv6Address": member.ipv6}
    found = {
        "IPAMConfig": {key: value for key, value in addresses.items() if value} or None,
        "MacAddress": member.mac,
        "Aliases": list(member.aliases or ()) or None,
        "Links": list(member.links or ()) or None,
        "DriverOpts": dict(member.driver_opts or {}) or None,
        "GwPriority": member.priority,
    }
    return {key: value for key, value in found.items() if value is not None}


def build_creation_config(want: Network) -> dict[str, Any]:
    """Return the parameters of the API request that creates a network."""
    pools = [
        {
            key: value
            for key, value in (
                ("Subnet", pool.subnet),
                ("IPRange", pool.iprange),
                ("Gateway", pool.gateway),
                ("AuxiliaryAddresses", dict(pool.aux or {}) or None),
            )
            if value is not None
        }
        for pool in want.pools or ()
    ]
    ipam = {"Driver": want.ipam_driver or "default", "Config": pools, "Options": dict(want.ipam_options or {}) or None}
    found = {
        "Name": want.name,
        "Driver": want.driver,
        # Without it, API versions up to 1.43 create a second network with the same name.
        "CheckDuplicate": True,
        "Options": dict(want.options or {}),
        "Labels": dict(want.labels or {}),
        "IPAM": ipam if pools or want.ipam_driver or want.ipam_options else None,
        "EnableIPv4": want.ipv4,
        "EnableIPv6": want.ipv6,
        "Internal": want.internal,
        "Attachable": want.attachable,
        "Ingress": want.ingress,
        "Scope": want.scope,
        "ConfigOnly": want.config_only,
        "ConfigFrom": {"Network": want.config_from} if want.config_from else None,
    }
    return {key: value for key, value in found.items() if value is not None}
