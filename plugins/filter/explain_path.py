# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: the way of a packet, as snapshots tell it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: explain_path
short_description: Follow a packet through namespaces, links and firewalls, as snapshots tell it
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Follows a packet as the kernel would carry it, from the namespace that sends it over links, bridges, parents and
    tunnels through routes and firewalls to the one that has its address, and its answer back. Nothing is sent; what is
    known is what M(netfleet.docker.netns_info) or M(netfleet.docker.snapshot) has read.
  - >-
    Says where it stops and why, such as the rule that drops it; that nothing known stops it; or that it is not known,
    and what it depends on. What is not modelled stands in every answer.
options:
  _input:
    description:
      - >-
        Snapshots by the names of their hosts, as M(netfleet.docker.netns_info) returns them with everything in
        C(gather_subset). Where the packet goes from one host to another, both have to be there.
    type: dict
    required: true
  host:
    description:
      - Name of the host that the packet comes from.
    type: str
    required: true
  source:
    description:
      - >-
        The namespace that sends it: V(host), the name of a namespace, C(container:NAME), C(pid:N), C(path:/…) or
        C(docker:NAME).
    type: str
    required: true
  target:
    description:
      - >-
        An address; a namespace as in O(source), with the name of its host and a slash before it if that is another one;
        or the name of a container that has a network in common with the source.
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
      - Its port, for V(tcp) and V(udp).
    type: int
"""

EXAMPLES = r"""
- name: Look at the host
  netfleet.docker.netns_info:
  register: info

- name: Can web reach the database, and if not, why?
  ansible.builtin.debug:
    msg: "{{ {inventory_hostname: info} | netfleet.docker.explain_path(host=inventory_hostname,
      source='container:web', target='container:db', protocol='tcp', port=5432) }}"
"""

RETURN = r"""
_value:
  description:
    - What becomes of the packet.
  type: dict
  contains:
    reaches:
      description: Whether it arrives and its answer comes back; null where that is not known.
      type: bool
    reason:
      description: How its way ends, in one line.
      type: str
    about:
      description:
        - What it ends at, C(link), C(segment), C(neighbour), C(route), C(reverse path), C(FDB), C(forwarding),
          C(firewall), C(way back) or C(service); empty where it arrives, or leaves what is known.
      type: str
    remedy:
      description: What to type there, with the host, or empty.
      type: str
    narrowest:
      description: The link with the smallest MTU on the way, C(host), C(netns), C(link), C(mtu) in bytes, or null.
      type: dict
    hops:
      description: What happens to it, in order.
      type: list
      elements: dict
    stops_at:
      description: The hop at which it ends without arriving, or null.
      type: dict
    assumed:
      description: What was taken for granted.
      type: list
      elements: str
    not_modelled:
      description: What is never looked at.
      type: list
      elements: str
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.query import Question, ask


def explain_path(snapshots: Mapping[str, Any], **question: Any) -> dict[str, Any]:
    """Return the way of a packet."""
    try:
        return ask(snapshots, Question(**question))
    except BadParameter as error:
        raise AnsibleFilterError(f"explain_path: {error}") from None
    except TypeError as error:
        raise AnsibleFilterError(f"explain_path: {error}; it takes host, source, target, protocol and port") from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"explain_path": explain_path}
