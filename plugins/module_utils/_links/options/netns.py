# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of a namespace, and their conversion from module parameters."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Callable, TypeVar

from ansible_collections.netfleet.docker.plugins.module_utils._core import validators
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.parameters import (
    validate_optional,
    validate_parameter,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.matching import build_key
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import (
    Link,
    Neighbour,
    Netns,
    Route,
    Rule,
    State,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.sysctl_effects import get_canonical_key
from ansible_collections.netfleet.docker.plugins.module_utils._netns.reference import is_named

ROUTE: dict[str, Any] = {
    "dst": {"type": "str", "required": True},
    "gateway": {"type": "str"},
    "dev": {"type": "str"},
    "family": {"type": "str", "choices": ["ipv4", "ipv6"]},
    "metric": {"type": "int"},
    "table": {"type": "int", "default": 254},
    "src": {"type": "str"},
    "type": {
        "type": "str",
        "choices": ["unicast", "local", "blackhole", "unreachable", "prohibit"],
        "default": "unicast",
    },
    "onlink": {"type": "bool"},
}
RULE: dict[str, Any] = {
    "priority": {"type": "int", "required": True},
    "family": {"type": "str", "choices": ["ipv4", "ipv6"]},
    "src": {"type": "str"},
    "dst": {"type": "str"},
    "iif": {"type": "str"},
    "oif": {"type": "str"},
    "fwmark": {"type": "int"},
    "fwmask": {"type": "int"},
    "table": {"type": "int"},
    "action": {"type": "str", "choices": ["lookup", "blackhole", "unreachable", "prohibit"], "default": "lookup"},
}
NEIGHBOUR: dict[str, Any] = {
    "dst": {"type": "str", "required": True},
    "mac": {"type": "str"},
    "dev": {"type": "str", "required": True},
    "proxy": {"type": "bool", "default": False},
}
OPTIONS: dict[str, Any] = {
    "loopback_up": {"type": "bool"},
    "sysctls": {"type": "dict"},
    "routes": {"type": "list", "elements": "dict", "options": ROUTE},
    "routes_append": {"type": "bool", "default": False},
    "rules": {"type": "list", "elements": "dict", "options": RULE},
    "rules_append": {"type": "bool", "default": False},
    "neighbours": {"type": "list", "elements": "dict", "options": NEIGHBOUR},
    "neighbours_append": {"type": "bool", "default": False},
}
Entry = TypeVar("Entry", Route, Rule)

_ANY = {4: "0.0.0.0/0", 6: "::/0"}
_NUMBER = 2**32 - 1
# The kernel's default metric by IP version; 0 means the default too.
_METRICS = {4: 0, 6: 1024}


def parse_netns_module(params: Mapping[str, Any]) -> tuple[str, State]:
    """Return the reference of the namespace and its desired State."""
    reference = validate_parameter("name", validators.netns_reference, str(params["name"]))
    if params["state"] == "absent":
        if not is_named(reference):
            raise BadParameter("name", f"only a named namespace can be removed, not {reference}")
        return reference, State({reference: Netns(present=False, force=params["force"])})
    return reference, State({reference: parse_netns_options(reference, params)})


def parse_netns_options(reference: str, params: Mapping[str, Any], prefix: str = "") -> Netns:
    """Return the desired namespace; ``prefix`` precedes its parameters in errors."""
    named = is_named(reference)
    loopback_up = named if params["loopback_up"] is None else params["loopback_up"]
    managed = loopback_up or params["loopback_up"] is not None
    return Netns(
        present=True if named else None,
        links={"lo": Link("lo", present=None, up=loopback_up)} if managed else {},
        sysctls=_parse_sysctls(params["sysctls"] or {}, prefix),
        routes=_parse_entries(_parse_route, params["routes"], f"{prefix}routes"),
        rules=_parse_entries(_parse_rule, params["rules"], f"{prefix}rules"),
        neighbours=parse_neighbours(params["neighbours"], prefix),
        routes_append=params["routes_append"],
        rules_append=params["rules_append"],
        neighbours_append=params["neighbours_append"],
    )


def _parse_sysctls(given: Mapping[str, Any], prefix: str) -> dict[str, str]:
    """Return the sysctls by path; raise BadParameter for two names of one sysctl with different values."""
    found: dict[str, str] = {}
    names: dict[str, str] = {}
    for key, value in given.items():
        parameter = f"{prefix}sysctls.{key}"
        path = validate_parameter(parameter, validators.sysctl_key, str(key))
        found[path] = validate_parameter(parameter, validators.sysctl_value, value)
        other = names.setdefault(get_canonical_key(path), path)
        if found[other] != found[path]:
            raise BadParameter(parameter, f"is the same sysctl as {other}, which has the value {found[other]}")
    return found


def _parse_entries(read: Callable[[str, Mapping[str, Any]], Entry], values: list[Any] | None, name: str) -> Any:
    """Return the parsed entries of a list; None, which means unmanaged, stays None."""
    if values is None:
        return None
    places: dict[Hashable, int] = {}
    found = []
    for place, value in enumerate(values):
        entry = read(f"{name}[{place}].", value)
        first = places.setdefault(build_key(entry), place)
        if first != place:
            what = "destination, table and metric" if isinstance(entry, Route) else "rule"
            raise BadParameter(f"{name}[{place}]", f"has the same {what} as {name}[{first}]: {entry}")
        found.append(entry)
    return tuple(found)


def parse_neighbours(given: list[dict[str, Any]] | None, before: str = "") -> tuple[Neighbour, ...] | None:
    """Return the parsed neighbour entries; None stays None."""
    if given is None:
        return None
    found: dict[tuple[str, str, bool], Neighbour] = {}
    for place, params in enumerate(given):
        prefix = f"{before}neighbours[{place}]."
        if (params["mac"] is None) is not params["proxy"]:
            raise BadParameter(prefix + "mac", "required, except for a proxy entry, which must not have one")
        entry = Neighbour(
            validate_parameter(prefix + "dst", validators.host_address, params["dst"]),
            validate_optional(prefix + "mac", validators.any_mac, params["mac"]),
            validate_parameter(prefix + "dev", validators.ifname, params["dev"]),
            params["proxy"],
        )
        key = (entry.dst, entry.dev or "", entry.proxy)
        if found.setdefault(key, entry) != entry:
            raise BadParameter(prefix + "mac", f"{entry.dst} on {entry.dev} is listed with another MAC address")
    return tuple(found.values())


def _parse_route(prefix: str, params: Mapping[str, Any]) -> Route:
    gateway = validate_optional(prefix + "gateway", validators.address, params["gateway"])
    family = {None: gateway and validators.get_ip_version(gateway), "ipv4": 4, "ipv6": 6}[params["family"]] or 4
    if params["dst"] == "default":
        dst = _ANY[family]
    else:
        dst = validate_parameter(prefix + "dst", validators.network, params["dst"])
        if params["family"] and family != validators.get_ip_version(dst):
            raise BadParameter(prefix + "family", f"{dst} must be an {params['family']} network")
    if params["type"] == "unicast" and not gateway and not params["dev"]:
        raise BadParameter(prefix + "gateway", "required for a unicast route, unless dev is given")
    if params["type"] in ("blackhole", "unreachable", "prohibit") and (gateway or params["dev"]):
        raise BadParameter(prefix + "type", f"a route of type {params['type']} must have neither gateway nor dev")
    metric = validate_optional(
        prefix + "metric", lambda value: validators.validate_range(value, 0, _NUMBER), params["metric"]
    )
    version = validators.get_ip_version(dst)
    src = validate_optional(prefix + "src", validators.address, params["src"])
    if src and validators.get_ip_version(src) != version:
        raise BadParameter(prefix + "src", f"must be an IPv{version} address, as {dst} is an IPv{version} network")
    return Route(
        dst=dst,
        gateway=gateway,
        dev=validate_optional(prefix + "dev", validators.ifname, params["dev"]),
        table=validate_parameter(
            prefix + "table", lambda value: validators.validate_range(value, 1, _NUMBER), params["table"]
        ),
        metric=metric or _METRICS[version],
        src=src,
        type=params["type"],
        onlink=bool(params["onlink"]),
    )


def _parse_rule(prefix: str, params: Mapping[str, Any]) -> Rule:
    src = validate_optional(prefix + "src", validators.network, params["src"])
    dst = validate_optional(prefix + "dst", validators.network, params["dst"])
    families = {validators.get_ip_version(network) for network in (src, dst) if network}
    if params["family"]:
        families.add(4 if params["family"] == "ipv4" else 6)
    if len(families) > 1:
        raise BadParameter(prefix + "family", "src, dst and family are of different IP versions")
    if (params["action"] == "lookup") != (params["table"] is not None):
        raise BadParameter(prefix + "table", "required for action=lookup, and not supported for other actions")

    def parse_number(key: str, low: int = 0) -> int | None:
        return validate_optional(
            prefix + key, lambda value: validators.validate_range(value, low, _NUMBER), params[key]
        )

    fwmark, fwmask = parse_number("fwmark") or 0, parse_number("fwmask")
    # By default, the kernel compares all bits of a mark, and none of a mark of 0.
    fwmask = (_NUMBER if fwmark else 0) if fwmask is None else fwmask
    return Rule(
        priority=parse_number("priority") or 0,
        family=families.pop() if families else 4,
        src=_drop_any(src),
        dst=_drop_any(dst),
        iif=validate_optional(prefix + "iif", validators.ifname, params["iif"]),
        oif=validate_optional(prefix + "oif", validators.ifname, params["oif"]),
        fwmark=fwmark if fwmark or fwmask else None,
        fwmask=fwmask if fwmark or fwmask else None,
        table=parse_number("table", low=1),
        action=params["action"],
    )


def _drop_any(network: str | None) -> str | None:
    """Return None for the network of all addresses, as the kernel does."""
    return None if network in _ANY.values() else network
