#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only; the action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_slices
short_description: Assign a slice of each shared subnet to each host, and check the networks of all hosts
version_added: 0.1.0
description:
  - >-
    Splits each subnet that has C(slices) in the networks of a role between all hosts of the inventory, like
    P(netfleet.docker.ip_slices#filter) does for one subnet. Use it with C(run_once=true).
  - >-
    The result is saved in a file on the control node before any host uses a slice. A host keeps its slice when other
    hosts are added or removed.
  - >-
    Hosts that declare a network with the same name and subnet share the subnet and must declare the same C(slices).
    Shared subnets must not overlap.
  - >-
    The networks of all hosts of the run are checked: parents must exist and be available, and new subnets must not
    overlap routes, addresses and other Docker networks of a host. With C(run_once=true), an error stops the run on all
    hosts before the first network is created.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.role_action
options:
  role:
    description: Role that declares the networks. Its variables set the path of the file and whether to recover slices.
    type: str
    choices: [bridge, macvlan]
    required: true
seealso:
  - plugin: netfleet.docker.ip_slices
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Check the requirements of the role and gather the state of the host
  netfleet.docker.host_state:
    role: bridge
  register: netfleet_host

- name: Assign the slices of shared subnets
  netfleet.docker.network_slices:
    role: bridge
  run_once: true
  register: slices

- name: Apply the bridge networks
  netfleet.docker.bridge_networks:
    slices: "{{ slices.slices }}"
"""

RETURN = r"""
slices:
  description: Slices by network, subnet and host.
  returned: success
  type: dict
  sample: {wire: {192.0.2.0/24: {server1: 192.0.2.64/28, server2: 192.0.2.16/28}}}
path:
  description: File on the control node; null if no subnet has slices.
  returned: success
  type: str
  sample: /etc/inventory/bridge_slices.yml
"""
