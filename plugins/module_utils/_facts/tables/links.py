# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert decoded link and address messages to rows of the tables interface and address. Pure."""

from __future__ import annotations

import functools
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8
from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import link_options

Message = Mapping[str, Any]
Row = dict[str, Any]

_ARPHRD_LOOPBACK = 772
_NO_INFO: Mapping[str, Any] = {}
_OPERSTATES = ("unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up")
_INTERFACE_FLAGS = tuple(
    (
        "UP BROADCAST DEBUG LOOPBACK POINTOPOINT NOTRAILERS RUNNING NOARP PROMISC ALLMULTI MASTER SLAVE MULTICAST"
        " PORTSEL AUTOMEDIA DYNAMIC LOWER_UP DORMANT ECHO"
    ).split()
)
_UP, _LOWER_UP = 0x1, 0x10000
_STATISTICS = (
    "rx_packets tx_packets rx_bytes tx_bytes rx_errors tx_errors rx_dropped tx_dropped multicast collisions".split()
)
_STATISTICS_LAYOUT = struct.Struct("=10Q")
_ADDRESS_FLAGS = tuple(
    (
        "secondary nodad optimistic dadfailed homeaddress deprecated tentative permanent managetempaddr noprefixroute"
        " mcautojoin stable-privacy"
    ).split()
)
_SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
_FOREVER = 0xFFFFFFFF
_AF_INET6 = 10


@functools.lru_cache(maxsize=4096)
def list_flag_names(names: tuple[str, ...], flags: int) -> list[str]:
    """Return the names of the set bits, lowest first."""
    return [name for bit, name in enumerate(names) if flags >> bit & 1]


def get_scope_name(number: int) -> str:
    """Return the name of a scope, or its number."""
    return _SCOPES.get(number, str(number))


def build_interfaces(netns: str, messages: Sequence[Message]) -> list[Row]:
    """Return the rows of a namespace's links, without the namespaces of peers; see ``find_other_end``."""
    names = {message["index"]: escape_invalid_utf8(message["IFLA_IFNAME"]) for message in messages}
    return [_build_interface(netns, message, names) for message in messages]


def _build_interface(netns: str, message: Message, names: Mapping[int, str]) -> Row:
    info = message.get("IFLA_LINKINFO", _NO_INFO)
    kind = _get_kind(message, info)
    flags = message["flags"]
    master = message.get("IFLA_MASTER")
    operstate = message.get("IFLA_OPERSTATE", 0)
    options = link_options.decode_kind_options(kind, info["IFLA_INFO_DATA"]) if "IFLA_INFO_DATA" in info else {}
    port = info.get("IFLA_INFO_SLAVE_DATA")
    row = {
        "index": message["index"],
        "name": names[message["index"]],
        "kind": kind,
        "up": bool(flags & _UP),
        "running": bool(flags & _LOWER_UP),
        "operstate": _OPERSTATES[operstate] if operstate < len(_OPERSTATES) else str(operstate),
        "mtu": message.get("IFLA_MTU"),
        "mac": message.get("IFLA_ADDRESS"),
        "flags": list_flag_names(_INTERFACE_FLAGS, flags),
        "alias": escape_invalid_utf8(message["IFLA_IFALIAS"]) if message.get("IFLA_IFALIAS") else None,
        "altnames": [escape_invalid_utf8(name) for name in message.get("IFLA_PROP_LIST", ())],
        "master_index": master,
        "master": names.get(master or 0),
        "peer_netns": None,
        "peer_index": None,
        "peer": None,
        "parent_netns": None,
        "parent_index": None,
        "parent": None,
        "group": message.get("IFLA_GROUP"),
        "promiscuity": message.get("IFLA_PROMISCUITY"),
        "carrier_changes": message.get("IFLA_CARRIER_CHANGES"),
        "queue_length": message.get("IFLA_TXQLEN"),
        "qdisc": message.get("IFLA_QDISC"),
        "docker_network_id": None,
        "docker_network": None,
        "managed_by": None,
        "options": options,
        "port": {} if port is None else link_options.decode_port_options(info["IFLA_INFO_SLAVE_KIND"], port),
        "statistics": _build_statistics(message.get("IFLA_STATS64")),
    }
    other = find_other_end(message, options)
    if other:
        role = "peer" if kind == "veth" else "parent"
        row[f"{role}_index"], nsid = other
        if nsid is None:
            row[f"{role}_netns"], row[role] = netns, names.get(other[0])
    return row


def _get_kind(message: Message, info: Mapping[str, Any]) -> str | None:
    if "IFLA_INFO_KIND" in info:
        return str(info["IFLA_INFO_KIND"])
    return "loopback" if message["type"] == _ARPHRD_LOOPBACK else None


def is_veth(message: Message) -> bool:
    """Return whether a link is one end of a pair."""
    return _get_kind(message, message.get("IFLA_LINKINFO", _NO_INFO)) == "veth"


def find_other_end(message: Message, options: Mapping[str, Any]) -> tuple[int, int | None] | None:
    """Return index and namespace ID (None: the same) of a veth's peer, or of the parent of a link."""
    # A VXLAN link names its device in its options; the namespace is that of its UDP socket. If that is another
    # one, the kernel reports the link's own index if there is no device.
    index = options.get("parent_index") if "vni" in options else message.get("IFLA_LINK")
    return (index, message.get("IFLA_LINK_NETNSID")) if index else None


def _build_statistics(data: bytes | None) -> Row | None:
    return dict(zip(_STATISTICS, _STATISTICS_LAYOUT.unpack_from(data))) if data else None


def build_addresses(messages: Sequence[Message], names: Mapping[int, str]) -> list[Row]:
    """Return the rows of a namespace's addresses."""
    return [_build_address(message, names) for message in messages]


def _build_address(message: Message, names: Mapping[int, str]) -> Row:
    remote = message.get("IFA_ADDRESS")
    local = message.get("IFA_LOCAL", remote)
    family = 6 if message["family"] == _AF_INET6 else 4
    flags = list_flag_names(_ADDRESS_FLAGS, message.get("IFA_FLAGS", message["flags"]))
    if family == 6 and "secondary" in flags:
        flags = ["temporary", *flags[1:]]  # one bit with two meanings
    preferred, valid = message.get("IFA_CACHEINFO", (_FOREVER, _FOREVER))[:2]
    label = message.get("IFA_LABEL")
    return {
        "index": message["index"],
        "interface": names.get(message["index"]),
        "family": family,
        "address": local,
        "prefixlen": message["prefixlen"],
        "peer": remote if remote != local else None,
        "broadcast": message.get("IFA_BROADCAST"),
        "label": escape_invalid_utf8(label) if label else None,
        "scope": get_scope_name(message["scope"]),
        "flags": flags,
        "valid_seconds": None if valid == _FOREVER else valid,
        "preferred_seconds": None if preferred == _FOREVER else preferred,
    }
