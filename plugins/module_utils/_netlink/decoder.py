# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode rtnetlink messages into dictionaries.

Fields and attributes have the kernel's names (linux/rtnetlink.h, linux/if_link.h, linux/fib_rules.h). Attributes that
no table lists are ignored. A test compares the result with pyroute2's decoding of the same messages.
"""

from __future__ import annotations

import functools
import socket
import struct
from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import (
    Codec,
    Decoder,
    Entries,
    build_integer_codec,
    split_attributes,
)
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import LinkOption

Message = Mapping[str, Any]


NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE, NLM_F_APPEND = 0x100, 0x200, 0x400, 0x800


def text(data: bytes) -> str:
    """Return a kernel string; bytes that are not UTF-8 become surrogates."""
    return data.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def keep_bytes(data: bytes) -> bytes:
    """Return the bytes unchanged, for values that are decoded on demand."""
    return data


def mac(data: bytes) -> str:
    """Return a hardware address."""
    return data.hex(":")


@functools.lru_cache(maxsize=4096)
def address(data: bytes) -> str:
    """Return an IP address in its canonical form, anything else in hexadecimal."""
    if len(data) == 4:
        return socket.inet_ntop(socket.AF_INET, data)
    if len(data) != 16:
        return data.hex()
    found = socket.inet_ntop(socket.AF_INET6, data)
    return _format_ipv6(data) if "." in found else found


def _format_ipv6(data: bytes) -> str:
    """Return an IPv6 address whose last 32 bits the C library formats as an IPv4 address."""
    import ipaddress  # slow to import, and rarely needed

    return str(ipaddress.ip_address(data))


def _macs(data: bytes) -> tuple[str, ...]:
    return tuple(sorted(mac(value) for _number, value in split_attributes(data)))


u8, u16, u32, u64, s32, be16 = (build_integer_codec(layout) for layout in ("=B", "=H", "=I", "=Q", "=i", ">H"))

_CODECS: Mapping[str, Codec] = {
    "u8": u8,
    "u16": u16,
    "u32": u32,
    "be16": be16,
    "ip": address,
    "bool/u8": lambda data: bool(u8(data)),
    "bool/u32": lambda data: bool(u32(data)),
    "flags/u16": u16,
    "macs": _macs,
}


def build_option_entries(specs: Mapping[str, LinkOption]) -> Entries:
    """Return the entries that decode the options of one kind of link, each under its option's name."""
    found = {spec.number: (name, _select_codec(spec)) for name, spec in specs.items()}
    return {**found, **{spec.number6: (name, _select_codec(spec)) for name, spec in specs.items() if spec.number6}}


def _select_codec(spec: LinkOption) -> Codec:
    codec = _CODECS[spec.codec]
    if not spec.names:
        return codec
    names = {number: name for name, number in spec.names.items()}

    def name_value(data: bytes) -> Any:
        return names.get(codec(data), str(codec(data)))

    def name_bits(data: bytes) -> Any:
        return tuple(sorted(name for number, name in names.items() if codec(data) & number))

    return name_bits if spec.codec.startswith("flags") else name_value


# IFLA_LINK of a VXLAN link is meaningless; the parent is in the data of its kind.
VXLAN_PARENT: Entries = {3: ("parent_index", u32)}

# The data of a kind stays bytes; _links decodes it by its kinds, _facts by its table.
_linkinfo = Decoder(
    "",
    (),
    {
        1: ("IFLA_INFO_KIND", text),
        2: ("IFLA_INFO_DATA", keep_bytes),
        4: ("IFLA_INFO_SLAVE_KIND", text),
        5: ("IFLA_INFO_SLAVE_DATA", keep_bytes),
    },
)


def _altnames(data: bytes) -> tuple[str, ...]:
    return tuple(text(value) for number, value in split_attributes(data) if number == 53)


