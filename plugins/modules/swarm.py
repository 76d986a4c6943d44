#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only; the action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm
short_description: Manage the nodes of a Docker Swarm
version_added: 0.1.0
description:
  - >-
    Without O(step), plans the steps for all hosts in the play without changing them: which host initializes the Swarm,
    and which hosts join, leave, or are promoted, demoted, drained or removed, so that the Swarm has the nodes in the
    inventory. Use it with C(run_once=true).
  - >-
    With O(step), executes one step of the plan with the modules of C(community.docker) on the host to which the task is
    delegated. Run all steps in the loop of one task. After a failed step, the remaining steps fail as well.
  - >-
    Managers join before workers, and workers leave before managers. A plan that would lose the quorum of the managers
    is an error. The quorum is verified again before a manager is demoted.
  - >-
    Join tokens are kept in the memory of the process that executes the steps. They do not appear in results, variables,
    logs, diffs or files at any verbosity. Set C(ansible_pipelining) for the task, so that module parameters are not
    written to files on the host.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.role_action
options:
  step:
    description: A step from RV(steps) of the plan.
    type: dict
  verify:
    description: >-
      Whether to fail if the plan contains a step that changes something, to verify the Swarm after all steps.
    type: bool
    default: false
  docker_host:
    description: URL of Docker Engine on the host. Used with O(step).
    type: str
    default: unix:///var/run/docker.sock
  drain_timeout:
    description: Maximum time in seconds to wait until a drained node has no more service tasks. Used with O(step).
    type: float
    default: 120
requirements:
  - community.docker on the control node, the docker SDK for Python on the managed host
seealso:
  - name: community.docker.docker_swarm
    description: The module that creates, joins and leaves the Swarm.
    link: https://docs.ansible.com/ansible/latest/collections/community/docker/docker_swarm_module.html
  - name: community.docker.docker_node
    description: The module that changes the role and the availability of a node.
    link: https://docs.ansible.com/ansible/latest/collections/community/docker/docker_node_module.html
"""

EXAMPLES = r"""
- name: Check the requirements of the role and gather the state of the host
  netfleet.docker.host_state:
    role: overlay
  register: netfleet_host

- name: Plan the Swarm
  netfleet.docker.swarm:
  run_once: true
  register: plan

- name: Change the nodes of the Swarm
  netfleet.docker.swarm:
    step: "{{ item }}"
  loop: "{{ plan.steps }}"
  loop_control:
    label: "{{ item.text }}"
  delegate_to: "{{ item.host }}"
  run_once: true
  vars:
    ansible_pipelining: true
"""

RETURN = r"""
operations:
  description:
    - Operations in the order of execution. In check mode, the operations that would be executed.
  returned: success
  type: list
  elements: str
  sample:
    - initialise a Swarm on h1
    - join h2 as a worker
steps:
  description: Steps of the plan in order, each with the host on which it is executed and a description.
  returned: without O(step)
  type: list
  elements: dict
  sample: [{do: join, host: h2, node: h2, text: join h2 as a worker, changes: true}]
members:
  description: Nodes of the Swarm after all steps, with their addresses.
  returned: without O(step)
  type: list
  elements: dict
  sample: [{host: h1, role: manager, state: active, address: 192.0.2.1, data_path: 192.0.2.1, id: ""}]
manager:
  description: Manager on which Swarm networks are managed, or null if there is none.
  returned: without O(step)
  type: str
  sample: h1
port:
  description: UDP port for overlay traffic.
  returned: without O(step)
  type: int
  sample: 4789
probes:
  description: >-
    Whether the ports between the nodes are probed. True if a node joins or leaves, or if C(overlay_probe_ports) is set.
  returned: without O(step)
  type: bool
  sample: false
networks:
  description: Networks that M(netfleet.docker.networks) applies on the manager.
  returned: without O(step)
  type: list
  elements: dict
  sample: [{name: mesh, driver: overlay}]
"""
