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
  - Creates and removes named network namespaces, and sets what belongs to a namespace as a whole.
  - A name that an interrupted creation left without a namespace is repaired, or removed.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.attributes
  - netfleet.docker.netns
options:
  name:
    description:
      - Name of the namespace, a file in C(/run/netns).
      - >-
        With O(state=present) any other reference to a namespace (see the notes) is taken too, for its loopback,
        sysctls, routes, rules and neighbours; it must be there.
    type: str
    required: true
  state:
    description:
      - Whether the namespace is to be there.
      - Removing one that still has processes is refused with their PIDs, unless O(force=true).
    type: str
    choices: [present, absent]
    default: present
  force:
    description:
      - >-
        With O(state=absent), remove the name even though processes are inside. The namespace then lives on without
        a name until the last of them ends.
    type: bool
    default: false
  loopback_up:
    description:
      - Whether the loopback interface C(lo) is to be up.
      - By default it is brought up in a named namespace and left alone in any other.
    type: bool
  sysctls:
    description:
      - >-
        Sysctls of the namespace, all below C(net.), with their values. As in C(sysctl\(8\)), a dot in an interface's
        name is written as C(/).
    type: dict
  routes:
    description:
      - >-
        Routes. The list is exact for routes that users make (protocols C(boot) and C(static)); those of the kernel,
        of router advertisements and of routing daemons are left alone.
    type: list
    elements: dict
    suboptions:
      dst:
        description:
          - Network in CIDR form, an address, or C(default).
        type: str
        required: true
      gateway:
        description:
          - Address of the next hop; its family is the family of a default route.
        type: str
      dev:
        description:
          - Link through which packets leave.
        type: str
      family:
        description:
          - Family of a default route that has no gateway.
        type: str
        choices: [ipv4, ipv6]
      metric:
        description:
          - Priority, the lowest wins.
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
          - What happens to packets.
        type: str
        choices: [unicast, local, blackhole, unreachable, prohibit]
        default: unicast
      onlink:
        description:
          - Take the gateway for reachable on the link without an address in its subnet.
        type: bool
  routes_append:
    description:
      - Leave routes that are not listed in O(routes).
    type: bool
    default: false
  rules:
    description:
      - Policy rules. The list is exact but for those that every namespace is born with.
    type: list
    elements: dict
    suboptions:
      priority:
        description:
          - Number of the rule, the lowest is looked at first.
        type: int
        required: true
      family:
        description:
          - Family of the rule, by default that of O(rules[].src) or O(rules[].dst), else C(ipv4).
        type: str
        choices: [ipv4, ipv6]
      src:
        description:
          - Network that the source address lies in.
        type: str
      dst:
        description:
          - Network that the destination address lies in.
        type: str
      iif:
        description:
          - Link through which packets come.
        type: str
      oif:
        description:
          - Link to which a socket is bound.
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
          - Number of the routing table to look in; needed for the action C(lookup).
        type: int
      action:
        description:
          - What happens to packets that match.
        type: str
        choices: [lookup, blackhole, unreachable, prohibit]
        default: lookup
  rules_append:
    description:
      - Leave rules that are not listed in O(rules).
    type: bool
    default: false
  neighbours:
    description:
      - >-
        Permanent neighbours, and with O(neighbours[].proxy) addresses that are answered for. The list is exact; entries
        that come with traffic, or from routing daemons, are left alone.
      - The kernel drops the neighbours of a link that goes down or gets another MAC address.
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
          - MAC address of the neighbour; a proxy entry has none.
        type: str
      dev:
        description:
          - Link at which the neighbour is.
        type: str
        required: true
      proxy:
        description:
          - Answer for this address on the link, where its sysctl C(proxy_ndp) or C(forwarding) lets it.
        type: bool
        default: false
  neighbours_append:
    description:
      - Leave neighbours that are not listed in O(neighbours).
    type: bool
    default: false
seealso:
  - module: netfleet.docker.veth
  - module: netfleet.docker.macvlan
  - module: netfleet.docker.vxlan
"""

EXAMPLES = r"""
- name: A namespace that forwards
  netfleet.docker.netns:
    name: router
    sysctls:
      net.ipv4.ip_forward: 1

- name: A way out of it
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

- name: The namespace is gone
  netfleet.docker.netns:
    name: router
    state: absent
"""

RETURN = r"""
operations:
  description:
    - What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: str
  sample:
    - create veth eth0 in blue with peer blue-host in host
    - set eth0 in blue to up
netns:
  description:
    - The namespace afterwards, with its links, and those of its sysctls, routes, rules and neighbours that are managed.
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
