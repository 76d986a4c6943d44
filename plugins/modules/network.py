#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: manage a Docker network and its containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network
short_description: Manage Docker networks of every driver
version_added: 0.1.0
description:
  - Creates and removes Docker networks, and connects containers to them.
  - The options are those of C(community.docker.docker_network). Differences are described at each option.
  - >-
    Docker cannot change an existing network. If an option differs, the network is recreated. All containers, running or
    not, are recorded in a journal on the host, disconnected, and connected again with their addresses, MAC address and
    aliases. If the new network cannot be created, the old one is restored. If the run is interrupted, the next run
    completes it.
  - When a network is recreated, options that are not set keep their values, including subnets.
  - >-
    After a change of a local engine, the module verifies the bridge, its gateway addresses and routes, or the parent
    interface in the kernel.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.docker
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return what would change without changing it.
  diff_mode:
    support: full
    description: Returns the managed values before and after.
  idempotent:
    support: partial
    description: A second run with the same options changes nothing, unless O(force=true).
  platform:
    platforms: Linux
    support: full
    description: Operating systems that the module can manage.
options:
  name:
    description:
      - Name of the network, or the full ID of an existing network.
    type: str
    required: true
    aliases: [network_name]
  state:
    description:
      - Whether the network exists. All containers are disconnected before it is removed.
    type: str
    choices: [present, absent]
    default: present
  driver:
    description:
      - >-
        Driver of the network, such as V(bridge), V(macvlan), V(ipvlan), V(overlay), or the driver of a plugin. The
        networks of the drivers V(host) and V(none) exist by default and cannot be changed.
      - By default, V(bridge) for a new network; an existing network keeps its driver.
    type: str
  driver_options:
    description:
      - >-
        Options of the driver. The dictionary is exact; options that are not listed are removed. Options that the engine
        adds are ignored, also those of C(default-network-opts) of a local engine.
    type: dict
  ipam_driver:
    description:
      - IPAM driver.
    type: str
  ipam_driver_options:
    description:
      - Options of the IPAM driver. The dictionary is exact.
    type: dict
  ipam_config:
    description:
      - >-
        Subnets of the network, compared as values. Additional subnets of the network are not a difference. A recreated
        network has the listed subnets, and keeps its subnets of an IP version that is not listed.
    type: list
    elements: dict
    suboptions:
      subnet:
        description:
          - Subnet in CIDR notation. Required.
          - >-
            V(0.0.0.0/24) or V(::/96), the unspecified address with a prefix length, is a subnet of this size that the
            engine selects from its address pools. Requires Docker API 1.52 (Docker Engine 29.0). An existing subnet of
            this size is kept.
        type: str
      iprange:
        description:
          - Part of the subnet from which Docker assigns addresses.
        type: str
      gateway:
        description:
          - Address of the gateway. By default, Docker selects an address.
        type: str
      aux_addresses:
        description:
          - Addresses that Docker must not assign, by name. The dictionary is exact.
        type: dict
  enable_ipv4:
    description:
      - Whether IPv4 is enabled. V(false) requires Docker API 1.48 (Docker Engine 28.0).
    type: bool
  enable_ipv6:
    description:
      - Whether IPv6 is enabled.
    type: bool
  internal:
    description:
      - Whether access to other networks is disabled.
    type: bool
  attachable:
    description:
      - Whether standalone containers can connect to a Swarm network.
    type: bool
  ingress:
    description:
      - Whether the network is the ingress network of the Swarm.
    type: bool
  scope:
    description:
      - Scope of the network.
    type: str
    choices: [local, global, swarm]
  labels:
    description:
      - Labels of the network. The dictionary is exact.
    type: dict
  config_only:
    description:
      - Whether the network is only a configuration for other networks.
    type: bool
  config_from:
    description:
      - Name of the configuration network.
    type: str
  connected:
    description:
      - >-
        Containers to connect, running or not, as names, IDs with at least 12 digits, or dictionaries. The list is
        exact; an empty list disconnects all containers. If the option is not set, containers are not changed.
      - >-
        A dictionary contains C(name) (or C(container)) and options of the endpoint: C(ipv4_address), C(ipv6_address),
        C(mac_address), C(aliases) (exact), C(driver_opts) (exact), and C(priority) or C(gw_priority) (API 1.48; the
        endpoint with the highest priority provides the default gateway). If an option differs, only this container is
        disconnected and connected again.
      - >-
        A new MAC address requires Docker API 1.54 (Docker Engine 29.3). Earlier versions ignore it when a container is
        connected; up to API 1.43, they use the MAC address of the container.
    type: list
    elements: raw
    aliases: [containers]
  appends:
    description:
      - Keep containers connected that are not listed in O(connected).
    type: bool
    default: false
    aliases: [incremental]
  force:
    description:
      - Recreate the network in each run. Unlike community.docker, containers keep their endpoints.
      - >-
        This also allows the module to delete or recreate the networks C(docker_gwbridge) and C(ingress) of Swarm, and a
        network whose bridge carries the SSH connection of this run. By default, this is an error.
    type: bool
    default: false
  rebuild:
    description:
      - Behaviour if the network must be recreated.
      - >-
        V(force) recreates the network. A warning reports what a container cannot keep, such as an address outside the
        new subnets.
      - >-
        V(safe) recreates the network only if all containers keep their addresses, MAC addresses and aliases; otherwise,
        it fails.
      - V(never) fails and reports the differences.
    type: str
    choices: [never, safe, force]
    default: force
  lock_timeout:
    description:
      - Seconds to wait for another run of this collection that changes the same host.
      - In check mode, the module does not wait.
    type: int
    default: 60
