# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: find the first broken step of a connection."""

from __future__ import annotations

DOCUMENTATION = r"""
name: troubleshoot
short_description: Find the first broken step between a source and a target
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Evaluates the checklist of the role C(troubleshoot) with the results of M(netfleet.docker.netns_info) on the hosts,
    of M(netfleet.docker.probe) in the source namespace, and of P(netfleet.docker.explain_path#filter).
  - Without O(results), the filter returns the checks to run with M(netfleet.docker.probe).
options:
  _input:
    description:
      - Results of M(netfleet.docker.netns_info) by host name.
    type: dict
    required: true
  host:
    description:
      - Name of the source host.
    type: str
    required: true
  source:
    description:
      - Source namespace, as for M(netfleet.docker.probe).
    type: str
    required: true
  target:
    description:
      - >-
        An address, a name or a namespace, with C(:PORT) for a port, or a URL; C(HOST/NAMESPACE) for a namespace of
        another host.
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
      - Seconds to wait for each response.
    type: float
    default: 2
  results:
    description:
      - C(results) of M(netfleet.docker.probe); an empty list if no checks were run.
    type: list
    elements: dict
"""

EXAMPLES = r"""
- name: Determine the checks
  ansible.builtin.set_fact:
    checks: "{{ infos | netfleet.docker.troubleshoot(host='h1', source='container:web', target='db:5432') }}"

- name: Run the checks
  netfleet.docker.probe:
    netns: container:web
    checks: "{{ checks.checks }}"
  register: probes

- name: Show the diagnosis
  ansible.builtin.debug:
    msg: "{{ (infos | netfleet.docker.troubleshoot(host='h1', source='container:web', target='db:5432',
      results=probes.results)).lines }}"
"""

RETURN = r"""
_value:
  description:
    - Checks to run, or the diagnosis.
  type: dict
  contains:
    netns:
      description: >-
        Without O(results), the namespace to run the checks in; V(host) for a container that uses the host network.
      type: str
    checks:
      description: Without O(results), the checks for M(netfleet.docker.probe).
      type: list
      elements: dict
    steps:
      description: Steps of the checklist, each with C(step), C(state), C(detail) and C(remedy).
      type: list
      elements: dict
    reached:
      description: Whether the target is reachable; null if not tested.
      type: bool
    first_broken:
      description: First failed step, or null.
      type: str
    cause:
      description: Likely cause.
      type: str
    remedy:
      description: Commands to fix the problem.
      type: str
    confident:
      description: Whether the cause is confirmed by observations.
      type: bool
    path:
      description: Result of P(netfleet.docker.explain_path#filter).
      type: dict
    lines:
      description: Diagnosis for a terminal.
      type: list
      elements: str
    markdown:
      description: Diagnosis in Markdown, for a ticket.
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
class TroubleshootOptions:
    """The options of the filter."""

    host: str
    source: str
    target: str
    protocol: str = "tcp"
    timeout: float = 2
    results: Sequence[Mapping[str, Any]] | None = None


def troubleshoot(snapshots: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """Return the checks to run or, with their results, the diagnosis."""
    try:
        asked = TroubleshootOptions(**options)
        case = troubleshoot_case.open_case(snapshots, asked.host, asked.source, asked.target, asked.protocol)
    except BadParameter as error:
        raise AnsibleFilterError(f"troubleshoot: {error}") from None
    except TypeError as error:
        raise AnsibleFilterError(f"troubleshoot: {error}; options are host, source, target and protocol") from None
    if asked.results is None:
        return {"netns": case.netns, "checks": troubleshoot_diagnosis.plan_checks(case, asked.timeout)}
    diagnosis = troubleshoot_diagnosis.diagnose(case, asked.results)
    return {**diagnosis, "lines": render.render_lines(diagnosis), "markdown": render.render_markdown(diagnosis)}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"troubleshoot": troubleshoot}
