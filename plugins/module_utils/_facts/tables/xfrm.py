# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""IPsec security associations and policies (linux/xfrm.h) without keys.

The kernel returns keys together with algorithm names. Only names and lengths are read from those attributes.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8
from ansible_collections.netfleet.docker.plugins.module_utils._facts.netns_context import NetnsContext
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import split_attributes
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.decoder import text, u32

Row = dict[str, Any]

_NETLINK_XFRM = 6
_GETSA, _GETPOLICY = 0x12, 0x15
_ALG_AUTH, _ALG_CRYPT, _TMPL, _ALG_AEAD, _ALG_AUTH_TRUNC, _MARK = 1, 2, 5, 18, 20, 21

# struct xfrm_selector: destination, source, ports with masks, family, prefix lengths, protocol, interface, user.
_SELECTOR = struct.Struct("=16s16s2s2s2s2sHBBB3xiI")
# struct xfrm_usersa_info behind its selector: destination, SPI, protocol, source, limits, bytes, packets, times,
# statistics, sequence, request ID, family, mode, replay window, flags.
_STATE = struct.Struct("=16s4sB3x16s64xQQ16x12xIIHBBB7x")
# struct xfrm_userpolicy_info behind its selector: limits, use, priority, index, direction, action, flags, share.
_POLICY = struct.Struct("=64x32xIIBBBB4x")
# struct xfrm_user_tmpl: destination, SPI, protocol, family, source, request ID, mode, share, optional, algorithms.
_TEMPLATE = struct.Struct("=16s4sB3xH2x16sIBBBx12x")

_PROTOCOLS = {43: "route2", 50: "esp", 51: "ah", 60: "hao", 108: "comp"}
_MODES = ("transport", "tunnel", "ro", "in_trigger", "beet", "iptfs")
_DIRECTIONS = ("in", "out", "fwd", "socket in", "socket out")
_FAMILIES = {int(socket.AF_INET): 4, int(socket.AF_INET6): 6}


def read_xfrm(inside: NetnsContext) -> dict[str, list[Row]]:
    """Return the states of the namespace, and its policies as rows that ``complete_policies`` completes."""
    try:
        states = inside.dump("list IPsec states", _GETSA, b"", _NETLINK_XFRM)
        policies = inside.dump("list IPsec policies", _GETPOLICY, b"", _NETLINK_XFRM)
    except OSError as error:
        if error.errno != errno.EPROTONOSUPPORT:
            raise
        return {"xfrm_states": [], "xfrm_policies": []}  # a kernel without IPsec
    return {
        "xfrm_states": [decode_state(one) for one in states],
        "xfrm_policies": [decode_policy(one) for one in policies],
    }


def complete_policies(policies: Sequence[Row], names: Mapping[int, str]) -> list[Row]:
    """Return the rows of the table of policies, with names of interfaces by index."""
    return [
        {
            **{column: value for column, value in one.items() if column != "index_of_interface"},
            "interface": names.get(one["index_of_interface"]),
        }
        for one in policies
    ]


def decode_state(payload: bytes) -> Row:
    """Decode a security association."""
    dst, spi, protocol, src, octets, packets, _sequence, reqid, family, mode, *_rest = _STATE.unpack_from(
        payload, _SELECTOR.size
    )
    found = dict(split_attributes(payload, _SELECTOR.size + _STATE.size))
    encryption, bits = _find_algorithm(found, _ALG_AEAD, _ALG_CRYPT)
    return {
        "family": _FAMILIES.get(family, family),
        "src": _format_address(family, src),
        "dst": _format_address(family, dst),
        "protocol": _PROTOCOLS.get(protocol, str(protocol)),
        "spi": int.from_bytes(spi, "big"),
        "reqid": reqid,
        "mode": _get_name(_MODES, mode),
        "encryption": encryption,
        "encryption_bits": bits,
        "authentication": _find_algorithm(found, _ALG_AUTH_TRUNC, _ALG_AUTH)[0],
        "mark": _get_mark(found),
        "packets": packets,
        "bytes": octets,
    }


def decode_policy(payload: bytes) -> Row:
    """Decode a policy, with the index of its interface as ``index_of_interface`` instead of the name."""
    dst, src, dport, dport_mask, sport, sport_mask, family, dst_bits, src_bits, protocol, interface, _user = (
        _SELECTOR.unpack_from(payload)
    )
    priority, index, direction, action, *_rest = _POLICY.unpack_from(payload, _SELECTOR.size)
    found = dict(split_attributes(payload, _SELECTOR.size + _POLICY.size))
    templates = found.get(_TMPL, b"")
    return {
        "family": _FAMILIES.get(family, family),
        "src": f"{_format_address(family, src)}/{src_bits}",
        "dst": f"{_format_address(family, dst)}/{dst_bits}",
        "sport": int.from_bytes(sport, "big") if any(sport_mask) else None,
        "dport": int.from_bytes(dport, "big") if any(dport_mask) else None,
        "ip_protocol": protocol or None,
        "direction": _get_name(_DIRECTIONS, direction),
        "action": _get_name(("allow", "block"), action),
        "priority": priority,
        "index": index,
        "mark": _get_mark(found),
        "index_of_interface": interface,
        "templates": [
            _build_template(one) for one in _TEMPLATE.iter_unpack(_truncate_to_multiple(templates, _TEMPLATE.size))
        ],
    }


def _build_template(fields: tuple[Any, ...]) -> Row:
    dst, spi, protocol, family, src, reqid, mode, _share, optional = fields
    return {
        "src": _format_address(family, src),
        "dst": _format_address(family, dst),
        "protocol": _PROTOCOLS.get(protocol, str(protocol)),
        "spi": int.from_bytes(spi, "big"),
        "reqid": reqid,
        "mode": _get_name(_MODES, mode),
        "level": "use" if optional else "required",
    }


def _find_algorithm(found: Mapping[int, bytes], *numbers: int) -> tuple[str | None, int | None]:
    """Return name and key length of the first of these algorithms; the key follows them."""
    for number in numbers:
        if number in found:
            return escape_invalid_utf8(text(found[number][:64])), u32(found[number][64:68])
    return None, None


def _get_mark(found: Mapping[int, bytes]) -> int | None:
    return int(u32(found[_MARK])) if _MARK in found else None


def _format_address(family: int, data: bytes) -> str:
    if family == socket.AF_INET6:
        return socket.inet_ntop(socket.AF_INET6, data)
    return socket.inet_ntop(socket.AF_INET, data[:4])


def _get_name(names: Sequence[str], number: int) -> str:
    return names[number] if number < len(names) else str(number)


def _truncate_to_multiple(data: bytes, size: int) -> bytes:
    return data[: len(data) // size * size]
