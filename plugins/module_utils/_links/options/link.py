# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that every link has, and their conversion from module parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ansible_collections.netfleet.docker.plugins.module_utils._core import validators
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.parameters import (
    validate_list,
    validate_optional,
    validate_parameter,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint

# The options of one end, without its place and without whether it is to exist.
ATTRIBUTES: dict[str, Any] = {
    "mtu": {"type": "int"},
    "mac": {"type": "str"},
    "addresses": {"type": "list", "elements": "str"},
    "up": {"type": "bool"},
    "master": {"type": "str"},
    "altnames": {"type": "list", "elements": "str"},
    "alias": {"type": "str"},
}
PLACE: dict[str, Any] = {"name": {"type": "str", "required": True}, "netns": {"type": "str"}}
STATE: dict[str, Any] = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
RECREATE: dict[str, Any] = {"recreate": {"type": "bool", "default": False}}
FORCE: dict[str, Any] = {"force": {"type": "bool", "default": False}}


def parse_netns(params: Mapping[str, Any], key: str = "netns", prefix: str = "") -> str:
    """Return the namespace reference in a parameter; an empty one stands for the namespace that the module runs in."""
    return validate_optional(prefix + key, validators.netns_reference, cast("str | None", params[key])) or ""


def parse_name(params: Mapping[str, Any], prefix: str = "", key: str = "name") -> str:
    """Return the interface name in a parameter."""
    return validate_parameter(prefix + key, validators.ifname, cast(str, params[key]))


def parse_endpoint(params: Mapping[str, Any], prefix: str = "", name: str = "name", netns: str = "netns") -> Endpoint:
    """Return the link that two parameters name: its namespace and its name."""
    return Endpoint(parse_netns(params, netns, prefix), parse_name(params, prefix, name))


def parse_attributes(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the options of one end as the fields of a Link."""
    fields = {
        "mtu": validate_optional(prefix + "mtu", validators.mtu, params["mtu"]),
        "mac": validate_optional(prefix + "mac", validators.mac, params["mac"]),
        "up": params["up"],
        "master": params["master"] and validate_parameter(prefix + "master", validators.ifname, params["master"]),
        "alias": validate_optional(prefix + "alias", validators.alias, params["alias"]),
        "altnames": validate_list(prefix + "altnames", validators.altname, params["altnames"]),
        "addresses": validate_list(prefix + "addresses", validators.interface_address, params["addresses"]),
    }
    small = fields["mtu"] is not None and fields["mtu"] < validators.IPV6_MIN_MTU
    if small and any(validators.get_ip_version(address) == 6 for address in fields["addresses"] or ()):
        raise BadParameter(f"{prefix}mtu", f"must be at least {validators.IPV6_MIN_MTU} on a link with IPv6 addresses")
    return fields


def refuse_same_endpoint(here: Endpoint, peer: Endpoint, prefix: str = "") -> None:
    """Raise BadParameter where both ends of a pair have the same name in the same namespace."""
    if here == peer:
        raise BadParameter(f"{prefix}peer.name", f"both ends cannot be {here.name} in one namespace")
