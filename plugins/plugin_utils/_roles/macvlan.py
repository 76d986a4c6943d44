# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert macvlan and ipvlan networks of a host, and the links of the host, to parameters of modules; pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import host as roles_host
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import overlaps
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.host import HostInfo
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices.networks import build_config_name, is_sliced

_MODES = {"macvlan": ("bridge", "vepa", "passthru", "private"), "ipvlan": ("l2", "l3", "l3s")}
# Name of the auxiliary address that reserves the address of the host.
_HOST = "netfleet-host"
_VLANS = range(1, 4095)


# Possible reasons why frames to MAC addresses of containers are lost, by the driver of the network card.
_HINTS = {
    "virtio_net": (
        "in a virtual machine, let the hypervisor pass foreign MAC addresses (libvirt: trustGuestRxFilters=yes on a "
        "macvtap; OpenStack: allowed address pairs or no port security), or use driver=ipvlan"
    ),
    "vmxnet3": (
        "set the port group to accept promiscuous mode and forged transmits, or MAC learning, or use driver=ipvlan"
    ),
    "hv_netvsc": "enable MAC address spoofing for the virtual machine, or use driver=ipvlan",
    "ena": "the cloud delivers only frames to addresses that it assigned; use driver=ipvlan and assign more addresses",
    "gve": (
        "the cloud routes by IP address and drops frames of other MAC addresses; use driver=ipvlan with mode=l3 and "
        "alias ranges"
    ),
}
_WIRELESS = "an access point accepts frames of one MAC address only from each station; use driver=ipvlan"


class MacvlanPlan(NamedTuple):
    """Networks of the host, networks of the Swarm, and links and routes of the host itself."""

    networks: list[dict[str, Any]]
    swarm: list[dict[str, Any]]
    links: list[dict[str, Any]]
    routes: list[dict[str, Any]]


def build_macvlan_networks(
    networks: Sequence[Mapping[str, Any]], host: HostInfo, slices: Mapping[str, Any], addresses: Mapping[str, str]
) -> MacvlanPlan:
    """Return the plan of a host; ``addresses`` are the gateways to the L3 networks of other hosts."""
    found = MacvlanPlan([], [], [], [])
    for one in networks:
        try:
            _add_network(found, one, host, slices, addresses)
        except BadParameter as error:
            raise roles_host.prefix_parameter(str(one.get("name")), error) from None
    found.networks.sort(key=lambda options: options.get("state") != "absent")
    declared = {str(one["name"]) for one in (*networks, *found.networks)}
    overlaps.refuse_overlaps(found.networks, host)
    overlaps.refuse_networks(found.networks, host, declared)
    overlaps.refuse_used_parents(found.networks, host, declared)
    return found


def _add_network(
    found: MacvlanPlan,
    network: Mapping[str, Any],
    host: HostInfo,
    slices: Mapping[str, Any],
    addresses: Mapping[str, str],
) -> None:
    name = str(network["name"])
    swarm = bool(network.get("swarm"))
    if network.get("state") == "absent":
        found.networks.append({"name": build_config_name(name) if swarm else name, "state": "absent"})
        found.swarm.extend([{"name": name, "state": "absent"}] if swarm else [])
        return
    parent = _resolve_parent(network, host)
    access = _choose_host_address(network, host, slices)
    pools = [_build_pool(network, subnet, host, slices, access) for subnet in network.get("subnets") or ()]
    driver, options = _select_driver(network)
    made = roles_host.build_common_parameters(network, driver, {**options, "parent": parent})
    if any(":" in pool["subnet"] for pool in pools):
        made["enable_ipv6"] = True
    if pools:
        made["ipam_config"] = pools
    if swarm:
        found.swarm.append(_build_swarm_network(made))
        made = _build_configuration(made)
    found.networks.append(made)
    if access:
        found.links.append(_build_link(network, parent, access))
        ranges = [pool["iprange"] for pool in pools if _is_same_family(pool["subnet"], access)]
        found.routes.extend({"dst": one, "dev": network["host_access"]["link"], "src": access} for one in ranges)
    if network.get("routes"):
        found.routes.extend(_build_routes(network, host, slices, addresses))