_LINK_FIELDS = ("family", "type", "index", "flags", "change")
_ROUTE_FIELDS = ("family", "dst_len", "src_len", "tos", "table", "protocol", "scope", "type", "flags")
_LINK: Entries = {
    1: ("IFLA_ADDRESS", mac),
    3: ("IFLA_IFNAME", text),
    4: ("IFLA_MTU", u32),
    5: ("IFLA_LINK", u32),
    6: ("IFLA_QDISC", text),
    10: ("IFLA_MASTER", u32),
    13: ("IFLA_TXQLEN", u32),
    16: ("IFLA_OPERSTATE", u8),
    18: ("IFLA_LINKINFO", _linkinfo),
    20: ("IFLA_IFALIAS", text),
    23: ("IFLA_STATS64", keep_bytes),
    26: ("IFLA_AF_SPEC", keep_bytes),
    27: ("IFLA_GROUP", u32),
    30: ("IFLA_PROMISCUITY", u32),
    35: ("IFLA_CARRIER_CHANGES", u32),
    37: ("IFLA_LINK_NETNSID", s32),
    52: ("IFLA_PROP_LIST", _altnames),
}
_ADDRESS: Entries = {
    1: ("IFA_ADDRESS", address),
    2: ("IFA_LOCAL", address),
    3: ("IFA_LABEL", text),
    4: ("IFA_BROADCAST", address),
    6: ("IFA_CACHEINFO", struct.Struct("=IIII").unpack_from),
    8: ("IFA_FLAGS", u32),
    11: ("IFA_PROTO", u8),
}
_ROUTE: Entries = {
    1: ("RTA_DST", address),
    2: ("RTA_SRC", address),
    4: ("RTA_OIF", u32),
    5: ("RTA_GATEWAY", address),
    6: ("RTA_PRIORITY", u32),
    7: ("RTA_PREFSRC", address),
    8: ("RTA_METRICS", keep_bytes),
    9: ("RTA_MULTIPATH", keep_bytes),
    15: ("RTA_TABLE", u32),
    18: ("RTA_VIA", lambda data: address(data[2:])),
}
_RULE: Entries = {
    1: ("FRA_DST", address),
    2: ("FRA_SRC", address),
    3: ("FRA_IIFNAME", text),
    4: ("FRA_GOTO", u32),
    6: ("FRA_PRIORITY", u32),
    10: ("FRA_FWMARK", u32),
    13: ("FRA_SUPPRESS_IFGROUP", u32),
    14: ("FRA_SUPPRESS_PREFIXLEN", u32),
    15: ("FRA_TABLE", u32),
    16: ("FRA_FWMASK", u32),
    17: ("FRA_OIFNAME", text),
    19: ("FRA_L3MDEV", u8),
    20: ("FRA_UID_RANGE", struct.Struct("=II").unpack_from),
    21: ("FRA_PROTOCOL", u8),
    22: ("FRA_IP_PROTO", u8),
    23: ("FRA_SPORT_RANGE", struct.Struct("=HH").unpack_from),
    24: ("FRA_DPORT_RANGE", struct.Struct("=HH").unpack_from),
}
_NEIGHBOUR: Entries = {
    1: ("NDA_DST", address),
    2: ("NDA_LLADDR", mac),
    5: ("NDA_VLAN", u16),
    6: ("NDA_PORT", be16),
    7: ("NDA_VNI", u32),
    8: ("NDA_IFINDEX", u32),
    9: ("NDA_MASTER", u32),
    15: ("NDA_FLAGS_EXT", u32),
}
_NSID: Entries = {1: ("NETNSA_NSID", s32)}

_DECODERS: Mapping[str, Decoder] = {
    "link": Decoder("BxHiII", _LINK_FIELDS, _LINK),
    "address": Decoder("BBBBI", ("family", "prefixlen", "flags", "scope", "index"), _ADDRESS),
    "route": Decoder("BBBBBBBBI", _ROUTE_FIELDS, _ROUTE),
    "rule": Decoder("BBBBBxxBI", ("family", "dst_len", "src_len", "tos", "table", "action", "flags"), _RULE),
    "neighbour": Decoder("BxxxiHBB", ("family", "index", "state", "flags", "type"), _NEIGHBOUR),
    "nsid": Decoder("B", ("family",), _NSID),
}


def decode(kind: str, payload: bytes) -> dict[str, Any]:
    """Decode a message of kind link, address, route, rule, neighbour or nsid, given without its netlink header."""
    return _DECODERS[kind](payload)


def get_decoder(kind: str) -> Decoder:
    """Return the decoder of a kind, to decode many messages."""
    return _DECODERS[kind]
