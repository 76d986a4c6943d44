# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options of macvlan and macvtap links."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of a macvlan or macvtap link."""

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
      - >-
        Communication between links of the same parent: V(bridge) directly, V(vepa) through the external switch,
        V(private) not at all. V(passthru) assigns the parent to a single link. V(source) accepts only packets from
        O(source_macs).
      - The default of the kernel is C(vepa). The kernel cannot change the mode to or from V(passthru).
    type: str
    choices: [bridge, private, vepa, passthru, source]
  source_macs:
    description:
      - With O(mode=source), source MAC addresses to accept. The list is exact.
    type: list
    elements: str
  flags:
    description:
      - >-
        Flags. The list is exact. V(nopromisc) does not set the parent to promiscuous mode with O(mode=passthru).
        V(nodst) disables the lookup of the destination among links with O(mode=source).
    type: list
    elements: str
    choices: [nopromisc, nodst]
  broadcast_queue_length:
    description:
      - Length of the broadcast queue in packets. The kernel uses the maximum of all links of the parent.
    type: int
"""
