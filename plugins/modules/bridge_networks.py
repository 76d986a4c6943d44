#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only; the action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bridge_networks
short_description: Apply the bridge networks of the role bridge
version_added: 0.1.0
description:
  - >-
    Creates, changes and removes the networks in C(bridge_networks) and C(bridge_host_networks) with one call of
    M(netfleet.docker.networks).
  - All networks are validated against the host and its engine before the first one is changed.
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
"""

EXAMPLES = r"""
- name: Check the requirements of the role and gather the state of the host
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
  description: Each network as inspected afterwards, in the format of M(netfleet.docker.networks).
  returned: success
  type: list
  elements: dict
  sample: [{Name: app, Driver: bridge}]
"""
