#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only; the action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: diagnose
short_description: Find the first fault between a source and a target
version_added: 0.1.0
description:
  - >-
    Evaluates the snapshots of all hosts in the play on the host of the source, probes the target from the namespace of
    the source, follows the path of the packet, and returns the first fault with its likely cause and remedy.
  - This module is used by the role P(netfleet.docker.troubleshoot#role). On the other hosts, it does nothing.
author:
  - netfleet.docker contributors (@netfleet)
options:
  registered:
    description:
      - Name of the registered variable with the result of M(netfleet.docker.netns_info) on every host.
    type: str
    required: true
  source:
    description:
      - >-
        Namespace of the source, such as C(container:web), C(host), C(pid:N), C(docker:NAME) or the name of a namespace.
        C(h1/container:web) selects a host.
    type: str
    required: true
  target:
    description:
      - >-
        Address, name or namespace of the target, with C(:PORT) for a port, or a URL. A namespace on another host is
        preceded by the host name and a slash, such as C(h2/container:db).
    type: str
    required: true
  protocol:
    description: Protocol of the port.
    type: str
    choices: [tcp, udp]
    default: tcp
  timeout:
    description: Maximum time to wait for each answer in seconds.
    type: float
    default: 2
  probe:
    description: Whether to send packets. Otherwise, only the snapshots are evaluated.
    type: bool
    default: true
  capture_seconds:
    description: Duration of a packet capture during the probes in seconds; V(0) for none.
    type: float
    default: 0
  capture_bytes:
    description: Maximum size of the capture in bytes.
    type: int
    default: 1000000
  capture_interface:
    description: Interface to capture on. By default, all interfaces.
    type: str
    default: ''
  directory:
    description:
      - Directory on the control node for the diagnosis in JSON and Markdown format and the capture. Empty for none.
    type: str
    default: ''
attributes:
  action:
    support: full
    description: Runs on the control node, and runs modules on the host.
  async:
    support: none
    description: Cannot run in the background.
  check_mode:
    support: full
    description: Probes are also sent in C(check_mode), but no packets are captured.
  diff_mode:
    support: none
    description: Changes nothing on a host.
  platform:
    platforms: Linux
    support: full
    description: The operating systems of the hosts.
seealso:
  - plugin: netfleet.docker.troubleshoot
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Read all namespaces of the host
  netfleet.docker.netns_info:
  register: info

- name: Diagnose the connection
  netfleet.docker.diagnose:
    registered: info
    source: container:web
    target: db:5432
"""

RETURN = r"""
found:
  description: Whether the host has the source. The other values are returned only then.
  returned: success
  type: bool
broken:
  description: Whether a step is broken, or the target was not reached.
  returned: on the host that has the source
  type: bool
reached:
  description: Whether the target was reached; null if it was not tested.
  returned: on the host that has the source
  type: bool
first_broken:
  description: The first broken step, or null.
  returned: on the host that has the source
  type: str
cause:
  description: Likely cause, or that it is unknown.
  returned: on the host that has the source
  type: str
remedy:
  description: Commands to fix the problem or to show its cause.
  returned: on the host that has the source
  type: str
confident:
  description: Whether the cause is confirmed by observations.
  returned: on the host that has the source
  type: bool
steps:
  description: The checklist, each step with C(step), C(state), C(detail) and C(remedy).
  returned: on the host that has the source
  type: list
  elements: dict
lines:
  description: The diagnosis for a terminal.
  returned: on the host that has the source
  type: list
  elements: str
"""
