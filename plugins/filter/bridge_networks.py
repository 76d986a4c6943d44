# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: a host's bridges, as the inventory declares them, for the module network."""

from __future__ import annotations

DOCUMENTATION = r"""
name: bridge_networks
short_description: Turn declared bridges into parameters of the module network
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Makes of the networks that the role C(bridge) takes what M(netfleet.docker.network) is to be told on one host: its
    slice of each shared subnet, the MTU of its uplink, the drivers' options.
  - >-
    Refuses what does not fit the host: subnets that overlap, a gateway mode that its Docker Engine would ignore, an
    uplink that it does not have.
positional: _input, info
options:
  _input:
    description:
      - The networks, as the role's variable C(bridge_networks) has them.
    type: list
    elements: dict
    required: true
  info:
    description:
      - What M(netfleet.docker.netns_info) returned of the host, with C(routes) and C(docker).
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
  uplink:
    description:
      - Link whose MTU C(mtu=uplink) means, by default that of the default route.
    type: str
"""

EXAMPLES = r"""
- name: Look at the host
  netfleet.docker.netns_info:
    kinds: [host]
    gather_subset: [min, routes, docker]
  register: info

- name: Make the networks
  netfleet.docker.network: "{{ item }}"
  loop: "{{ networks | netfleet.docker.bridge_networks(info, host=inventory_hostname) }}"
  vars:
    networks:
      - name: app
        icc: false
        mtu: uplink
        subnets:
          - subnet: 10.20.0.0/24
"""

RETURN = r"""
_value:
  description:
    - Parameters of M(netfleet.docker.network), one dictionary a network; those that are to go come first.
  type: list
  elements: dict
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import bridge as bridge_role
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.host import Host


def bridge_networks(
    networks: Any, info: Any, host: str, slices: Any = None, uplink: str | None = None
) -> list[dict[str, Any]]:
    """Return what the module is to be told."""
    try:
        return bridge_role.bridge_networks(networks, Host(host, info), slices or {}, uplink or None)
    except BadParameter as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"bridge_networks": bridge_networks}
