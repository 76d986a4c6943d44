# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: what has to be done that hosts are one Swarm."""

from __future__ import annotations

DOCUMENTATION = r"""
name: overlay_plan
short_description: Plan how hosts become one Swarm
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Compares what hosts are in a Swarm with what the inventory wants them to be, and tells what has to be done, step by
    step: who begins, who joins, who changes its role or availability, who leaves. A plan that would cost the Swarm its
    quorum is an error.
options:
  _input:
    description:
      - >-
        The hosts by their names, each with C(role) (C(manager) or C(worker)), C(state) (C(active), C(drain), C(pause)
        or
        C(absent)) and C(info), what M(netfleet.docker.netns_info) returned.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: What has to be done
  ansible.builtin.debug:
    msg: "{{ nodes | netfleet.docker.overlay_plan }}"
  vars:
    nodes:
      server1: {role: manager, state: active, info: "{{ hostvars.server1.info }}"}
      server2: {role: worker, state: drain, info: "{{ hostvars.server2.info }}"}
"""

RETURN = r"""
_value:
  description:
    - >-
      C(leader), the host that speaks for the Swarm; C(init), whether it begins one; C(join_managers), C(join_workers),
      C(promote), C(demote), C(absent), lists of hosts; C(availability), by host; C(stale), ids of nodes that hosts left
      behind.
  type: dict
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.netfleet.docker.plugins.module_utils._errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils import _overlay_plan


def overlay_plan(hosts: Any) -> dict[str, Any]:
    """Return what has to be done."""
    try:
        return _overlay_plan.overlay_plan(hosts)
    except BadParameter as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"overlay_plan": overlay_plan}
