# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: a Swarm's overlay networks, for the module network."""

from __future__ import annotations

DOCUMENTATION = r"""
name: overlay_networks
short_description: Turn declared overlay networks into parameters of the module network
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Makes of the networks that the role C(overlay) takes what M(netfleet.docker.network) is to be told on a manager of
    the Swarm, with the MTU that the links between the nodes leave.
  - >-
    Refuses subnets that overlap each other or what any node reaches otherwise, and encryption where a kernel has no
    ESP.
positional: _input, plan, infos, lacks
options:
  _input:
    description:
      - The networks, as the role's variable C(overlay_networks) has them.
    type: list
    elements: dict
    required: true
  plan:
    description:
      - What P(netfleet.docker.overlay_swarm#filter) returned.
    type: dict
    required: true
  infos:
    description:
      - By host, what M(netfleet.docker.netns_info) returned with C(routes) and C(docker).
    type: dict
    required: true
  lacks:
    description:
      - By host, what its kernel lacks, as V(esp:) and the reason.
    type: dict
    required: true
  ingress:
    description:
      - The network C(ingress), as the role's variable C(overlay_ingress) has it.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Make the networks
  netfleet.docker.network: "{{ item }}"
  loop: "{{ networks | netfleet.docker.overlay_networks(plan, {inventory_hostname: info}, {}) }}"
  vars:
    networks: [{name: mesh, attachable: true}]
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
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import overlay as overlay_role


def overlay_networks(networks: Any, plan: Any, infos: Any, lacks: Any, ingress: Any = None) -> list[dict[str, Any]]:
    """Return what the module is to be told."""
    try:
        return overlay_role.overlay_networks(networks, plan, infos, lacks, ingress)
    except BadParameter as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"overlay_networks": overlay_networks}