def _resolve_parent(network: Mapping[str, Any], host: HostInfo) -> str:
    """Return the name of the parent; raise BadParameter if it is missing, down, or has another MTU."""
    if not network.get("parent"):
        raise BadParameter("parent", "required: the parent link on the host, such as eth0")
    link = host.get_link("parent", str(network["parent"]))
    vlan, mtu = network.get("vlan"), network.get("mtu")
    if not link.get("up"):
        raise BadParameter(
            "parent", f"{link['name']} is down on {host.name}; bring it up: ip link set {link['name']} up"
        )
    if mtu is not None and int(link["mtu"]) != int(mtu):
        raise BadParameter("mtu", f"{link['name']} has an MTU of {link['mtu']} on {host.name}, not {mtu}")
    if link.get("master"):
        reason = (
            f"{link['name']} is a port of {link['master']} on {host.name}, which receives all its frames; specify the "
            "bridge"
        )
        raise BadParameter("parent", reason)
    if vlan is None:
        return str(link["name"])
    if int(vlan) not in _VLANS:
        raise BadParameter("vlan", f"must be 1 to 4094, not {vlan}")
    return f"{link['name']}.{vlan}"


def _select_driver(network: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the driver and its options."""
    driver, mode = network.get("driver") or "macvlan", network.get("mode")
    if mode is not None and mode not in _MODES[driver]:
        raise BadParameter("mode", f"must be one of {', '.join(_MODES[driver])} for {driver}, not {mode}")
    if network.get("flag") is not None and driver != "ipvlan":
        raise BadParameter("flag", "supported for ipvlan only")
    options = {f"{driver}_mode": mode, "ipvlan_flag": network.get("flag")}
    return driver, {key: value for key, value in options.items() if value is not None}


def _is_routed(network: Mapping[str, Any]) -> bool:
    """Return whether the driver routes instead of bridging, so that each host requires its own subnet."""
    return network.get("driver") == "ipvlan" and network.get("mode") in ("l3", "l3s")


def _build_pool(
    network: Mapping[str, Any],
    subnet: Mapping[str, Any],
    host: HostInfo,
    slices: Mapping[str, Any],
    access: str | None,
) -> dict[str, Any]:
    own = roles_host.get_slice(str(network["name"]), subnet, host, slices)
    net = roles_host.parse_subnet("subnets[].subnet", subnet["subnet"])
    if own and subnet.get("iprange") is not None:
        raise BadParameter("subnets[].iprange", "not supported together with slices: the range is the host's slice")
    if own and _is_routed(network):
        return {"subnet": own}
    found = {key: subnet[key] for key in ("gateway", "iprange") if subnet.get(key) is not None}
    if own:
        found["iprange"] = own
    within = roles_host.parse_subnet("subnets[].iprange", found.get("iprange", str(net)))
    left_out = {**(subnet.get("aux_addresses") or {})}
    if access and _is_same_family(str(net), access):
        left_out[_HOST] = access
    if own:
        # Auxiliary addresses in other slices are irrelevant here, and a change of them would recreate the network.
        left_out = {key: one for key, one in left_out.items() if _parse_address("aux_addresses", one) in within}
    gateway = found.get("gateway")
    left_out = {key: one for key, one in left_out.items() if str(one) != gateway}
    return {"subnet": str(net), **found, **({"aux_addresses": left_out} if left_out else {})}


def _choose_host_address(network: Mapping[str, Any], host: HostInfo, slices: Mapping[str, Any]) -> str | None:
    """Return the address of the host in the network; None without host_access."""
    access = network.get("host_access")
    if not access:
        return None
    if (network.get("driver") or "macvlan") != "macvlan" or (network.get("mode") or "bridge") != "bridge":
        raise BadParameter(
            "host_access",
            "supported for macvlan in mode bridge only: in other modes the link of the host reaches no container",
        )
    subnets = network.get("subnets") or ()
    if access.get("address"):
        found = _parse_address("host_access.address", access["address"])
        _refuse_used_address(found, network, host, slices)
    else:
        ranges = [slice_ for slice_ in (_get_container_range(network, one, host, slices) for one in subnets) if slice_]
        if not ranges:
            raise BadParameter("host_access.address", "required if no subnet has slices or an iprange")
        found = _find_last_free(ranges[0], subnets)
    if not any(
        _get_container_range(network, one, host, slices)
        for one in subnets
        if _is_same_family(one["subnet"], str(found))
    ):
        raise BadParameter("host_access", "requires a subnet with slices or an iprange, to which the host gets a route")
    return str(found)


def _get_container_range(
    network: Mapping[str, Any], subnet: Mapping[str, Any], host: HostInfo, slices: Mapping[str, Any]
) -> Any:
    text = roles_host.get_slice(str(network["name"]), subnet, host, slices) or subnet.get("iprange")
    return roles_host.parse_subnet("subnets[].iprange", text) if text else None


def _refuse_used_address(found: Any, network: Mapping[str, Any], host: HostInfo, slices: Mapping[str, Any]) -> None:
    """Raise BadParameter for an address in the slice of another host or in no subnet of the network."""
    for subnet in network.get("subnets") or ():
        net = str(roles_host.parse_subnet("subnets[].subnet", subnet["subnet"]))
        for other, text in (slices.get(str(network["name"]), {}).get(net, {}) if is_sliced(subnet) else {}).items():
            if other != host.name and found in ipaddress.ip_network(text):
                raise BadParameter("host_access.address", f"{found} is in {text}, the slice of {other}")
    if not any(
        found in roles_host.parse_subnet("subnets[].subnet", one["subnet"]) for one in network.get("subnets") or ()
    ):
        raise BadParameter("host_access.address", f"{found} is in no subnet of the network")


def _find_last_free(within: Any, subnets: Iterable[Mapping[str, Any]]) -> Any:
    """Return the last free address of a range."""
    taken = set()
    for subnet in subnets:
        net = ipaddress.ip_network(subnet["subnet"])
        taken |= {
            net[0],
            net[-1],
            *(_parse_address("aux_addresses", one) for one in (subnet.get("aux_addresses") or {}).values()),
        }
        taken |= {_parse_address("gateway", subnet["gateway"])} if subnet.get("gateway") else set()
    number = within.num_addresses - 1
    while number >= 0:
        if within[number] not in taken:
            return within[number]
        number -= 1
    raise BadParameter("host_access.address", f"no free address in {within}")


def _build_link(network: Mapping[str, Any], parent: str, address: str) -> dict[str, Any]:
    """Return the macvlan link of the host: the kernel delivers no frames between a parent and its macvlan links."""
    bits = ipaddress.ip_address(address).max_prefixlen
    access = network["host_access"]
    return {
        "name": access["link"],
        "kind": "macvlan",
        "parent": parent,
        "mode": "bridge",
        "addresses": [f"{address}/{bits}"],
        "up": True,
    }


def _build_routes(
    network: Mapping[str, Any], host: HostInfo, slices: Mapping[str, Any], addresses: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the routes to the slices of other hosts in a routed network."""
    if not _is_routed(network):
        raise BadParameter(
            "routes", "supported for ipvlan in the modes l3 and l3s only: in other modes the hosts share a subnet"
        )
    found = []
    for subnet in network.get("subnets") or ():
        net = str(roles_host.parse_subnet("subnets[].subnet", subnet["subnet"]))
        for other, text in (slices.get(str(network["name"]), {}).get(net, {}) if is_sliced(subnet) else {}).items():
            if other != host.name and addresses.get(other) and _is_same_family(text, addresses[other]):
                found.append({"dst": text, "gateway": addresses[other]})
    return found


def _build_configuration(made: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a Swarm network on one host."""
    keys = ("ipam_config", "driver_options", "enable_ipv6", "internal", "labels", "rebuild")
    kept = {key: made[key] for key in keys if key in made}
    return {"name": build_config_name(made["name"]), "config_only": True, **kept}


def _build_swarm_network(made: Mapping[str, Any]) -> dict[str, Any]:
    """Return the network that managers create from the configurations."""
    kept = {key: made[key] for key in ("name", "driver", "labels", "rebuild") if key in made}
    attachable = made.get("attachable", True)
    return {**kept, "scope": "swarm", "config_from": build_config_name(made["name"]), "attachable": attachable}


def _parse_address(parameter: str, value: Any) -> Any:
    try:
        return ipaddress.ip_address(str(value))
    except ValueError as error:
        raise BadParameter(parameter, str(error)) from None


def _is_same_family(subnet: str, address: str) -> bool:
    return (":" in subnet) == (":" in address)


def list_hints(networks: Iterable[Mapping[str, Any]], cards: Mapping[str, Mapping[str, Any]], host: str) -> list[str]:
    """Return a line for each parent whose network card may not deliver frames to macvlan containers."""
    parents = {
        str(network["parent"])
        for network in networks
        if network.get("state") != "absent" and (network.get("driver") or "macvlan") == "macvlan"
    }
    found = []
    for parent in sorted(parents & set(cards)):
        card = cards[parent]
        hint = _WIRELESS if card["wireless"] else _HINTS.get(str(card["driver"]))
        if hint:
            found.append(f"{host}: {parent} ({'wireless' if card['wireless'] else card['driver']}): {hint}")
    return found
