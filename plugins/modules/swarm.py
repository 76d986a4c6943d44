#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only. The action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm
short_description: Plan and change the nodes of a Swarm
version_added: 0.1.0
description:
  - >-
    Without O(step), plans for all hosts of the run at once what has to be done for the Swarm to have the nodes that the
    inventory declares: who initialises it, who joins, is promoted, demoted or drained, who leaves and is removed.
    Nothing is changed then. To be run once for all hosts.
  - >-
    With O(step), carries out one step of the plan, on the host that the task is delegated to, through the modules of
    C(community.docker). All steps belong into the loop of one task. After a step that failed, the others are refused.
  - >-
    Managers join before workers, and workers leave before managers. A plan that would lose the quorum of the managers
    is refused; before a manager is demoted, the other managers are asked again whether they keep the quorum.
  - >-
    Join tokens stay in the memory of the process that carries out the steps. They are in no result, variable, log,
    diff or file, at any verbosity. Set C(ansible_pipelining) for the task, so that parameters of modules are in no
    file of the host either.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.role_action
options:
  step:
    description: One of RV(steps) of the plan.
    type: dict
  verify:
    description: Fail where the plan has a step that changes something, as after all steps none is left.
    type: bool
    default: false
  docker_host:
    description: URL of the host's Docker Engine, for a step.
    type: str
    default: unix:///var/run/docker.sock
  drain_timeout:
    description: Seconds for the tasks of services to leave a node that is drained before it leaves, for a step.
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
- name: Check what the role needs and gather the state of the host
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
  description: The steps of the plan, in order, each with the host that it is carried out on and a text.
  returned: without O(step)
  type: list
  elements: dict
  sample: [{do: join, host: h2, node: h2, text: join h2 as a worker, changes: true}]
members:
  description: The nodes that the Swarm has afterwards, with their addresses.
  returned: without O(step)
  type: list
  elements: dict
  sample: [{host: h1, role: manager, state: active, address: 192.0.2.1, data_path: 192.0.2.1, id: ""}]
manager:
  description: The host that speaks for the Swarm; null where there is none.
  returned: without O(step)
  type: str
  sample: h1
port:
  description: UDP port of the packets of overlay networks.
  returned: without O(step)
  type: int
  sample: 4789
probes:
  description: >-
    Whether the ports between the nodes are to be probed: where a node joins or leaves, or C(overlay_probe_ports) is
    set.
  returned: without O(step)
  type: bool
  sample: false
networks:
  description: What M(netfleet.docker.networks) applies on the manager.
  returned: without O(step)
  type: list
  elements: dict
  sample: [{name: mesh, driver: overlay}]
"""
