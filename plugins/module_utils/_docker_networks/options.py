# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert parameters of the module network to the desired state; pure. Invalid ones raise BadParameter."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core import validators
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.model import (
    DesiredNetwork,
    Member,
    Network,
    Pool,
)

MEMBER: dict[str, Any] = {
    "name": {"type": "str", "required": True, "aliases": ["container"]},
    "ipv4_address": {"type": "str"},
    "ipv6_address": {"type": "str"},
    "mac_address": {"type": "str"},
    "aliases": {"type": "list", "elements": "str"},
    "driver_opts": {"type": "dict"},
    "priority": {"type": "int", "aliases": ["gw_priority"]},
}
SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True, "aliases": ["network_name"]},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "driver": {"type": "str"},
    "driver_options": {"type": "dict"},
    "ipam_driver": {"type": "str"},
    "ipam_driver_options": {"type": "dict"},
    "ipam_config": {
        "type": "list",
        "elements": "dict",
        "options": {
            "subnet": {"type": "str"},
            "iprange": {"type": "str"},
            "gateway": {"type": "str"},
            "aux_addresses": {"type": "dict"},
        },
    },
    "enable_ipv4": {"type": "bool"},
    "enable_ipv6": {"type": "bool"},
    "internal": {"type": "bool"},
    "attachable": {"type": "bool"},
    "ingress": {"type": "bool"},
    "scope": {"type": "str", "choices": ["local", "global", "swarm"]},
    "labels": {"type": "dict"},
    "config_only": {"type": "bool"},
    "config_from": {"type": "str"},
    "connected": {"type": "list", "elements": "raw", "aliases": ["containers"]},
    "appends": {"type": "bool", "default": False, "aliases": ["incremental"]},
    "force": {"type": "bool", "default": False},
    "rebuild": {"type": "str", "default": "force", "choices": ["never", "safe", "force"]},
}


class InvalidSubnet(BadParameter):
    """An invalid subnet, with the message of community.docker, on which playbooks can depend."""

    def __init__(self, parameter: str, text: str) -> None:
        super().__init__(parameter, f'"{text}" is not a valid CIDR')

    def __str__(self) -> str:
        return self.reason


_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


def parse_network(params: Mapping[str, Any]) -> DesiredNetwork:
    """Return the desired state; members have the names that the user gave, and no IDs yet."""
    name = params["name"]
    if not _NAME.fullmatch(name):
        raise BadParameter(
            "name",
            f"{name!r} is not a network name: it must start with a letter or digit, followed by letters, digits, _ . -",
        )
    connected = params["connected"]
    members = (
        None if connected is None else tuple(_parse_member(f"connected[{at}]", one) for at, one in enumerate(connected))
    )
    _refuse_duplicate_members(members or ())
    return DesiredNetwork(
        _parse_network_options(params),
        present=params["state"] == "present",
        connected=members,
        appends=params["appends"],
        recreate=params["force"],
        rebuild=params["rebuild"],
    )


def parse_networks(networks: Iterable[Mapping[str, Any]]) -> list[DesiredNetwork]:
    """Return the desired states of several networks."""
    found: list[DesiredNetwork] = []
    for at, params in enumerate(networks):
        try:
            one = parse_network(params)
        except BadParameter as error:
            raise BadParameter(f"networks[{at}].{error.parameter}", error.reason) from None
        if one.network.name in (other.network.name for other in found):
            raise BadParameter(f"networks[{at}].name", f"{one.network.name} is listed twice")
        found.append(one)
    return found


def _parse_network_options(params: Mapping[str, Any]) -> Network:
    config_only, pools = params["config_only"], params["ipam_config"]
    return Network(
        params["name"],
        # A config-only network has no driver.
        driver="null" if config_only else params["driver"],
        options=_parse_driver_options("driver_options", params["driver_options"]),
        ipam_driver=params["ipam_driver"],
        ipam_options=_parse_driver_options("ipam_driver_options", params["ipam_driver_options"]),
        pools=tuple(_parse_pool(f"ipam_config[{at}]", pool) for at, pool in enumerate(pools)) if pools else None,
        ipv4=params["enable_ipv4"],
        ipv6=params["enable_ipv6"],
        internal=params["internal"],
        attachable=params["attachable"],
        ingress=params["ingress"],
        scope=params["scope"],
        config_only=config_only,
        config_from=params["config_from"],
        labels=_parse_labels(params["labels"]),
    )


