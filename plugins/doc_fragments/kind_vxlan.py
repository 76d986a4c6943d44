# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options of VXLAN links."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of a VXLAN link."""

    DOCUMENTATION = r"""
options:
  vni:
    description:
      - VXLAN network identifier (VNI), 0 to 16777215, required to create the link. The kernel cannot change it.
    type: int
  port:
    description:
      - Local and remote UDP port. The kernel cannot change it.
    type: int
    default: 4789
  local:
    description:
      - Source address of the encapsulated packets. With an empty string, the route determines it.
      - Required if only O(fdb) contains IPv6 addresses, because a link without an address uses IPv4.
    type: str
  remote:
    description:
      - Remote host for frames without a forwarding entry. An empty string removes it.
    type: str
  group:
    description:
      - >-
        Multicast group for frames without a forwarding entry. Requires O(parent); mutually exclusive with O(remote).
        The kernel cannot change it.
    type: str
  parent:
    description:
      - Outgoing link of the encapsulated packets. By default, the route determines it. The kernel cannot change it.
      - The link is deleted when its parent is deleted. An empty string means no parent.
    type: str
  parent_netns:
    description:
      - >-
        Namespace of the encapsulated packets and of O(parent). By default, the namespace that the module runs in. The
        kernel cannot change it.
    type: str
  learning:
    description:
      - Whether the link learns the remote host of MAC addresses from received packets.
    type: bool
  proxy:
    description:
      - Whether the link answers ARP requests and neighbour solicitations from the neighbour table of its namespace.
    type: bool
  rsc:
    description:
      - >-
        Whether frames to a router are sent directly to the destination if its neighbour entry is known (route short
        circuit).
    type: bool
  l2miss:
    description:
      - Whether the kernel sends netlink notifications for MAC addresses without an entry.
    type: bool
  l3miss:
    description:
      - Whether the kernel sends netlink notifications for IP addresses without a neighbour entry.
    type: bool
  ttl:
    description:
      - >-
        Time to live of the encapsulated packets, 0 to 255. With V(0), the kernel uses the default of the route, or 1
        for a multicast group.
    type: int
  tos:
    description:
      - Type of service of the encapsulated packets, 0 to 255. V(1) copies it from the inner packet.
    type: int
  df:
    description:
      - Don't fragment bit of the encapsulated packets. V(inherit) copies it from the inner packet.
    type: str
    choices: [unset, set, inherit]
  ageing:
    description:
      - Lifetime of learned entries in seconds.
    type: int
  limit:
    description:
      - Maximum number of forwarding entries; V(0) for no limit. The kernel cannot change it.
    type: int
  udp_checksum:
    description:
      - Whether UDP checksums are calculated over IPv4. The kernel cannot change it.
    type: bool
  udp_zero_checksum6_tx:
    description:
      - Whether packets are sent without a UDP checksum over IPv6. The kernel cannot change it.
    type: bool
  udp_zero_checksum6_rx:
    description:
      - Whether packets without a UDP checksum are accepted over IPv6. The kernel cannot change it.
    type: bool
"""
