#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: a macvlan link."""

from __future__ import annotations

DOCUMENTATION = r"""
module: macvlan
short_description: Manage macvlan links in any network namespace
version_added: 0.1.0
description:
  - >-
    Manages a macvlan link, which shares a parent link such as the host's network card under a MAC address of its own,
    in any network namespace. The kernel creates it right there.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.attributes
  - netfleet.docker.netns
  - netfleet.docker.link
options:
  parent:
    description:
      - Link on which the macvlan link sits. The kernel cannot change it later.
      - Required with O(state=present).
    type: str
  parent_netns:
    description:
      - Namespace of the parent. Without it, the namespace that the module runs in.
    type: str
  mode:
    description:
      - >-
        How links of one parent see each other: V(bridge) directly, V(vepa) through the switch outside, V(private) not
        at all; V(passthru) gives the parent to a single link; V(source) takes only packets from O(source_macs).
      - The kernel creates a link in mode C(vepa) if none is given, and cannot change a mode to or from V(passthru).
    type: str
    choices: [bridge, private, vepa, passthru, source]
  source_macs:
    description:
      - With O(mode=source), the MAC addresses from which packets are taken. The list is exact.
    type: list
    elements: str
  flags:
    description:
      - >-
        Flags, an exact list: V(nopromisc) leaves the parent out of promiscuous mode with O(mode=passthru), V(nodst)
        stops looking for the destination among the links with O(mode=source).
    type: list
    elements: str
    choices: [nopromisc, nodst]
  broadcast_queue_length:
    description:
      - >-
        Number of broadcast packets that may wait on the parent; the largest among the parent's links counts.
    type: int
  recreate:
    description:
      - >-
        Delete what has the name and make the link anew where the kernel cannot change it in place: another kind of
        link, another parent, a mode to or from V(passthru). Without it, that is an error.
    type: bool
    default: false
seealso:
  - module: netfleet.docker.netns
"""

EXAMPLES = r"""
- name: A namespace
  netfleet.docker.netns:
    name: blue

- name: The namespace is on the wire of the host's default interface
  netfleet.docker.macvlan:
    name: wire0
    netns: blue
    parent: "{{ ansible_facts.default_ipv4.interface | default('eth0') }}"
    parent_netns: host
    mode: bridge
    addresses: [192.0.2.10/24]
    up: true

- name: The link is gone
  netfleet.docker.macvlan:
    name: wire0
    netns: blue
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
macvlan:
  description:
    - The link afterwards.
  returned: success
  type: dict
  sample:
    name: wire0
    netns: blue
    present: true
    kind: macvlan
    mode: bridge
    parent: {name: eth0, netns: host}
    addresses: [192.0.2.10/24]
    up: true
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netfleet.docker.plugins.module_utils._links.desired.single_link import (
    build_argument_spec,
    build_request,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.transaction import run_module


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=build_argument_spec("macvlan"),
        required_if=[("state", "present", ("parent",))],
        supports_check_mode=True,
    )
    run_module(module, "macvlan", lambda params: build_request("macvlan", params))


if __name__ == "__main__":
    main()
