#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: manage a macvlan link."""

from __future__ import annotations

DOCUMENTATION = r"""
module: macvlan
short_description: Manage macvlan links in any network namespace
version_added: 0.1.0
description:
  - >-
    Manages a macvlan link in any network namespace. The link shares a parent link, such as a physical interface of the
    host, and has its own MAC address. The kernel creates it in its namespace.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.attributes
  - netfleet.docker.netns
  - netfleet.docker.link
  - netfleet.docker.protection
  - netfleet.docker.kind_macvlan
options:
  recreate:
    description:
      - >-
        Delete and recreate the link if the kernel cannot change it in place, for another kind, another parent, or a
        mode to or from V(passthru). By default, this is an error.
    type: bool
    default: false
seealso:
  - module: netfleet.docker.netns
"""

EXAMPLES = r"""
- name: Create a namespace
  netfleet.docker.netns:
    name: blue

- name: Connect the namespace to the LAN of the default interface
  netfleet.docker.macvlan:
    name: wire0
    netns: blue
    parent: "{{ ansible_facts.default_ipv4.interface | default('eth0') }}"
    parent_netns: host
    mode: bridge
    addresses: [192.0.2.10/24]
    up: true

- name: Remove the link
  netfleet.docker.macvlan:
    name: wire0
    netns: blue
    state: absent
"""

RETURN = r"""
operations:
  description:
    - Operations in the order of execution. In check mode, the operations that would be executed.
  returned: success
  type: list
  elements: str
  sample:
    - create macvlan wire0 in blue on parent eth0
    - set wire0 in blue to up
macvlan:
  description:
    - State of the link after the run.
  returned: success
  type: dict
  sample:
    name: wire0
    netns: blue
    present: true
    kind: macvlan
    mode: bridge
    parent: {name: eth0, netns: host}
    addresses: [192.0.2.10/24]
    up: true
"""

from ansible_collections.netfleet.docker.plugins.module_utils._core.module import Module
from ansible_collections.netfleet.docker.plugins.module_utils._links.desired.single_link import (
    build_argument_spec,
    build_request,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.transaction import run_module


def main() -> None:
    """Run the module."""
    module = Module(
        argument_spec=build_argument_spec("macvlan"),
        required_if=[("state", "present", ("parent",))],
        supports_check_mode=True,
    )
    run_module(module, "macvlan", lambda params: build_request("macvlan", params))


if __name__ == "__main__":
    main()
