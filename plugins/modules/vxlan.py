#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: manage a VXLAN link."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vxlan
short_description: Manage VXLAN links and their static forwarding entries
version_added: 0.1.0
description:
  - >-
    Manages a VXLAN link in any network namespace, for an overlay network without Swarm. Static forwarding entries, a
    remote host or a multicast group determine the destination of frames.
  - >-
    The link and its encapsulated packets can be in different namespaces, for example to connect a container to an
    overlay through the host. The kernel creates the link in its namespace.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.attributes
  - netfleet.docker.netns
  - netfleet.docker.link
  - netfleet.docker.protection
  - netfleet.docker.kind_vxlan
options:
  fdb:
    description:
      - >-
        Static forwarding entries. The list is exact, unless O(fdb_append=true). Learned entries, entries of routing
        daemons, the entry of O(remote) or O(group), and entries of a bridge for the link are not managed.
    type: list
    elements: dict
    suboptions:
      mac:
        description:
          - >-
            MAC address. The default applies to all addresses without an entry, including broadcasts, and is allowed
            once for each destination.
        type: str
        default: "00:00:00:00:00:00"
      dst:
        description:
          - Address of the remote host.
        type: str
        required: true
      port:
        description:
          - UDP port of the remote host. The default is O(port).
        type: int
      vni:
        description:
          - VNI on the remote host. The default is O(vni).
        type: int
      via:
        description:
          - >-
            Outgoing link of the encapsulated packets. The default is the parent, or the route to the remote host.
            Allowed only if the link and its encapsulated packets are in the same namespace.
        type: str
  fdb_append:
    description:
      - Keep forwarding entries that are not listed in O(fdb).
    type: bool
    default: false
  recreate:
    description:
      - >-
        Delete and recreate the link if the kernel cannot change it in place, for another kind, VNI, port, group, parent
        or IP version, and for other options that the kernel cannot change. Forwarding entries that are not listed are
        lost. By default, this is an error.
    type: bool
    default: false
notes:
  - >-
    The default MTU of a link with a parent is the MTU of the parent minus 50 bytes for IPv4 and 70 bytes for IPv6. The
    default MTU of a link without a parent is 1500 bytes. Set O(mtu) if the path between the hosts has a smaller MTU.
seealso:
  - module: netfleet.docker.bridge
  - module: netfleet.docker.netns
"""

EXAMPLES = r"""
# Each host in the inventory group overlay sets the address of its VXLAN tunnel endpoint, such as
#   vtep: {dst: 192.0.2.1}
- name: Create a bridge for veth links of containers
  netfleet.docker.bridge:
    name: br-overlay
    up: true

- name: Create an overlay with all hosts of the group
  netfleet.docker.vxlan:
    name: vx42
    vni: 42
    local: "{{ vtep.dst }}"
    fdb: "{{ groups.overlay | difference([inventory_hostname]) | map('extract', hostvars, 'vtep') }}"
    mtu: 1450
    master: br-overlay
    up: true

- name: Create a namespace for another overlay
  netfleet.docker.netns:
    name: blue

- name: Connect the namespace through the host, with static forwarding entries
  netfleet.docker.vxlan:
    name: vx43
    netns: blue
    parent_netns: host
    vni: 43
    local: "{{ vtep.dst }}"
    learning: false
    addresses: [10.43.0.1/24]
    up: true
    fdb:
      - mac: 02:00:0a:2b:00:02
        dst: 192.0.2.2
      - dst: 192.0.2.2
      - dst: 192.0.2.3

- name: Remove the overlay
  netfleet.docker.vxlan:
    name: vx42
    state: absent

- name: Remove the link of the namespace
  netfleet.docker.vxlan:
    name: vx43
    netns: blue
    state: absent

- name: Remove the bridge
  netfleet.docker.bridge:
    name: br-overlay
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
    - create vxlan vx42 in blue over host
    - add forwarding entry 00:00:00:00:00:00 to vx42 in blue
vxlan:
  description:
    - State of the link after the run, with its forwarding entries if O(fdb) is set.
  returned: success
  type: dict
  sample:
    name: vx42
    netns: blue
    present: true
    kind: vxlan
    vni: 42
    port: 4789
    parent_netns: host
    local: 192.0.2.1
    fdb: [{mac: "00:00:00:00:00:00", dst: 192.0.2.2, master: false}]
    up: true
"""

from ansible_collections.netfleet.docker.plugins.module_utils._core.module import Module
from ansible_collections.netfleet.docker.plugins.module_utils._links.desired.single_link import (
    build_argument_spec,
    build_request,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.vxlan import FORWARDING, PORT
from ansible_collections.netfleet.docker.plugins.module_utils._links.transaction import run_module


def main() -> None:
    """Run the module."""
    spec = {
        **build_argument_spec("vxlan"),
        "port": {"type": "int", "default": PORT},
        "fdb": {"type": "list", "elements": "dict", "options": FORWARDING},
        "fdb_append": {"type": "bool", "default": False},
    }
    module = Module(argument_spec=spec, required_if=[("state", "present", ("vni",))], supports_check_mode=True)
    run_module(module, "vxlan", lambda params: build_request("vxlan", params))


if __name__ == "__main__":
    main()
