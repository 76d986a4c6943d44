#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: check which containers have the network mode host or none."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_mode
short_description: Check which containers have the network mode host or none
version_added: 0.1.0
description:
  - >-
    Fails if a container does not exist, has another network mode, is also connected to another network, or runs in a
    network namespace that does not match its mode.
  - Docker sets the mode of a container when it is created, so this module changes nothing.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.facts
options:
  host:
    description:
      - Names of containers that share the network namespace of the host, C(network_mode=host).
    type: list
    elements: str
    default: []
  none:
    description:
      - >-
        Names of containers without a Docker network, C(network_mode=none). Links that other modules of this collection
        give them do not count.
    type: list
    elements: str
    default: []
  reuse:
    description:
      - >-
        Whether to compare the containers that M(netfleet.docker.host_state) has read in the same play, unless a role
        has changed the host since then. The module then sends nothing to the host.
    type: bool
    default: false
attributes:
  action:
    support: full
    description: Runs partly on the control node.
  async:
    support: full
    description: Can run in the background.
  facts:
    support: none
    description: Does not return C(ansible_facts).
seealso:
  - module: netfleet.docker.container_netns_facts
"""

EXAMPLES = r"""
- name: Check the containers that use the network of the host
  netfleet.docker.network_mode:
    host: [node-exporter]
    none: [batch]
"""

RETURN = r"""
faults:
  description: Faults, one line per container.
  returned: always
  type: list
  elements: str
  sample:
    - "batch has the network mode bridge, not none; recreate it with network_mode: none"
missing:
  description: Data that could not be read.
  returned: always
  type: list
  elements: dict
  sample: []
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core import capabilities
from ansible_collections.netfleet.docker.plugins.module_utils._core.module import Module, exit_with_result
from ansible_collections.netfleet.docker.plugins.module_utils._facts import options, snapshot
from ansible_collections.netfleet.docker.plugins.module_utils._facts.network_modes import build_result, read_containers


def check_containers(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of the module; raise NetfleetError if the containers cannot be read."""
    capabilities.require_capabilities(capabilities.TO_READ)
    wanted = {**params, "gather_subset": ["docker"], "kinds": ["host"]}
    document = snapshot.collect_snapshot(options.parse_request(wanted))
    return build_result(read_containers(document), params["host"], params["none"], document["missing"])


def main() -> None:
    """Run the module."""
    module = Module(argument_spec=options.NETWORK_MODE_OPTIONS, supports_check_mode=True)
    exit_with_result(module, lambda: check_containers(module.params))


if __name__ == "__main__":
    main()
