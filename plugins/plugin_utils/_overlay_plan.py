# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done that hosts are one Swarm, as the inventory's groups say; pure.

Each host is known by what the module netns_info returned of it. No token is ever in here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils import _network_options

_MANAGER, _WORKER = "manager", "worker"
# What a VXLAN packet over IPv4 or IPv6 adds to the one inside, and what ESP with AES-GCM may add at most.
_VXLAN = {4: 50, 6: 70}
_ESP = 38
_LEAST_MTU = 1280
_MTU = "com.docker.network.driver.mtu"


def overlay_plan(hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is to be done, step by step; raise BadParameter for what may not be.

    ``hosts`` maps each host to ``role`` (manager, worker), ``state`` (active, drain, pause, absent), and ``info``.
    """
    wanted = {name: host for name, host in hosts.items() if host["state"] != "absent"}
    managers = [name for name, host in wanted.items() if host["role"] == _MANAGER]
    inside = {name: _engine(name, host).get("swarm_state") == "active" for name, host in hosts.items()}
    for name, host in hosts.items():
        state = _engine(name, host).get("swarm_state")
        if state not in ("active", "inactive", "", None):
            raise BadParameter(name, f"its Swarm is {state}: unlock it, or have it leave (docker swarm leave --force)")
        if name in wanted and not inside[name] and _engine(name, host).get("live_restore"):
            reason = "its engine has live-restore, which excludes a Swarm: engine_live_restore=false, or absent, first"
            raise BadParameter(name, reason)
    if wanted and not managers:
        reason = "there is no manager among the hosts of this run; without one there is no Swarm"
        raise BadParameter("overlay_manager_group", reason)
    acting = [name for name in hosts if inside[name] and _engine(name, hosts[name]).get("swarm_role") == _MANAGER]
    _see_one_swarm(hosts, acting)
    # Who stays speaks for the Swarm, so that who goes can be taken out of it.
    speaks = next((name for name in [*managers, *acting] if name in acting), managers[0] if managers else None)
    nodes = _nodes(hosts, speaks) if speaks in acting else []
    known = {node["id"]: node for node in nodes}
    plan: dict[str, Any] = {
        "leader": speaks,
        "init": bool(wanted) and speaks not in acting,
        "join_managers": [name for name in managers if not inside[name] and (name != speaks or speaks in acting)],
        "join_workers": [name for name, host in wanted.items() if host["role"] == _WORKER and not inside[name]],
        "promote": [],
        "demote": [],
        "availability": {},
        "absent": [name for name in hosts if name not in wanted and inside[name]],
        "stale": [],
    }
    for name, host in hosts.items():
        node = known.get(_engine(name, host).get("swarm_node_id"))
        if not inside[name] or node is None:
            if inside[name] and acting:
                reason = "is in another Swarm than the managers; have it leave (docker swarm leave --force)"
                raise BadParameter(name, reason)
            if name in wanted and host["state"] != "active":
                plan["availability"][name] = host["state"]
            continue
        if name in wanted and node["role"] != host["role"]:
            plan["promote" if host["role"] == _MANAGER else "demote"].append(name)
        if name in wanted and node["availability"] != host["state"]:
            plan["availability"][name] = host["state"]
    # A host that came back without its state is a node of its own, and leaves one of its name behind.
    hostnames = {str(host["info"].get("host", {}).get("hostname") or name) for name, host in hosts.items()}
    own = {_engine(name, host).get("swarm_node_id") for name, host in hosts.items()}
    plan["stale"] = [
        node["id"]
        for node in nodes
        if node["hostname"] in hostnames and node["id"] not in own and node["state"] == "down"
    ]
    _see_quorum(plan, hosts, nodes)
    return plan


def _engine(name: str, host: Mapping[str, Any]) -> Mapping[str, Any]:
    found = (host["info"].get("docker") or {}).get("engine")
    if not found:
        raise BadParameter(name, "no Docker Engine answers on it")
    return dict(found)


def _nodes(hosts: Mapping[str, Mapping[str, Any]], name: Any) -> list[Mapping[str, Any]]:
    return list((hosts[name]["info"].get("docker") or {}).get("swarm_nodes") or ())


def _see_one_swarm(hosts: Mapping[str, Mapping[str, Any]], acting: Iterable[str]) -> None:
    """See that all managers are of one Swarm: each knows the others' nodes."""
    seen: dict[str, set[str]] = {name: {node["id"] for node in _nodes(hosts, name)} for name in acting}
    for name, ids in seen.items():
        for other in seen:
            own = _engine(other, hosts[other]).get("swarm_node_id")
            if own not in ids and ids:
                raise BadParameter(other, f"is a manager of another Swarm than {name}; have one of them leave first")


def _see_quorum(
    plan: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]], nodes: Iterable[Mapping[str, Any]]
) -> None:
    """Refuse what leaves fewer than a majority of the managers that answer."""
    goes = {_engine(name, hosts[name]).get("swarm_node_id") for name in [*plan["absent"], *plan["demote"]]}
    managers = [node for node in nodes if node["role"] == _MANAGER]
    leave = [node for node in managers if node["id"] in goes]
    if not leave:
        return
    stays = [node for node in managers if node["id"] not in goes]
    coming = len(plan["join_managers"]) + len(plan["promote"])
    reachable = sum(node.get("reachability") == "reachable" for node in stays) + coming
    everybody = all(
        name in plan["absent"] for name in hosts if _engine(name, hosts[name]).get("swarm_state") == "active"
    )
    if everybody and len(goes) >= len(list(nodes)):
        return
    if reachable * 2 <= len(stays) + coming:
        names = sorted(node["hostname"] for node in leave)
        reason = (
            f"without {', '.join(names)} {reachable} of {len(stays) + coming} managers would answer, and the Swarm "
            "lose its quorum; add or bring back managers first, or take all nodes out of the Swarm"
        )
        raise BadParameter("overlay_node_state", reason)


