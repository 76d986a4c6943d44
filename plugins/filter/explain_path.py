# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: follow a packet through snapshots."""

from __future__ import annotations

DOCUMENTATION = r"""
name: explain_path
short_description: Follow a packet through namespaces, links and firewalls of snapshots
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Follows a packet and its reply as the kernel would forward them, through links, bridges, parents, tunnels, routes
    and firewalls, from the source namespace to the namespace of the target. The filter uses the data of
    M(netfleet.docker.netns_info) or M(netfleet.docker.snapshot) and sends nothing.
  - >-
    The result is the place where the packet stops and the reason, such as a firewall rule; that the packet arrives; or
    that the result is unknown, with the reason. Where the snapshots do not decide, for example at a firewall match that
    is not modelled or at several next hops, each way is followed, and the result is unknown only if the ways end
    differently. Each result lists what is not modelled.
options:
  _input:
    description:
      - >-
        Snapshots by host name, as M(netfleet.docker.netns_info) returns them with C(gather_subset=all). All hosts on
        the path are required.
    type: dict
    required: true
  host:
    description:
      - Name of the source host.
    type: str
    required: true
  source:
    description:
      - >-
        Source namespace: V(host), the name of a namespace, C(container:NAME), C(pid:N), C(path:/…) or C(docker:NAME).
    type: str
    required: true
  target:
    description:
      - >-
        An address, a namespace as in O(source), C(HOST/NAMESPACE) for a namespace of another host, or the name of a
        container on a common network.
    type: str
    required: true
  protocol:
    description:
      - Protocol of the packet.
    type: str
    choices: [icmp, tcp, udp]
    default: icmp
  port:
    description:
      - Destination port for V(tcp) and V(udp).
    type: int
"""

EXAMPLES = r"""
- name: Read the namespaces of the host
  netfleet.docker.netns_info:
  register: info

- name: Show whether the container web can reach the database
  ansible.builtin.debug:
    msg: "{{ {inventory_hostname: info} | netfleet.docker.explain_path(host=inventory_hostname,
      source='container:web', target='container:db', protocol='tcp', port=5432) }}"
"""

RETURN = r"""
_value:
  description:
    - Path of the packet.
  type: dict
  contains:
    reaches:
      description: Whether the packet arrives and its reply returns; null if unknown.
      type: bool
    reason:
      description: Result in one line.
      type: str
    about:
      description:
        - >-
          Cause of the failure: C(link), C(segment), C(neighbour), C(route), C(reverse path), C(FDB), C(forwarding),
          C(firewall), C(way back) or C(service). Empty if the packet arrives. If the result is unknown, the possible
          cause, or empty.
      type: str
    remedy:
      description: Commands to fix the problem, with the host, or empty.
      type: str
    narrowest:
      description: Link with the smallest MTU on the path, with C(host), C(netns), C(link) and C(mtu) in bytes, or null.
      type: dict
    hops:
      description: Steps of the packet, in order.
      type: list
      elements: dict
    stops_at:
      description: Step at which the packet stops, or null.
      type: dict
    assumed:
      description: Assumptions.
      type: list
      elements: str
    not_modelled:
      description: Features that are not modelled.
      type: list
      elements: str
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.query import PathQuery, explain_query


def explain_path(snapshots: Mapping[str, Any], **question: Any) -> dict[str, Any]:
    """Return the path of a packet."""
    try:
        return explain_query(snapshots, PathQuery(**question))
    except BadParameter as error:
        raise AnsibleFilterError(f"explain_path: {error}") from None
    except TypeError as error:
        raise AnsibleFilterError(f"explain_path: {error}; must be host, source, target, protocol, port") from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"explain_path": explain_path}
