# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: what probes of ports said, as rows of the audit's table of them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_probed
short_description: Turn what probes of ports said into rows for the audit
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Makes a row of the table C(probe), which the rule C(swarm-port-blocked) of M(netfleet.docker.audit) reads, of each
    result of M(netfleet.docker.probe), and one of the state V(error), with the reason, of all that could not be tried.
options:
  _input:
    description:
      - >-
        The list C(results) of checks of the types V(tcp) and V(udp), each named by the host that it tried, as
        P(netfleet.docker.audit_probes#filter) names them.
    type: list
    elements: dict
    required: true
  host:
    description:
      - Name of the host in the inventory from which they were made.
    type: str
    required: true
  reason:
    description:
      - Why nothing could be tried from there, where that is so.
    type: str
    default: ''
seealso:
  - plugin: netfleet.docker.audit_probes
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Try the other node
  netfleet.docker.probe:
    checks:
      - {name: h2, type: tcp, target: 192.0.2.2, port: 7946}
  register: said

- name: As rows
  ansible.builtin.debug:
    msg: "{{ said.results | netfleet.docker.audit_probed(host=inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description:
    - Objects of C(host), C(target), C(protocol), C(port), C(state), C(seconds) and C(reason).
  type: list
  elements: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any, Callable

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit import swarm_probes


def audit_probed(results: Iterable[Mapping[str, Any]], host: str, reason: str = "") -> list[dict[str, Any]]:
    """Return a row for each result, and one for what could not be tried."""
    return swarm_probes.rows(results, host, reason)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"audit_probed": audit_probed}
