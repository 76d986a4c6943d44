#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only; the action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: audit_probe
short_description: Probe the ports between the nodes of a Swarm for the audit
version_added: 0.1.0
description:
  - >-
    Probes the ports of other nodes of the Swarm from this host with M(netfleet.docker.probe), and writes the results to
    a file on the control node for the option O(netfleet.docker.audit#module:probes) of M(netfleet.docker.audit).
  - >-
    Each node probes port 2377/tcp of all managers, and port 7946 (TCP and UDP) and the VXLAN port of the next nodes in
    order of name. Only addresses of hosts in the play are probed, and only if a manager of the Swarm is in the play.
  - A host that cannot run the probes has one row with the state C(error) and the reason. The module does not fail.
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
        Name of the registered variable with the result of M(netfleet.docker.netns_info) on every host, with
        C(addresses), C(fdb) and C(docker) of the namespaces of kind C(host) and C(overlay).
    type: str
    required: true
  peers:
    description:
      - >-
        Maximum number of nodes that each node probes, in addition to port 2377/tcp of the managers. V(0) disables all
        probes.
    type: int
    default: 20
  dest:
    description:
      - >-
        File on the control node. If the path ends with a slash or is a directory, the file is named after the host in
        the inventory with the suffix C(.json). Missing directories are created.
    type: path
    required: true
attributes:
  check_mode:
    support: full
    description: In C(check_mode), ports are probed and no file is written.
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
  description: File on the control node.
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
