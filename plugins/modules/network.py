#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: a Docker network of any driver, and who is in it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network
short_description: Manage Docker networks of every driver
version_added: 0.1.0
description:
  - Creates and removes Docker networks, and connects containers to them.
  - >-
    Options are named as in C(community.docker.docker_network) and mean the same, so that a playbook moves over by the
    module's name. What is different is told with each option.
  - >-
    Docker changes nothing of a network that is there. Where an option is to be different, the network is made anew:
    everybody who is in it, running or not, is written down on the host first, leaves, and comes back with the
    addresses, MAC address and aliases that it had. If the new network cannot be made, the old one comes back. After a
    run that was killed in the middle, the next one finishes the job.
  - >-
    What is not said of a network that is made anew stays as it was, its subnets among them.
  - >-
    Afterwards the kernel is looked at, where the engine is one of this host: the bridge with the gateway's addresses
    and
    routes, the parent. That something is missing there is an error.
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
    description: The operating systems that the module manages.
options:
  name:
    description:
      - Name of the network, or its full id where it is there. Never a part of either.
    type: str
    required: true
    aliases: [network_name]
  state:
    description:
      - Whether the network is to be there. Before it goes, all containers are disconnected from it.
    type: str
    choices: [present, absent]
    default: present
  driver:
    description:
      - >-
        Driver of the network: V(bridge), V(macvlan), V(ipvlan), V(overlay), or one of a plugin. V(host) and V(none)
        have
        one network each, which Docker makes itself and which cannot be changed.
    type: str
    default: bridge
  driver_options:
    description:
      - >-
        Options of the driver. The dictionary is exact: an option that the network has and that is not listed is
        removed.
        What engines write there of themselves does not count.
    type: dict
  ipam_driver:
    description:
      - Driver of the address management.
    type: str
  ipam_driver_options:
    description:
      - Options of the address management's driver; exact.
    type: dict
  ipam_config:
    description:
      - >-
        Subnets of the network, compared as values. That the network has more of them is no difference; made anew, it
        has
        those that are listed, and of a family that is not listed those that it had.
    type: list
    elements: dict
    suboptions:
      subnet:
        description:
          - Subnet in CIDR notation. It is needed.
        type: str
      iprange:
        description:
          - Part of the subnet in which Docker hands out addresses.
        type: str
      gateway:
        description:
          - Address of the gateway; Docker takes one where none is given.
        type: str
      aux_addresses:
        description:
          - Addresses that Docker hands out to nobody, by name; exact.
        type: dict
  enable_ipv4:
    description:
      - Whether the network has IPv4. V(false) takes Docker API 1.47 (Docker Engine 27.4).
    type: bool
  enable_ipv6:
    description:
      - Whether the network has IPv6.
    type: bool
  internal:
    description:
      - Whether the network has no way out.
    type: bool
  attachable:
    description:
      - Whether containers that are no service's may join a network of a Swarm.
    type: bool
  ingress:
    description:
      - Whether the network is the Swarm's routing mesh.
    type: bool
  scope:
    description:
      - Scope of the network.
    type: str
    choices: [local, global, swarm]
  labels:
    description:
      - Labels of the network; exact.
    type: dict
  config_only:
    description:
      - Whether it is a configuration only, from which others are made.
    type: bool
  config_from:
    description:
      - Name of the configuration from which it is made.
    type: str
  connected:
    description:
      - >-
        Containers that are to be in the network, running or not: names, ids of 12 digits or more, or dictionaries. An
        empty list disconnects everybody. Without this option, who is in there is left alone.
      - >-
        A dictionary has C(name) (or C(container)), and what is to be managed of the endpoint: C(ipv4_address),
        C(ipv6_address), C(mac_address), C(aliases) (exact), C(driver_opts) (exact) and C(priority) (or C(gw_priority),
        from API 1.48 on: the largest one is the container's default gateway). Where one of them differs, that endpoint
        is
        disconnected and connected again, and no other is touched.
      - >-
        A MAC address that the container does not have yet takes Docker API 1.54 (Docker Engine 29.3), because older
        engines apply none when a container is connected. Up to API 1.43 they apply that of the container as a whole.
    type: list
    elements: raw
    aliases: [containers]
  appends:
    description:
      - Leave containers in the network that are not in O(connected).
    type: bool
    default: false
    aliases: [incremental]
  force:
    description:
      - Make the network anew in any case, each time. Other than in the peer, its members come back as they were.
    type: bool
    default: false
  rebuild:
    description:
      - What is done where the network has to be made anew.
      - V(force) does it. What a member cannot keep, such as an address outside of the new subnets, is told by a
        warning.
      - V(safe) does it where everybody keeps addresses, MAC address and aliases, and is an error where not.
      - V(never) is an error, and says what differs.
    type: str
    choices: [never, safe, force]
    default: force
  lock_timeout:
    description:
      - How many seconds to wait for another run of this collection on the same host, which changes something, to end.
      - A check does not wait.
    type: int
    default: 60
notes:
  - >-
    Who was in a network is kept in C(/var/lib/netfleet.docker/networks) on the host that the module runs on, from
    before
    the first one leaves until everybody is back.
  - >-
    A network in which tasks of services are is not made anew, because only their service can move them.
requirements:
  - Python 3.9 or later on the managed host
  - root on the managed host, where the engine is its own
seealso:
  - plugin: netfleet.docker.ip_slices
    plugin_type: filter
"""

EXAMPLES = r"""
- name: A bridge network
  netfleet.docker.network:
    name: app
    driver_options:
      com.docker.network.bridge.name: br-app
      com.docker.network.driver.mtu: 1400
    ipam_config:
      - subnet: 10.20.0.0/24
        gateway: 10.20.0.1

- name: Who is to be in it, and nobody else
  netfleet.docker.network:
    name: app
    connected:
      - web
      - name: db
        ipv4_address: 10.20.0.10
        aliases: [database]

- name: Another subnet; who was in it comes back
  netfleet.docker.network:
    name: app
    ipam_config:
      - subnet: 10.21.0.0/24

- name: A change that is made only if nobody loses an address by it
  netfleet.docker.network:
    name: app
    internal: true
    rebuild: safe

- name: A macvlan network on the host's network card
  netfleet.docker.network:
    name: wire
    driver: macvlan
    driver_options:
      parent: eth0
    ipam_config:
      - subnet: 192.0.2.0/24
        gateway: 192.0.2.1
        iprange: 192.0.2.64/28

- name: Nobody is in it any more
  netfleet.docker.network:
    name: wire
    driver: macvlan
    connected: []

- name: Both are gone
  netfleet.docker.network:
    name: "{{ item }}"
    state: absent
  loop: [app, wire]
"""

RETURN = r"""
operations:
  description:
    - What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: str
  sample:
    - create veth eth0 in blue with peer blue-host in host
    - set eth0 in blue to up
network:
  description:
    - What the engine says of the network afterwards, in check mode of the one that is there; null where there is none.
  returned: success
  type: dict
  sample:
    Name: app
    Id: 0d1f3d5b0f7c2f3a9c3c6f1f0a6d1c5e9b7a4e2d8c6b0a1f3e5d7c9b1a3f5e7d
    Driver: bridge
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netfleet.docker.plugins.module_utils._core.module import exit_with_result, lock_timeout
from ansible_collections.netfleet.docker.plugins.module_utils._core.parameters import LOCK
from ansible_collections.netfleet.docker.plugins.module_utils._docker.connection_options import CONNECTION
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.options import SPEC
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.transaction import work


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={**SPEC, **CONNECTION, **LOCK}, supports_check_mode=True)
    exit_with_result(module, lambda: work(module.params, lock_timeout(module)))


if __name__ == "__main__":
    main()
