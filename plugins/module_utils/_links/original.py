# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses, routes and rules as the kernel reported them, to restore also what the model does not contain. Pure.

The names of attributes and flags are those of linux/if_addr.h, linux/rtnetlink.h and linux/fib_rules.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import (
    encode_attribute,
    split_attributes,
)

_RTMSG, _RULE_HEADER, _NEXTHOP = struct.Struct("=BBBBBBBBI"), struct.Struct("=BBBBBxxBI"), struct.Struct("=HBBi")
_IFADDRMSG = struct.Struct("=BBBBI")
_HEADER_SIZE = 12
_IFA_FLAGS = 8
# nodad, optimistic, home, mngtmpaddr, noprefixroute and autojoin; the others are states.
_IFA_F_KEPT = 0x02 | 0x04 | 0x10 | 0x100 | 0x200 | 0x400
_AF_INET, _AF_INET6 = 2, 10
_RTNH_F_PERVASIVE, _RTNH_F_ONLINK = 2, 4
_RTNH_KEPT = _RTNH_F_PERVASIVE | _RTNH_F_ONLINK
_FIB_RULE_INVERT = 2
_SCOPE_UNIVERSE, _SCOPE_LINK, _SCOPE_HOST = 0, 253, 254
_RTN_UNICAST, _RTN_LOCAL = 1, 2
_RTA_OIF, _RTA_GATEWAY, _RTA_MULTIPATH, _RTA_CACHEINFO, _RTA_VIA = 4, 5, 9, 12, 18
_RTA_ENCAP_TYPE, _RTA_ENCAP, _RTA_EXPIRES, _RTA_NH_ID = 21, 22, 23, 30
# Attributes that a Route contains, and attributes without content; RTA_PREF is the default preference.
_ROUTE_KNOWN = {1, _RTA_OIF, _RTA_GATEWAY, 6, 7, _RTA_CACHEINFO, 15, _RTA_VIA}
_ROUTE_DEFAULTS = {20: b"\0"}
_ROUTE_NAMES = {
    2: "source network",
    3: "input interface",
    8: "metrics",
    _RTA_MULTIPATH: "several next hops",
    11: "realm",
    20: "preference",
    _RTA_ENCAP_TYPE: "encapsulation",
    _RTA_ENCAP: "encapsulation",
    _RTA_EXPIRES: "expiry",
    _RTA_NH_ID: "nexthop object",
}
# The next hop is in the nexthop object; the kernel rejects both.
_REPLACED_BY_OBJECT = {_RTA_OIF, _RTA_GATEWAY, _RTA_MULTIPATH, _RTA_VIA, _RTA_ENCAP_TYPE, _RTA_ENCAP}
_ROUTE_TYPES = {1, 2, 6, 7, 8}
# Types of routes that a Route cannot have.
OTHER_ROUTE_TYPES = {3: "broadcast", 4: "anycast", 5: "multicast", 9: "throw", 10: "nat", 11: "xresolve"}
_RULE_KNOWN = {1, 2, 3, 6, 10, 15, 16, 17, 18, 21}
_UNSET = b"\xff\xff\xff\xff"
_RULE_DEFAULTS = {13: _UNSET, 14: _UNSET}
_RULE_NAMES = {
    4: "goto",
    11: "realm",
    12: "tunnel ID",
    13: "suppress_ifgroup",
    14: "suppress_prefixlength",
    19: "l3mdev",
    20: "uidrange",
    22: "ipproto",
    23: "sport",
    24: "dport",
    25: "dscp",
    26: "flowlabel",
    # Masks of the same fields.
    27: "flowlabel",
    28: "sport",
    29: "dport",
    30: "dscp",
}
_RULE_ACTIONS = {1, 6, 7, 8}


class Original(NamedTuple):
    """The payload of a request that restores an entry, and the names of the parts that the model does not contain."""

    payload: bytes
    unmodelled: tuple[str, ...]


def build_address_request(payload: bytes) -> bytes:
    """Return the payload of a request that adds or removes an address from a message of a dump."""
    family, prefixlen, flags, scope, index = _IFADDRMSG.unpack_from(payload)
    kept = [
        (number, struct.pack("=I", struct.unpack_from("=I", value)[0] & _IFA_F_KEPT) if number == _IFA_FLAGS else value)
        for number, value in split_attributes(payload, _IFADDRMSG.size)
    ]
    return _IFADDRMSG.pack(family, prefixlen, flags & _IFA_F_KEPT, scope, index) + _encode_attributes(kept)


