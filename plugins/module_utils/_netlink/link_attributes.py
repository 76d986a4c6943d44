# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of links and of bridge ports, with their netlink attributes and initial values (linux/if_link.h).

Tables that _links and _facts share are in this file; other kinds have their table in their own file in _links/kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Union

# The normalized value of an option.
Value = Union[int, str, bool, "tuple[str, ...]"]

MACVLAN_MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8, "source": 16}
MACVLAN_FLAGS = {"nopromisc": 1, "nodst": 2}
VXLAN_DF = {"unset": 0, "set": 1, "inherit": 2}
# The address that means "no address", in each family.
UNSPECIFIED = ("0.0.0.0", "::")


class LinkOption(NamedTuple):
    """One option of a link: its netlink attribute, the attribute's number and its encoding.

    ``codec`` is u8, u16, u32, be16, ip, bool/u8, bool/u32, flags/u16 (bits, with ``names``) or macs.
    """

    attribute: str
    number: int
    codec: str
    low: int = 0
    high: int = 2**32 - 1
    # The kernel keeps bridge timers in jiffies, so a value in hundredths of a second may differ by one.
    tolerance: int = 0
    # The value of a new link, where every kernel has the same. It is not sent with a new link, because a kernel built
    # without the option rejects even this value.
    initial: Value | None = None
    # Whether the kernel changes it on an existing link.
    changeable: bool = True
    # The words for the numbers of an enumeration, or for the bits of flags.
    names: Mapping[str, int] = MappingProxyType({})
    # Of an address: the number of the attribute for IPv6, whose name has a 6 appended.
    number6: int = 0

    def matches(self, wanted: Value, actual: Value | None) -> bool:
        """Return whether the kernel's value is the wanted one, within the kernel's own rounding."""
        if self.tolerance and isinstance(wanted, int) and isinstance(actual, int):
            return abs(wanted - actual) <= self.tolerance
        # The kernel omits empty lists and addresses, and options that it was built without.
        return wanted == (self.initial if actual is None else actual)


def build_boolean_option(
    attribute: str, number: int, initial: bool, codec: str = "u8", changeable: bool = True
) -> LinkOption:
    """Return an option that is on or off."""
    return LinkOption(attribute, number, f"bool/{codec}", 0, 1, initial=initial, changeable=changeable)


BRIDGE: Mapping[str, LinkOption] = {
    "forward_delay": LinkOption("IFLA_BR_FORWARD_DELAY", 1, "u32", 200, 3000, tolerance=1, initial=1500),
    "hello_time": LinkOption("IFLA_BR_HELLO_TIME", 2, "u32", 100, 1000, tolerance=1, initial=200),
    "max_age": LinkOption("IFLA_BR_MAX_AGE", 3, "u32", 600, 4000, tolerance=1, initial=2000),
    "ageing_time": LinkOption("IFLA_BR_AGEING_TIME", 4, "u32", 0, 2**31 - 1, tolerance=1, initial=30000),
    "stp": build_boolean_option("IFLA_BR_STP_STATE", 5, False, "u32"),
    "priority": LinkOption("IFLA_BR_PRIORITY", 6, "u16", 0, 65535, initial=32768),
    "vlan_filtering": build_boolean_option("IFLA_BR_VLAN_FILTERING", 7, False),
    "group_fwd_mask": LinkOption("IFLA_BR_GROUP_FWD_MASK", 9, "u16", 0, 65535, initial=0),
    "multicast_snooping": build_boolean_option("IFLA_BR_MCAST_SNOOPING", 23, True),
    "nf_call_iptables": build_boolean_option("IFLA_BR_NF_CALL_IPTABLES", 36, False),
    "nf_call_ip6tables": build_boolean_option("IFLA_BR_NF_CALL_IP6TABLES", 37, False),
    "nf_call_arptables": build_boolean_option("IFLA_BR_NF_CALL_ARPTABLES", 38, False),
}

