# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reject subnets, parents and addresses of declared networks that a host already uses; pure.

The engine accepts a subnet that covers the uplink of its host, and the host is unreachable then. A network that exists
with the declared subnet is not checked, because the run does not change its subnet.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.bridge_names import get_bridge_name
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.host import HostInfo, parse_subnet

Options = Mapping[str, Any]
_SUBNET = "subnets[].subnet"
# From this version, macvlan networks can share a parent.
_SHARED_PARENTS = (28, 0)


class Pool(NamedTuple):
    """A subnet of a planned network."""

    name: str
    net: Any
    options: Mapping[str, Any]


def refuse_overlaps(found: Sequence[Options], host: HostInfo) -> None:
    """Raise BadParameter if two networks of a host overlap."""
    pools = list(_list_pools(found))
    for at, pool in enumerate(pools):
        for other in pools[:at]:
            if _overlaps(pool.net, other.net):
                reason = f"{pool.net} overlaps {other.net} of {other.name} on {host.name}"
                raise BadParameter(f"{pool.name}: {_SUBNET}", reason)


def refuse_used_subnets(
    found: Sequence[Options], host: HostInfo, declared: Collection[str], tolerated: Collection[str] = ()
) -> None:
    """Raise BadParameter if a new subnet overlaps a route, an address or a network of the host.

    ``declared`` are the names of all declared networks, also of those to remove. The networks in ``tolerated`` may
    overlap routes and addresses.
    """
    refuse_networks(found, host, declared)
    own_links = {
        get_bridge_name(str(network.get("id") or ""), network.get("options"))
        for network in host.networks
        if network["name"] in declared
    }
    for pool in _list_new_pools(found, host):
        if pool.name in tolerated:
            continue
        for net, what in (*_list_routes(host, own_links), *_list_addresses(host, own_links)):
            if _overlaps(pool.net, net):
                reason = (
                    f"{pool.net} overlaps {what} of {host.name}; use another subnet, or set allow_overlap=true if this "
                    "is intended"
                )
                raise BadParameter(f"{pool.name}: {_SUBNET}", reason)


def refuse_networks(found: Sequence[Options], host: HostInfo, declared: Collection[str]) -> None:
    """Raise BadParameter if a new subnet overlaps another Docker network of the host."""
    taken = [
        (parse_subnet("network", pool["subnet"]), network["name"])
        for network in host.networks
        if network["name"] not in declared and not network.get("config_only")
        for pool in network.get("ipam") or ()
        if pool.get("subnet")
    ]
    for pool in _list_new_pools(found, host):
        for net, name in taken:
            if _overlaps(pool.net, net):
                raise BadParameter(f"{pool.name}: {_SUBNET}", f"{pool.net} overlaps the network {name} of {host.name}")


def refuse_used_parents(found: Sequence[Options], host: HostInfo, declared: Collection[str]) -> None:
    """Raise BadParameter if the parent of a network is that of another one with the same driver."""
    if host.get_engine_version() >= _SHARED_PARENTS:
        return
    used = {
        (network["driver"], network["options"]["parent"]): network["name"]
        for network in host.networks
        if (network.get("options") or {}).get("parent") and network["name"] not in declared
    }
    for options in found:
        key = (options.get("driver"), (options.get("driver_options") or {}).get("parent"))
        if not key[1] or options.get("config_only"):
            continue
        if key in used:
            reason = (
                f"{key[1]} is the parent of the {key[0]} network {used[key]} on {host.name}, and this engine allows "
                f"one network per parent; remove {used[key]}, or use a VLAN"
            )
            raise BadParameter(f"{options['name']}: parent", reason)
        used[key] = str(options["name"])


def refuse_used_addresses(found: Sequence[Options], host: HostInfo, addresses: Mapping[str, str]) -> None:
    """Raise BadParameter if the engine could assign an address of a host to a container on the LAN.

    ``addresses`` are the names of hosts by address.
    """
    for pool in _list_new_pools(found, host):
        within = parse_subnet("subnets[].iprange", pool.options.get("iprange") or pool.net)
        reserved = {str(one) for one in (pool.options.get("aux_addresses") or {}).values()}
        reserved.add(str(pool.options.get("gateway")))
        for address, owner in addresses.items():
            if address not in reserved and ipaddress.ip_address(address) in within:
                reason = (
                    f"Docker would assign {address}, an address of {owner}, to a container on {host.name}; add it to "
                    "aux_addresses, or exclude it with iprange or slices.reserved"
                )
                raise BadParameter(f"{pool.name}: {_SUBNET}", reason)


def refuse_hidden_hosts(found: Sequence[Options], host: HostInfo, addresses: Mapping[str, str]) -> None:
    """Raise BadParameter if a subnet contains an address of another host, which would be unreachable then."""
    for pool in _list_new_pools(found, host):
        for address, owner in addresses.items():
            if owner != host.name and ipaddress.ip_address(address) in pool.net:
                reason = (
                    f"{pool.net} contains {address}, an address of {owner}, which {host.name} could not reach; use "
                    "another subnet"
                )
                raise BadParameter(f"{pool.name}: {_SUBNET}", reason)


def list_uplink_addresses(hosts: Iterable[HostInfo]) -> dict[str, str]:
    """Return the names of the hosts by each address of their uplinks."""
    found = {}
    for host in hosts:
        try:
            link = host.find_uplink()["name"]
        except BadParameter:
            continue
        found.update({str(row["address"]): host.name for row in host.addresses if row["interface"] == link})
    return found


def _list_pools(found: Iterable[Options]) -> Iterator[Pool]:
    for options in found:
        for pool in options.get("ipam_config") or ():
            net = parse_subnet(f"{options['name']}: {_SUBNET}", pool["subnet"])
            # The engine chooses a subnet of this size, such as 0.0.0.0/24, that overlaps no other one.
            if not net.network_address.is_unspecified:
                yield Pool(str(options["name"]), net, pool)


def _list_new_pools(found: Iterable[Options], host: HostInfo) -> Iterator[Pool]:
    """Return the subnets that the networks of the host do not have yet."""
    has = {(network["name"], pool.get("subnet")) for network in host.networks for pool in network.get("ipam") or ()}
    return (pool for pool in _list_pools(found) if (pool.name, str(pool.net)) not in has)


def _list_routes(host: HostInfo, own_links: Collection[str]) -> list[tuple[Any, str]]:
    return [
        (parse_subnet("route", row["dst"]), f"the route to {row['dst']} through {row.get('interface')}")
        for row in host.routes
        if row.get("table") == 254
        and "/" in str(row.get("dst"))
        and not str(row["dst"]).endswith("/0")
        and row.get("interface") not in own_links
    ]


def _list_addresses(host: HostInfo, own_links: Collection[str]) -> list[tuple[Any, str]]:
    return [
        (parse_subnet("address", row["address"]), f"the address {row['address']} on {row['interface']}")
        for row in host.addresses
        if row.get("scope") in ("global", "site") and row["interface"] not in own_links
    ]


def _overlaps(one: Any, other: Any) -> bool:
    return bool(one.version == other.version and one.overlaps(other))
