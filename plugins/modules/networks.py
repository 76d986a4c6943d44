#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: manage several Docker networks of a host in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: networks
short_description: Manage several Docker networks in one call
version_added: 0.1.0
description:
  - >-
    Manages a list of networks with the options of M(netfleet.docker.network) and one connection to the engine. It is
    faster than a loop, which starts the module for each network.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.docker
  - netfleet.docker.networks
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return what would change without changing it.
  diff_mode:
    support: full
    description: Returns the managed values before and after.
  idempotent:
    support: partial
    description: A second run with the same options changes nothing, unless a network has C(force=true).
  platform:
    platforms: Linux
    support: full
    description: The operating systems that the module manages.
options:
  topology:
    description:
      - >-
        Options of M(netfleet.docker.topology) for links, routes and namespaces of the host that belong to the networks,
        such as the host's own link in a macvlan network. They are applied after the networks in a separate transaction.
    type: dict
  interrupt:
    description:
      - >-
        Whether running containers may lose their connection, as in a recreation. If V(false), the first network that
        requires it, all networks after it and O(topology) are not applied, and RV(held) is true. Check mode ignores it.
    type: bool
    default: true
  lock_timeout:
    description:
      - Maximum time in seconds to wait for another run of this collection that changes the same host.
      - Check mode does not wait.
    type: int
    default: 60
requirements:
  - Python 3.9 or later on the managed host
  - root on the managed host if the engine is local
seealso:
  - module: netfleet.docker.network
"""

EXAMPLES = r"""
- name: Configure two networks
  netfleet.docker.networks:
    networks:
      - name: app
        driver_options:
          com.docker.network.bridge.name: br-app
        ipam_config:
          - subnet: 10.20.0.0/24
      - name: wire
        driver: macvlan
        driver_options:
          parent: eth0
        ipam_config:
          - subnet: 192.0.2.0/24
            gateway: 192.0.2.1
            iprange: 192.0.2.64/28

- name: Configure a macvlan network and the host's own link into it
  netfleet.docker.networks:
    networks:
      - name: wire
        driver: macvlan
        driver_options:
          parent: eth0
        ipam_config:
          - {subnet: 192.0.2.0/24, iprange: 192.0.2.64/28, aux_addresses: {host: 192.0.2.79}}
    topology:
      name: wire
      state: replaced
      links:
        - {name: wire-host, kind: macvlan, parent: eth0, mode: bridge, addresses: [192.0.2.79/32]}
      namespaces:
        - name: host
          routes: [{dst: 192.0.2.64/28, dev: wire-host, src: 192.0.2.79}]
          routes_append: true

- name: Remove two networks
  netfleet.docker.networks:
    networks:
      - {name: app, state: absent}
      - {name: wire, state: absent}
"""

RETURN = r"""
operations:
  description:
    - Operations in the order of execution. In check mode, the operations that would be executed.
  returned: success
  type: list
  elements: str
  sample:
    - create bridge network app
    - connect web to app
effects:
  description:
    - >-
      Names of the networks that were created, changed, recreated and deleted, and of the running containers whose
      connection was interrupted. In check mode, what would happen.
  returned: success
  type: dict
  contains:
    created: {description: Created networks., type: list, elements: str}
    changed: {description: Networks whose members changed., type: list, elements: str}
    recreated: {description: Networks that were removed and created again., type: list, elements: str}
    deleted: {description: Removed networks., type: list, elements: str}
    interrupted: {description: Disconnected containers., type: list, elements: str}
  sample: {created: [], changed: [], recreated: [app], deleted: [], interrupted: [web]}
held:
  description: Whether networks were not applied because of O(interrupt=false).
  returned: success
  type: bool
  sample: false
networks:
  description:
    - >-
      Each network as inspected afterwards in the order of O(networks), or null if it does not exist. In check mode, the
      existing networks. After an error, the networks that were applied before.
  returned: always
  type: list
  elements: dict
  sample:
    - Name: app
      Id: 0d1f3d5b0f7c2f3a9c3c6f1f0a6d1c5e9b7a4e2d8c6b0a1f3e5d7c9b1a3f5e7d
      Driver: bridge
"""

from ansible_collections.netfleet.docker.plugins.module_utils._core.module import (
    Module,
    exit_with_result,
    get_lock_timeout,
)
from ansible_collections.netfleet.docker.plugins.module_utils._core.parameters import LOCK
from ansible_collections.netfleet.docker.plugins.module_utils._docker.connection_options import CONNECTION
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.options import SPEC
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.with_topology import apply


def main() -> None:
    """Run the module."""
    networks = {"type": "list", "elements": "dict", "required": True, "options": SPEC}
    interrupt = {"type": "bool", "default": True}
    spec = {"networks": networks, "topology": {"type": "dict"}, "interrupt": interrupt, **CONNECTION, **LOCK}
    module = Module(argument_spec=spec, supports_check_mode=True)
    exit_with_result(module, lambda: apply(module.params, get_lock_timeout(module), bool(module._diff)))


if __name__ == "__main__":
    main()
