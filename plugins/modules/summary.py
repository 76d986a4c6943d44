#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only; the action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: summary
short_description: Show what the roles changed on each host
version_added: 0.1.0
description:
  - >-
    Displays one line for each host of the play: networks that were created, changed, recreated and deleted, containers
    whose connections were interrupted, and the numbers of other changes. In check mode, the line contains what would
    change. Use it with C(run_once=true) after the roles.
  - It reads the results that the roles register. Variables of other tasks are ignored.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - netfleet.docker.role_action
options: {}
"""

EXAMPLES = r"""
- name: Show the changes of each host
  netfleet.docker.summary:
  run_once: true
"""

RETURN = r"""
msg:
  description: One line for each host.
  returned: success
  type: list
  elements: str
  sample:
    - "server1: created lan; recreated app; interrupted web, db; 3 changes of namespaces and links"
    - "server2: no changes"
"""
