# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options of bridges."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of a bridge."""

    DOCUMENTATION = r"""
options:
  ports:
    description:
      - >-
        Ports in the same namespace, as names or as dictionaries with C(name) and any of C(isolated), C(hairpin),
        C(learning), C(neigh_suppress) (booleans), C(cost) (1 to 65535) and C(priority) (0 to 63). The links must exist.
      - The list is exact. Other ports are removed from the bridge, unless O(ports_append=true).
    type: list
    elements: raw
  ports_append:
    description:
      - Keep ports that are not listed in O(ports).
    type: bool
    default: false
  stp:
    description:
      - Whether the spanning tree protocol is enabled.
    type: bool
  forward_delay:
    description:
      - Duration of the listening state and of the learning state in hundredths of a second, 200 to 3000.
    type: int
  hello_time:
    description:
      - Interval of hello packets of the root bridge in hundredths of a second, 100 to 1000.
    type: int
  max_age:
    description:
      - Maximum age of hello packets in hundredths of a second, 600 to 4000.
    type: int
  ageing_time:
    description:
      - Lifetime of learned MAC addresses in hundredths of a second.
    type: int
  priority:
    description:
      - Bridge priority for the spanning tree, 0 to 65535.
    type: int
  vlan_filtering:
    description:
      - Whether VLAN filtering is enabled.
    type: bool
  multicast_snooping:
    description:
      - Whether multicast packets are forwarded only to ports with listeners.
    type: bool
  group_fwd_mask:
    description:
      - Bit mask of the link-local groups 01:80:C2:00:00:0X to forward, 0 to 65535.
    type: int
  nf_call_iptables:
    description:
      - Whether bridged IPv4 packets pass iptables.
    type: bool
  nf_call_ip6tables:
    description:
      - Whether bridged IPv6 packets pass ip6tables.
    type: bool
  nf_call_arptables:
    description:
      - Whether bridged ARP packets pass arptables.
    type: bool
"""
