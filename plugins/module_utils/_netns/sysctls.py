# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sysctls for forwarding, ARP, IPv6 and filtering.

The kernel includes the sysctls of an interface in each link message, in the order of linux/ip.h and linux/ipv6.h, so
no file is read for them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import split_attributes

_AF_INET, _AF_INET6 = 2, 10
# (attribute within the address family's part of a link's message, the sysctl's place in its array by name)
_IPV4 = {
    "forwarding": 0, "proxy_arp": 2, "accept_redirects": 3, "send_redirects": 5, "rp_filter": 7,
    "accept_source_route": 8, "arp_filter": 12, "arp_announce": 17, "arp_ignore": 18, "arp_accept": 20,
    "accept_local": 22, "src_valid_mark": 23, "proxy_arp_pvlan": 24, "route_localnet": 25,
}  # fmt: skip
_IPV6 = {
    "forwarding": 0, "accept_ra": 3, "accept_redirects": 4, "autoconf": 5, "use_tempaddr": 10, "proxy_ndp": 22,
    "accept_source_route": 24, "disable_ipv6": 26, "accept_dad": 27,
}  # fmt: skip
_FAMILIES = ((_AF_INET, 1, "ipv4", _IPV4), (_AF_INET6, 2, "ipv6", _IPV6))
_FILES = (
    "net/ipv4/ip_forward",
    "net/ipv4/ip_default_ttl",
    "net/ipv4/icmp_echo_ignore_all",
    "net/ipv6/icmp/echo_ignore_all",
    "net/ipv4/ip_nonlocal_bind",
    "net/ipv4/ip_no_pmtu_disc",
    "net/ipv4/ip_local_port_range",
    "net/ipv4/ip_unprivileged_port_start",
    "net/ipv4/tcp_mtu_probing",
    *(f"net/ipv{version}/neigh/default/gc_thresh{number}" for version in (4, 6) for number in (1, 2, 3)),
    *(f"net/bridge/bridge-nf-call-{program}" for program in ("iptables", "ip6tables", "arptables")),
    "net/bridge/bridge-nf-filter-vlan-tagged",
    *(
        f"net/{family}/conf/{whose}/{name}"
        for _number, _attribute, family, names in _FAMILIES
        for whose in ("all", "default")
        for name in names
    ),
)  # fmt: skip


class FileReader(Protocol):
    """Access to the files of a namespace."""

    def read_file(self, path: str) -> str | None:
        """Return the content of a file, None if it does not exist or cannot be read."""


def read_sysctls(inside: FileReader, links: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the values by path below /proc/sys: from files, then of the interfaces."""
    found = {key: value for key in _FILES if (value := _read_value(inside, key)) is not None}
    for message in links:
        name = escape_invalid_utf8(message["IFLA_IFNAME"])
        parts = dict(split_attributes(message.get("IFLA_AF_SPEC", b"")))
        for number, attribute, family, places in _FAMILIES:
            values = _unpack_integers(dict(split_attributes(parts.get(number, b""))).get(attribute, b""))
            found.update(
                (f"net/{family}/conf/{name}/{sysctl}", str(values[place]))
                for sysctl, place in places.items()
                if place < len(values)
            )
    return found


def _read_value(inside: FileReader, key: str) -> str | None:
    text = inside.read_file(f"/proc/sys/{key}")
    return None if text is None else " ".join(text.split())


def _unpack_integers(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"={len(data) // 4}i", data[: len(data) // 4 * 4])
