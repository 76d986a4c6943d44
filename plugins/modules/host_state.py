#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: what a host lacks for a role, and the state that the role plans with. The action calls it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_state
short_description: Check what a role needs on a host and gather what it plans with
version_added: 0.1.0
description:
  - >-
    The first task of the roles C(engine), C(bridge), C(macvlan), C(overlay) and C(topology). In one call it checks what
    the role needs on the host, as M(netfleet.docker.preflight) does, and gathers what the role plans with, as
    M(netfleet.docker.netns_info) does.
  - >-
    The variables of the role are converted by the role's argument specification, so that V(false) in C(-e name=false)
    is false. The other tasks of the role use the converted values.
  - Tasks that follow expect the result in the variable C(netfleet_host).
author:
  - netfleet.docker contributors (@netfleet)
options:
  role:
    description: The role whose variables are converted and whose needs are checked.
    type: str
    choices: [engine, bridge, macvlan, overlay, topology]
    required: true
  reuse:
    description:
      - >-
        Use the result of an earlier task of the same play instead of asking the host again, until a role has changed
        something on the host. The first task asks for what all roles need that have a variable on this host.
      - Only for plays in which nothing else changes the network of the host.
    type: bool
    default: false
  needs:
    description: What the host is asked; set by the action.
    type: dict
    default: {}
attributes:
  action:
    support: full
    description: Runs partly on the controller.
  async:
    support: none
    description: Cannot run in the background.
  check_mode:
    support: full
    description: In C(check_mode) no package is installed; where one would be, RV(incomplete) is true.
  diff_mode:
    support: none
    description: Returns the managed values before and after.
  idempotent:
    support: full
    description: A second run with the same options changes nothing.
  platform:
    platforms: Linux
    support: full
    description: The operating systems that the module manages.
requirements:
  - Python 3.9 or later on the managed host
  - root on the managed host
seealso:
  - module: netfleet.docker.preflight
  - module: netfleet.docker.netns_info
"""

EXAMPLES = r"""
- name: Check what the role needs and gather the state of the host
  netfleet.docker.host_state:
    role: bridge
  register: netfleet_host

- name: Show the links of the host
  ansible.builtin.debug:
    msg: "{{ netfleet_host.state.namespaces[0].interfaces | map(attribute='name') }}"
"""

RETURN = r"""
state:
  description: >-
    The parts of what M(netfleet.docker.netns_info) returns of the host's own network namespace and of Docker Engine
    that the roles plan with; empty for C(topology).
  returned: success
  type: dict
  sample: {namespaces: [{kind: host, interfaces: [{name: eth0, up: true, mtu: 1500}]}], docker: {engine: {version:
  26.1.5}}}
missing:
  description: What is missing and not required, as M(netfleet.docker.preflight) returns it.
  returned: success
  type: list
  elements: dict
  sample: [{need: "feature:ipvs", reason: No such file or directory, remedy: load ip_vs, required: false}]
missing_of_role:
  description: The part of RV(missing) that the role needs. For C(engine) it is displayed as warnings, too.
  returned: success
  type: list
  elements: dict
  sample: [{need: "module:ip_vs", reason: "neither loaded, loadable nor built in", remedy: "", required: false}]
missing_needs:
  description: The same as RV(missing), as keys only.
  returned: success
  type: list
  elements: str
  sample: ["feature:ipvs"]
missing_libraries:
  description: Names of the libraries that are missing or too old.
  returned: success
  type: list
  elements: str
  sample: []
engine_packages:
  description: Packages of the distribution with Docker Engine, where it is missing.
  returned: success
  type: list
  elements: str
  sample: [docker.io]
cards:
  description: Of each network card its driver and whether it is wireless, where the role needs to know.
  returned: success
  type: dict
  sample: {eth0: {driver: virtio_net, wireless: false}}
variables:
  description: The converted variables of the role, by the name of the role.
  returned: success
  type: dict
  sample: {bridge: {bridge_networks: []}}
incomplete:
  description: Whether check mode ends here, because packages are missing that would be installed.
  returned: success
  type: bool
  sample: false
needs:
  description: What the host was asked.
  returned: success
  type: dict
  sample: {required: ["kind:bridge", "library:docker"], optional: [], subset: [docker, routes], cards: false}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netfleet.docker.plugins.module_utils._core.module import exit_with_result
from ansible_collections.netfleet.docker.plugins.module_utils._facts.host_state import gather
from ansible_collections.netfleet.docker.plugins.module_utils._facts.options import pack_document


def main() -> None:
    """Run the module."""
    spec = {
        "role": {"type": "str", "choices": ["engine", "bridge", "macvlan", "overlay", "topology"], "required": True},
        "reuse": {"type": "bool", "default": False},
        "needs": {"type": "dict", "default": {}},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    exit_with_result(module, lambda: {"packed": pack_document(gather(module.params["needs"]))})


if __name__ == "__main__":
    main()
