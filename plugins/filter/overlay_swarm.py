# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: what makes a Swarm of hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: overlay_swarm
short_description: Tell what makes a Swarm of hosts
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Compares the nodes of a Swarm that are declared with those that are there, and tells what has to be done, in
    order: who begins, who joins, who changes its role or availability, and who leaves. The role C(overlay) does it.
  - >-
    Refuses what would lose the quorum of managers, a second Swarm beside one that is there, and hosts that cannot
    take part.
positional: _input, managers, port
options:
  _input:
    description:
      - >-
        The hosts of the run, by name. Each has C(role) (V(manager) or V(worker)), C(state) (as
        C(overlay_node_state)), C(advertise) and C(data_path), and as C(info) what M(netfleet.docker.netns_info)
        returned with C(addresses), C(routes) and C(docker).
    type: dict
    required: true
  managers:
    description:
      - All hosts that are to be managers, those that are not in the run too.
    type: list
    elements: str
    default: []
  port:
    description:
      - UDP port for the packets of overlay networks.
    type: int
    default: 4789
"""

EXAMPLES = r"""
- name: Look at the host
  netfleet.docker.netns_info:
    kinds: [host]
    gather_subset: [min, addresses, routes, docker]
  register: info

- name: Say what would be done
  ansible.builtin.debug:
    msg: "{{ {inventory_hostname: node} | netfleet.docker.overlay_swarm(groups.managers) }}"
  vars:
    node: {role: manager, state: active, advertise: eth0, data_path: "", info: "{{ info }}"}
"""

RETURN = r"""
_value:
  description:
    - >-
      C(init), the host that begins a Swarm; C(manager), the one that speaks for it; the lists C(join), C(stale),
      C(roles), C(availability) and C(leave), in order; C(members) with their addresses; C(traffic), by host who
      must reach whom; C(mtu) and C(ipv6) of the links between them; C(warnings); C(changes), whether the nodes of
      the Swarm change.
  type: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import swarm_planner


def overlay_swarm(declared: Mapping[str, Any], managers: Sequence[str] = (), port: int = 4789) -> dict[str, Any]:
    """Return what has to be done."""
    try:
        return swarm_planner.plan(declared, managers, int(port))
    except BadParameter as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"overlay_swarm": overlay_swarm}
