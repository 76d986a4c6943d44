# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations as netlink requests, with the names of fields and attributes that pyroute2 encodes."""

from __future__ import annotations

import functools
import ipaddress
import socket
from collections.abc import Mapping
from typing import Any, Protocol

from ansible_collections.netfleet.docker.plugins.module_utils._links import operations as ops
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.interface import encode_value
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.registry import find_kind
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Link, Neighbour, Route, Rule
from ansible_collections.netfleet.docker.plugins.module_utils._links.original import set_address_index
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.decoder import (
    NLM_F_APPEND,
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
)
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import BRIDGE_PORT, Value
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.request import Message

_NEWLINK, _DELLINK, _NEWADDR, _DELADDR = 16, 17, 20, 21
_NEWROUTE, _DELROUTE, _NEWRULE, _DELRULE = 24, 25, 32, 33
_NEWNEIGH, _DELNEIGH = 28, 29
_NEWLINKPROP, _DELLINKPROP = 108, 109
_IFF_UP = 1
_RTPROT_STATIC = 4
_RTNH_F_ONLINK = 4
_SCOPE_UNIVERSE, _SCOPE_LINK, _SCOPE_HOST, _SCOPE_NOWHERE = 0, 253, 254, 255
_ROUTE_TYPES = {"unicast": 1, "local": 2, "blackhole": 6, "unreachable": 7, "prohibit": 8}
_RULE_ACTIONS = {"lookup": 1, "blackhole": 6, "unreachable": 7, "prohibit": 8}
_AF_BRIDGE = 7
_NUD_REACHABLE, _NUD_NOARP, _NUD_PERMANENT = 0x02, 0x40, 0x80
_NTF_SELF, _NTF_MASTER, _NTF_PROXY = 0x02, 0x04, 0x08
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


class IndexSource(Protocol):
    """Access to link indices and namespace file descriptors."""

    def get_index(self, label: str, name: str) -> int:
        """Return a link's index in its namespace."""

    def get_fd(self, label: str) -> int:
        """Return an open file descriptor of the namespace."""


@functools.singledispatch
def build_request(op: ops.Op, places: IndexSource) -> Message:  # noqa: ARG001 (the registered functions use it)
    """Return the request that carries the operation out."""
    raise TypeError(f"{type(op).__name__} is not a netlink operation")


@build_request.register(ops.CreateLink)
def _create_link(op: ops.CreateLink, places: IndexSource) -> Message:
    label = op.netns if op.link.underlay is None else op.link.underlay
    attributes = _build_common_attributes(op.link)
    kind = find_kind(op.link.kind)
    given = {key: value for key, value in op.link.options.items() if value != kind.attributes[key].initial}
    data = kind.encode_options(given)
    if op.link.parent and op.link.parent.name and op.link.parent.netns is not None:
        # The kernel looks up the parent's index in the namespace of the socket, so the request is sent there.
        label = op.link.parent.netns
        parent = places.get_index(label, op.link.parent.name)
        kind.encode_parent(parent, attributes, data)
    if op.master:
        attributes.append(("IFLA_MASTER", places.get_index(op.netns, op.master)))
    if label != op.netns:
        attributes.append(("IFLA_NET_NS_FD", places.get_fd(op.netns)))
    if op.peer:
        peer = _build_common_attributes(op.peer)
        if op.peer_netns != op.netns:
            peer.append(("IFLA_NET_NS_FD", places.get_fd(op.peer_netns)))
        data.append(("VETH_INFO_PEER", {"index": op.peer.index or 0, "attrs": peer}))
    attributes.append(
        ("IFLA_LINKINFO", _build_linkinfo("INFO", op.link.kind or "", kind.clean_data(op.link.kind_data) or data))
    )
    # A link that is created again gets its former index.
    fields = {"index": op.link.index or 0}
    return Message(label, "link", _NEWLINK, NLM_F_CREATE | NLM_F_EXCL, fields, attributes)


@build_request.register(ops.DeleteLink)
def _delete_link(op: ops.DeleteLink, places: IndexSource) -> Message:
    return Message(op.netns, "link", _DELLINK, 0, {"index": places.get_index(op.netns, op.name)}, [])


