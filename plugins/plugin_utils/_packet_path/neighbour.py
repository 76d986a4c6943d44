# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The request and the answer of ARP and neighbour discovery as packets that firewalls see."""

from __future__ import annotations

import ipaddress

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Address, FleetNamespace, Row
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.nft_fields import ARP
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import Packet

_SOLICITATION, _ADVERTISEMENT = 135, 136
_SOLICITED_NODE = int(ipaddress.IPv6Address("ff02::1:ff00:0"))


def build_requests(space: FleetNamespace, packet: Packet, link: Row, target: Address) -> tuple[Packet, Packet]:
    """Return the request for the MAC address of a target on a link, and the answer.

    Connection tracking ignores both.
    """
    src = packet.src or target
    if target.version == 4:
        return Packet(src, target, ARP), Packet(target, src, ARP)
    rows = space.list_link_addresses(link["index"], 6)
    if all(row["address"] != str(src) for row in rows):
        local = next((row for row in rows if row["scope"] == "link"), None)
        src = ipaddress.ip_address(local["address"]) if local else src
    group = ipaddress.IPv6Address(_SOLICITED_NODE | int(target) & 0xFFFFFF)
    request = Packet(src, group, "icmpv6", state="untracked", icmp_type=_SOLICITATION)
    return request, Packet(target, src, "icmpv6", state="untracked", icmp_type=_ADVERTISEMENT)
