#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: gather network facts of containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_netns_facts
short_description: Gather the network of every container as facts
version_added: 0.1.0
description:
  - >-
    Sets the fact C(container_netns), a dictionary of containers by name with their namespace, interfaces, addresses,
    peers, routes, listening sockets, published ports and Docker networks.
  - >-
    The facts are compact and suitable for fact caching. Add the module to C(ansible_facts_modules) to gather them with
    other facts.
  - To return all data of the namespaces of a host, see M(netfleet.docker.netns_info).
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.facts
options: {}
attributes:
  facts:
    support: full
    description: Returns C(ansible_facts).
seealso:
  - module: netfleet.docker.netns_info
"""

EXAMPLES = r"""
- name: Gather the network of all containers
  netfleet.docker.container_netns_facts:

- name: Show the bridge that eth0 of the container web is connected to
  ansible.builtin.debug:
    msg: "{{ ansible_facts.container_netns.web.interfaces.eth0.peer.master }}"

# With these variables, the gathering of facts does the same:
#   ansible_facts_modules: [ansible.builtin.setup, netfleet.docker.container_netns_facts]
# Ansible then runs the modules in parallel. On slow hosts, run them one after the other:
#   ansible_facts_parallel: false
"""

RETURN = r"""
ansible_facts:
  description: Facts of the host.
  returned: success
  type: dict
  contains:
    container_netns:
      description: The containers by name, running or not.
      returned: success
      type: dict
      sample:
        web:
          id: 4e5f0a9b2c1d4e5f0a9b2c1d4e5f0a9b2c1d4e5f0a9b2c1d4e5f0a9b2c1d4e5f
          image: nginx:1.27
          state: running
          pid: 4711
          network_mode: shop
          joined: null
          netns: "4026532448"
          shares_host: false
          interfaces:
            eth0:
              index: 7
              kind: veth
              up: true
              running: true
              mtu: 1500
              mac: 02:42:ac:14:00:02
              addresses: [172.20.0.2/16]
              peer: {netns: host, name: veth1a2b3c4, master: br-0123456789ab, docker_network: shop}
          routes: [{dst: 0.0.0.0/0, gateway: 172.20.0.1, interface: eth0, metric: 0}]
          listening: [{protocol: tcp, address: 0.0.0.0, port: 80}]
          published_ports: [{protocol: tcp, container_port: 80, host_address: 0.0.0.0, host_port: 8080}]
          networks:
            shop: {ipv4: 172.20.0.2/16, ipv6: null, mac: "02:42:ac:14:00:02", gateway: 172.20.0.1, aliases: [web]}
missing:
  description: Data that could not be read, was truncated, or disappeared before it was read.
  returned: success
  type: list
  elements: dict
  sample: []
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.module import Module
from ansible_collections.netfleet.docker.plugins.module_utils._facts import container_facts, options
from ansible_collections.netfleet.docker.plugins.module_utils._facts import snapshot as facts_snapshot


def read_facts(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts, and the data that could not be read."""
    snapshot = facts_snapshot.collect_snapshot(
        options.parse_request({**params, "gather_subset": sorted(container_facts.SUBSET)})
    )
    return {"ansible_facts": {"container_netns": container_facts.build_facts(snapshot)}, "missing": snapshot["missing"]}


def main() -> None:
    """Run the module."""
    options.run_module(Module(argument_spec=options.LIMITS, supports_check_mode=True), read_facts)


if __name__ == "__main__":
    main()