@build_request.register(ops.DeleteGroup)
def _delete_group(op: ops.DeleteGroup, places: IndexSource) -> Message:  # noqa: ARG001 (common signature)
    return Message(op.netns, "link", _DELLINK, 0, {}, [("IFLA_GROUP", op.group)])


@build_request.register(ops.SetGroupUp)
def _set_group_up(op: ops.SetGroupUp, places: IndexSource) -> Message:  # noqa: ARG001 (common signature)
    fields = {"flags": _IFF_UP, "change": _IFF_UP}
    return Message(op.netns, "link", _NEWLINK, 0, fields, [("IFLA_GROUP", op.group)])


@build_request.register(ops.MoveLink)
def _move_link(op: ops.MoveLink, places: IndexSource) -> Message:
    fields = {"index": places.get_index(op.netns, op.name)}
    return Message(op.netns, "link", _NEWLINK, 0, fields, [("IFLA_NET_NS_FD", places.get_fd(op.to))])


@build_request.register(ops.SetLink)
def _set_link(op: ops.SetLink, places: IndexSource) -> Message:
    fields = {"index": places.get_index(op.netns, op.name)}
    attributes: list[tuple[str, Any]] = []
    for key, value in op.attributes.items():
        if key == "up":
            fields.update(flags=_IFF_UP if value else 0, change=_IFF_UP)
        elif key == "master":
            attributes.append(("IFLA_MASTER", places.get_index(op.netns, str(value)) if value else 0))
        else:
            attributes.append(({"mtu": "IFLA_MTU", "mac": "IFLA_ADDRESS", "alias": "IFLA_IFALIAS"}[key], value))
    if op.options:
        # Without the kind, the kernel acknowledges the request and changes nothing.
        data = find_kind(op.kind).encode_options(op.options)
        attributes.append(("IFLA_LINKINFO", _build_linkinfo("INFO", op.kind or "", data)))
    if op.port:
        attributes.append(("IFLA_LINKINFO", _build_linkinfo("INFO_SLAVE", "bridge", _build_port_options(op.port))))
    return Message(op.netns, "link", _NEWLINK, 0, fields, attributes)


@build_request.register(ops.AddAddress)
def _add_address(op: ops.AddAddress, places: IndexSource) -> Message:
    return _build_address_request(op, _NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, places)


@build_request.register(ops.RemoveAddress)
def _remove_address(op: ops.RemoveAddress, places: IndexSource) -> Message:
    return _build_address_request(op, _DELADDR, 0, places)


@build_request.register(ops.AddAltname)
def _add_altname(op: ops.AddAltname, places: IndexSource) -> Message:
    return _build_altname_request(op, places, _NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL)


@build_request.register(ops.RemoveAltname)
def _remove_altname(op: ops.RemoveAltname, places: IndexSource) -> Message:
    return _build_altname_request(op, places, _DELLINKPROP, 0)


@build_request.register(ops.AddEntry)
def _add_entry(op: ops.AddEntry, places: IndexSource) -> Message:
    # The kernel takes some rules with other conditions for equal ones, so it must not compare them.
    flags = NLM_F_CREATE | (0 if isinstance(op.entry, Rule) else NLM_F_EXCL)
    if not isinstance(op.entry, Neighbour) and op.entry.original:
        return _build_original_request(op, _NEWROUTE, _NEWRULE, flags)
    if isinstance(op.entry, Route):
        return _build_route_request(op.netns, _NEWROUTE, flags, op.entry, places)
    if isinstance(op.entry, Neighbour):
        return _build_neighbour_request(op.netns, _NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, op.entry, places)
    return _build_rule_request(op.netns, _NEWRULE, flags, op.entry)


@build_request.register(ops.RemoveEntry)
def _remove_entry(op: ops.RemoveEntry, places: IndexSource) -> Message:
    if not isinstance(op.entry, Neighbour) and op.entry.original:
        return _build_original_request(op, _DELROUTE, _DELRULE, 0)
    if isinstance(op.entry, Route):
        return _build_route_request(op.netns, _DELROUTE, 0, op.entry, places)
    if isinstance(op.entry, Neighbour):
        return _build_neighbour_request(op.netns, _DELNEIGH, 0, op.entry, places)
    return _build_rule_request(op.netns, _DELRULE, 0, op.entry)


