# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that links have by their kind, and how the kernel names, numbers and encodes each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Union

# An option's value, in the one form that ``_values`` gives it.
Value = Union[int, str, bool, "tuple[str, ...]"]

MACVLAN_MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8, "source": 16}
MACVLAN_FLAGS = {"nopromisc": 1, "nodst": 2}
MACVLAN_MACADDR_SET = 3
VXLAN_DF = {"unset": 0, "set": 1, "inherit": 2}
VLAN_PROTOCOLS = {"802.1Q": 0x8100, "802.1ad": 0x88A8}
IPVLAN_MODES = {"l2": 0, "l3": 1, "l3s": 2}
IPVLAN_FLAGS = {"bridge": 0, "private": 1, "vepa": 2}
# No address, as the kernel is told of it in either family.
NOWHERE = ("0.0.0.0", "::")


class Option(NamedTuple):
    """One kind-specific option: the attribute in linux/if_link.h, its number there and its encoding."""

    attribute: str
    number: int
    codec: str
    low: int = 0
    high: int = 2**32 - 1
    # The kernel keeps bridge timers in jiffies, so a hundredth of a second may come back rounded by one.
    tolerance: int = 0
    # What a link is born with, where every kernel has the same. A kernel may be built without the option and refuse to
    # be told even this, so it is not sent with a new link.
    born: Value | None = None
    # Whether the kernel takes it for a link that is there already.
    changeable: bool = True
    # What the numbers stand for, where they stand for something.
    names: Mapping[str, int] = MappingProxyType({})
    # Of an address: the number of the attribute for IPv6, which is named like the other with a 6 behind.
    number6: int = 0


def _flag(attribute: str, number: int, born: bool, codec: str = "u8", changeable: bool = True) -> Option:
    return Option(attribute, number, f"bool/{codec}", 0, 1, born=born, changeable=changeable)


BRIDGE: Mapping[str, Option] = {
    "forward_delay": Option("IFLA_BR_FORWARD_DELAY", 1, "u32", 200, 3000, tolerance=1, born=1500),
    "hello_time": Option("IFLA_BR_HELLO_TIME", 2, "u32", 100, 1000, tolerance=1, born=200),
    "max_age": Option("IFLA_BR_MAX_AGE", 3, "u32", 600, 4000, tolerance=1, born=2000),
    "ageing_time": Option("IFLA_BR_AGEING_TIME", 4, "u32", 0, 2**31 - 1, tolerance=1, born=30000),
    "stp": _flag("IFLA_BR_STP_STATE", 5, False, "u32"),
    "priority": Option("IFLA_BR_PRIORITY", 6, "u16", 0, 65535, born=32768),
    "vlan_filtering": _flag("IFLA_BR_VLAN_FILTERING", 7, False),
    "group_fwd_mask": Option("IFLA_BR_GROUP_FWD_MASK", 9, "u16", 0, 65535, born=0),
    "multicast_snooping": _flag("IFLA_BR_MCAST_SNOOPING", 23, True),
    "nf_call_iptables": _flag("IFLA_BR_NF_CALL_IPTABLES", 36, False),
    "nf_call_ip6tables": _flag("IFLA_BR_NF_CALL_IP6TABLES", 37, False),
    "nf_call_arptables": _flag("IFLA_BR_NF_CALL_ARPTABLES", 38, False),
}

BRIDGE_PORT: Mapping[str, Option] = {
    "priority": Option("IFLA_BRPORT_PRIORITY", 2, "u16", 0, 63, born=32),
    # A new port's cost is that of its speed.
    "cost": Option("IFLA_BRPORT_COST", 3, "u32", 1, 65535),
    "hairpin": _flag("IFLA_BRPORT_MODE", 4, False),
    "learning": _flag("IFLA_BRPORT_LEARNING", 8, True),
    "neigh_suppress": _flag("IFLA_BRPORT_NEIGH_SUPPRESS", 32, False),
    "isolated": _flag("IFLA_BRPORT_ISOLATED", 33, False),
}

