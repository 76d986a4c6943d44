# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: from what was asked of a host and of the module probe to the first broken step."""

from __future__ import annotations

DOCUMENTATION = r"""
name: troubleshoot
short_description: Find the first broken step between a source and a target
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Goes through the checklist of the role C(troubleshoot) with what M(netfleet.docker.netns_info) says of the hosts and
    M(netfleet.docker.probe) says from inside the source, and what P(netfleet.docker.explain_path#filter) makes of it.
  - >-
    Without O(results) it returns the checks for M(netfleet.docker.probe), since what is worth asking depends on what is
    there.
options:
  _input:
    description:
      - What M(netfleet.docker.netns_info) returned, by the names of the hosts.
    type: dict
    required: true
  host:
    description:
      - Name of the host of the source.
    type: str
    required: true
  source:
    description:
      - The namespace of the source, as M(netfleet.docker.probe) takes it.
    type: str
    required: true
  target:
    description:
      - >-
        An address, a name, or a namespace, of another host with its name and a slash before it; all but the latter with
        C(:PORT) where it is about a port.
    type: str
    required: true
  protocol:
    description:
      - Protocol of the port.
    type: str
    choices: [tcp, udp]
    default: tcp
  timeout:
    description:
      - Seconds to wait for each answer.
    type: float
    default: 2
  results:
    description:
      - What M(netfleet.docker.probe) returned as C(results); an empty list where nothing was asked.
    type: list
    elements: dict
"""

EXAMPLES = r"""
- name: What to ask
  ansible.builtin.set_fact:
    checks: "{{ infos | netfleet.docker.troubleshoot(host='h1', source='container:web', target='db:5432') }}"

- name: Ask
  netfleet.docker.probe:
    netns: container:web
    checks: "{{ checks.checks }}"
  register: said

- name: What is wrong
  ansible.builtin.debug:
    msg: "{{ (infos | netfleet.docker.troubleshoot(host='h1', source='container:web', target='db:5432',
      results=said.results)).lines }}"
"""

RETURN = r"""
_value:
  description:
    - The checks to ask for, or the diagnosis.
  type: dict
  contains:
    netns:
      description: Without O(results), the namespace to ask from; V(host) for a container that shares the host's.
      type: str
    checks:
      description: Without O(results), what M(netfleet.docker.probe) is to be told.
      type: list
      elements: dict
    steps:
      description: The checklist, each step with C(step), C(state), C(detail) and C(remedy).
      type: list
      elements: dict
    reached:
      description: Whether the target is reached; null where that was not tried.
      type: bool
    first_broken:
      description: The first broken step, or null.
      type: str
    cause:
      description: The likely cause, or that it is not known.
      type: str
    remedy:
      description: What to type.
      type: str
    confident:
      description: Whether the cause was seen or follows from what was, and is no guess.
      type: bool
    path:
      description: What P(netfleet.docker.explain_path#filter) says.
      type: dict
    lines:
      description: All of it for a terminal.
      type: list
      elements: str
    markdown:
      description: All of it for a ticket.
      type: str
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot import case as troubleshoot_case
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot import diagnosis as troubleshoot_diagnosis
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot import render


@dataclasses.dataclass
class Asked:
    """The filter's options."""

    host: str
    source: str
    target: str
    protocol: str = "tcp"
    timeout: float = 2
    results: Sequence[Mapping[str, Any]] | None = None


def troubleshoot(snapshots: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """Return checks to make, or with their results the diagnosis."""
    try:
        asked = Asked(**options)
        case = troubleshoot_case.open_case(snapshots, asked.host, asked.source, asked.target, asked.protocol)
    except BadParameter as error:
        raise AnsibleFilterError(f"troubleshoot: {error}") from None
    except TypeError as error:
        raise AnsibleFilterError(f"troubleshoot: {error}; it takes host, source, target and protocol") from None
    if asked.results is None:
        return {"netns": case.netns, "checks": troubleshoot_diagnosis.wanted(case, asked.timeout)}
    diagnosis = troubleshoot_diagnosis.diagnose(case, asked.results)
    return {**diagnosis, "lines": render.lines(diagnosis), "markdown": render.markdown(diagnosis)}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"troubleshoot": troubleshoot}
