# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that links have by their kind, and how the kernel names, numbers and encodes each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Union

# An option's value, in the one form that ``_values`` gives it.
Value = Union[int, str, bool, "tuple[str, ...]"]

MACVLAN_MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8, "source": 16}
MACVLAN_FLAGS = {"nopromisc": 1, "nodst": 2}
MACVLAN_MACADDR_SET = 3


class Option(NamedTuple):
    """One kind-specific option: the attribute in linux/if_link.h, its number there and its encoding."""

    attribute: str
    number: int
    codec: str
    low: int = 0
    high: int = 2**32 - 1
    # The kernel keeps bridge timers in jiffies, so a hundredth of a second may come back rounded by one.
    tolerance: int = 0
    # What a link is born with, where a kernel may be built without the option and refuse to be told even this.
    born: Value | None = None


def _flag(attribute: str, number: int, codec: str = "u8") -> Option:
    return Option(attribute, number, f"bool/{codec}", 0, 1)


BRIDGE: Mapping[str, Option] = {
    "forward_delay": Option("IFLA_BR_FORWARD_DELAY", 1, "u32", 200, 3000, tolerance=1),
    "hello_time": Option("IFLA_BR_HELLO_TIME", 2, "u32", 100, 1000, tolerance=1),
    "max_age": Option("IFLA_BR_MAX_AGE", 3, "u32", 600, 4000, tolerance=1),
    "ageing_time": Option("IFLA_BR_AGEING_TIME", 4, "u32", 0, 2**31 - 1, tolerance=1),
    "stp": _flag("IFLA_BR_STP_STATE", 5, "u32"),
    "priority": Option("IFLA_BR_PRIORITY", 6, "u16", 0, 65535),
    "vlan_filtering": Option("IFLA_BR_VLAN_FILTERING", 7, "bool/u8", 0, 1, born=False),
    "group_fwd_mask": Option("IFLA_BR_GROUP_FWD_MASK", 9, "u16", 0, 65535),
    "multicast_snooping": _flag("IFLA_BR_MCAST_SNOOPING", 23),
    "nf_call_iptables": _flag("IFLA_BR_NF_CALL_IPTABLES", 36),
    "nf_call_ip6tables": _flag("IFLA_BR_NF_CALL_IP6TABLES", 37),
    "nf_call_arptables": _flag("IFLA_BR_NF_CALL_ARPTABLES", 38),
}

BRIDGE_PORT: Mapping[str, Option] = {
    "priority": Option("IFLA_BRPORT_PRIORITY", 2, "u16", 0, 63),
    "cost": Option("IFLA_BRPORT_COST", 3, "u32", 1, 65535),
    "hairpin": _flag("IFLA_BRPORT_MODE", 4),
    "learning": _flag("IFLA_BRPORT_LEARNING", 8),
    "neigh_suppress": _flag("IFLA_BRPORT_NEIGH_SUPPRESS", 32),
    "isolated": _flag("IFLA_BRPORT_ISOLATED", 33),
}

MACVLAN: Mapping[str, Option] = {
    "mode": Option("IFLA_MACVLAN_MODE", 1, "macvlan_mode"),
    "flags": Option("IFLA_MACVLAN_FLAGS", 2, "macvlan_flags"),
    "source_macs": Option("IFLA_MACVLAN_MACADDR_DATA", 5, "macs"),
    "broadcast_queue_length": Option("IFLA_MACVLAN_BC_QUEUE_LEN", 7, "u32"),
}

KINDS: Mapping[str, Mapping[str, Option]] = {"bridge": BRIDGE, "macvlan": MACVLAN, "veth": {}}


def same(option: Option, wanted: Value, actual: Value | None) -> bool:
    """Tell whether the kernel's value of an option is the wanted one, within the kernel's own rounding."""
    if option.tolerance and isinstance(wanted, int) and isinstance(actual, int):
        return abs(wanted - actual) <= option.tolerance
    # The kernel leaves an empty list out.
    return wanted == (() if actual is None and isinstance(wanted, tuple) else actual)
