#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: a veth pair."""

from __future__ import annotations

DOCUMENTATION = r"""
module: veth
short_description: Manage veth pairs between any two network namespaces
version_added: 0.1.0
description:
  - >-
    Manages a pair of virtual Ethernet links whose two ends lie in any two network namespaces: the host's, named ones,
    running containers', processes'.
  - >-
    The pair is created in one request to the kernel with each end in its place, so that no end ever shows up in a
    wrong namespace, however the module ends.
  - An end that lies elsewhere than declared is moved there, and gets back its addresses and up state where declared.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.attributes
  - netfleet.docker.netns
  - netfleet.docker.link
options:
  state:
    description:
      - Whether the pair is to be there. The kernel removes both ends together.
      - With V(absent), O(peer) may be left out; where it is given, its end is removed too if the other is not there.
    type: str
    choices: [present, absent]
    default: present
  peer:
    description:
      - The other end, with options of the same meaning.
      - Required with O(state=present).
    type: dict
    suboptions:
      name:
        description:
          - Name of the link.
        type: str
        required: true
      netns:
        description:
          - Namespace in which the end is to be. Without it, the namespace that the module runs in.
        type: str
      mtu:
        description:
          - Largest packet in bytes, 68 to 65535.
        type: int
      mac:
        description:
          - Unicast MAC address.
        type: str
      addresses:
        description:
          - IPv4 and IPv6 addresses with their prefix lengths, an exact list.
        type: list
        elements: str
      up:
        description:
          - Whether the link is to be up.
        type: bool
      master:
        description:
          - Link in the same namespace, such as a bridge, of which this one is to be a port. Empty for none.
        type: str
      altnames:
        description:
          - Alternative names, an exact list.
        type: list
        elements: str
      alias:
        description:
          - Free text that the kernel keeps with the link. Empty for none.
        type: str
  recreate:
    description:
      - >-
        Delete what stands at either place and make the pair anew where the kernel cannot change it in place: another
        kind of link, or a veth with another peer. Without it, that is an error.
    type: bool
    default: false
seealso:
  - module: netfleet.docker.netns
  - module: netfleet.docker.bridge
"""

EXAMPLES = r"""
- name: Two namespaces
  netfleet.docker.netns:
    name: "{{ item }}"
  loop: [red, blue]

- name: A cable between them
  netfleet.docker.veth:
    name: to-blue
    netns: red
    addresses: [192.0.2.1/24, "2001:db8::1/64"]
    up: true
    peer:
      name: to-red
      netns: blue
      addresses: [192.0.2.2/24, "2001:db8::2/64"]
      up: true

- name: The same cable, with a larger MTU at one end and a fixed MAC address at the other
  netfleet.docker.veth:
    name: to-blue
    netns: red
    mtu: 9000
    peer:
      name: to-red
      netns: blue
      mac: 02:00:00:00:00:02

- name: No cable
  netfleet.docker.veth:
    name: to-blue
    netns: red
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
veth:
  description:
    - The link afterwards, and its peer.
  returned: success
  type: dict
  sample:
    name: eth0
    netns: blue
    present: true
    kind: veth
    mtu: 1500
    mac: 02:00:00:00:00:01
    up: true
    addresses: [192.0.2.1/24]
    peer: {name: blue-host, netns: host, present: true, mtu: 1500, up: true, master: br0}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netfleet.docker.plugins.module_utils._links import output
from ansible_collections.netfleet.docker.plugins.module_utils._links.desired.single_link import (
    build_argument_spec,
    build_request,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.options.link import ATTRIBUTES, PLACE
from ansible_collections.netfleet.docker.plugins.module_utils._links.transaction import run_module


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={**build_argument_spec("veth"), "peer": {"type": "dict", "options": {**PLACE, **ATTRIBUTES}}},
        required_if=[("state", "present", ("peer",))],
        supports_check_mode=True,
    )
    run_module(module, "veth", lambda params: build_request("veth", params, output.show_veth))


if __name__ == "__main__":
    main()
