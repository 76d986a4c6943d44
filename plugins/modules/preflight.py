#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: check the requirements of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check the requirements of a host
version_added: 0.1.0
description:
  - >-
    Checks the requirements of other modules and roles of this collection on a host: privileges, Python, Python
    libraries, a running Docker Engine, systemd, and features of the kernel. One call can check the requirements of
    several roles.
  - >-
    Features of the kernel are tested in a temporary network namespace, which is deleted afterwards. The kernel can load
    modules during the test.
  - >-
    One message lists all missing requirements. The module requires no library, and changes nothing.
author:
  - netfleet.docker contributors (@netfleet)
options:
  root:
    description:
      - Require root, with the capabilities C(CAP_NET_ADMIN) and C(CAP_SYS_ADMIN).
    type: bool
    default: true
  systemd:
    description:
      - Require a host that runs systemd.
    type: bool
    default: false
  engine:
    description:
      - >-
        V(installed) requires Docker Engine on the host. V(running) also requires that it responds on its local socket.
    type: str
    choices: [installed, running]
  libraries:
    description:
      - Required Python libraries, C(pyroute2) 0.7.2 or later and C(docker) 5.0.3 or later.
    type: list
    elements: str
    choices: [pyroute2, docker]
    default: []
  kinds:
    description:
      - >-
        Required kinds of links, named as in the kernel, such as V(vxlan). A dictionary is a link of
        M(netfleet.docker.topology), of which the C(kind) is required. V(esp) is the same as in O(features).
    type: list
    elements: raw
    default: []
  modules:
    description:
      - >-
        Required kernel modules. A module is available if it is loaded, can be loaded or is built into the kernel.
    type: list
    elements: str
    default: []
  features:
    description:
      - >-
        V(esp) requires IPsec with the cipher that Docker uses for encrypted overlay networks. V(ipvs) requires the load
        balancer that Docker uses for virtual IPs of services.
    type: list
    elements: str
    choices: [esp, ipvs]
    default: []
  optional:
    description:
      - Requirements to check and report without failing. An entry that is also in the other options is required.
    type: dict
    suboptions:
      engine:
        description:
          - Same as O(engine).
        type: str
        choices: [installed, running]
      libraries:
        description:
          - Same as O(libraries).
        type: list
        elements: str
        choices: [pyroute2, docker]
        default: []
      kinds:
        description:
          - Same as O(kinds).
        type: list
        elements: raw
        default: []
      modules:
        description:
          - Same as O(modules).
        type: list
        elements: str
        default: []
      features:
        description:
          - Same as O(features).
        type: list
        elements: str
        choices: [esp, ipvs]
        default: []
  fail:
    description:
      - Whether to fail if a requirement is missing. The message lists all missing requirements.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode). The module changes nothing.
  diff_mode:
    support: none
    description: Changes nothing.
  idempotent:
    support: full
    description: A second run with the same options changes nothing.
  platform:
    platforms: Linux
    support: full
    description: The operating systems that the module manages.
notes:
  - >-
    With Python 3.7 and 3.8, the Python version is reported as a missing requirement.
  - >-
    Without root, features of the kernel cannot be tested. They are not reported then, because C(root) is missing.
requirements:
  - Linux
seealso:
  - module: netfleet.docker.engine
"""

EXAMPLES = r"""
- name: Check the requirements of bridge and macvlan networks
  netfleet.docker.preflight:
    libraries: [pyroute2, docker]
    kinds: [bridge, veth, macvlan]
    engine: running

- name: Check the requirements of a Swarm, and report missing features without failing
  netfleet.docker.preflight:
    kinds: [bridge, veth, vxlan]
    optional:
      features: [esp, ipvs]
  register: needs

- name: Show the missing requirements
  ansible.builtin.debug:
    msg: "{{ needs.missing }}"

- name: Check the requirements of links that the inventory declares
  netfleet.docker.preflight:
    libraries: [pyroute2]
    kinds:
      - {name: dmz0, kind: veth}
      - {name: tunnel0, kind: vxlan}
"""

RETURN = r"""
missing:
  description: Missing requirements, mandatory ones first.
  returned: always
  type: list
  elements: dict
  contains:
    need:
      description: >-
        Key of the requirement: C(root), C(python), C(systemd), C(engine:installed), C(engine:running), C(library:NAME),
        C(kind:NAME), C(module:NAME) or C(feature:NAME).
      type: str
      sample: kind:macvlan
    reason:
      description: Reason, with the message of the kernel if the kernel was tested.
      type: str
      sample: "Unknown device type (Operation not supported)"
    remedy:
      description: Remedy.
      type: str
      sample: use a kernel with macvlan links; it loads the module rtnl-link-macvlan for them
    required:
      description: Whether the requirement is mandatory.
      type: bool
      sample: true
missing_needs:
  description: Keys of the missing requirements.
  returned: always
  type: list
  elements: str
  sample: [kind:macvlan]
missing_libraries:
  description: Python libraries that are missing or too old.
  returned: always
  type: list
  elements: str
  sample: []
engine_packages:
  description: Packages of Debian and Ubuntu that contain Docker Engine. Empty if it is installed or not required.
  returned: always
  type: list
  elements: str
  sample: []
msg:
  description: Message with all missing requirements; if the module fails, with the mandatory ones only.
  returned: when a requirement is missing
  type: str
  sample: >-
    This host lacks: links of the kind macvlan in its kernel (Unknown device type (Operation not supported)). Remedy:
    use a kernel with macvlan links; it loads the module rtnl-link-macvlan for them.
python:
  description: Path of the Python interpreter of the module.
  returned: always
  type: str
  sample: /usr/bin/python3
"""

from ansible_collections.netfleet.docker.plugins.module_utils._core.module import Module, exit_with_result
from ansible_collections.netfleet.docker.plugins.module_utils._preflight.check import build_result
from ansible_collections.netfleet.docker.plugins.module_utils._preflight.options import SPEC


def main() -> None:
    """Run the module."""
    module = Module(argument_spec=SPEC, supports_check_mode=True)
    exit_with_result(module, lambda: build_result(module.params))


if __name__ == "__main__":
    main()
