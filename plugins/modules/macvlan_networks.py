#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only; the action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: macvlan_networks
short_description: Apply the macvlan and ipvlan networks of the role macvlan
version_added: 0.1.0
description:
  - >-
    Creates, changes and removes the networks in C(macvlan_networks) and C(macvlan_host_networks), and the links and
    routes of the host that belong to them, with one call of M(netfleet.docker.networks).
  - >-
    Networks with C(swarm=true) are applied on the first Swarm manager in the play. If there is no manager yet,
    RV(waits_for_swarm) is true.
  - >-
    All networks are validated before the first one is changed. It is an error if a parent is missing, is down, has
    another MTU or is a bridge port, if subnets overlap, or if an address of the host can be assigned to a container on
    another host.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.role_action
options:
  slices:
    description: Slices of all hosts as returned by M(netfleet.docker.network_slices).
    type: dict
    default: {}
seealso:
  - module: netfleet.docker.networks
  - module: netfleet.docker.topology
"""

EXAMPLES = r"""
- name: Check the requirements of the role and gather the state of the host
  netfleet.docker.host_state:
    role: macvlan
  register: netfleet_host

- name: Apply the macvlan networks
  netfleet.docker.macvlan_networks:
"""

RETURN = r"""
operations:
  description:
    - Operations in the order of execution. In check mode, the operations that would be executed.
  returned: success
  type: list
  elements: str
  sample:
    - create macvlan network wire
    - create macvlan wire-host on eth0 in host
networks:
  description: Each network as inspected afterwards, in the format of M(netfleet.docker.networks).
  returned: success
  type: list
  elements: dict
  sample: [{Name: wire, Driver: macvlan}]
waits_for_swarm:
  description: Whether networks with C(swarm=true) are declared and no host in the play is a Swarm manager yet.
  returned: success
  type: bool
  sample: false
"""
