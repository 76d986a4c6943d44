# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the attributes of the roles' modules."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes and notes."""

    DOCUMENTATION = r"""
options: {}
attributes:
  action:
    support: full
    description: Runs on the control node, and runs modules on the host.
  async:
    support: none
    description: Cannot run in the background.
  check_mode:
    support: full
    description: Can run in C(check_mode) and return what would change without changing it.
  diff_mode:
    support: full
    description: Returns the managed values before and after.
  idempotent:
    support: full
    description: A second run with the same variables changes nothing.
  platform:
    platforms: Linux
    support: full
    description: The operating systems that the module manages.
notes:
  - >-
    This module is part of a role. It reads the converted role variables and the state of the hosts from the variable
    C(netfleet_host), in which the role registers the result of M(netfleet.docker.host_state).
requirements:
  - Python 3.9 or later on the managed host
  - root on the managed host
"""
