#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation of the action audit_probe."""

from __future__ import annotations

DOCUMENTATION = r"""
module: audit_probe
short_description: Probe the ports between the nodes of a Swarm for the audit
version_added: 0.1.0
description:
  - >-
    Checks the ports of other nodes of the Swarm from this host with M(netfleet.docker.probe), and writes the results to
    a file on the controller, for the option O(netfleet.docker.audit#module:probes) of M(netfleet.docker.audit).
  - >-
    Each node checks port 2377/tcp of all managers, and port 7946 (TCP and UDP) and the VXLAN port of the next nodes in
    the order of their names. Only addresses of hosts in the play are checked, and only if a manager of the Swarm is in
    the play.
  - A host that cannot be checked gets one row with the state C(error) and the reason. The action does not fail.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.conn
  - ansible.builtin.action_common_attributes.flow
options:
  registered:
    description:
      - >-
        Name of the variable in which every host registered the result of M(netfleet.docker.netns_info), with
        C(addresses), C(fdb) and C(docker) of the namespaces of kind C(host) and C(overlay).
    type: str
    required: true
  peers:
    description:
      - >-
        Maximum number of nodes that each node checks. Managers are additionally checked at port 2377/tcp, unless it is
        V(0).
    type: int
    default: 20
  dest:
    description:
      - >-
        File on the controller. For a directory, or a path that ends with a slash, the file has the inventory name of
        the host and the suffix C(.json). Missing directories are created.
    type: path
    required: true
attributes:
  check_mode:
    support: full
    description: In C(check_mode) the ports are checked and no file is written.
  diff_mode:
    support: none
  platform:
    platforms: Linux
    support: full
  action:
    support: full
  async:
    support: none
  become:
    support: full
  bypass_host_loop:
    support: none
  connection:
    support: full
  delegation:
    support: full
seealso:
  - module: netfleet.docker.audit
  - module: netfleet.docker.probe
"""

EXAMPLES = r"""
- name: Read the addresses and the Swarm of the host
  netfleet.docker.netns_info:
    kinds: [host, overlay]
    gather_subset: [min, addresses, fdb, docker]
  register: node

- name: Probe the ports of other nodes
  netfleet.docker.audit_probe:
    registered: node
    dest: audit/probes/
"""

RETURN = r"""
dest:
  description: The file on the controller.
  returned: success
  type: str
  sample: audit/probes/h1.json
rows:
  description: Rows of the table C(probe).
  returned: success
  type: list
  elements: dict
  sample: [{host: h1, target: h2, protocol: tcp, port: 7946, state: open, seconds: 0.001}]
"""
