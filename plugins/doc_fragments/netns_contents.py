# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the contents of a namespace except its links."""

from __future__ import annotations


class ModuleDocFragment:
    """The loopback interface, sysctls, routes, rules and neighbours of a namespace."""

    DOCUMENTATION = r"""
options:
  loopback_up:
    description:
      - Whether the loopback interface C(lo) is up.
      - By default, it is set up in a named namespace and not managed in other namespaces.
    type: bool
  sysctls:
    description:
      - >-
        Sysctls of the namespace below C(net.), with their values. As in C(sysctl\(8\)), a dot in an interface name is
        written as C(/).
    type: dict
  routes:
    description:
      - >-
        Routes. The list is exact for routes with the protocols C(boot) and C(static). Routes of the kernel, of router
        advertisements and of routing daemons are not managed.
      - >-
        An omitted suboption means the default of the kernel, such as no source address. A route with properties that
        cannot be declared, such as several next hops, metrics or TOS, differs from every declared route. An exact list
        removes it; if a run fails, it is restored unchanged.
    type: list
    elements: dict
    suboptions:
      dst:
        description:
          - Network in CIDR notation, an address, or C(default).
        type: str
        required: true
      gateway:
        description:
          - Address of the next hop. It determines the family of a default route.
        type: str
      dev:
        description:
          - Outgoing link. By default, the kernel chooses the link of the gateway.
        type: str
      family:
        description:
          - Family of a default route without a gateway.
        type: str
        choices: [ipv4, ipv6]
      metric:
        description:
          - Metric. The route with the lowest metric is used. The default of the kernel is 0 for IPv4 and 1024 for IPv6.
        type: int
      table:
        description:
          - Number of the routing table.
        type: int
        default: 254
      src:
        description:
          - Preferred source address.
        type: str
      type:
        description:
          - Type of the route.
        type: str
        choices: [unicast, local, blackhole, unreachable, prohibit]
        default: unicast
      onlink:
        description:
          - Treat the gateway as reachable on the link, even if no address is in its subnet.
        type: bool
  routes_append:
    description:
      - >-
        Keep routes that are not listed in O(routes). A route with the destination, table and metric of a listed one is
        replaced, because the kernel allows only one.
    type: bool
    default: false
  rules:
    description:
      - Policy rules. The list is exact, except for the default rules of the kernel.
      - >-
        A rule with conditions that cannot be declared, such as C(not), C(ipproto), C(dport), C(uidrange) or
        C(suppress_prefixlength), differs from every declared rule. An exact list removes it; if a run fails, it is
        restored unchanged.
    type: list
    elements: dict
    suboptions:
      priority:
        description:
          - Priority of the rule. Rules with a lower number are evaluated first.
        type: int
        required: true
      family:
        description:
          - Family of the rule. The default is that of O(rules[].src) or O(rules[].dst), otherwise C(ipv4).
        type: str
        choices: [ipv4, ipv6]
      src:
        description:
          - Source network.
        type: str
      dst:
        description:
          - Destination network.
        type: str
      iif:
        description:
          - Incoming link.
        type: str
      oif:
        description:
          - Link that the socket is bound to.
        type: str
      fwmark:
        description:
          - Firewall mark.
        type: int
      fwmask:
        description:
          - Mask for the firewall mark. By default, all bits are compared.
        type: int
      table:
        description:
          - Number of the routing table. Required for the action C(lookup).
        type: int
      action:
        description:
          - Action for matching packets.
        type: str
        choices: [lookup, blackhole, unreachable, prohibit]
        default: lookup
  rules_append:
    description:
      - Keep rules that are not listed in O(rules), including other rules with the same priority.
    type: bool
    default: false
  neighbours:
    description:
      - >-
        Permanent neighbour entries and, with O(neighbours[].proxy), proxy entries. The list is exact. Learned entries
        and entries of routing daemons are not managed.
      - The kernel deletes the entries of a link that is set down or gets another MAC address.
    type: list
    elements: dict
    suboptions:
      dst:
        description:
          - Address of the neighbour.
        type: str
        required: true
      mac:
        description:
          - MAC address of the neighbour. Not allowed for a proxy entry.
        type: str
      dev:
        description:
          - Link of the neighbour.
        type: str
        required: true
      proxy:
        description:
          - Answer requests for this address on the link. Requires the sysctl C(proxy_ndp) or C(forwarding) of the link.
        type: bool
        default: false
  neighbours_append:
    description:
      - Keep entries that are not listed in O(neighbours).
    type: bool
    default: false
"""
