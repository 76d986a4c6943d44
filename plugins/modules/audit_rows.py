# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only. The action of the same name does it all, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: audit_rows
short_description: Write rows about a host for the audit
version_added: 0.1.0
description:
  - >-
    Writes rows of a table to a file on the controller, for the options O(netfleet.docker.audit#module:drift) and
    O(netfleet.docker.audit#module:probes) of M(netfleet.docker.audit). The file is readable by its owner only.
  - >-
    Nothing of it runs on the host, nor in a process of its own: M(ansible.builtin.copy), delegated to the controller,
    starts several for each host.
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
        The file on the controller. Where it ends in a slash, or is a directory, the file in there has the inventory's
        name of the host and C(.json). Directories that are missing are made.
      - A file that is there is replaced at once or stays as it is, whatever happens.
    type: path
    required: true
attributes:
  check_mode:
    support: full
    description: In C(check_mode) no file is written.
  diff_mode:
    support: none
  platform:
    platforms: all
    support: full
    description: The controller.
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
  description: The file on the controller.
  returned: success
  type: str
  sample: audit/drift/h1.json
"""
