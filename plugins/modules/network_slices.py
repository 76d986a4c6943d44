#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only. The action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_slices
short_description: Assign each host a slice of the subnets that hosts share
version_added: 0.1.0
description:
  - >-
    Splits the subnets that have C(slices) in the networks of a role, for all hosts of the inventory at once, as
    P(netfleet.docker.ip_slices#filter) does for one subnet. To be run once for all hosts.
  - >-
    The result is kept in a file on the controller, which is written before any host uses a slice. A host keeps its
    slice when others come and go.
  - >-
    All hosts that declare a network of one name with the same subnet share that subnet and have to declare the same
    C(slices). Two shared subnets must not overlap.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.role_action
options:
  role:
    description: The role whose networks are meant. Its variables name the file, and whether to recover slices.
    type: str
    choices: [bridge, macvlan]
    required: true
seealso:
  - plugin: netfleet.docker.ip_slices
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Check what the role needs and gather the state of the host
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
  description: The slice of each host by network, subnet and host.
  returned: success
  type: dict
  sample: {wire: {192.0.2.0/24: {server1: 192.0.2.64/28, server2: 192.0.2.16/28}}}
path:
  description: The file on the controller.
  returned: success
  type: str
  sample: /etc/inventory/bridge_slices.yml
"""
