# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a topology knows its own: by the link group of what it made.

The group is a number that the kernel keeps with each link and takes in the request that creates it, so nothing that was
made can lack it, however the run ended. It is made of the topology's name, far above the numbers that people choose.
"""

from __future__ import annotations

import zlib

# ip(8) takes no number that has the highest bit set.
_LOWEST, _HIGHEST = 1 << 30, (1 << 31) - 1


def netns_group(name: str) -> int:
    """Return the group of the loopback link of the namespaces that the topology made; an even number."""
    return (_LOWEST | zlib.crc32(name.encode())) & _HIGHEST & ~1


def link_group(name: str) -> int:
    """Return the group of the links that the topology made.

    It is another one than the namespaces', because the kernel deletes no group that has a loopback link in it.
    """
    return netns_group(name) | 1
