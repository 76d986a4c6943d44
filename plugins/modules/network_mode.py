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
attributes:
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

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netfleet.docker.plugins.module_utils._core import capabilities
from ansible_collections.netfleet.docker.plugins.module_utils._core.module import exit_with_result
from ansible_collections.netfleet.docker.plugins.module_utils._facts import options, snapshot
from ansible_collections.netfleet.docker.plugins.module_utils._facts.container_facts import SUBSET
from ansible_collections.netfleet.docker.plugins.module_utils._facts.network_modes import find_faults, read_containers

SPEC: dict[str, Any] = {
    "host": {"type": "list", "elements": "str", "default": []},
    "none": {"type": "list", "elements": "str", "default": []},
    **options.LIMITS,
}


def build_result(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the faults."""
    capabilities.require_capabilities(capabilities.TO_READ)
    document = snapshot.collect_snapshot(options.parse_request({**params, "gather_subset": sorted(SUBSET)}))
    faults = find_faults(read_containers(document), params["host"], params["none"])
    found: dict[str, Any] = {"changed": False, "faults": faults, "missing": document["missing"]}
    return {**found, "failed": True, "msg": f"{'; '.join(faults)}."} if faults else found


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    exit_with_result(module, lambda: build_result(module.params))


if __name__ == "__main__":
    main()
