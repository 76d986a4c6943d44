# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: a host's macvlan and ipvlan networks, as the inventory declares them, for the modules."""

from __future__ import annotations

DOCUMENTATION = r"""
name: macvlan_networks
short_description: Turn declared macvlan and ipvlan networks into parameters of modules
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Makes of the networks that the role C(macvlan) takes what M(netfleet.docker.network) is to be told on one host, and
    the host's own links and routes, as M(netfleet.docker.topology) takes them.
  - >-
    Refuses what does not fit the host: a parent that is not there, is down, has another MTU or is the port of a bridge;
    subnets that overlap; an address of the host that another host's containers may have.
positional: _input, info
options:
  _input:
    description:
      - The networks, as the role's variable C(macvlan_networks) has them.
    type: list
    elements: dict
    required: true
  info:
    description:
      - What M(netfleet.docker.netns_info) returned of the host.
    type: dict
    required: true
  host:
    description:
      - Name of the host in the inventory.
    type: str
    required: true
  slices:
    description:
      - What P(netfleet.docker.network_slices#filter) returned.
    type: dict
    default: {}
  addresses:
    description:
      - Addresses of the hosts by their names, through which networks of ipvlan that are routed are reached.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Look at the host
  netfleet.docker.netns_info:
    kinds: [host]
    gather_subset: [min, routes, docker]
  register: info

- name: Make the networks
  netfleet.docker.network: "{{ item }}"
  loop: "{{ (networks | netfleet.docker.macvlan_networks(info, host=inventory_hostname)).networks }}"
  vars:
    networks:
      - name: wire
        parent: eth0
        subnets:
          - subnet: 192.0.2.0/24
            gateway: 192.0.2.1
            iprange: 192.0.2.64/28
"""

RETURN = r"""
_value:
  description:
    - What the host is to have.
  type: dict
  contains:
    networks:
      description: Parameters of M(netfleet.docker.network), one dictionary a network; those that are to go come first.
      type: list
      elements: dict
    swarm:
      description: The same, for networks that are made on one manager of a Swarm for all of it.
      type: list
      elements: dict
    links:
      description: The host's own links into the networks, as M(netfleet.docker.topology) takes them.
      type: list
      elements: dict
    routes:
      description: The host's own routes, likewise.
      type: list
      elements: dict
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import macvlan as macvlan_role
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.host import Host


def macvlan_networks(
    networks: Any, info: Any, host: str, slices: Any = None, addresses: Any = None
) -> dict[str, list[dict[str, Any]]]:
    """Return what a host is to have."""
    try:
        found = macvlan_role.macvlan_networks(networks, Host(host, info), slices or {}, addresses or {})
    except BadParameter as error:
        raise AnsibleFilterError(str(error)) from None
    return found._asdict()


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"macvlan_networks": macvlan_networks}
