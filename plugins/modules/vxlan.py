#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: a VXLAN link."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vxlan
short_description: Manage VXLAN links and their static forwarding entries
version_added: 0.1.0
description:
  - >-
    Manages a VXLAN link, which carries Ethernet frames in UDP packets to other hosts, in any network namespace: an
    overlay without Swarm. Where the frames go is told by static forwarding entries, a remote or a multicast group.
  - >-
    The link and its UDP packets may be in different namespaces, so that a container has a leg in the overlay and the
    host carries the packets. The kernel creates the link right where it belongs.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.attributes
  - netfleet.docker.netns
  - netfleet.docker.link
options:
  vni:
    description:
      - Number of the virtual network, 0 to 16777215. The kernel cannot change it later.
      - Required with O(state=present).
    type: int
  port:
    description:
      - UDP port, here and at the other ends. The kernel cannot change it later.
    type: int
    default: 4789
  local:
    description:
      - Source address of the packets. Empty for the one that the routes tell.
      - With IPv6 addresses in O(fdb) alone it is needed, as a link without any address is one of IPv4.
    type: str
  remote:
    description:
      - The one other end, to which frames go that have no forwarding entry. Empty for none.
    type: str
  group:
    description:
      - >-
        Multicast group of all ends, to which such frames go. Needs a O(parent), and excludes O(remote). The kernel
        cannot change it later.
    type: str
  parent:
    description:
      - Link through which the packets leave. Without it the routes tell. The kernel cannot change it later.
      - The link goes when its parent goes. Empty for none.
    type: str
  parent_netns:
    description:
      - >-
        Namespace in which the packets come and go, and in which O(parent) is. Without it, the namespace that the module
        runs in. The kernel cannot change it later.
    type: str
  learning:
    description:
      - Whether the link learns from the packets that come in behind which host a MAC address is.
    type: bool
  proxy:
    description:
      - Whether the link answers ARP and neighbour solicitations itself, from the neighbours of its namespace.
    type: bool
  rsc:
    description:
      - Whether frames to a router go straight to their destination where its neighbour is known.
    type: bool
  l2miss:
    description:
      - Whether the kernel tells listeners of MAC addresses that it has no entry for.
    type: bool
  l3miss:
    description:
      - Whether the kernel tells listeners of IP addresses that it has no neighbour for.
    type: bool
  ttl:
    description:
      - >-
        Time to live of the packets, 0 to 255. With V(0) it is that of the route, and V(1) for a multicast group.
    type: int
  tos:
    description:
      - Type of service of the packets, 0 to 255. With V(1) it is that of the packet inside.
    type: int
  df:
    description:
      - Whether routers on the way may split packets, V(inherit) as the packet inside says.
    type: str
    choices: [unset, set, inherit]
  ageing:
    description:
      - Seconds after which what was learned is forgotten.
    type: int
  limit:
    description:
      - Largest number of forwarding entries; V(0) for no limit. The kernel cannot change it later.
    type: int
  udp_checksum:
    description:
      - Whether packets over IPv4 have a UDP checksum. The kernel cannot change it later.
    type: bool
  udp_zero_checksum6_tx:
    description:
      - Whether packets over IPv6 leave without a UDP checksum. The kernel cannot change it later.
    type: bool
  udp_zero_checksum6_rx:
    description:
      - Whether packets over IPv6 are taken without a UDP checksum. The kernel cannot change it later.
    type: bool
  fdb:
    description:
      - >-
        Static forwarding entries of the link. The list is exact, unless O(fdb_append=true), for what users and their
        programs set; what the link learns, what routing daemons manage, the entry of O(remote) or O(group), and what a
        bridge knows of the link as its port are left alone.
    type: list
    elements: dict
    suboptions:
      mac:
        description:
          - >-
            MAC address behind the destination. The default stands for all that have no entry, broadcasts among them,
            and may be there once for each destination.
        type: str
        default: "00:00:00:00:00:00"
      dst:
        description:
          - Address of the host to which such frames go.
        type: str
        required: true
      port:
        description:
          - UDP port of that host, if not O(port).
        type: int
      vni:
        description:
          - Number of the virtual network there, if not O(vni).
        type: int
      via:
        description:
          - >-
            Link through which the packets leave, if it is not to be the parent or what the routes tell. Only where the
            link and its packets share a namespace.
        type: str
  fdb_append:
    description:
      - Leave forwarding entries that are not listed in O(fdb).
    type: bool
    default: false
  recreate:
    description:
      - >-
        Delete what has the name and make the link anew where the kernel cannot change it in place: another kind of
        link, another VNI, port, group, parent or IP version, and all else that is said to be so. Forwarding entries
        that are not listed are lost then. Without it, that is an error.
    type: bool
    default: false
notes:
  - >-
    The kernel makes the MTU of a link with a parent as large as the parent's packets have room for, 50 bytes less for
    IPv4 and 70 for IPv6, and that of one without a parent 1500 bytes. Give O(mtu) where the way between the hosts has
    less.
seealso:
  - module: netfleet.docker.bridge
  - module: netfleet.docker.netns
"""

EXAMPLES = r"""
# Each host of the inventory's group overlay says where its packets come and go, such as
#   vtep: {dst: 192.0.2.1}
- name: A bridge, to which veth links of containers may be plugged
  netfleet.docker.bridge:
    name: br-overlay
    up: true

- name: An overlay without Swarm, with every host of the group at the other end
  netfleet.docker.vxlan:
    name: vx42
    vni: 42
    local: "{{ vtep.dst }}"
    fdb: "{{ groups.overlay | difference([inventory_hostname]) | map('extract', hostvars, 'vtep') }}"
    mtu: 1450
    master: br-overlay
    up: true

- name: A namespace with a leg in another one; the host carries its packets
  netfleet.docker.netns:
    name: blue

- name: The leg, and behind which host the others are
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

- name: The overlay is gone
  netfleet.docker.vxlan:
    name: vx42
    state: absent

- name: The leg is gone
  netfleet.docker.vxlan:
    name: vx43
    netns: blue
    state: absent

- name: The bridge is gone
  netfleet.docker.bridge:
    name: br-overlay
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
vxlan:
  description:
    - The link afterwards, with its forwarding entries where O(fdb) is given.
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

from ansible.module_utils.basic import AnsibleModule
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
    module = AnsibleModule(argument_spec=spec, required_if=[("state", "present", ("vni",))], supports_check_mode=True)
    run_module(module, "vxlan", lambda params: build_request("vxlan", params))


if __name__ == "__main__":
    main()