def overlay_networks(
    networks: Iterable[Mapping[str, Any]], hosts: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the parameters of the module network for the overlay networks, made on one manager.

    ``hosts`` has ``info``, and ``underlay``: the address of each by which packets of the data path come.
    """
    found = []
    for network in networks:
        name = str(network["name"])
        if network.get("state") == "absent":
            found.append({"name": name, "state": "absent"})
            continue
        try:
            found.append(_options(network, hosts))
        except BadParameter as error:
            raise _network_options.prefixed(name, error) from None
    found.sort(key=lambda one: one.get("state") != "absent")
    _see_disjoint(found, hosts)
    return found


def _options(network: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    options: dict[str, str] = {}
    encrypted = bool(network.get("encrypted"))
    if encrypted:
        options["encrypted"] = ""
    room = min(_room(name, host, encrypted) for name, host in hosts.items())
    mtu = network.get("mtu")
    if mtu in (None, "", "underlay"):
        mtu = room
    elif not str(mtu).isdecimal() or not _LEAST_MTU <= int(mtu) <= room:
        reason = f"must be {_LEAST_MTU} to {room}, which the underlay has room for, or underlay; not {mtu}"
        raise BadParameter("mtu", reason)
    # Docker's own, without this, is 1450 whatever the underlay has.
    options[_MTU] = str(mtu)
    made = _network_options.common(network, "overlay", options)
    made["attachable"] = bool(network.get("attachable", True))
    pools = [
        {key: one[key] for key in ("subnet", "gateway", "iprange") if one.get(key)}
        for one in network.get("subnets") or ()
    ]
    for pool in pools:
        _network_options.network_of("subnets[].subnet", pool["subnet"])
    if pools:
        made["ipam_config"] = pools
    return made


def underlay(name: str, info: Mapping[str, Any], address: str) -> Mapping[str, Any]:
    """Return the link that has the address of the data path, or bears that name."""
    places = [place for place in info.get("namespaces") or () if place.get("kind") == "host"]
    links = {link["name"]: link for place in places for link in place.get("interfaces") or ()}
    if address in links:
        return dict(links[address])
    for place in places:
        for one in place.get("addresses") or ():
            if one["address"] == address and one["interface"] in links:
                return dict(links[one["interface"]])
    raise BadParameter("overlay_data_path_addr", f"{name} has neither a link nor an address {address}")


def _room(name: str, host: Mapping[str, Any], encrypted: bool) -> int:
    address = str(host["underlay"])
    link = underlay(name, host["info"], address)
    return int(link["mtu"]) - _VXLAN[6 if ":" in address else 4] - (_ESP if encrypted else 0)


def _see_disjoint(found: Iterable[Mapping[str, Any]], hosts: Mapping[str, Mapping[str, Any]]) -> None:
    """See that subnets overlap neither each other nor a route of any host, nor another network of its Docker."""
    seen: list[tuple[str, Any]] = []
    for made in found:
        for pool in made.get("ipam_config") or ():
            net = ipaddress.ip_network(pool["subnet"])
            for other, before in seen:
                if net.version == before.version and net.overlaps(before):
                    raise BadParameter(f"{made['name']}: subnets[].subnet", f"{net} overlaps {before} of {other}")
            seen.append((made["name"], net))
            for name, host in hosts.items():
                for what, taken in _taken(host["info"], str(made["name"])):
                    if taken.version == net.version and taken.overlaps(net):
                        raise BadParameter(f"{made['name']}: subnets[].subnet", f"{net} overlaps {what} of {name}")


def _taken(info: Mapping[str, Any], own: str) -> list[tuple[str, Any]]:
    """Return what a host has routes to, and what its Docker has given to others, with words for each."""
    found = []
    for place in info.get("namespaces") or ():
        for route in place.get("routes") or () if place.get("kind") == "host" else ():
            dst = str(route.get("dst") or "default")
            if dst != "default" and route.get("type") in ("unicast", None) and not dst.endswith("/0"):
                found.append((f"the route to {dst}", ipaddress.ip_network(dst, strict=False)))
    for network in (info.get("docker") or {}).get("networks") or ():
        if network.get("name") != own and network.get("scope") != "swarm":
            pools = [one["subnet"] for one in network.get("ipam") or () if one.get("subnet")]
            found += [(f"network {network['name']}", ipaddress.ip_network(one, strict=False)) for one in pools]
    return found