BRIDGE_PORT: Mapping[str, LinkOption] = {
    "priority": LinkOption("IFLA_BRPORT_PRIORITY", 2, "u16", 0, 63, initial=32),
    # The cost of a new port depends on its speed.
    "cost": LinkOption("IFLA_BRPORT_COST", 3, "u32", 1, 65535),
    "hairpin": build_boolean_option("IFLA_BRPORT_MODE", 4, False),
    "learning": build_boolean_option("IFLA_BRPORT_LEARNING", 8, True),
    "neigh_suppress": build_boolean_option("IFLA_BRPORT_NEIGH_SUPPRESS", 32, False),
    "isolated": build_boolean_option("IFLA_BRPORT_ISOLATED", 33, False),
}

MACVLAN: Mapping[str, LinkOption] = {
    "mode": LinkOption("IFLA_MACVLAN_MODE", 1, "u32", names=MACVLAN_MODES, initial="vepa"),
    "flags": LinkOption("IFLA_MACVLAN_FLAGS", 2, "flags/u16", names=MACVLAN_FLAGS, initial=()),
    "source_macs": LinkOption("IFLA_MACVLAN_MACADDR_DATA", 5, "macs", initial=()),
    "broadcast_queue_length": LinkOption("IFLA_MACVLAN_BC_QUEUE_LEN", 7, "u32", initial=1000),
}

VXLAN: Mapping[str, LinkOption] = {
    "vni": LinkOption("IFLA_VXLAN_ID", 1, "u32", 0, 2**24 - 1, changeable=False),
    # The default is a parameter of the kernel module.
    "port": LinkOption("IFLA_VXLAN_PORT", 15, "be16", 1, 65535, changeable=False),
    # The kernel has one attribute for the group and the remote; it is decoded as remote, see separate_group. Kernels
    # before 6.15 accept another group for an existing link and never join it.
    "group": LinkOption("IFLA_VXLAN_GROUP", 2, "ip", initial="", changeable=False, number6=16),
    "remote": LinkOption("IFLA_VXLAN_GROUP", 2, "ip", initial="", number6=16),
    "local": LinkOption("IFLA_VXLAN_LOCAL", 4, "ip", initial="", number6=17),
    "ttl": LinkOption("IFLA_VXLAN_TTL", 5, "u8", 0, 255, initial=0),
    "tos": LinkOption("IFLA_VXLAN_TOS", 6, "u8", 0, 255, initial=0),
    "df": LinkOption("IFLA_VXLAN_DF", 29, "u8", names=VXLAN_DF, initial="unset"),
    "ageing": LinkOption("IFLA_VXLAN_AGEING", 8, "u32", initial=300),
    "limit": LinkOption("IFLA_VXLAN_LIMIT", 9, "u32", initial=0, changeable=False),
    "learning": build_boolean_option("IFLA_VXLAN_LEARNING", 7, True),
    "proxy": build_boolean_option("IFLA_VXLAN_PROXY", 11, False, changeable=False),
    "rsc": build_boolean_option("IFLA_VXLAN_RSC", 12, False, changeable=False),
    "l2miss": build_boolean_option("IFLA_VXLAN_L2MISS", 13, False, changeable=False),
    "l3miss": build_boolean_option("IFLA_VXLAN_L3MISS", 14, False, changeable=False),
    "udp_checksum": build_boolean_option("IFLA_VXLAN_UDP_CSUM", 18, True, changeable=False),
    "udp_zero_checksum6_tx": build_boolean_option("IFLA_VXLAN_UDP_ZERO_CSUM6_TX", 19, False, changeable=False),
    "udp_zero_checksum6_rx": build_boolean_option("IFLA_VXLAN_UDP_ZERO_CSUM6_RX", 20, False, changeable=False),
}


def separate_group(options: dict[str, Any]) -> None:
    """Rename the remote of a VXLAN link to group if it is multicast: the kernel has one attribute for both."""
    remote = options.get("remote", "")
    if remote.startswith("ff") if ":" in remote else 224 <= int(remote.partition(".")[0] or 0) < 240:
        options["group"] = options.pop("remote")
