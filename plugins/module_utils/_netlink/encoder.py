# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encode frequent requests, those for links and addresses, without pyroute2.

Importing pyroute2 takes longer than deleting a hundred links. Requests with other attributes are encoded by pyroute2. A
test compares both encodings of the same requests; docs/performance.md has the figures.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Mapping
from typing import Any, Callable

from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import encode_attribute
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.request import Message

_IFINFO, _IFADDR = struct.Struct("=BxHiII"), struct.Struct("=BBBBI")


class _UnsupportedAttribute(Exception):
    """An attribute that this encoder does not support."""


def encode_common(request: Message) -> bytes | None:
    """Return a request as bytes, without its netlink header; None for an attribute that is not supported here."""
    body = _BODIES.get(request.kind)
    try:
        return body and body(request.fields, request.attributes)
    except _UnsupportedAttribute:
        return None


def _encode_link(fields: Mapping[str, int], attributes: Iterable[tuple[str, Any]]) -> bytes:
    header = _IFINFO.pack(0, 0, fields.get("index", 0), fields.get("flags", 0), fields.get("change", 0))
    return header + _encode_attributes(_LINK, attributes)


def _encode_address(fields: Mapping[str, int], attributes: Iterable[tuple[str, Any]]) -> bytes:
    header = _IFADDR.pack(fields["family"], fields["prefixlen"], 0, fields["scope"], fields["index"])
    return header + _encode_attributes(_ADDRESS, attributes)


def _encode_attributes(
    table: Mapping[str, tuple[int, Callable[[Any], bytes]]], attributes: Iterable[tuple[str, Any]]
) -> bytes:
    parts = []
    for name, value in attributes:
        entry = table.get(name)
        if entry is None:
            raise _UnsupportedAttribute
        parts.append(encode_attribute(entry[0], entry[1](value)))
    return b"".join(parts)


def _encode_linkinfo(value: Mapping[str, Any]) -> bytes:
    return _encode_attributes(_INFO, value["attrs"])


def _encode_data(value: Mapping[str, Any] | bytes) -> bytes:
    return value if isinstance(value, bytes) else _encode_attributes(_DATA, value["attrs"])


def _encode_peer(value: Mapping[str, Any]) -> bytes:
    return _encode_link(value, value["attrs"])


def _encode_text(value: str) -> bytes:
    return value.encode(errors="surrogateescape") + b"\0"


def _encode_mac(value: str) -> bytes:
    return bytes.fromhex(value.replace(":", ""))


def _encode_ip(value: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in value else socket.AF_INET, value)


_u32 = struct.Struct("=I").pack
_LINK: Mapping[str, tuple[int, Callable[[Any], bytes]]] = {
    "IFLA_ADDRESS": (1, _encode_mac),
    "IFLA_IFNAME": (3, _encode_text),
    "IFLA_MTU": (4, _u32),
    "IFLA_LINK": (5, _u32),
    "IFLA_MASTER": (10, _u32),
    "IFLA_TXQLEN": (13, _u32),
    "IFLA_LINKINFO": (18, _encode_linkinfo),
    "IFLA_GROUP": (27, _u32),
    "IFLA_NET_NS_FD": (28, _u32),
}
_INFO: Mapping[str, tuple[int, Callable[[Any], bytes]]] = {
    "IFLA_INFO_KIND": (1, _encode_text),
    "IFLA_INFO_DATA": (2, _encode_data),
}
_DATA: Mapping[str, tuple[int, Callable[[Any], bytes]]] = {"VETH_INFO_PEER": (1, _encode_peer)}
_ADDRESS: Mapping[str, tuple[int, Callable[[Any], bytes]]] = {
    "IFA_ADDRESS": (1, _encode_ip),
    "IFA_LOCAL": (2, _encode_ip),
}
_BODIES: Mapping[str, Callable[[Mapping[str, int], Iterable[tuple[str, Any]]], bytes]] = {
    "link": _encode_link,
    "address": _encode_address,
}
