#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: check requirements and gather the state of a host. The action plugin calls it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_state
short_description: Check the requirements of roles and gather the state of the host
version_added: 0.1.0
description:
  - >-
    The first task of the roles C(engine), C(bridge), C(macvlan), C(overlay) and C(topology). It checks the requirements
    of the role like M(netfleet.docker.preflight), and gathers the state of the host like M(netfleet.docker.netns_info),
    in one call.
  - >-
    Role variables are converted as declared in the argument specification of the role, so that C(-e name=false) is
    false. The other tasks of the role use the converted values.
  - Register the result as C(netfleet_host). The other tasks of the role read that variable.
author:
  - netfleet.docker contributors (@netfleet)
options:
  role:
    description:
      - Role to check.
      - >-
        Omit it to check all roles of the playbook C(netfleet.docker.provision) that have a variable on the host and are
        selected by the tags of the run. Libraries that a role installs are not an error then, and nothing is installed.
    type: str
    choices: [engine, bridge, macvlan, overlay, topology]
  reuse:
    description:
      - >-
        Whether to reuse the result of an earlier task in the same play until a role changes the host. The first task
        then gathers the state for all roles that have a variable on this host.
      - Use it only in plays in which nothing else changes the network of the host.
    type: bool
    default: false
  needs:
    description: Requests to the host. Set by the action plugin.
    type: dict
    default: {}
attributes:
  action:
    support: full
    description: Runs partly on the control node.
  async:
    support: none
    description: Cannot run in the background.
  check_mode:
    support: full
    description: In C(check_mode), no package is installed. If a package would be installed, RV(incomplete) is true.
  diff_mode:
    support: none
    description: Returns no differences.
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
- name: Check the requirements of the role and gather the state of the host
  netfleet.docker.host_state:
    role: bridge
  register: netfleet_host

- name: Check the requirements of all roles and gather the state of the host
  netfleet.docker.host_state:
  register: netfleet_host

- name: Show the links of the host
  ansible.builtin.debug:
    msg: "{{ netfleet_host.state.namespaces[0].interfaces | map(attribute='name') }}"
"""

RETURN = r"""
state:
  description: >-
    State of the host's network namespace and of Docker Engine in the format of M(netfleet.docker.netns_info), limited
    to the parts that the role requires. Empty for C(topology).
  returned: success
  type: dict
  sample: {namespaces: [{kind: host, interfaces: [{name: eth0, up: true, mtu: 1500}]}], docker: {engine: {version:
  26.1.5}}}
missing:
  description: Missing optional items, in the format of M(netfleet.docker.preflight).
  returned: success
  type: list
  elements: dict
  sample: [{need: "feature:ipvs", reason: No such file or directory, remedy: load ip_vs, required: false}]
missing_of_role:
  description: Items in RV(missing) that the role uses. The role C(engine) also displays them as warnings.
  returned: success
  type: list
  elements: dict
  sample: [{need: "module:ip_vs", reason: "neither loaded, loadable nor built in", remedy: "", required: false}]
missing_needs:
  description: Keys of the items in RV(missing).
  returned: success
  type: list
  elements: str
  sample: ["feature:ipvs"]
missing_libraries:
  description: Python libraries that are missing or too old.
  returned: success
  type: list
  elements: str
  sample: []
engine_packages:
  description: Packages of the distribution that contain Docker Engine, if it is missing.
  returned: success
  type: list
  elements: str
  sample: [docker.io]
cards:
  description: Driver of each physical network interface and whether it is wireless, if the role requires it.
  returned: success
  type: dict
  sample: {eth0: {driver: virtio_net, wireless: false}}
containers:
  description: State, network mode, networks and network namespace of each container, if a role requires them.
  returned: success
  type: dict
  sample: {batch: {state: running, network_mode: none, networks: [none], netns: "4026532448", shares_host: false}}
engine:
  description: >-
    For the role C(engine), parameters of M(netfleet.docker.engine) and its result in C(check_mode), if Docker Engine is
    installed and accepts the settings.
  returned: success
  type: dict
  sample: {arguments: {userland_proxy: false}, result: {changed: false, operations: []}}
variables:
  description: Converted variables by role.
  returned: success
  type: dict
  sample: {bridge: {bridge_networks: []}}
incomplete:
  description: Whether the role cannot continue in check mode because packages would be installed first.
  returned: success
  type: bool
  sample: false
needs:
  description: Requests that were sent to the host.
  returned: success
  type: dict
  sample: {required: ["kind:bridge", "library:docker"], optional: [], subset: [docker, routes], cards: false,
    containers: false}
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.module import Module, exit_with_result
from ansible_collections.netfleet.docker.plugins.module_utils._facts.host_state import gather


def gather_all(needs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of the host, and the changes that the settings in ``needs`` require."""
    found = gather(needs)
    missing = {row["need"] for row in found["checked"]["missing"]}
    found["engine"] = {}
    if needs.get("engine") and not found["checked"].get("failed") and "engine:installed" not in missing:
        # Imported here, because the files require Python 3.9: an older version is reported as missing.
        from ansible_collections.netfleet.docker.plugins.module_utils._engine.transaction import predict

        found["engine"] = predict(needs["engine"])
    return found


def main() -> None:
    """Run the module."""
    spec = {
        "role": {"type": "str", "choices": ["engine", "bridge", "macvlan", "overlay", "topology"]},
        "reuse": {"type": "bool", "default": False},
        "needs": {"type": "dict", "default": {}},
    }
    module = Module(argument_spec=spec, supports_check_mode=True)
    exit_with_result(module, lambda: gather_all(module.params["needs"]))


if __name__ == "__main__":
    main()
