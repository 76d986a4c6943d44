# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: slices of all subnets that networks of many hosts share."""

from __future__ import annotations

DOCUMENTATION = r"""
name: network_slices
short_description: Split the subnets that networks of many hosts share
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Looks through the networks that an inventory declares for its hosts, and gives each host a slice of each subnet that
    has C(slices), as P(netfleet.docker.ip_slices#filter) does for one subnet. The roles C(bridge) and C(macvlan) keep
    what it returns in a file, and hand it in as O(memory) the next time.
  - >-
    All hosts that declare a network of one name with the same subnet share that subnet, and have to say alike how it is
    cut. Two shared subnets must not overlap.
positional: _input, memory
options:
  _input:
    description:
      - >-
        The networks of each host, by its name, as the variables C(bridge_networks) and C(macvlan_networks) of the roles
        have them.
    type: dict
    required: true
  memory:
    description:
      - What the filter returned the last time; an empty dictionary the first time.
    type: dict
    default: {}
  used:
    description:
      - >-
        What Docker has on each host by now, by the host's name: the list C(networks) that
        M(netfleet.docker.netns_info) returns. A host that uses a slice of which O(memory) knows nothing is an error,
        because others might get the same.
    type: dict
    default: {}
  recover:
    description:
      - Take such slices into the result instead, for when the memory was lost for good.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Who has which slice
  ansible.builtin.debug:
    msg: "{{ networks | netfleet.docker.network_slices(slices) }}"
  vars:
    networks:
      server1: "{{ wire }}"
      server2: "{{ wire }}"
    slices: {}
    wire:
      - name: wire
        subnets:
          - subnet: 192.0.2.0/24
            gateway: 192.0.2.1
            slices: {prefix: 28}
"""

RETURN = r"""
_value:
  description:
    - The slice of each host by network, subnet and name of the host, with all that O(memory) has besides.
  type: dict
  sample:
    wire:
      192.0.2.0/24:
        server1: 192.0.2.64/28
        server2: 192.0.2.16/28
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices import networks


def network_slices(declared: Any, memory: Any = None, used: Any = None, recover: bool = False) -> dict[str, Any]:
    """Return the slice of each host in each shared subnet."""
    try:
        return networks.network_slices(declared, memory, used, recover)
    except BadParameter as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"network_slices": network_slices}
