#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only; the action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: overlay_networks
short_description: Apply the networks of the role overlay
version_added: 0.1.0
description:
  - >-
    Applies C(overlay_gwbridge) on every node, and C(overlay_networks) and C(overlay_ingress) on one manager, with one
    call of M(netfleet.docker.networks).
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.role_action
options:
  plan:
    description: Plan of the Swarm as returned by M(netfleet.docker.swarm).
    type: dict
    required: true
  part:
    description: V(gwbridge) applies only the gateway bridge, which must exist before the host joins the Swarm.
    type: str
    choices: [all, gwbridge]
    default: all
seealso:
  - module: netfleet.docker.networks
  - module: netfleet.docker.swarm
"""

EXAMPLES = r"""
- name: Apply the overlay networks
  netfleet.docker.overlay_networks:
    plan: "{{ plan }}"
"""

RETURN = r"""
operations:
  description:
    - Operations in the order of execution. In check mode, the operations that would be executed.
  returned: success
  type: list
  elements: str
  sample:
    - create overlay network mesh

networks:
  description: Each network as inspected afterwards, in the format of M(netfleet.docker.networks).
  returned: success
  type: list
  elements: dict
  sample: [{Name: mesh, Driver: overlay}]
"""