def _parse_pool(where: str, given: Mapping[str, Any]) -> Pool:
    if given["subnet"] is None:
        raise BadParameter(f"{where}.subnet", "required: a subnet such as 192.0.2.0/24 or fd00::/64")
    net = _parse_subnet(f"{where}.subnet", given["subnet"])
    iprange = None if given["iprange"] is None else _parse_subnet(f"{where}.iprange", given["iprange"])
    if iprange is not None and (iprange.version != net.version or iprange[0] not in net or iprange[-1] not in net):
        raise BadParameter(f"{where}.iprange", f"{iprange} is outside the subnet {net}")
    aux = given["aux_addresses"]
    return Pool(
        str(net),
        None if iprange is None else str(iprange),
        None if given["gateway"] is None else _parse_subnet_address(f"{where}.gateway", given["gateway"], net),
        None
        if aux is None
        else {str(key): _parse_subnet_address(f"{where}.aux_addresses.{key}", one, net) for key, one in aux.items()},
    )


def _parse_subnet(where: str, text: str) -> Any:
    try:
        if "/" not in text:
            raise ValueError
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise InvalidSubnet(where, text) from None


def _parse_subnet_address(where: str, text: str, net: Any) -> str:
    found = _check_value(where, ipaddress.ip_address, str(text).strip())
    if found.version != net.version or found not in net:
        raise BadParameter(where, f"{found} is outside the subnet {net}")
    return str(found)


def _check_value(where: str, check: Callable[[str], Any], value: str) -> Any:
    try:
        return check(value)
    except ValueError as error:
        raise BadParameter(where, str(error)) from None


def _parse_driver_options(where: str, given: Mapping[str, Any] | None) -> dict[str, str] | None:
    """Return driver options as text, with Booleans as true or false."""
    if given is None:
        return None
    for key, value in given.items():
        if isinstance(value, (Mapping, list, tuple)):
            raise BadParameter(f"{where}.{key}", "must be a string, a number or a boolean")
    return {
        str(key): str(one).lower() if isinstance(one, bool) else "" if one is None else str(one)
        for key, one in given.items()
    }


def _parse_labels(given: Mapping[str, Any] | None) -> dict[str, str] | None:
    for key, value in (given or {}).items():
        if not isinstance(value, str):
            raise BadParameter(f"labels.{key}", f"must be a string, quoted in YAML, not {value!r}")
    return None if given is None else {str(key): value for key, value in given.items()}


def _parse_member(where: str, given: Any) -> Member:
    if isinstance(given, str) and given:
        return Member(given)
    if not isinstance(given, Mapping):
        raise BadParameter(where, f"must be the name of a container or a dictionary, not {given!r}")
    names = {alias: name for name, option in MEMBER.items() for alias in (name, *option.get("aliases", ()))}
    unknown = sorted(str(key) for key in given if key not in names)
    if unknown:
        raise BadParameter(f"{where}.{unknown[0]}", f"unknown option; supported are {', '.join(MEMBER)}")
    values = {names[key]: value for key, value in given.items() if value is not None}
    if not isinstance(values.get("name"), str) or not values["name"]:
        raise BadParameter(f"{where}.name", "required: the name of a container")
    return Member(
        values["name"],
        ipv4=_parse_ip(f"{where}.ipv4_address", values.get("ipv4_address"), 4),
        ipv6=_parse_ip(f"{where}.ipv6_address", values.get("ipv6_address"), 6),
        mac=_check_value(f"{where}.mac_address", validators.mac, str(values["mac_address"]))
        if "mac_address" in values
        else None,
        aliases=_parse_aliases(f"{where}.aliases", values.get("aliases")),
        driver_opts=_parse_driver_options(f"{where}.driver_opts", values.get("driver_opts")),
        priority=_parse_priority(f"{where}.priority", values.get("priority")),
    )


def _parse_ip(where: str, value: Any, version: int) -> str | None:
    if value is None:
        return None
    found = _check_value(where, ipaddress.ip_address, str(value).strip())
    if found.version != version:
        raise BadParameter(where, f"{found} is not an IPv{version} address")
    return str(found)


def _parse_aliases(where: str, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise BadParameter(where, "must be a list of names")
    return tuple(value)


def _parse_priority(where: str, value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,9}", value):
        return int(value)
    raise BadParameter(where, f"must be an integer, not {value!r}")


def _refuse_duplicate_members(members: Iterable[Member]) -> None:
    seen: set[str] = set()
    for member in members:
        if member.name in seen:
            raise BadParameter("connected", f"{member.name} is listed twice")
        seen.add(member.name)
