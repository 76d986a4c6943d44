# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ownership of namespaces and links by a topology: the link group, derived from the topology's name.

The kernel stores the group with each link and accepts it in the request that creates the link, so no link exists
without it. The numbers are far above those that people choose.
"""

from __future__ import annotations

import zlib

# ip(8) does not accept a number with the highest bit set.
_LOWEST, _HIGHEST = 1 << 30, (1 << 31) - 1


def compute_netns_group(name: str) -> int:
    """Return the group of the loopback links of a topology's namespaces; an even number."""
    return (_LOWEST | zlib.crc32(name.encode())) & _HIGHEST & ~1


def compute_link_group(name: str) -> int:
    """Return the group of a topology's links.

    It differs from the group of the namespaces, because the kernel does not delete a group with a loopback link.
    """
    return compute_netns_group(name) | 1
