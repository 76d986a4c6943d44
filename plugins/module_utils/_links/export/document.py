# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A State as a topology document, for ``state: gathered``; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from ansible_collections.netfleet.docker.plugins.module_utils._core.bridge_names import has_bridge_name
from ansible_collections.netfleet.docker.plugins.module_utils._links import ownership
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.registry import KINDS, find_kind
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import (
    Fdb,
    Link,
    Neighbour,
    Route,
    Rule,
    State,
    describe_netns,
)
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import BRIDGE_PORT
from ansible_collections.netfleet.docker.plugins.module_utils._netns.reference import is_named

Entry = TypeVar("Entry", Route, Rule)
_FAMILY = {4: "ipv4", 6: "ipv6"}


class GatheredDocument:
    """The document, and ``warnings`` about objects that cannot be declared and are left out."""

    def __init__(self, state: State, sysctls: Mapping[str, Mapping[str, str]], name: str | None) -> None:
        """Take the State of a host, its non-default sysctls by namespace, and the topology to export, None for all."""
        self._state = state
        self._name = name
        self.warnings: list[str] = []
        self._named = {label for label, netns in state.namespaces.items() if is_named(label)}
        links = sorted(self._find_links(), key=lambda found: (found[0] != "host", found[0], found[1].name))
        self.document: dict[str, Any] = {
            **({"name": name} if name else {}),
            "namespaces": [
                self._describe_netns(label, sysctls.get(label, {})) for label in sorted(self._find_owned_namespaces())
            ],
            "links": [
                *(self._describe_link(label, link) for label, link in links),
                *self._describe_peer_forwarding(links),
            ],
        }

    def _describe_peer_forwarding(self, links: Sequence[tuple[str, Link]]) -> Iterator[dict[str, Any]]:
        """Yield entries with the forwarding entries of the peers of pairs."""
        for place in (link.peer for _label, link in links):
            other = self._state.get_link(place.netns, place.name) if place and place.netns is not None else None
            if place and other and other.fdb:
                entries = [_describe_forwarding(entry) for entry in other.fdb]
                yield {"name": place.name, "netns": place.netns, "fdb": entries}

    def _find_owned_namespaces(self) -> Iterator[str]:
        for label in self._named:
            lo = self._state.get_link(label, "lo")
            if self._name is None or (lo and lo.group == ownership.compute_netns_group(self._name)):
                yield label

    def _find_links(self) -> Iterator[tuple[str, Link]]:
        """Yield the links to declare; for a pair, its first end."""
        for label, link in self._state.iterate_links():
            if self._name is None:
                if label != "host" and label not in self._named:
                    continue
            elif link.group != ownership.compute_link_group(self._name):
                continue
            if link.kind == "loopback":
                if label in self._named and link.addresses:
                    yield label, link
            elif self._can_declare_link(label, link):
                yield label, link

    def _can_declare_link(self, label: str, link: Link) -> bool:
        if link.kind is None or (label == "host" and has_bridge_name(link.name)):
            return False
        if link.kind not in KINDS:
            self._omit(label, f"the link {link.name} of kind {link.kind}")
            return False
        for end, what in ((link.peer, "peer"), (link.parent, "parent")):
            if end and (end.netns is None or (self._name is None and not self._is_reachable(end.netns))):
                # The host ends of container links belong to Docker.
                if label != "host":
                    self._omit(label, f"the link {link.name}, whose {what} is in an unreachable namespace")
                return False
        if link.peer and link.peer.netns is not None:
            mine, other = (
                (label != "host", label, link.name),
                (link.peer.netns != "host", link.peer.netns, link.peer.name),
            )
            return mine > other
        return link.kind != "veth"

    def _is_reachable(self, label: str) -> bool:
        return label == "host" or label in self._named

    def _omit(self, label: str, what: str) -> None:
        self.warnings.append(f"left out in {describe_netns(label)}: {what}")

    def _describe_netns(self, label: str, sysctls: Mapping[str, str]) -> dict[str, Any]:
        have = self._state.get_netns(label)
        lo = have.links.get("lo")
        result: dict[str, Any] = {"name": label}
        if lo and not lo.up:
            result["loopback_up"] = False
        if sysctls:
            result["sysctls"] = dict(sorted(sysctls.items()))
        routes = self._select_declarable(label, result, "routes", have.routes or ())
        rules = self._select_declarable(label, result, "rules", have.rules or ())
        neighbours = [_describe_neighbour(entry) for entry in have.neighbours or ()]
        lists = (
            ("routes", [_describe_route(route) for route in routes]),
            ("rules", [_describe_rule(rule) for rule in rules]),
            ("neighbours", neighbours),
        )
        result.update({key: value for key, value in lists if value})
        return result

    def _select_declarable(self, label: str, result: dict[str, Any], key: str, entries: Sequence[Entry]) -> list[Entry]:
        """Return the entries that can be declared; if others are left out, the list is not exact."""
        own = [entry for entry in entries if not entry.foreign]
        for entry in own:
            if entry.opaque:
                self._omit(label, f"{type(entry).__name__.lower()} {entry}")
                result[f"{key}_append"] = True
        return [entry for entry in own if not entry.opaque]

    def _describe_link(self, label: str, link: Link) -> dict[str, Any]:
        result: dict[str, Any] = {"name": link.name, "netns": label}
        if link.kind == "loopback":
            return {**result, "addresses": list(link.addresses or ())}
        result["kind"] = link.kind
        result.update(self._describe_end(label, link))
        if link.parent and link.parent.netns is not None and link.parent.name:
            result.update(parent=link.parent.name, parent_netns=link.parent.netns)
        elif link.underlay is not None:
            result["parent_netns"] = link.underlay
        result.update(find_kind(link.kind).describe(link.options))
        if link.peer and link.peer.netns is not None:
            other = self._state.get_link(link.peer.netns, link.peer.name)
            if other:
                place = {"name": other.name, "netns": link.peer.netns}
                end = self._describe_end(link.peer.netns, other)
                end.pop("fdb", None)
                result["peer"] = {**place, **end}
        return result

    def _describe_end(self, label: str, link: Link) -> dict[str, Any]:
        """Return the attributes that every link and each end of a pair has."""
        # An address that does not have six bytes, as of a tunnel, was not set by a user.
        result: dict[str, Any] = {"mtu": link.mtu, "mac": link.mac if link.mac and len(link.mac) == 17 else None}
        result["up"] = None if link.up else False
        result["alias"] = link.alias or None
        for cidr in link.addresses or ():
            if " " in cidr:
                self._omit(label, f"the address {cidr} of {link.name}")
        addresses = tuple(cidr for cidr in link.addresses or () if " " not in cidr)
        for key, values in (("altnames", link.altnames), ("addresses", addresses)):
            result[key] = list(values or ()) or None
        result["master"] = link.master or None
        own = find_kind(link.kind).has_forwarding_table
        result["fdb"] = [_describe_forwarding(entry) for entry in link.fdb or () if entry.master is not own] or None
        master = self._state.get_link(label, link.master) if link.master else None
        if master and master.kind == "bridge":
            result["bridge_port"] = _select_port_options(link.port) or None
        return _remove_none(result)


