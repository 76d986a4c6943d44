#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only. The action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: macvlan_networks
short_description: Apply the macvlan and ipvlan networks that the role macvlan declares
version_added: 0.1.0
description:
  - >-
    Plans the networks in C(macvlan_networks) and C(macvlan_host_networks) with the state of the host, and applies them
    with one call of M(netfleet.docker.networks), together with the links and routes of the host itself.
  - >-
    On the first host of the run that manages a Swarm, the networks with C(swarm=true) are applied as well. Where no
    host manages one yet, RV(waits_for_swarm) is true.
  - >-
    What does not fit the host is refused before the first network is changed: a parent that is missing, is down, has
    another MTU or is the port of a bridge; subnets that overlap; an address of the host that another host's containers
    may have.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.role_action
options:
  slices:
    description: The slice of each host, as M(netfleet.docker.network_slices) returns it.
    type: dict
    default: {}
seealso:
  - module: netfleet.docker.networks
  - module: netfleet.docker.topology
"""

EXAMPLES = r"""
- name: Check what the role needs and gather the state of the host
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
  description: What the engine has of each network, as M(netfleet.docker.networks) returns it.
  returned: success
  type: list
  elements: dict
  sample: [{Name: wire, Driver: macvlan}]
waits_for_swarm:
  description: Whether networks of a Swarm are declared and no host of the run manages one yet.
  returned: success
  type: bool
  sample: false
"""