@build_request.register(ops.AddFdb)
def _add_fdb(op: ops.AddFdb, places: IndexSource) -> Message:
    flags = NLM_F_CREATE | (NLM_F_REPLACE if op.entry.is_only_destination else NLM_F_APPEND)
    return _build_forwarding_request(op, _NEWNEIGH, flags, places)


@build_request.register(ops.RemoveFdb)
def _remove_fdb(op: ops.RemoveFdb, places: IndexSource) -> Message:
    return _build_forwarding_request(op, _DELNEIGH, 0, places)


def _build_common_attributes(link: Link) -> list[tuple[str, Any]]:
    wanted = (
        ("IFLA_IFNAME", link.name),
        ("IFLA_MTU", link.mtu),
        ("IFLA_ADDRESS", link.mac),
        ("IFLA_GROUP", link.group or None),
        ("IFLA_TXQLEN", link.queue_length),
    )
    return [(name, value) for name, value in wanted if value is not None]


def _build_linkinfo(prefix: str, kind: str, data: list[tuple[str, Any]] | bytes) -> dict[str, Any]:
    attributes: list[tuple[str, Any]] = [(f"IFLA_{prefix}_KIND", kind)]
    if data:
        attributes.append((f"IFLA_{prefix}_DATA", data if isinstance(data, bytes) else {"attrs": data}))
    return {"attrs": attributes}


def _build_port_options(options: Mapping[str, Value]) -> list[tuple[str, Any]]:
    return [encode_value(BRIDGE_PORT[name], value) for name, value in options.items()]


def _build_address_request(
    op: ops.AddAddress | ops.RemoveAddress, message_type: int, flags: int, places: IndexSource
) -> Message:
    index = places.get_index(op.netns, op.name)
    if op.original:
        payload = set_address_index(op.original, index)
        return Message(op.netns, "address", message_type, flags, {}, [], payload)
    interface = ipaddress.ip_interface(op.address)
    fields = {
        "family": _FAMILIES[interface.version],
        "prefixlen": interface.network.prefixlen,
        "scope": _get_address_scope(interface),
        "index": index,
    }
    ip = str(interface.ip)
    return Message(op.netns, "address", message_type, flags, fields, [("IFA_LOCAL", ip), ("IFA_ADDRESS", ip)])


def _get_address_scope(interface: ipaddress.IPv4Interface | ipaddress.IPv6Interface) -> int:
    # The kernel derives the scope of an IPv6 address.
    return _SCOPE_HOST if interface.version == 4 and interface.is_loopback else _SCOPE_UNIVERSE


def _build_altname_request(
    op: ops.AddAltname | ops.RemoveAltname, places: IndexSource, message_type: int, flags: int
) -> Message:
    fields = {"index": places.get_index(op.netns, op.name)}
    names = {"attrs": [("IFLA_ALT_IFNAME", op.altname)]}
    return Message(op.netns, "link", message_type, flags, fields, [("IFLA_PROP_LIST", names)])


def _build_route_request(label: str, message_type: int, flags: int, route: Route, places: IndexSource) -> Message:
    network = ipaddress.ip_network(route.dst)
    scope = _SCOPE_UNIVERSE
    if message_type == _DELROUTE:
        scope = _SCOPE_NOWHERE  # any
    elif network.version == 4 and route.type == "local":
        scope = _SCOPE_HOST
    elif network.version == 4 and route.type == "unicast" and not route.gateway:
        scope = _SCOPE_LINK
    fields = {
        "family": _FAMILIES[network.version],
        "dst_len": network.prefixlen,
        "table": route.table if route.table < 256 else 0,
        "proto": _RTPROT_STATIC if message_type == _NEWROUTE else 0,
        "scope": scope,
        "type": _ROUTE_TYPES[route.type],
        "flags": _RTNH_F_ONLINK if route.onlink else 0,
    }
    attributes: list[tuple[str, Any]] = [("RTA_TABLE", route.table)]
    if network.prefixlen:
        attributes.append(("RTA_DST", str(network.network_address)))
    if route.gateway:
        gateway = ipaddress.ip_address(route.gateway)
        if gateway.version == network.version:
            attributes.append(("RTA_GATEWAY", str(gateway)))
        else:
            attributes.append(("RTA_VIA", {"family": _FAMILIES[gateway.version], "addr": str(gateway)}))
    if route.dev:
        attributes.append(("RTA_OIF", places.get_index(label, route.dev)))
    if route.metric is not None:
        attributes.append(("RTA_PRIORITY", route.metric))
    if route.src:
        attributes.append(("RTA_PREFSRC", route.src))
    return Message(label, "route", message_type, flags, fields, attributes)