def _describe_route(route: Route) -> dict[str, Any]:
    return _remove_none(
        {
            "dst": "default" if route.dst.endswith("/0") else route.dst,
            "family": "ipv6" if route.dst == "::/0" and not route.gateway else None,
            "gateway": route.gateway,
            "dev": route.dev,
            "metric": None if route.has_default_metric else route.metric,
            "table": None if route.table == 254 else route.table,
            "src": route.src,
            "type": None if route.type == "unicast" else route.type,
            "onlink": route.onlink or None,
        }
    )


def _describe_neighbour(entry: Neighbour) -> dict[str, Any]:
    return _remove_none({"dst": entry.dst, "mac": entry.mac, "dev": entry.dev, "proxy": entry.proxy or None})


def _describe_forwarding(entry: Fdb) -> dict[str, Any]:
    words = {"mac": entry.mac, "dst": entry.dst, "port": entry.port, "vni": entry.vni, "via": entry.via}
    return _remove_none({**words, "vlan": entry.vlan})


def _describe_rule(rule: Rule) -> dict[str, Any]:
    return _remove_none(
        {
            "priority": rule.priority,
            "family": _FAMILY[rule.family],
            "src": rule.src,
            "dst": rule.dst,
            "iif": rule.iif,
            "oif": rule.oif,
            "fwmark": rule.fwmark,
            "fwmask": rule.fwmask if rule.has_mask else None,
            "table": rule.table if rule.action == "lookup" else None,
            "action": None if rule.action == "lookup" else rule.action,
        }
    )


def _select_port_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a port that are not those of a new one."""
    return {key: value for key, value in options.items() if key in BRIDGE_PORT and value != BRIDGE_PORT[key].initial}


def _remove_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
