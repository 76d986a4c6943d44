#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only. The action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bridge_networks
short_description: Apply the bridge networks that the role bridge declares
version_added: 0.1.0
description:
  - >-
    Plans the networks in C(bridge_networks) and C(bridge_host_networks) with the state of the host, and applies them
    with one call of M(netfleet.docker.networks).
  - What does not fit the host or its engine is refused before the first network is changed.
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
"""

EXAMPLES = r"""
- name: Check what the role needs and gather the state of the host
  netfleet.docker.host_state:
    role: bridge
  register: netfleet_host

- name: Apply the bridge networks
  netfleet.docker.bridge_networks:
"""

RETURN = r"""
operations:
  description:
    - Operations in the order of execution. In check mode, the operations that would be executed.
  returned: success
  type: list
  elements: str
  sample:
    - create bridge network app
    - connect web to app
networks:
  description: What the engine has of each network, as M(netfleet.docker.networks) returns it.
  returned: success
  type: list
  elements: dict
  sample: [{Name: app, Driver: bridge}]
"""
