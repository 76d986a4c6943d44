# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: which ports are closed between nodes."""

from __future__ import annotations

DOCUMENTATION = r"""
name: overlay_blocked
short_description: Tell which ports are closed between nodes
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Puts together what every node of a Swarm heard and how it was answered, when each sent packets to each other one,
    as the role C(overlay) has them do. Names node, peer, port, and the rule of the firewall if one was found.
positional: _input, sent, connect
options:
  _input:
    description:
      - By host, what its listener returned, with the list C(missing).
    type: dict
    required: true
  sent:
    description:
      - By host, what its sender returned, with the list C(answers).
    type: dict
    required: true
  connect:
    description:
      - Whether somebody has to take connections by now, or it is enough that packets come through.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Say which ports are closed
  ansible.builtin.debug:
    msg: "{{ heard | netfleet.docker.overlay_blocked(sent) }}"
  vars:
    heard:
      h1:
        missing: [{host: h2, address: 192.0.2.2, protocol: udp, port: 7946, rule: null}]
    sent: {}
"""

RETURN = r"""
_value:
  description:
    - What is closed, a sentence each.
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import swarm_nodes


def overlay_blocked(heard: Mapping[str, Any], sent: Mapping[str, Any], connect: bool = False) -> list[str]:
    """Return what is closed."""
    return swarm_nodes.blocked(heard, sent, connect)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"overlay_blocked": overlay_blocked}
