#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: manage a named network namespace."""

from __future__ import annotations

DOCUMENTATION = r"""
module: netns
short_description: Manage network namespaces
version_added: 0.1.0
description:
  - >-
    Creates and removes named network namespaces, and manages the loopback, sysctls, routes, rules and neighbours of any
    namespace.
  - Repairs or removes a name that an interrupted creation left without a namespace.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.attributes
  - netfleet.docker.netns
  - netfleet.docker.netns_contents
options:
  name:
    description:
      - Name of the namespace in C(/run/netns).
      - >-
        With O(state=present), any other reference to an existing namespace is accepted, to manage its loopback,
        sysctls, routes, rules and neighbours. See the notes for the notation.
    type: str
    required: true
  state:
    description:
      - Whether the namespace exists.
      - Removing a namespace with processes fails and reports their PIDs, unless O(force=true).
    type: str
    choices: [present, absent]
    default: present
  force:
    description:
      - >-
        With O(state=absent), remove the name even if processes run in the namespace. The namespace then exists without
        a name until the last process ends.
      - >-
        Remove the namespace even if the kernel then deletes a link that belongs to Docker or carries the SSH connection
        of this run, for example the other end of a veth pair. By default, this is an error.
    type: bool
    default: false
seealso:
  - module: netfleet.docker.veth
  - module: netfleet.docker.macvlan
  - module: netfleet.docker.vxlan
"""

EXAMPLES = r"""
- name: Create a namespace that forwards packets
  netfleet.docker.netns:
    name: router
    sysctls:
      net.ipv4.ip_forward: 1

- name: Add routes and a policy rule
  netfleet.docker.netns:
    name: router
    routes:
      - dst: 198.51.100.0/24
        dev: lo
      - dst: 203.0.113.0/24
        type: blackhole
    rules:
      - priority: 100
        src: 192.0.2.0/24
        table: 100

- name: Remove the namespace
  netfleet.docker.netns:
    name: router
    state: absent
"""

RETURN = r"""
operations:
  description:
    - Operations in the order of execution. In check mode, the operations that would be executed.
  returned: success
  type: list
  elements: str
  sample:
    - create namespace blue
    - set sysctl net/ipv4/ip_forward to 1 in blue
netns:
  description:
    - >-
      State of the namespace after the run: its links, and the managed sysctls, routes, rules and neighbours.
  returned: success
  type: dict
  sample:
    name: blue
    present: true
    links:
      - {name: lo, netns: blue, present: true, kind: loopback, mtu: 65536, up: true, addresses: []}
    sysctls: {net/ipv4/ip_forward: "1"}
"""

from ansible_collections.netfleet.docker.plugins.module_utils._core.module import Module
from ansible_collections.netfleet.docker.plugins.module_utils._core.parameters import LOCK
from ansible_collections.netfleet.docker.plugins.module_utils._links import output
from ansible_collections.netfleet.docker.plugins.module_utils._links.options import link as link_options
from ansible_collections.netfleet.docker.plugins.module_utils._links.options import netns as netns_options
from ansible_collections.netfleet.docker.plugins.module_utils._links.transaction import StateRequest, run_module


def build_request(params: dict[str, object]) -> StateRequest:
    """Return the desired state from the parameters."""
    label, desired = netns_options.parse_netns_module(params)
    return StateRequest(
        desired,
        references={label: "name"},
        show=lambda state, labels: output.show_netns(state, labels[label]),
        may_be_missing=() if ":" in label or label == "host" else (label,),
        force=bool(params["force"]),
    )


def main() -> None:
    """Run the module."""
    spec = {
        "name": {"type": "str", "required": True},
        "force": {"type": "bool", "default": False},
        **netns_options.OPTIONS,
        **link_options.STATE,
        **LOCK,
    }
    run_module(Module(argument_spec=spec, supports_check_mode=True), "netns", build_request)


if __name__ == "__main__":
    main()
