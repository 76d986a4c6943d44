#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: take a snapshot of a host; the action plugin writes the file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: snapshot
short_description: Save a snapshot of all network namespaces of a host on the control node
version_added: 0.1.0
description:
  - >-
    Gathers the same data as M(netfleet.docker.netns_info) and writes it to the control node as one JSON document,
    compressed with gzip. The document is not part of the result or the log, and the file is readable only by its owner.
  - >-
    All its tables and columns are described in C(docs/reference/tables.md) of the collection.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.facts
  - ansible.builtin.action_common_attributes.flow
options:
  dest:
    description:
      - >-
        File on the control node. If the path ends with a slash or is a directory, the file is named after the host in
        the inventory with the suffix C(.json.gz). Missing directories are created.
      - An existing file is replaced atomically.
    type: path
    required: true
  gather_subset:
    description: Data to gather, as for M(netfleet.docker.netns_info).
    type: list
    elements: str
    default: [all]
  labels:
    description: Labels of containers and networks to include in addition to the labels of Compose and Swarm services.
    type: list
    elements: str
    default: []
  inventory_name:
    description: Name of the host in the inventory. The action plugin sets this option.
    type: str
attributes:
  check_mode:
    support: full
    description: In C(check_mode), the host is read, but no file is written.
  action:
    support: full
  async:
    support: none
  bypass_host_loop:
    support: none
seealso:
  - module: netfleet.docker.netns_info
"""

EXAMPLES = r"""
- name: Save a snapshot of every host
  netfleet.docker.snapshot:
    dest: snapshots/
"""

RETURN = r"""
dest:
  description: File on the control node.
  returned: success
  type: str
  sample: snapshots/h1.json.gz
size:
  description: Size of the compressed document in bytes.
  returned: success
  type: int
  sample: 15872
namespaces:
  description: Number of namespaces.
  returned: success
  type: int
  sample: 12
missing:
  description: Data that could not be read, was truncated, or disappeared before it was read.
  returned: success
  type: list
  elements: dict
  sample: []
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.module import Module
from ansible_collections.netfleet.docker.plugins.module_utils._facts import options
from ansible_collections.netfleet.docker.plugins.module_utils._facts import snapshot as facts_snapshot


def take_snapshot(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document as a compressed string, and its metadata."""
    document = facts_snapshot.collect_snapshot(options.parse_request(params))
    document["host"]["name"] = params["inventory_name"]
    return {
        "packed": options.pack_document(document),
        "namespaces": len(document["namespaces"]),
        "missing": document["missing"],
    }


def main() -> None:
    """Run the module."""
    spec = {**options.OPTIONS, "dest": {"type": "path", "required": True}, "inventory_name": {"type": "str"}}
    options.run_module(Module(argument_spec=spec, supports_check_mode=True), take_snapshot)


if __name__ == "__main__":
    main()
