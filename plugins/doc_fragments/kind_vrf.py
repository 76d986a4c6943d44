# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options of VRF devices."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of a VRF device."""

    DOCUMENTATION = r"""
options:
  table:
    description:
      - >-
        Number of the routing table of the links whose master is the device, required to create the device. The kernel
        cannot change it.
    type: int
"""
