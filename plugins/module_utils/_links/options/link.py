# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that several modules share, and their way from parameters into a State."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, cast

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.netfleet.docker.plugins.module_utils._core import validators
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.parameters import checked, each, optional
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Link, Netns, State
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_kinds import (
    BRIDGE_PORT,
    MACVLAN,
    MACVLAN_FLAGS,
    Option,
    Value,
)

# The options of one end, without what says where it is and whether it is to be there.
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


def netns_label(params: Mapping[str, Any], key: str = "netns", prefix: str = "") -> str:
    """Return the reference in an option that names a namespace; the empty one is the module's own."""
    return optional(prefix + key, validators.netns_reference, cast("str | None", params[key])) or ""


def ifname(params: Mapping[str, Any], prefix: str = "", key: str = "name") -> str:
    """Return the interface name in an option."""
    return checked(prefix + key, validators.ifname, cast(str, params[key]))


def attributes(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the options of one end as the fields of a Link."""
    fields = {
        "mtu": optional(prefix + "mtu", validators.mtu, params["mtu"]),
        "mac": optional(prefix + "mac", validators.mac, params["mac"]),
        "up": params["up"],
        "master": params["master"] and checked(prefix + "master", validators.ifname, params["master"]),
        "alias": optional(prefix + "alias", validators.alias, params["alias"]),
        "altnames": each(prefix + "altnames", validators.altname, params["altnames"]),
        "addresses": each(prefix + "addresses", validators.interface_address, params["addresses"]),
    }
    small = fields["mtu"] is not None and fields["mtu"] < validators.IPV6_MIN_MTU
    if small and any(validators.family(address) == 6 for address in fields["addresses"] or ()):
        raise BadParameter(
            f"{prefix}mtu", f"a link with IPv6 addresses has an MTU of at least {validators.IPV6_MIN_MTU}"
        )
    return fields


def kind_options(specs: Mapping[str, Option], params: Mapping[str, Any], prefix: str = "") -> dict[str, Value]:
    """Return the given ones of a kind's options, each checked against what the kernel takes."""
    return {
        name: _kind_option(spec, prefix + name, params[name])
        for name, spec in specs.items()
        if params.get(name) is not None
    }


def _kind_option(spec: Option, parameter: str, value: Any) -> Value:
    if spec.codec == "macs":
        return tuple(sorted(each(parameter, validators.mac, value) or ()))
    names = MACVLAN_FLAGS if spec.codec == "macvlan_flags" else spec.names
    if names:
        for one in value if isinstance(value, list) else [value]:
            if one not in names:
                raise BadParameter(parameter, f"it is one of {', '.join(names)}, not {one}")
        if spec.codec == "macvlan_flags":
            return tuple(sorted(set(value)))
        if isinstance(value, list) and len(value) != 1:
            raise BadParameter(parameter, f"it is only one of {', '.join(names)}")
        return str(value[0] if isinstance(value, list) else value)
    if isinstance(value, int) and not isinstance(value, bool):
        return checked(parameter, _in_range(spec), value)
    return cast(Value, value)


def of_kind(specs: Mapping[str, Option]) -> dict[str, Any]:
    """Return the argument specification of a kind's options."""
    return {name: _of_option(spec) for name, spec in specs.items()}


def _of_option(spec: Option) -> dict[str, Any]:
    if spec.codec in ("macs", "macvlan_flags"):
        return {"type": "list", "elements": "str"}
    if spec.names or spec.codec == "ip":
        return {"type": "str"}
    return {"type": "bool" if spec.codec.startswith("bool") else "int"}


def macvlan_options(params: Mapping[str, Any], prefix: str = "") -> dict[str, Value]:
    """Return the given ones of the options that only macvlan links have."""
    options = kind_options(MACVLAN, params, prefix)
    if "source_macs" in options and params["mode"] != "source":
        raise BadParameter(f"{prefix}source_macs", "only a macvlan with mode: source has them")
    return options


def ports(values: list[Any] | None, master: str, parameter: str = "ports") -> list[Link] | None:
    """Return a bridge's ports as links that must be there already."""
    if values is None:
        return None
    links: dict[str, Link] = {}
    for place, value in enumerate(values):
        prefix = f"{parameter}[{place}]"
        given = {"name": value} if isinstance(value, str) else value
        if not isinstance(given, dict) or not isinstance(given.get("name"), str):
            raise BadParameter(prefix, f"a port is a name or a dictionary with a name, not {value!r}")
        unknown = set(given) - {"name", *BRIDGE_PORT}
        if unknown:
            raise BadParameter(
                f"{prefix}.{min(unknown)}", f"no such option; there are {', '.join(sorted(BRIDGE_PORT))}"
            )
        name = ifname(given, f"{prefix}.")
        if name in links or name == master:
            raise BadParameter(
                f"{prefix}.name", f"{name} " + ("stands twice" if name in links else "is the bridge itself")
            )
        links[name] = Link(name, present=None, master=master, port=port(given, f"{prefix}."))
    return list(links.values())


def port(given: Mapping[str, Any], prefix: str) -> dict[str, Value]:
    """Return the given ones of the options that a link has as a port of a bridge."""
    return {key: _port_option(prefix + key, key, given[key]) for key in BRIDGE_PORT if given.get(key) is not None}


def _port_option(parameter: str, key: str, value: Any) -> Value:
    spec = BRIDGE_PORT[key]
    if spec.codec.startswith("bool"):
        return checked(parameter, lambda given: bool(_as(boolean, given, "a boolean")), value)
    number = checked(parameter, lambda given: int(_as(int, given, "a number")), value)
    return checked(parameter, _in_range(spec), number)


def _in_range(spec: Option) -> Callable[[int], int]:
    """Return what takes a number if the kernel takes it for this option."""
    return lambda value: validators.between(value, spec.low, spec.high)


def _as(convert: Callable[[Any], Any], value: Any, what: str) -> Any:
    try:
        return convert(value)
    except (TypeError, ValueError):
        raise ValueError(f"it is {what}, not {value!r}") from None


def refuse_same_place(here: Endpoint, there: Endpoint, prefix: str = "") -> None:
    """Raise BadParameter where both ends of a pair are declared at one place."""
    if here == there:
        raise BadParameter(f"{prefix}peer.name", f"both ends cannot be {here.name} in one namespace")


def gone(state: State, place: Endpoint, **fields: Any) -> State:
    """Return the desired state with a link that is not to be there."""
    return placed(state, place, Link(place.name, present=False, **fields))


def placed(state: State, place: Endpoint, link: Link) -> State:
    """Return the desired state with a link added to a namespace that must be there already."""
    label = place.netns or ""
    if label not in state.namespaces:
        state = state.with_netns(label, Netns(present=None))
    return state.with_link(label, link)


def needed(state: State, place: Endpoint) -> State:
    """Return the desired state with a link that must be there already and is left alone."""
    return placed(state, place, Link(place.name, present=None))


def at(place: Endpoint, labels: Mapping[str, str]) -> Endpoint:
    """Return a place under its namespace's label in the State."""
    return Endpoint(labels[place.netns or ""], place.name)
