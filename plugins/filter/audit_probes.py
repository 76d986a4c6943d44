# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: which ports the nodes of a Swarm are to try."""

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_probes
short_description: Tell which ports the nodes of a Swarm are to try
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Takes what M(netfleet.docker.netns_info) returned of the hosts of a play, and gives the checks that
    M(netfleet.docker.probe) is to make on each. The role C(audit) does it.
  - >-
    A node tries all managers of its Swarm at 2377 by TCP, and the next nodes, in the order of their names and from the
    last to the first again, at 7946 by TCP and UDP and at the port that VXLAN links of overlay networks have there.
    Only addresses that one of these hosts has itself are tried, and only where a manager of the Swarm is among them:
    who its nodes are, it says.
options:
  _input:
    description:
      - >-
        By host, what M(netfleet.docker.netns_info) returned with C(addresses), C(fdb) and C(docker) of
        the namespaces of kind V(host) and V(overlay).
    type: dict
    required: true
  peers:
    description:
      - The most nodes that each node tries. All managers are tried at 2377/tcp besides, unless it is V(0).
    type: int
    default: 20
seealso:
  - plugin: netfleet.docker.audit_probed
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Look whether the host is a node
  netfleet.docker.netns_info:
    kinds: [host, overlay]
    gather_subset: [min, addresses, fdb, docker]
  register: info

- name: Tell who tries what
  ansible.builtin.set_fact:
    asked: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'info')))
      | netfleet.docker.audit_probes }}"
  run_once: true

- name: Try the other nodes
  netfleet.docker.probe:
    checks: "{{ asked[inventory_hostname] }}"
  register: said
  when: asked[inventory_hostname] | default([]) | length > 0
"""

RETURN = r"""
_value:
  description:
    - By host that is a node, its checks. The C(name) of each is that of the host that it tries.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit import swarm_probes


def audit_probes(infos: Mapping[str, Any], peers: int = 20) -> dict[str, list[dict[str, Any]]]:
    """Return checks by host."""
    return swarm_probes.checks(infos, int(peers))


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"audit_probes": audit_probes}