MACVLAN: Mapping[str, Option] = {
    "mode": Option("IFLA_MACVLAN_MODE", 1, "u32", names=MACVLAN_MODES, born="vepa"),
    "flags": Option("IFLA_MACVLAN_FLAGS", 2, "macvlan_flags", born=()),
    "source_macs": Option("IFLA_MACVLAN_MACADDR_DATA", 5, "macs", born=()),
    "broadcast_queue_length": Option("IFLA_MACVLAN_BC_QUEUE_LEN", 7, "u32", born=1000),
}

VXLAN: Mapping[str, Option] = {
    "vni": Option("IFLA_VXLAN_ID", 1, "u32", 0, 2**24 - 1, changeable=False),
    # The port of a link that is given none is a parameter of the kernel's module.
    "port": Option("IFLA_VXLAN_PORT", 15, "be16", 1, 65535, changeable=False),
    # The group and the one remote are one attribute to the kernel, which is decoded by its later name here. Kernels
    # before 6.15 take another group in place and never join it.
    "group": Option("IFLA_VXLAN_GROUP", 2, "ip", born="", changeable=False, number6=16),
    "remote": Option("IFLA_VXLAN_GROUP", 2, "ip", born="", number6=16),
    "local": Option("IFLA_VXLAN_LOCAL", 4, "ip", born="", number6=17),
    "ttl": Option("IFLA_VXLAN_TTL", 5, "u8", 0, 255, born=0),
    "tos": Option("IFLA_VXLAN_TOS", 6, "u8", 0, 255, born=0),
    "df": Option("IFLA_VXLAN_DF", 29, "u8", names=VXLAN_DF, born="unset"),
    "ageing": Option("IFLA_VXLAN_AGEING", 8, "u32", born=300),
    "limit": Option("IFLA_VXLAN_LIMIT", 9, "u32", born=0, changeable=False),
    "learning": _flag("IFLA_VXLAN_LEARNING", 7, True),
    "proxy": _flag("IFLA_VXLAN_PROXY", 11, False, changeable=False),
    "rsc": _flag("IFLA_VXLAN_RSC", 12, False, changeable=False),
    "l2miss": _flag("IFLA_VXLAN_L2MISS", 13, False, changeable=False),
    "l3miss": _flag("IFLA_VXLAN_L3MISS", 14, False, changeable=False),
    "udp_checksum": _flag("IFLA_VXLAN_UDP_CSUM", 18, True, changeable=False),
    "udp_zero_checksum6_tx": _flag("IFLA_VXLAN_UDP_ZERO_CSUM6_TX", 19, False, changeable=False),
    "udp_zero_checksum6_rx": _flag("IFLA_VXLAN_UDP_ZERO_CSUM6_RX", 20, False, changeable=False),
}

VLAN: Mapping[str, Option] = {
    "id": Option("IFLA_VLAN_ID", 1, "u16", 0, 4094, changeable=False),
    "protocol": Option("IFLA_VLAN_PROTOCOL", 5, "be16", names=VLAN_PROTOCOLS, born="802.1Q", changeable=False),
}

IPVLAN: Mapping[str, Option] = {
    "mode": Option("IFLA_IPVLAN_MODE", 1, "u16", names=IPVLAN_MODES, born="l3"),
    # A new link has those that its parent's other ones have.
    "flags": Option("IFLA_IPVLAN_FLAGS", 2, "u16", names=IPVLAN_FLAGS),
}

KINDS: Mapping[str, Mapping[str, Option]] = {
    "bridge": BRIDGE,
    "dummy": {},
    "ifb": {},
    "ipvlan": IPVLAN,
    "macvlan": MACVLAN,
    "macvtap": MACVLAN,
    "veth": {},
    "vlan": VLAN,
    "vxlan": VXLAN,
}


def bare(kind: str | None) -> dict[str, Value]:
    """Return the options that a bare link of this kind has, as far as every kernel has the same."""
    return {name: spec.born for name, spec in KINDS.get(kind or "", {}).items() if spec.born is not None}


def same(option: Option, wanted: Value, actual: Value | None) -> bool:
    """Tell whether the kernel's value of an option is the wanted one, within the kernel's own rounding."""
    if option.tolerance and isinstance(wanted, int) and isinstance(actual, int):
        return abs(wanted - actual) <= option.tolerance
    # The kernel leaves empty lists and addresses out, and what it was built without.
    return wanted == (option.born if actual is None else actual)
