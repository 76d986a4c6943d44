# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare a network with the kernel: bridge, addresses, routes and parent."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from ansible_collections.netfleet.docker.plugins.module_utils._core.bridge_names import get_bridge_name
from ansible_collections.netfleet.docker.plugins.module_utils._docker.daemon import find_detached_netns
from ansible_collections.netfleet.docker.plugins.module_utils._docker.local_api import LocalEngineClient
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.model import ActualNetwork, Network, Pool
from ansible_collections.netfleet.docker.plugins.module_utils._links import namespace_registry
from ansible_collections.netfleet.docker.plugins.module_utils._links.kernel import Kernel
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Link, Netns, Route
from ansible_collections.netfleet.docker.plugins.module_utils._links.observe import build_state
from ansible_collections.netfleet.docker.plugins.module_utils._netns.threads import run_in_thread

_HOST = "host"
_BRIDGE = "com.docker.network.bridge."
_CARRIED = ("macvlan", "ipvlan")


def find_kernel_faults(socket: str, actual: ActualNetwork, removed: Iterable[tuple[Network, str]]) -> list[str]:
    """Return the differences in the kernel, one line each, and the bridges of removed networks that still exist.

    ``socket`` is the path of a local engine's socket; its networks are in the namespace of the engine. ``removed``
    contains the removed networks with their IDs.
    """
    if not _is_verifiable(actual) and not removed:
        return []
    links, routes = run_in_thread(lambda: _read_namespace(socket))
    found = []
    for network, identity in removed:
        name = get_bridge_name(identity, network.options)
        is_in_use = actual.network is not None and _get_current_bridge(actual) == name
        if network.driver == "bridge" and name in links and not is_in_use:
            found.append(f"the bridge {name} still exists")
    if actual.network is not None:
        found += _find_faults(actual, links, routes)
    return found


def _is_verifiable(actual: ActualNetwork) -> bool:
    network = actual.network
    return network is not None and network.scope != "swarm" and network.driver in ("bridge", *_CARRIED)


def _get_current_bridge(actual: ActualNetwork) -> str | None:
    return (
        get_bridge_name(actual.id, actual.network.options)
        if actual.network and actual.network.driver == "bridge"
        else None
    )


def _read_namespace(socket: str) -> tuple[dict[str, Link], tuple[Route, ...]]:
    """Return the links and routes of the engine's namespace."""
    kernel = Kernel()
    try:
        # With socket activation, the init process of the host owns the socket.
        pid = LocalEngineClient(socket).get_listener_pid()
        reference = _HOST if pid in (None, 1) else _find_reference(pid)
        label = namespace_registry.resolve_references(kernel, {reference: "docker_host"})[reference]
        here = build_state([kernel.read_namespace(label, Netns(routes=()))]).get_netns(label)
        return dict(here.links), here.routes or ()
    finally:
        kernel.close()


def _find_reference(pid: int) -> str:
    path = find_detached_netns(pid)
    return f"path:{path}" if path else f"pid:{pid}"


def _find_faults(actual: ActualNetwork, links: dict[str, Link], routes: tuple[Route, ...]) -> list[str]:
    network = actual.network
    if network is None or not _is_verifiable(actual) or network.config_only:
        return []
    if network.driver == "bridge":
        return _find_bridge_faults(actual, network, links, routes)
    return _find_parent_faults(network, links)


def _find_bridge_faults(
    actual: ActualNetwork, network: Network, links: dict[str, Link], routes: tuple[Route, ...]
) -> list[str]:
    name = get_bridge_name(actual.id, network.options)
    link = links.get(name)
    if link is None:
        return [f"no such bridge: {name}"]
    found = []
    if link.kind != "bridge":
        found.append(f"{name} is not a bridge")
    if not link.up:
        found.append(f"the bridge {name} is down")
    for pool in network.pools or () if _has_addresses(network) else ():
        found += _find_gateway_faults(pool, name, link, routes)
    mtu = (network.options or {}).get("com.docker.network.driver.mtu")
    if mtu and mtu.isdecimal() and any(member.running for member in actual.members.values()) and link.mtu != int(mtu):
        found.append(f"the bridge {name} has an MTU of {link.mtu}, not {mtu}")
    return found


def _has_addresses(network: Network) -> bool:
    """Return whether the bridge has the addresses of the gateways."""
    options = network.options or {}
    modes = {options.get(f"{_BRIDGE}gateway_mode_ipv4"), options.get(f"{_BRIDGE}gateway_mode_ipv6")}
    return options.get(f"{_BRIDGE}inhibit_ipv4", "").lower() not in ("true", "1") and "isolated" not in modes


def _find_gateway_faults(pool: Pool, name: str, link: Link, routes: tuple[Route, ...]) -> list[str]:
    if pool.gateway is None:
        return []
    found = []
    have = {str(ipaddress.ip_interface(one).ip) for one in (*(link.addresses or ()), *link.other_addresses)}
    if pool.gateway not in have:
        found.append(f"the bridge {name} does not have the gateway address {pool.gateway}")
    if not any(route.dst == pool.subnet and route.dev == name for route in routes):
        found.append(f"no route to {pool.subnet} through {name}")
    return found


def _find_parent_faults(network: Network, links: dict[str, Link]) -> list[str]:
    name = (network.options or {}).get("parent", "")
    link = links.get(name)
    if not name:
        return []
    if link is None:
        return [f"no such parent: {name}"]
    return [] if link.up else [f"the parent {name} is down"]
