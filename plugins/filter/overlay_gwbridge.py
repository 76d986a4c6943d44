# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: a host's gateway bridge, for the module network."""

from __future__ import annotations

DOCUMENTATION = r"""
name: overlay_gwbridge
short_description: Turn the declared gateway bridge into parameters of the module network
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Makes of the role C(overlay)'s variable C(overlay_gwbridge) what M(netfleet.docker.network) is to be told on a
    host. On a node of a Swarm the bridge is not made anew, because Docker uses it.
positional: _input, in_swarm
options:
  _input:
    description:
      - The bridge, with C(subnet), C(gateway), C(mtu), C(icc) and C(masquerade).
    type: dict
    required: true
  in_swarm:
    description:
      - Whether the host is a node of a Swarm by now.
    type: bool
    required: true
"""

EXAMPLES = r"""
- name: Make the bridge
  netfleet.docker.network: "{{ {'subnet': '172.30.0.0/20'} | netfleet.docker.overlay_gwbridge(false) }}"
"""

RETURN = r"""
_value:
  description:
    - Parameters of M(netfleet.docker.network).
  type: dict
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import overlay as overlay_role


def overlay_gwbridge(wanted: Any, in_swarm: bool) -> dict[str, Any]:
    """Return what the module is to be told."""
    try:
        return overlay_role.gwbridge(wanted, in_swarm)
    except BadParameter as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"overlay_gwbridge": overlay_gwbridge}
