# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of links by kind, and of ports by the kind of their master, settable and read-only.

Numbers and types are those of linux/if_link.h and linux/if_tun.h.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import (
    Codec,
    Decoder,
    Entries,
    split_attributes,
)
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.decoder import (
    VXLAN_PARENT,
    be16,
    build_option_entries,
    mac,
    u8,
    u16,
    u32,
)
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import (
    BRIDGE,
    BRIDGE_PORT,
    MACVLAN,
    VXLAN,
    separate_group,
)

_PORT_STATES = ("disabled", "listening", "learning", "forwarding", "blocking")
_IPVLAN_MODES = ("l2", "l3", "l3s")
_TUN_TYPES = {1: "tun", 2: "tap"}
_BOND_MODES = ("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb")


def _flag(data: bytes) -> bool:
    return bool(u8(data))


def _presence(_data: bytes) -> bool:
    return True


def _bridge_id(data: bytes) -> str:
    return f"{data[:2].hex()}.{mac(data[2:8])}"


def _port_range(data: bytes) -> list[int]:
    return list(struct.unpack_from(">HH", data))


def _build_name_codec(names: tuple[str, ...], number: Codec) -> Codec:
    def decode_name(data: bytes) -> str:
        value = number(data)
        return names[value] if value < len(names) else str(value)

    return decode_name


_BRIDGE: Entries = {
    **build_option_entries(BRIDGE),
    8: ("vlan_protocol", lambda data: f"0x{be16(data):04x}"),
    10: ("root_id", _bridge_id),
    11: ("bridge_id", _bridge_id),
    12: ("root_port", u16),
    13: ("root_path_cost", u32),
    14: ("topology_change", _flag),
    22: ("multicast_router", u8),
    25: ("multicast_querier", _flag),
    39: ("vlan_default_pvid", u16),
}
_BRIDGE_PORT: Entries = {
    **build_option_entries(BRIDGE_PORT),
    1: ("state", _build_name_codec(_PORT_STATES, u8)),
    5: ("bpdu_guard", _flag),
    6: ("root_block", _flag),
    9: ("unicast_flood", _flag),
    10: ("proxy_arp", _flag),
    11: ("proxy_arp_wifi", _flag),
    17: ("port_id", lambda data: f"0x{u16(data):04x}"),
    25: ("multicast_router", u8),
    27: ("multicast_flood", _flag),
    28: ("multicast_to_unicast", _flag),
    29: ("vlan_tunnel", _flag),
    30: ("broadcast_flood", _flag),
}
_VXLAN: Entries = {
    **build_option_entries(VXLAN),
    **VXLAN_PARENT,
    10: ("source_ports", _port_range),
    23: ("gbp", _presence),
    25: ("external", _flag),
}
_KINDS: Mapping[str, Entries] = {
    "bridge": _BRIDGE,
    "macvlan": build_option_entries(MACVLAN),
    "macvtap": build_option_entries(MACVLAN),
    "vxlan": _VXLAN,
    "vlan": {1: ("id", u16), 5: ("protocol", lambda data: f"0x{be16(data):04x}")},
    "ipvlan": {1: ("mode", _build_name_codec(_IPVLAN_MODES, u16)), 2: ("flags", u16)},
    "vrf": {1: ("table", u32)},
    "bond": {1: ("mode", _build_name_codec(_BOND_MODES, u8)), 2: ("active_port_index", u32), 3: ("miimon", u32)},
    "tun": {
        1: ("owner", u32),
        2: ("group", u32),
        3: ("type", lambda data: _TUN_TYPES.get(u8(data), str(u8(data)))),
        4: ("packet_info", _flag),
        5: ("vnet_header", _flag),
        6: ("persist", _flag),
        7: ("multi_queue", _flag),
        8: ("queues", u32),
    },
    "veth": {},
}
_PORTS: Mapping[str, Entries] = {"bridge": _BRIDGE_PORT}
_KIND_DECODERS = {kind: Decoder("", (), entries) for kind, entries in _KINDS.items()}
_PORT_DECODERS = {kind: Decoder("", (), entries) for kind, entries in _PORTS.items()}


def decode_kind_options(kind: str | None, data: bytes) -> dict[str, Any]:
    """Return the options of a link; for unknown kinds, the attributes by number in hexadecimal."""
    found = _decode(_KIND_DECODERS, kind, data)
    if kind == "vxlan":
        separate_group(found)
    return found


def decode_port_options(kind: str | None, data: bytes) -> dict[str, Any]:
    """Return the options of a link as a port of a master of this kind."""
    return _decode(_PORT_DECODERS, kind, data)


def _decode(decoders: Mapping[str, Decoder], kind: str | None, data: bytes) -> dict[str, Any]:
    decoder = decoders.get(kind or "")
    if decoder is None:
        return {str(number): value.hex() for number, value in split_attributes(data)}
    return decoder(data)
