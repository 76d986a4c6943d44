#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: probe the ports between the nodes of a Swarm. The action plugin calls it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_ports
short_description: Probe the ports between the nodes of a Swarm
version_added: 0.1.0
description:
  - >-
    Every node sends packets to the Swarm ports of every other node and receives them with raw sockets behind its own
    firewall. No program has to listen on the ports, so they can be probed before the Swarm exists.
  - >-
    If packets do not arrive, the firewall rules of the receiving host are evaluated, and the rule that drops the
    packets is named.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.role_action
options:
  phase:
    description:
      - >-
        V(listen) starts a listener in the background, V(send) sends packets, and V(collect) stops the listener and
        returns the nodes from which no packet arrived. Run each phase as a separate task on all nodes.
      - >-
        V(evaluate) fails if a port is closed. Use it with C(run_once=true). It reads the results of the other phases
        from the variables C(overlay_listener), C(overlay_sent) and C(overlay_received).
    type: str
    choices: [listen, send, collect, evaluate]
    required: true
  plan:
    description: Plan of the Swarm as returned by M(netfleet.docker.swarm).
    type: dict
    default: {}
  connect:
    description: >-
      Whether TCP connections must be accepted, as on the nodes of a running Swarm. Used with O(phase=evaluate).
    type: bool
    default: false
  expected:
    description: Packets to listen for. Set by the action plugin.
    type: list
    elements: dict
    default: []
  targets:
    description: Targets of the packets. Set by the action plugin.
    type: list
    elements: dict
    default: []
  seconds:
    description: Duration of sending in seconds. Set by the action plugin.
    type: float
    default: 2
  socket:
    description: Socket of the listener to stop. Set by the action plugin.
    type: str
seealso:
  - module: netfleet.docker.swarm
"""

EXAMPLES = r"""
- name: Start the listeners
  netfleet.docker.swarm_ports:
    phase: listen
    plan: "{{ plan }}"
  register: overlay_listener

- name: Send packets to every other node
  netfleet.docker.swarm_ports:
    phase: send
    plan: "{{ plan }}"
  register: overlay_sent

- name: Collect the received packets
  netfleet.docker.swarm_ports:
    phase: collect
    plan: "{{ plan }}"
  register: overlay_received

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
  description: Response of each address and port.
  returned: with O(phase=send)
  type: list
  elements: dict
  sample: [{host: h2, address: 192.0.2.2, protocol: tcp, port: 7946, answer: refused}]
missing:
  description: Nodes and ports from which no packet was received.
  returned: with O(phase=collect)
  type: list
  elements: dict
  sample: [{host: h2, address: 192.0.2.2, protocol: udp, port: 7946}]
namespace:
  description: Network namespace of the host with its firewall, if packets are missing.
  returned: with O(phase=collect)
  type: dict
  sample: {}
"""

from ansible_collections.netfleet.docker.plugins.module_utils._core.module import Module, exit_with_result
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
    module = Module(argument_spec=spec, supports_check_mode=True)
    exit_with_result(module, lambda: run_phase(module.params))


if __name__ == "__main__":
    main()
