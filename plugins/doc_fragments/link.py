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
      - Namespace of the link. See the notes for the notation.
      - By default, the namespace that the module runs in.
    type: str
  state:
    description:
      - Whether the link exists.
    type: str
    choices: [present, absent]
    default: present
  mtu:
    description:
      - MTU in bytes, 68 to 65535.
    type: int
  mac:
    description:
      - Unicast MAC address.
    type: str
  addresses:
    description:
      - IPv4 and IPv6 addresses with prefix length. The list is exact; other addresses are removed.
      - Addresses of the kernel (link-local, loopback), of router advertisements and of leases are not managed.
      - >-
        Docker disables IPv6 in containers without IPv6 networks. To enable it, set the sysctl
        C(net.ipv6.conf.default.disable_ipv6) with M(netfleet.docker.netns) before the link is created, or the sysctl of
        the link afterwards.
      - For IPv6, the module waits for duplicate address detection and fails if another host uses the address.
    type: list
    elements: str
  up:
    description:
      - Whether the link is up. A new link is down by default, as with C(ip link add).
    type: bool
  master:
    description:
      - Bridge or other master in the same namespace. An empty string removes the link from its master.
    type: str
  altnames:
    description:
      - Alternative names. The list is exact.
    type: list
    elements: str
  alias:
    description:
      - Alias of the link, at most 255 bytes. An empty string removes it.
    type: str
"""
