# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options of a bridge's port."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of a port."""

    DOCUMENTATION = r"""
options:
  priority:
    description:
      - Priority of the port for the spanning tree, 0 to 63.
    type: int
  cost:
    description:
      - Cost of the port for the spanning tree, 1 to 65535.
    type: int
  hairpin:
    description:
      - Whether frames can be sent back through the port that received them.
    type: bool
  learning:
    description:
      - Whether the bridge learns MAC addresses on the port.
    type: bool
  neigh_suppress:
    description:
      - Whether the bridge answers ARP requests and neighbour solicitations from its own entries.
    type: bool
  isolated:
    description:
      - Whether the port is isolated from other isolated ports.
    type: bool
"""
