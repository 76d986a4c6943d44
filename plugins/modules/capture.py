#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: capture packets in a network namespace."""

from __future__ import annotations

DOCUMENTATION = r"""
module: capture
short_description: Capture packets in a network namespace
version_added: 0.1.0
description:
  - >-
    Captures packets in a namespace in the background for a limited time and size, and returns them as a pcap file. No
    tools are required in the container. A capture that is not stopped ends after at most 10 minutes.
author:
  - netfleet.docker contributors (@netfleet)
options:
  phase:
    description:
      - V(start) starts a capture and returns its RV(path). V(stop) stops it and returns its RV(content).
    type: str
    choices: [start, stop]
    required: true
  netns:
    description:
      - >-
        Reference to the namespace: C(host) (the namespace of PID 1), C(NAME) (a named namespace, C(/run/netns/NAME)),
        C(container:NAME-or-ID), C(pid:NUMBER), C(path:/ABSOLUTE) or C(docker:NAME) (C(/run/docker/netns/NAME)). It must
        exist and is never created. Required with O(phase=start).
    type: str
  interface:
    description:
      - Interface to capture on. By default, all interfaces.
    type: str
  seconds:
    description:
      - Maximum duration of the capture in seconds, starting with the first packet.
    type: float
    default: 10
  bytes:
    description:
      - Maximum size of the file in bytes.
    type: int
    default: 1000000
  path:
    description:
      - Path that O(phase=start) returned. Required with O(phase=stop).
    type: path
attributes:
  check_mode:
    support: full
    description: Also captures in C(check_mode), because this changes nothing.
  diff_mode:
    support: none
    description: Changes nothing.
  idempotent:
    support: N/A
    description: Changes nothing.
  platform:
    platforms: Linux
    support: full
    description: The operating systems that the module supports.
seealso:
  - module: netfleet.docker.probe
"""

EXAMPLES = r"""
- name: Start a capture in a container
  netfleet.docker.capture:
    phase: start
    netns: container:web
    seconds: 5
  register: capture

- name: Fetch the capture
  netfleet.docker.capture:
    phase: stop
    path: "{{ capture.path }}"
  register: packets

- name: Write the capture on the control node
  ansible.builtin.copy:
    content: "{{ packets.content | b64decode(encoding='latin-1') }}"
    dest: web.pcap
    mode: "0600"
  delegate_to: localhost
"""

RETURN = r"""
path:
  description: Path of the capture on the host.
  returned: success with O(phase=start)
  type: str
  sample: /tmp/netfleet-capture-x7f3/capture.pcap
content:
  description: The pcap file, encoded with base64.
  returned: success with O(phase=stop)
  type: str
"""

from ansible_collections.netfleet.docker.plugins.module_utils._core.module import Module, exit_with_result
from ansible_collections.netfleet.docker.plugins.module_utils._probe.capture import capture


def main() -> None:
    """Run the module."""
    spec = {
        "phase": {"type": "str", "choices": ["start", "stop"], "required": True},
        "netns": {"type": "str"},
        "interface": {"type": "str"},
        "seconds": {"type": "float", "default": 10},
        "bytes": {"type": "int", "default": 1_000_000},
        "path": {"type": "path"},
    }
    module = Module(
        argument_spec=spec,
        required_if=[("phase", "start", ("netns",)), ("phase", "stop", ("path",))],
        supports_check_mode=True,
    )
    exit_with_result(module, lambda: capture(module.params))


if __name__ == "__main__":
    main()
