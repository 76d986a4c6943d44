#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only; the action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: role_variables
short_description: Check the variables of roles
version_added: 0.1.0
description:
  - >-
    The first task of the roles C(audit), C(preflight) and C(troubleshoot). In the other roles,
    M(netfleet.docker.host_state) and M(netfleet.docker.network_mode) do the same.
  - >-
    Checks that the values of the role variables match the argument specification of the role, and that no variable has
    a misspelled name. It runs on the control node.
  - >-
    Without O(role), it checks the variables of all hosts of the play for the roles of the playbook
    C(netfleet.docker.provision), before one of them changes a host. Variables that refer to variables that are not
    defined yet are checked when their role runs.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.role_action
options:
  role:
    description: Role whose variables are checked. Omit it to check all roles and hosts.
    type: str
    choices: [audit, bridge, containers, engine, macvlan, overlay, preflight, topology, troubleshoot]
"""

EXAMPLES = r"""
- name: Check the variables of all roles before the first change
  netfleet.docker.role_variables:
  run_once: true

- name: Check the variables of the role
  netfleet.docker.role_variables:
    role: audit
  run_once: true
"""

RETURN = r"""
variables:
  description: Variables of the role, converted to their types; variables that are not set have their defaults.
  returned: success, with O(role)
  type: dict
  sample: {containers_on_host: [exporter], containers_on_none: []}
"""