def set_address_index(payload: bytes, index: int) -> bytes:
    """Return the payload of an address request for the link with another index."""
    family, prefixlen, flags, scope, _index = _IFADDRMSG.unpack_from(payload)
    start = _IFADDRMSG.size
    return _IFADDRMSG.pack(family, prefixlen, flags, scope, index) + payload[start:]


def parse_route(payload: bytes) -> Original:
    """Return the original of a route from a message of a dump."""
    family, dst_len, src_len, tos, table, protocol, scope, kind, flags = _RTMSG.unpack_from(payload)
    attributes = split_attributes(payload, _HEADER_SIZE)
    numbers = {number for number, _value in attributes}
    dropped = {_RTA_CACHEINFO, _RTA_EXPIRES} | (_REPLACED_BY_OBJECT if _RTA_NH_ID in numbers else set())
    kept = [
        (number, _clean_nexthops(value) if number == _RTA_MULTIPATH else value)
        for number, value in attributes
        if number not in dropped
    ]
    unmodelled = [f"type {OTHER_ROUTE_TYPES.get(kind, kind)}"] if kind not in _ROUTE_TYPES else []
    unmodelled += ["tos"] if tos else []
    unmodelled += ["scope"] if family == _AF_INET and scope != _derive_scope(kind, numbers) else []
    unmodelled += _name_unknown(attributes, _ROUTE_KNOWN, _ROUTE_DEFAULTS, _ROUTE_NAMES)
    header = _RTMSG.pack(family, dst_len, src_len, tos, table, protocol, scope, kind, flags & _RTNH_KEPT)
    return Original(header + _encode_attributes(kept), tuple(dict.fromkeys(unmodelled)))


def parse_rule(payload: bytes) -> Original:
    """Return the original of a policy rule from a message of a dump."""
    family, dst_len, src_len, tos, table, action, flags = _RULE_HEADER.unpack_from(payload)
    attributes = split_attributes(payload, _HEADER_SIZE)
    unmodelled = ["not"] if flags & _FIB_RULE_INVERT else []
    unmodelled += ["tos"] if tos else []
    unmodelled += [f"action {action}"] if action not in _RULE_ACTIONS else []
    unmodelled += _name_unknown(attributes, _RULE_KNOWN, _RULE_DEFAULTS, _RULE_NAMES)
    header = _RULE_HEADER.pack(family, dst_len, src_len, tos, table, action, flags & _FIB_RULE_INVERT)
    return Original(header + _encode_attributes(attributes), tuple(dict.fromkeys(unmodelled)))


def removal_matches(removed: bytes, other: bytes) -> bool:
    """Return whether the kernel, asked to delete a rule by its original, can delete another one instead.

    The kernel deletes the first rule that has all properties of the request, and possibly more.
    """
    mine, theirs = _RULE_HEADER.unpack_from(removed), _RULE_HEADER.unpack_from(other)
    attributes = dict(split_attributes(other, _HEADER_SIZE))
    *lengths, tos, _table, action, _flags = zip(mine[1:], theirs[1:])
    has_fields = mine[0] == theirs[0] and all(own in (0, its) for own, its in (*lengths, tos, action))
    return has_fields and all(
        attributes.get(number) == value or value == _RULE_DEFAULTS.get(number)
        for number, value in split_attributes(removed, _HEADER_SIZE)
    )


def _derive_scope(kind: int, numbers: set[int]) -> int:
    """Return the scope that an IPv4 route has by default."""
    if kind == _RTN_LOCAL:
        return _SCOPE_HOST
    has_gateway = bool(numbers & {_RTA_GATEWAY, _RTA_VIA, _RTA_MULTIPATH, _RTA_NH_ID})
    return _SCOPE_LINK if kind == _RTN_UNICAST and not has_gateway else _SCOPE_UNIVERSE


def _name_unknown(
    attributes: Iterable[tuple[int, bytes]], known: set[int], defaults: Mapping[int, bytes], names: Mapping[int, str]
) -> list[str]:
    return [
        names.get(number, f"attribute {number}")
        for number, value in attributes
        if number not in known and value != defaults.get(number)
    ]


def _clean_nexthops(data: bytes) -> bytes:
    """Return next hops without the flags of their present state, such as dead."""
    found, offset = bytearray(data), 0
    while offset + _NEXTHOP.size <= len(data):
        length, flags, weight, index = _NEXTHOP.unpack_from(data, offset)
        if length < _NEXTHOP.size:
            break
        _NEXTHOP.pack_into(found, offset, length, flags & _RTNH_KEPT, weight, index)
        offset += (length + 3) & ~3
    return bytes(found)


def _encode_attributes(attributes: Iterable[tuple[int, bytes]]) -> bytes:
    return b"".join(encode_attribute(number, value) for number, value in attributes)