def _build_original_request(op: ops.AddEntry | ops.RemoveEntry, of_route: int, of_rule: int, flags: int) -> Message:
    """Return the request for a route or rule exactly as the kernel reported it."""
    entry = op.entry
    kind, message_type = ("route", of_route) if isinstance(entry, Route) else ("rule", of_rule)
    payload = entry.original.payload if not isinstance(entry, Neighbour) and entry.original else b""
    return Message(op.netns, kind, message_type, flags, {}, [], payload)


def _build_neighbour_request(
    label: str, message_type: int, flags: int, entry: Neighbour, places: IndexSource
) -> Message:
    fields = {
        "family": _FAMILIES[ipaddress.ip_address(entry.dst).version],
        "ifindex": places.get_index(label, entry.dev) if entry.dev else 0,
        "state": _NUD_PERMANENT,
        "flags": _NTF_PROXY if entry.proxy else 0,
    }
    attributes = [("NDA_DST", entry.dst)] + ([("NDA_LLADDR", entry.mac)] if entry.mac else [])
    return Message(label, "neighbour", message_type, flags, fields, attributes)


def _build_forwarding_request(
    op: ops.AddFdb | ops.RemoveFdb, message_type: int, flags: int, places: IndexSource
) -> Message:
    entry = op.entry
    fields = {
        "family": _AF_BRIDGE,
        "ifindex": places.get_index(op.netns, op.name),
        "state": _NUD_NOARP | _NUD_REACHABLE if entry.master else _NUD_PERMANENT,
        "flags": _NTF_MASTER if entry.master else _NTF_SELF,
    }
    given = (
        ("NDA_LLADDR", entry.mac),
        ("NDA_DST", entry.dst),
        ("NDA_VLAN", entry.vlan),
        ("NDA_PORT", entry.port),
        ("NDA_VNI", entry.vni),
        ("NDA_IFINDEX", places.get_index(op.netns, entry.via) if entry.via else None),
    )
    attributes = [(attribute, value) for attribute, value in given if value is not None]
    return Message(op.netns, "neighbour", message_type, flags, fields, attributes)


def _build_rule_request(label: str, message_type: int, flags: int, rule: Rule) -> Message:
    fields: dict[str, Any] = {"family": _FAMILIES[rule.family], "action": _RULE_ACTIONS[rule.action], "table": 0}
    # The kernel deletes a rule with less properties only if the protocol is the same too; ip(8) uses another one.
    attributes: list[tuple[str, Any]] = [("FRA_PRIORITY", rule.priority), ("FRA_PROTOCOL", _RTPROT_STATIC)]
    for name, length, value in (("FRA_SRC", "src_len", rule.src), ("FRA_DST", "dst_len", rule.dst)):
        if value:
            network = ipaddress.ip_network(value)
            fields[length] = network.prefixlen
            attributes.append((name, str(network.network_address)))
    optional = (
        ("FRA_IIFNAME", rule.iif),
        ("FRA_OIFNAME", rule.oif),
        ("FRA_FWMARK", rule.fwmark),
        ("FRA_FWMASK", rule.fwmask),
        ("FRA_TABLE", rule.table if rule.action == "lookup" else None),
    )
    attributes += [(name, value) for name, value in optional if value is not None]
    return Message(label, "rule", message_type, flags, fields, attributes)
