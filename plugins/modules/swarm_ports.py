#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: probe the ports between the nodes of a Swarm. The action calls it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_ports
short_description: Probe the ports between the nodes of a Swarm
version_added: 0.1.0
description:
  - >-
    Every node sends packets to the ports that a Swarm uses on every other node, and every node listens behind its own
    firewall, with raw sockets, which receive what the INPUT chains let pass, whether or not a program has the port. So
    ports can be probed before a Swarm exists.
  - >-
    Where packets do not come through, the rules of the receiving host are evaluated, and the rule that drops them is
    named.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.role_action
options:
  phase:
    description:
      - >-
        V(listen) starts a listener in the background, V(send) sends packets, V(collect) ends the listener and returns
        of which nodes nothing came. Each is a task of its own, on all nodes.
      - >-
        V(evaluate) fails where a port is closed. To be run once for all hosts. The other phases have to be registered
        as C(overlay_listener), C(overlay_sent) and C(overlay_heard).
    type: str
    choices: [listen, send, collect, evaluate]
    required: true
  plan:
    description: The plan of the Swarm, as M(netfleet.docker.swarm) returns it.
    type: dict
    default: {}
  connect:
    description: In V(evaluate), whether a program has to accept TCP connections, as on the nodes of a Swarm.
    type: bool
    default: false
  expected:
    description: Packets to listen for; set by the action.
    type: list
    elements: dict
    default: []
  targets:
    description: Where to send packets; set by the action.
    type: list
    elements: dict
    default: []
  seconds:
    description: For how long to send; set by the action.
    type: float
    default: 2
  socket:
    description: The listener to end; set by the action.
    type: str
seealso:
  - module: netfleet.docker.swarm
"""

EXAMPLES = r"""
- name: Listen
  netfleet.docker.swarm_ports:
    phase: listen
    plan: "{{ plan }}"
  register: overlay_listener

- name: Send packets to every other node
  netfleet.docker.swarm_ports:
    phase: send
    plan: "{{ plan }}"
  register: overlay_sent

- name: Collect what was received
  netfleet.docker.swarm_ports:
    phase: collect
    plan: "{{ plan }}"
  register: overlay_heard

- name: Verify that no port is closed
  netfleet.docker.swarm_ports:
    phase: evaluate
    plan: "{{ plan }}"
  run_once: true
"""

RETURN = r"""
socket:
  description: Name of the socket of the listener.
  returned: with O(phase=listen)
  type: str
  sample: netfleet.docker-0f3a5c7e9b1d2f40
answers:
  description: How each address and port answered.
  returned: with O(phase=send)
  type: list
  elements: dict
  sample: [{host: h2, address: 192.0.2.2, protocol: tcp, port: 7946, answer: refused}]
missing:
  description: Of which nodes and ports nothing was received.
  returned: with O(phase=collect)
  type: list
  elements: dict
  sample: [{host: h2, address: 192.0.2.2, protocol: udp, port: 7946}]
namespace:
  description: The host's own network namespace with its firewall, where something is missing.
  returned: with O(phase=collect)
  type: dict
  sample: {}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netfleet.docker.plugins.module_utils._core.module import exit_with_result
from ansible_collections.netfleet.docker.plugins.module_utils._swarm.probe import run_phase


def main() -> None:
    """Run the module."""
    rows = {"type": "list", "elements": "dict", "default": []}
    spec = {
        "phase": {"type": "str", "choices": ["listen", "send", "collect", "evaluate"], "required": True},
        "plan": {"type": "dict", "default": {}},
        "connect": {"type": "bool", "default": False},
        "expected": rows,
        "targets": rows,
        "seconds": {"type": "float", "default": 2},
        "socket": {"type": "str"},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    exit_with_result(module, lambda: run_phase(module.params))


if __name__ == "__main__":
    main()
