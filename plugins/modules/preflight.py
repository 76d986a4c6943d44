#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: check the requirements of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Report what a host lacks
version_added: 0.1.0
description:
  - >-
    Checks what other modules and roles of this collection need on a host: privileges, Python, Python libraries, a
    running Docker Engine, systemd, and features of the kernel. One call checks everything that several roles need.
  - >-
    Features of the kernel are tried in a network namespace of their own, which is deleted afterwards. The kernel may
    load modules for that.
  - >-
    All missing needs are named in one message. The module needs no library, and changes nothing.
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
        V(installed) requires a Docker Engine on the host, V(running) one that answers on its local socket as well.
    type: str
    choices: [installed, running]
  libraries:
    description:
      - Python libraries to require, C(pyroute2) 0.7.2 or C(docker) 5.0.3, or later versions of them.
    type: list
    elements: str
    choices: [pyroute2, docker]
    default: []
  kinds:
    description:
      - >-
        Kinds of links to require, as the kernel calls them, such as V(vxlan). A dictionary is a link as
        M(netfleet.docker.topology) takes it, whose C(kind) counts. V(esp) is the same as in O(features).
    type: list
    elements: raw
    default: []
  modules:
    description:
      - >-
        Kernel modules to require. A module counts as present if it is loaded, can be loaded or is built into the
        kernel.
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
      - Needs to check and report without failing. An entry that is required as well is required.
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
      - Fail if a required need is missing, with one message that names all of them.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode). The module changes nothing.
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
notes:
  - >-
    A Python version older than 3.9 is reported as a missing need, from Python 3.7 on.
  - >-
    Without root, features of the kernel cannot be tried. They are not reported then, since C(root) is missing already.
requirements:
  - Linux
seealso:
  - module: netfleet.docker.engine
"""

EXAMPLES = r"""
- name: Check the needs of bridge and macvlan networks
  netfleet.docker.preflight:
    libraries: [pyroute2, docker]
    kinds: [bridge, veth, macvlan]
    engine: running

- name: Check the needs of a Swarm, and report missing features without failing
  netfleet.docker.preflight:
    kinds: [bridge, veth, vxlan]
    optional:
      features: [esp, ipvs]
  register: needs

- name: Show what is missing
  ansible.builtin.debug:
    msg: "{{ needs.missing }}"

- name: Check the needs of links that the inventory declares
  netfleet.docker.preflight:
    libraries: [pyroute2]
    kinds:
      - {name: dmz0, kind: veth}
      - {name: tunnel0, kind: vxlan}
"""

RETURN = r"""
missing:
  description: What is missing, required needs first.
  returned: always
  type: list
  elements: dict
  contains:
    need:
      description: >-
        The need as a key: C(root), C(python), C(systemd), C(engine:installed), C(engine:running), C(library:NAME),
        C(kind:NAME), C(module:NAME) or C(feature:NAME).
      type: str
      sample: kind:macvlan
    reason:
      description: What was found instead, in the kernel's own words where the kernel was asked.
      type: str
      sample: "Unknown device type (Operation not supported)"
    remedy:
      description: What to do about it.
      type: str
      sample: use a kernel with macvlan links; it loads the module rtnl-link-macvlan for them
    required:
      description: Whether the module fails for it.
      type: bool
      sample: true
missing_needs:
  description: The same as keys only.
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
  description: Packages of Debian and Ubuntu that provide Docker Engine, empty where it is installed or not asked for.
  returned: always
  type: list
  elements: str
  sample: []
msg:
  description: One message with all missing needs; of required ones alone where the module fails for them.
  returned: when something is missing
  type: str
  sample: >-
    This host lacks: links of the kind macvlan in its kernel (Unknown device type (Operation not supported)). Remedy:
    use a kernel with macvlan links; it loads the module rtnl-link-macvlan for them.
python:
  description: Path of the interpreter that the module ran with.
  returned: always
  type: str
  sample: /usr/bin/python3
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netfleet.docker.plugins.module_utils._core.module import exit_with_result
from ansible_collections.netfleet.docker.plugins.module_utils._preflight.check import build_result
from ansible_collections.netfleet.docker.plugins.module_utils._preflight.options import SPEC


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    exit_with_result(module, lambda: build_result(module.params))


if __name__ == "__main__":
    main()
