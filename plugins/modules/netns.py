#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: a named network namespace."""

from __future__ import annotations

DOCUMENTATION = r"""
module: netns
short_description: Manage network namespaces
version_added: 0.1.0
description:
  - >-
    Creates and removes named network namespaces, and manages the loopback, sysctls, routes, rules and neighbours of any
    namespace.
  - Repairs or removes a name that an interrupted creation left without a namespace.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.attributes
  - netfleet.docker.netns
options:
  name:
    description:
      - Name of the namespace in C(/run/netns).
      - >-
        With O(state=present), any other reference to an existing namespace is accepted, to manage its loopback,
        sysctls, routes, rules and neighbours. See the notes for the notation.
    type: str
    required: true
  state:
    description:
      - Whether the namespace exists.
      - Removing a namespace with processes fails and reports their PIDs, unless O(force=true).
    type: str
    choices: [present, absent]
    default: present
  force:
    description:
      - >-
        With O(state=absent), remove the name even if processes run in the namespace. The namespace then exists without
        a name until the last process ends.
    type: bool
    default: false
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
          - Outgoing link.
        type: str
      family:
        description:
          - Family of a default route without a gateway.
        type: str
        choices: [ipv4, ipv6]
      metric:
        description:
          - Metric. The route with the lowest metric is used.
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
      - Keep routes that are not listed in O(routes).
    type: bool
    default: false
  rules:
    description:
      - Policy rules. The list is exact, except for the default rules of the kernel.
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
          - Mask for the firewall mark.
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
      - Keep rules that are not listed in O(rules).
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
seealso:
  - module: netfleet.docker.veth
  - module: netfleet.docker.macvlan
  - module: netfleet.docker.vxlan
"""

EXAMPLES = r"""
- name: Create a namespace that forwards packets
  netfleet.docker.netns:
    name: router
    sysctls:
      net.ipv4.ip_forward: 1

- name: Add routes and a policy rule
  netfleet.docker.netns:
    name: router
    routes:
      - dst: 198.51.100.0/24
        dev: lo
      - dst: 203.0.113.0/24
        type: blackhole
    rules:
      - priority: 100
        src: 192.0.2.0/24
        table: 100

- name: Remove the namespace
  netfleet.docker.netns:
    name: router
    state: absent
"""

RETURN = r"""
operations:
  description:
    - Operations in the order of execution. In check mode, the operations that would be executed.
  returned: success
  type: list
  elements: str
  sample:
    - create veth eth0 in blue with peer blue-host in host
    - set eth0 in blue to up
netns:
  description:
    - >-
      State of the namespace after the run: its links, and the managed sysctls, routes, rules and neighbours.
  returned: success
  type: dict
  sample:
    name: blue
    present: true
    links:
      - {name: lo, netns: blue, present: true, kind: loopback, mtu: 65536, up: true, addresses: []}
    sysctls: {net/ipv4/ip_forward: "1"}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netfleet.docker.plugins.module_utils._core.parameters import LOCK
from ansible_collections.netfleet.docker.plugins.module_utils._links import output
from ansible_collections.netfleet.docker.plugins.module_utils._links.options import link as link_options
from ansible_collections.netfleet.docker.plugins.module_utils._links.options import netns as netns_options
from ansible_collections.netfleet.docker.plugins.module_utils._links.transaction import Request, run_module


def request(params: dict[str, object]) -> Request:
    """Return what the parameters ask for."""
    label, desired = netns_options.parse_netns_module(params)
    return Request(
        desired,
        references={label: "name"},
        show=lambda state, labels: output.show_netns(state, labels[label]),
        may_be_missing=() if ":" in label or label == "host" else (label,),
    )


def main() -> None:
    """Run the module."""
    spec = {
        "name": {"type": "str", "required": True},
        "force": {"type": "bool", "default": False},
        **netns_options.OPTIONS,
        **link_options.STATE,
        **LOCK,
    }
    run_module(AnsibleModule(argument_spec=spec, supports_check_mode=True), "netns", request)


if __name__ == "__main__":
    main()
