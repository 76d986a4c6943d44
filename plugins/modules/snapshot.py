#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: the half of a snapshot that runs on the host; the action of the same name writes it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: snapshot
short_description: Write what all network namespaces of a host hold to a file on the controller
version_added: 0.1.0
description:
  - >-
    Gathers what M(netfleet.docker.netns_info) gathers and writes it as one JSON document, compressed with gzip, to the
    controller. The document appears neither in the task's result nor in the log, and the file is readable by its
    owner only.
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
        The file on the controller. Where it ends in a slash, or is a directory, the file in there has the inventory's
        name of the host and C(.json.gz). Directories that are missing are made.
      - A file that is there is replaced at once or stays as it is, whatever happens.
    type: path
    required: true
  gather_subset:
    description: What is gathered, as for M(netfleet.docker.netns_info).
    type: list
    elements: str
    default: [all]
  labels:
    description: Labels of containers and networks to keep beside those that name Compose and Swarm services.
    type: list
    elements: str
    default: []
  inventory_name:
    description: The inventory's name of the host, for the document; the action fills it in.
    type: str
attributes:
  check_mode:
    support: full
    description: In C(check_mode) the host is read and no file is written.
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
- name: Keep a snapshot of every host
  netfleet.docker.snapshot:
    dest: snapshots/
"""

RETURN = r"""
dest:
  description: The file on the controller.
  returned: success
  type: str
  sample: snapshots/h1.json.gz
size:
  description: Bytes of the compressed document.
  returned: success
  type: int
  sample: 15872
namespaces:
  description: How many namespaces there are.
  returned: success
  type: int
  sample: 12
missing:
  description: What could not be read, was cut off, or was gone before it could be read.
  returned: success
  type: list
  elements: dict
  sample: []
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netfleet.docker.plugins.module_utils._facts import options
from ansible_collections.netfleet.docker.plugins.module_utils._facts import snapshot as facts_snapshot


def snapshot(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document as one string, and what may be shown of it."""
    document = facts_snapshot.collect(options.wanted(params))
    document["host"]["name"] = params["inventory_name"]
    return {
        "packed": options.packed(document),
        "namespaces": len(document["namespaces"]),
        "missing": document["missing"],
    }


def main() -> None:
    """Run the module."""
    spec = {**options.OPTIONS, "dest": {"type": "path", "required": True}, "inventory_name": {"type": "str"}}
    options.run(AnsibleModule(argument_spec=spec, supports_check_mode=True), snapshot)


if __name__ == "__main__":
    main()