notes:
  - >-
    The journal of a recreation is stored in C(/var/lib/netfleet.docker/networks) on the host that the module runs on,
    until all containers are connected again.
  - A network with tasks of Swarm services is not recreated, because only the service can move its tasks.
requirements:
  - Python 3.9 or later on the managed host
  - root on the managed host, if the engine is local
seealso:
  - plugin: netfleet.docker.ip_slices
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Create a bridge network
  netfleet.docker.network:
    name: app
    driver_options:
      com.docker.network.bridge.name: br-app
      com.docker.network.driver.mtu: 1400
    ipam_config:
      - subnet: 10.20.0.0/24
        gateway: 10.20.0.1

- name: Connect exactly these containers
  netfleet.docker.network:
    name: app
    connected:
      - web
      - name: db
        ipv4_address: 10.20.0.10
        aliases: [database]

- name: Change the subnet and reconnect the containers
  netfleet.docker.network:
    name: app
    ipam_config:
      - subnet: 10.21.0.0/24

- name: Change an option only if no container loses an address
  netfleet.docker.network:
    name: app
    internal: true
    rebuild: safe

- name: Create a macvlan network on a physical interface
  netfleet.docker.network:
    name: wire
    driver: macvlan
    driver_options:
      parent: eth0
    ipam_config:
      - subnet: 192.0.2.0/24
        gateway: 192.0.2.1
        iprange: 192.0.2.64/28

- name: Disconnect all containers
  netfleet.docker.network:
    name: wire
    driver: macvlan
    connected: []

- name: Remove both networks
  netfleet.docker.network:
    name: "{{ item }}"
    state: absent
  loop: [app, wire]
"""

RETURN = r"""
operations:
  description:
    - Operations in the order of execution. In check mode, the operations that would be executed.
  returned: success
  type: list
  elements: str
  sample:
    - disconnect web from app
    - remove network app
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
network:
  description:
    - >-
      The network, as the engine reports it after the run; in check mode, the current network. Null if it does not
      exist.
  returned: success
  type: dict
  sample:
    Name: app
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
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.transaction import apply_network


def main() -> None:
    """Run the module."""
    module = Module(argument_spec={**SPEC, **CONNECTION, **LOCK}, supports_check_mode=True)
    exit_with_result(module, lambda: apply_network(module.params, get_lock_timeout(module)))


if __name__ == "__main__":
    main()
