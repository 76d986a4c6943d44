# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""States as plain data for results: the managed part for the diff, and single objects."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.registry import find_kind
from ansible_collections.netfleet.docker.plugins.module_utils._links.matching import Entry, build_key, satisfies
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import (
    Endpoint,
    Link,
    Netns,
    State,
    describe_netns,
)
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import BRIDGE_PORT, LinkOption

# Fields of a route or rule that are not part of results.
_INTERNAL = ("foreign", "original", "opaque")
_ATTRIBUTES = ("kind", "mtu", "mac", "up", "master", "alias", "altnames", "addresses")


def select_managed_part(desired: State, state: State) -> dict[str, Any]:
    """Return the part of a State that a desired State manages, for the diff."""
    return {
        label or "current": _select_managed_netns(want, state.get_netns(label))
        for label, want in desired.namespaces.items()
    }


def show_link(state: State, place: Endpoint) -> dict[str, Any]:
    """Return everything known about a link; only ``present`` if it does not exist."""
    have = state.get_link(place.netns or "", place.name)
    result: dict[str, Any] = {"name": place.name, "netns": place.netns or "current", "present": have is not None}
    if have is None:
        return result
    result.update({key: _sort_value(getattr(have, key)) for key in _ATTRIBUTES if getattr(have, key) is not None})
    for key, end in (("peer", have.peer), ("parent", have.parent)):
        if end is not None and end.name:
            result[key] = {"name": end.name, "netns": end.netns if end.netns != "" else "current"}
    if have.underlay is not None:
        result["parent_netns"] = have.underlay or "current"
    result.update({key: _sort_value(value) for key, value in have.options.items()})
    if have.fdb is not None:
        result["fdb"] = [{**_show_entry(entry), "master": entry.master} for entry in have.fdb]
    if have.port:
        result["port"] = dict(have.port)
    return result


def show_veth(state: State, place: Endpoint) -> dict[str, Any]:
    """Return one end of a pair with all attributes of the other end."""
    result = show_link(state, place)
    have = state.get_link(place.netns or "", place.name)
    if have and have.peer and have.peer.netns is not None:
        result["peer"] = {key: value for key, value in show_link(state, have.peer).items() if key != "peer"}
    return result


def show_bridge(state: State, place: Endpoint) -> dict[str, Any]:
    """Return a bridge with its ports and their options."""
    result = show_link(state, place)
    if result["present"]:
        members = [port for port in state.get_netns(place.netns or "").links.values() if port.master == place.name]
        result["ports"] = [{"name": port.name, **port.port} for port in sorted(members, key=lambda port: port.name)]
    return result


def show_netns(state: State, label: str) -> dict[str, Any]:
    """Return a namespace with its links, and the sysctls, routes, rules and neighbours that were read."""
    have = state.get_netns(label)
    result: dict[str, Any] = {"name": label or "current", "present": bool(have.present)}
    if have.present:
        result["links"] = [show_link(state, Endpoint(label, name)) for name in sorted(have.links)]
        result["sysctls"] = dict(have.sysctls)
        for key, entries in (("routes", have.routes), ("rules", have.rules), ("neighbours", have.neighbours)):
            if entries is not None:
                result[key] = [_show_entry(entry) for entry in entries]
    return result


def _show_entry(entry: Any) -> dict[str, Any]:
    given = {one.name: getattr(entry, one.name) for one in dataclasses.fields(entry) if one.name not in _INTERNAL}
    original = getattr(entry, "original", None)
    more = {"unmodelled": list(original.unmodelled)} if original and original.unmodelled else {}
    return {**{key: value for key, value in given.items() if value is not None}, **more}


def _select_managed_netns(want: Netns, have: Netns) -> Any:
    if not have.present:
        return "half-made" if have.stub else "absent"
    if want.present is False:
        return "present"
    result: dict[str, Any] = {}
    if want.links:
        result["links"] = {name: _select_managed_link(one, have) for name, one in sorted(want.links.items())}
    if want.sysctls:
        result["sysctls"] = {key: have.sysctls.get(key, "missing") for key in sorted(want.sysctls)}
    for key in ("routes", "rules", "neighbours"):
        wanted, there = getattr(want, key), getattr(have, key)
        if wanted is not None:
            listed = [entry for entry in there or () if not getattr(entry, "foreign", False)]
            by_key = {build_key(entry): entry for entry in wanted}
            result[key] = sorted(_format_entry(entry, by_key) for entry in listed)
    return result or "present"


def _format_entry(entry: Entry, wanted: Mapping[Hashable, Entry]) -> str:
    """Return an entry as the user declared it if it matches the declaration, otherwise in full."""
    want = wanted.get(build_key(entry))
    return str(want if want and satisfies(entry, want) else entry)


def _select_managed_link(want: Link, netns_: Netns) -> Any:
    have = netns_.links.get(want.name)
    if have is None:
        return "absent"
    if want.present is False:
        return "present"
    result = {key: _sort_value(getattr(have, key)) for key in _ATTRIBUTES if getattr(want, key) is not None}
    for key in ("peer", "parent"):
        if getattr(want, key) is not None:
            result[key] = str(getattr(have, key))
    if want.underlay is not None:
        result["parent_netns"] = describe_netns(have.underlay)
    if want.fdb is not None:
        entries = [entry for entry in have.fdb or () if not (want.fdb_own and entry.master)]
        result["fdb"] = sorted(str(entry) for entry in entries)
    result.update(_select_managed_options(find_kind(want.kind).attributes, want.options, have.options))
    port = _select_managed_options(BRIDGE_PORT, want.port, have.port)
    if port:
        result["port"] = port
    if want.ports is not None:
        result["ports"] = sorted(link_.name for link_ in netns_.links.values() if link_.master == want.name)
    return result


def _select_managed_options(
    specs: Mapping[str, LinkOption], wanted: Mapping[str, Any], there: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the managed options; a value that the kernel rounded is shown as declared."""
    return {
        key: _sort_value(value if specs[key].matches(value, there.get(key)) else there.get(key))
        for key, value in wanted.items()
    }


def _sort_value(value: Any) -> Any:
    return sorted(value) if isinstance(value, tuple) else value
