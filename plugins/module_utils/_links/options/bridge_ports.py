# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of links as ports of a bridge: the port's own, a bridge's list of ports, and a port's forwarding entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.netfleet.docker.plugins.module_utils._core import validators
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.parameters import (
    validate_optional,
    validate_parameter,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Fdb, Link
from ansible_collections.netfleet.docker.plugins.module_utils._links.options.link import parse_name
from ansible_collections.netfleet.docker.plugins.module_utils._links.options.values import build_range_validator
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import BRIDGE_PORT, Value

_VLANS = (1, 4094)


def parse_ports(values: list[Any] | None, master: str, parameter: str = "ports") -> list[Link] | None:
    """Return a bridge's ports as links that must exist; None stays None.

    Each value is a name, or a dictionary with a name and options of the port.
    """
    if values is None:
        return None
    links: dict[str, Link] = {}
    for place, value in enumerate(values):
        prefix = f"{parameter}[{place}]"
        given = {"name": value} if isinstance(value, str) else value
        if not isinstance(given, dict) or not isinstance(given.get("name"), str):
            raise BadParameter(prefix, f"must be a name or a dictionary with a name, not {value!r}")
        unknown = set(given) - {"name", *BRIDGE_PORT}
        if unknown:
            raise BadParameter(
                f"{prefix}.{min(unknown)}", f"unknown option; supported are {', '.join(sorted(BRIDGE_PORT))}"
            )
        name = parse_name(given, f"{prefix}.")
        if name in links or name == master:
            reason = "is listed twice" if name in links else "is the bridge itself"
            raise BadParameter(f"{prefix}.name", f"{name} {reason}")
        links[name] = Link(name, present=None, master=master, port=parse_port(given, f"{prefix}."))
    return list(links.values())


def parse_port(given: Mapping[str, Any], prefix: str) -> dict[str, Value]:
    """Return the given options of a port; values in a list of ports are not typed by an argument specification."""
    return {key: _parse_option(prefix + key, key, given[key]) for key in BRIDGE_PORT if given.get(key) is not None}


def parse_port_entries(params: Mapping[str, Any], prefix: str) -> tuple[Fdb, ...] | None:
    """Return the forwarding entries of a bridge's port: MAC addresses behind it. None stays None."""
    if params.get("fdb") is None:
        return None
    entries = []
    for place, given in enumerate(params["fdb"]):
        inside = f"{prefix}fdb[{place}]."
        for key in ("dst", "port", "vni", "via"):
            if given[key] is not None:
                raise BadParameter(inside + key, "supported only for kind=vxlan")
        mac = validate_parameter(f"{inside}mac", validators.mac, given["mac"])
        vlan = validate_optional(
            f"{inside}vlan", lambda number: validators.validate_range(number, *_VLANS), given["vlan"]
        )
        entries.append(Fdb(mac, vlan=vlan, master=True))
    return tuple(dict.fromkeys(entries))


def _parse_option(parameter: str, key: str, value: Any) -> Value:
    option = BRIDGE_PORT[key]
    if option.codec.startswith("bool"):
        return validate_parameter(parameter, lambda given: bool(_convert(boolean, given, "a boolean")), value)
    number = validate_parameter(parameter, lambda given: int(_convert(int, given, "a number")), value)
    return validate_parameter(parameter, build_range_validator(option), number)


def _convert(convert: Callable[[Any], Any], value: Any, what: str) -> Any:
    try:
        return convert(value)
    except (TypeError, ValueError):
        raise ValueError(f"must be {what}, not {value!r}") from None
