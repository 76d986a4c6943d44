# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only; the action plugin does the work on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: audit_rows
short_description: Write rows about a host for the audit
version_added: 0.1.0
description:
  - >-
    Writes rows of a table to a file on the control node, for the options O(netfleet.docker.audit#module:drift) and
    O(netfleet.docker.audit#module:probes) of M(netfleet.docker.audit). The file is readable only by its owner.
  - >-
    The module runs in the worker process of Ansible. A delegated M(ansible.builtin.copy) starts several processes for
    each host.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.conn
  - ansible.builtin.action_common_attributes.flow
options:
  rows:
    description:
      - Rows to write. An empty list means that nothing was found. Mutually exclusive with O(drift).
    type: list
    elements: dict
  drift:
    description:
      - >-
        Results of roles or modules in check mode, by their names. Each of their C(operations) becomes a row of the
        table C(drift), and a result that failed becomes a row with its message.
    type: dict
  dest:
    description:
      - >-
        File on the control node. If the path ends with a slash or is a directory, the file is named after the host in
        the inventory with the suffix C(.json). Missing directories are created.
      - An existing file is replaced atomically.
    type: path
    required: true
attributes:
  check_mode:
    support: full
    description: In C(check_mode), no file is written.
  diff_mode:
    support: none
  platform:
    platforms: all
    support: full
    description: The control node.
  action:
    support: full
  async:
    support: none
  become:
    support: none
  bypass_host_loop:
    support: none
  connection:
    support: none
  delegation:
    support: none
seealso:
  - module: netfleet.docker.audit
"""

EXAMPLES = r"""
- name: Check what would change
  netfleet.docker.topology:
    links: "{{ links }}"
  check_mode: true
  register: checked

- name: Write the differences for the audit
  netfleet.docker.audit_rows:
    drift:
      topology: "{{ checked }}"
    dest: audit/drift/
"""

RETURN = r"""
dest:
  description: File on the control node.
  returned: success
  type: str
  sample: audit/drift/h1.json
"""
