# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: a Swarm's overlay networks, as the inventory declares them, for the module network."""

from __future__ import annotations

DOCUMENTATION = r"""
name: overlay_networks
short_description: Turn declared overlay networks into parameters of the module network
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Makes of the networks that the role C(overlay) takes what M(netfleet.docker.network) is to be told on a manager: the
    MTU that the underlay of all nodes has room for, encryption, subnets. Refuses subnets that overlap each other, a
    route of any node, or another network there.
positional: _input, hosts
options:
  _input:
    description:
      - The networks, as the role's variable C(overlay_networks) has them.
    type: list
    elements: dict
    required: true
  hosts:
    description:
      - >-
        The nodes by their names, each with C(info), what M(netfleet.docker.netns_info) returned, and C(underlay), its
        address or link of the data path.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: What a manager is to be told
  ansible.builtin.debug:
    msg: "{{ networks | netfleet.docker.overlay_networks(nodes) }}"
  vars:
    networks:
      - name: mesh
        subnets: [{subnet: 10.70.0.0/24}]
    nodes:
      server1: {info: "{{ hostvars.server1.info }}", underlay: 192.0.2.11}
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
from ansible_collections.netfleet.docker.plugins.module_utils._errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils import _overlay_plan


def overlay_networks(networks: Any, hosts: Any) -> list[dict[str, Any]]:
    """Return what the module is to be told."""
    try:
        return _overlay_plan.overlay_networks(networks, hosts)
    except BadParameter as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"overlay_networks": overlay_networks}
