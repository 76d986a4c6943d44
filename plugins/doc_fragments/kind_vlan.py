# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options of VLAN links."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of a VLAN link."""

    DOCUMENTATION = r"""
options:
  parent:
    description:
      - Parent link, required to create the link. The kernel cannot change it.
    type: str
  parent_netns:
    description:
      - Namespace of the parent. By default, the namespace that the module runs in.
    type: str
  id:
    description:
      - VLAN ID, 0 to 4094, required to create the link. The kernel cannot change it.
    type: int
  protocol:
    description:
      - Protocol of the tags. The kernel cannot change it.
    type: str
    choices: [802.1Q, 802.1ad]
"""
