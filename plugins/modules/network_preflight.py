#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only; the action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_preflight
short_description: Check the networks of all roles before the first change
version_added: 0.1.0
description:
  - >-
    The playbook C(netfleet.docker.provision) runs it after M(netfleet.docker.host_state). It plans the networks of the
    roles C(bridge), C(macvlan) and C(overlay) for all hosts of the play, in the order of the roles, each with the
    networks of the roles before it. It fails if a host cannot have its networks, before any host is changed.
  - It runs on the control node and does not write the files of slices.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.role_action
options: {}
"""

EXAMPLES = r"""
- name: Check the requirements of all roles and gather the state of the hosts
  netfleet.docker.host_state:
  register: netfleet_host

- name: Check the networks of all roles on all hosts
  netfleet.docker.network_preflight:
  run_once: true
"""

RETURN = r"""
not_checked:
  description: >-
    Hosts on which Docker Engine does not answer yet. Their Docker networks are checked when the role runs. A warning
    lists them.
  returned: success
  type: list
  elements: str
  sample: []
"""
