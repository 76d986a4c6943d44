# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options that all links share."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of a link."""

    DOCUMENTATION = r"""
options:
  name:
    description:
      - Name of the link, 1 to 15 printable ASCII characters without white space, C(/), C(:) and C(%).
    type: str
    required: true
  netns:
    description:
      - Namespace in which the link is to be, see the notes for how it is named.
      - Without it, the namespace that the module runs in.
    type: str
  state:
    description:
      - Whether the link is to be there.
    type: str
    choices: [present, absent]
    default: present
  mtu:
    description:
      - Largest packet in bytes, 68 to 65535.
    type: int
  mac:
    description:
      - Unicast MAC address.
    type: str
  addresses:
    description:
      - IPv4 and IPv6 addresses with their prefix lengths. The list is exact, other addresses are removed.
      - >-
        Addresses that the kernel makes itself (link-local, loopback), that come from router advertisements, and that
        have a lease are left alone.
      - >-
        Docker switches IPv6 off in containers whose networks have none. M(netfleet.docker.netns) sets it back with the
        sysctl C(net.ipv6.conf.default.disable_ipv6) before the link is made, or that of the link afterwards.
      - For IPv6 the module waits for duplicate address detection, and fails if another host has the address.
    type: list
    elements: str
  up:
    description:
      - Whether the link is to be up. A link is created down, as with C(ip link add).
    type: bool
  master:
    description:
      - Link in the same namespace, such as a bridge, of which this one is to be a port. Empty for none.
    type: str
  altnames:
    description:
      - Alternative names. The list is exact.
    type: list
    elements: str
  alias:
    description:
      - Free text that the kernel keeps with the link, at most 255 bytes. Empty for none.
    type: str
"""
