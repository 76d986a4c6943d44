# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options of ipvlan links."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of an ipvlan link."""

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
  mode:
    description:
      - Layer at which packets are switched. The default of the kernel is C(l3).
    type: str
    choices: [l2, l3, l3s]
  flags:
    description:
      - >-
        Communication between links of the same parent: V(bridge) directly, V(private) not at all, V(vepa) through the
        external switch.
    type: str
    choices: [bridge, private, vepa]
"""
