#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: manage a bridge."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bridge
short_description: Manage bridges, their ports and options
version_added: 0.1.0
description:
  - Manages a Linux bridge in any network namespace, with the options of the bridge and of each port.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.attributes
  - netfleet.docker.netns
  - netfleet.docker.link
  - netfleet.docker.protection
  - netfleet.docker.kind_bridge
options:
  recreate:
    description:
      - Delete a link of another kind with the same name. By default, this is an error.
    type: bool
    default: false
seealso:
  - module: netfleet.docker.veth
"""

EXAMPLES = r"""
- name: Create a bridge with an address
  netfleet.docker.bridge:
    name: br-lab
    addresses: [192.0.2.1/24]
    stp: false
    up: true

- name: Create a veth pair
  netfleet.docker.veth:
    name: port1
    up: true
    peer:
      name: far1

- name: Set the only port of the bridge and isolate it
  netfleet.docker.bridge:
    name: br-lab
    ports:
      - name: port1
        isolated: true
        cost: 10

- name: Remove the bridge
  netfleet.docker.bridge:
    name: br-lab
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
    - create bridge br0 in host
    - add address 192.0.2.1/24 to br0 in host
    - set br0 in host to up
bridge:
  description:
    - State of the bridge after the run, with its options and ports.
  returned: success
  type: dict
  sample:
    name: br0
    netns: host
    present: true
    kind: bridge
    up: true
    stp: false
    ports: [{name: port1, isolated: true, cost: 2}]
"""

from ansible_collections.netfleet.docker.plugins.module_utils._core.module import Module
from ansible_collections.netfleet.docker.plugins.module_utils._links import output
from ansible_collections.netfleet.docker.plugins.module_utils._links.desired.single_link import (
    build_argument_spec,
    build_request,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.transaction import run_module


def main() -> None:
    """Run the module."""
    module = Module(argument_spec=build_argument_spec("bridge"), supports_check_mode=True)
    run_module(module, "bridge", lambda params: build_request("bridge", params, output.show_bridge))


if __name__ == "__main__":
    main()
