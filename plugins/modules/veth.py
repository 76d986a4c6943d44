#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: manage a veth pair."""

from __future__ import annotations

DOCUMENTATION = r"""
module: veth
short_description: Manage veth pairs between any two network namespaces
version_added: 0.1.0
description:
  - >-
    Manages a veth pair between any two network namespaces, such as the host namespace, named namespaces, and namespaces
    of running containers and processes.
  - The kernel creates both ends in their namespaces with one request, so no end is ever in another namespace.
  - An end in another namespace is moved, and its declared addresses and state are restored.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.attributes
  - netfleet.docker.netns
  - netfleet.docker.link
  - netfleet.docker.protection
options:
  state:
    description:
      - Whether the pair exists. The kernel removes both ends together.
      - With V(absent), O(peer) is optional. If it is set, its link is also removed if the first end does not exist.
    type: str
    choices: [present, absent]
    default: present
  peer:
    description:
      - Options of the other end.
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
          - Namespace of the peer. By default, the namespace that the module runs in.
        type: str
      mtu:
        description:
          - MTU in bytes, 68 to 65535.
        type: int
      mac:
        description:
          - Unicast MAC address.
        type: str
      addresses:
        description:
          - IPv4 and IPv6 addresses with prefix length. The list is exact.
        type: list
        elements: str
      up:
        description:
          - Whether the link is up.
        type: bool
      master:
        description:
          - Bridge or other master in the same namespace. An empty string removes the link from its master.
        type: str
      altnames:
        description:
          - Alternative names. The list is exact.
        type: list
        elements: str
      alias:
        description:
          - Alias of the link. An empty string removes it.
        type: str
  recreate:
    description:
      - >-
        Delete and recreate the pair if the kernel cannot change it in place, for a link of another kind or a veth with
        another peer. By default, this is an error.
    type: bool
    default: false
seealso:
  - module: netfleet.docker.netns
  - module: netfleet.docker.bridge
"""

EXAMPLES = r"""
- name: Create two namespaces
  netfleet.docker.netns:
    name: "{{ item }}"
  loop: [red, blue]

- name: Connect the namespaces with a veth pair
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

- name: Change the MTU of one end and the MAC address of the other
  netfleet.docker.veth:
    name: to-blue
    netns: red
    mtu: 9000
    peer:
      name: to-red
      netns: blue
      mac: 02:00:00:00:00:02

- name: Remove the veth pair
  netfleet.docker.veth:
    name: to-blue
    netns: red
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
veth:
  description:
    - State of the link and of its peer after the run.
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

from ansible_collections.netfleet.docker.plugins.module_utils._core.module import Module
from ansible_collections.netfleet.docker.plugins.module_utils._links import output
from ansible_collections.netfleet.docker.plugins.module_utils._links.desired.single_link import (
    build_argument_spec,
    build_request,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.options.link import ATTRIBUTES, PLACE
from ansible_collections.netfleet.docker.plugins.module_utils._links.transaction import run_module


def main() -> None:
    """Run the module."""
    module = Module(
        argument_spec={**build_argument_spec("veth"), "peer": {"type": "dict", "options": {**PLACE, **ATTRIBUTES}}},
        required_if=[("state", "present", ("peer",))],
        supports_check_mode=True,
    )
    run_module(module, "veth", lambda params: build_request("veth", params, output.show_veth))


if __name__ == "__main__":
    main()
