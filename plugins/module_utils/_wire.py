# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's routing messages as dictionaries: a small decoder for what is read by the thousand.

Fields and attributes carry the kernel's names (linux/rtnetlink.h, linux/if_link.h, linux/fib_rules.h). Attributes that
no table below names are left out. A test holds the result against pyroute2's decoding of the same messages.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.netfleet.docker.plugins.module_utils._kinds import (
    BRIDGE,
    BRIDGE_PORT,
    MACVLAN,
    MACVLAN_FLAGS,
    MACVLAN_MODES,
    Option,
)

Message = Mapping[str, Any]
Codec = Callable[[bytes], Any]
Table = Mapping[int, "tuple[str, Codec]"]


NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE = 0x100, 0x200, 0x400

_ATTRIBUTE = struct.Struct("=HH")


def _integer(layout: str) -> Codec:
    reader = struct.Struct(layout)
    return lambda data: reader.unpack_from(data)[0]


def text(data: bytes) -> str:
    """Return a kernel string; bytes that are not UTF-8 come through reversibly as surrogates."""
    return data.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _mac(data: bytes) -> str:
    return data.hex(":")


def _address(data: bytes) -> str:
    return str(ipaddress.ip_address(data)) if len(data) in (4, 16) else data.hex()


def _macs(data: bytes) -> tuple[str, ...]:
    return tuple(sorted(_mac(value) for _number, value in attributes(data)))


u8, u16, u32, u64, s32 = (_integer(layout) for layout in ("=B", "=H", "=I", "=Q", "=i"))
_MODES = {number: name for name, number in MACVLAN_MODES.items()}

_CODECS: Mapping[str, Codec] = {
    "u16": u16,
    "u32": u32,
    "bool/u8": lambda data: bool(u8(data)),
    "bool/u32": lambda data: bool(u32(data)),
    "macvlan_mode": lambda data: _MODES.get(u32(data), str(u32(data))),
    "macvlan_flags": lambda data: tuple(sorted(name for name, bit in MACVLAN_FLAGS.items() if u16(data) & bit)),
    "macs": _macs,
}


def _nested(table: Table) -> Codec:
    return lambda data: parse(table, data)


def _options(specs: Mapping[str, Option]) -> Codec:
    return _nested({spec.number: (name, _CODECS[spec.codec]) for name, spec in specs.items()})


_DATA_OF_KIND: Mapping[str, Codec] = {"bridge": _options(BRIDGE), "macvlan": _options(MACVLAN)}
_DATA_OF_SLAVE_KIND: Mapping[str, Codec] = {"bridge": _options(BRIDGE_PORT)}


def _linkinfo(data: bytes) -> dict[str, Any]:
    found = dict(attributes(data))
    result: dict[str, Any] = {}
    for kind, details, name, decoders in (
        (1, 2, "INFO", _DATA_OF_KIND),
        (4, 5, "INFO_SLAVE", _DATA_OF_SLAVE_KIND),
    ):
        if kind in found:
            result[f"IFLA_{name}_KIND"] = text(found[kind])
            decode = decoders.get(result[f"IFLA_{name}_KIND"])
            if decode and details in found:
                result[f"IFLA_{name}_DATA"] = decode(found[details])
    return result


def _altnames(data: bytes) -> tuple[str, ...]:
    return tuple(text(value) for number, value in attributes(data) if number == 53)


_LINK: Table = {
    1: ("IFLA_ADDRESS", _mac),
    3: ("IFLA_IFNAME", text),
    4: ("IFLA_MTU", u32),
    5: ("IFLA_LINK", u32),
    10: ("IFLA_MASTER", u32),
    18: ("IFLA_LINKINFO", _linkinfo),
    20: ("IFLA_IFALIAS", text),
    37: ("IFLA_LINK_NETNSID", s32),
    52: ("IFLA_PROP_LIST", _altnames),
}
_ADDRESS: Table = {
    1: ("IFA_ADDRESS", _address),
    2: ("IFA_LOCAL", _address),
    8: ("IFA_FLAGS", u32),
    11: ("IFA_PROTO", u8),
}
_ROUTE: Table = {
    1: ("RTA_DST", _address),
    4: ("RTA_OIF", u32),
    5: ("RTA_GATEWAY", _address),
    6: ("RTA_PRIORITY", u32),
    7: ("RTA_PREFSRC", _address),
    15: ("RTA_TABLE", u32),
    18: ("RTA_VIA", lambda data: _address(data[2:])),
}
_RULE: Table = {
    1: ("FRA_DST", _address),
    2: ("FRA_SRC", _address),
    3: ("FRA_IIFNAME", text),
    6: ("FRA_PRIORITY", u32),
    10: ("FRA_FWMARK", u32),
    15: ("FRA_TABLE", u32),
    16: ("FRA_FWMASK", u32),
    17: ("FRA_OIFNAME", text),
    21: ("FRA_PROTOCOL", u8),
}
_NSID: Table = {1: ("NETNSA_NSID", s32)}

_LAYOUTS: Mapping[str, tuple[struct.Struct, tuple[str, ...], Table]] = {
    "link": (struct.Struct("=BxHiII"), ("family", "type", "index", "flags", "change"), _LINK),
    "address": (struct.Struct("=BBBBI"), ("family", "prefixlen", "flags", "scope", "index"), _ADDRESS),
    "route": (
        struct.Struct("=BBBBBBBBI"),
        ("family", "dst_len", "src_len", "tos", "table", "protocol", "scope", "type", "flags"),
        _ROUTE,
    ),
    "rule": (
        struct.Struct("=BBBBBxxBI"),
        ("family", "dst_len", "src_len", "tos", "table", "action", "flags"),
        _RULE,
    ),
    "nsid": (struct.Struct("=B"), ("family",), _NSID),
}


def attribute(number: int, value: bytes) -> bytes:
    """Return one attribute as it goes on the wire."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), number) + value + b"\0" * (-len(value) % 4)


def attributes(data: bytes) -> list[tuple[int, bytes]]:
    """Split a run of attributes into numbers, without their flag bits, and values; a broken end is left out."""
    found = []
    offset = 0
    while offset + 4 <= len(data):
        length, number = _ATTRIBUTE.unpack_from(data, offset)
        start, end = offset + _ATTRIBUTE.size, offset + length
        if length < _ATTRIBUTE.size or end > len(data):
            break
        found.append((number & 0x3FFF, data[start:end]))
        offset += (length + 3) & ~3
    return found


def parse(table: Table, data: bytes) -> dict[str, Any]:
    """Decode the attributes that the table names."""
    result: dict[str, Any] = {}
    for number, value in attributes(data):
        if number in table:
            name, codec = table[number]
            result[name] = codec(value)
    return result


def decode(kind: str, payload: bytes) -> dict[str, Any]:
    """Decode a message of kind link, address, route, rule or nsid, given without its netlink header."""
    layout, names, table = _LAYOUTS[kind]
    result: dict[str, Any] = dict(zip(names, layout.unpack_from(payload)))
    start = (layout.size + 3) & ~3
    result.update(parse(table, payload[start:]))
    return result
