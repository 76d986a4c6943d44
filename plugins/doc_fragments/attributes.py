# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the attributes of all modules."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes of modules that change a host."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return what would change without changing it.
  diff_mode:
    support: full
    description: Returns the managed values before and after.
  idempotent:
    support: full
    description: A second run with the same options changes nothing.
  platform:
    platforms: Linux
    support: full
    description: Operating systems that the module can manage.
requirements:
  - Python 3.9 or later on the managed host
  - pyroute2 0.7.2 or later on the managed host (C(python3-pyroute2) on Debian and Ubuntu)
  - root on the managed host
"""
