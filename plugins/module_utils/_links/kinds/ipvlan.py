# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ipvlan links, which share their parent's MAC address."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.interface import KindOnParent
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import LinkOption

MODES = {"l2": 0, "l3": 1, "l3s": 2}
FLAGS = {"bridge": 0, "private": 1, "vepa": 2}
ATTRIBUTES: Mapping[str, LinkOption] = {
    "mode": LinkOption("IFLA_IPVLAN_MODE", 1, "u16", names=MODES, initial="l3"),
    # A new link has the flags of the other ipvlan links on its parent, so there is no initial value.
    "flags": LinkOption("IFLA_IPVLAN_FLAGS", 2, "u16", names=FLAGS),
}


class Ipvlan(KindOnParent):
    """A link on a parent, with the parent's MAC address."""

    replaced_parents = frozenset(("ipvlan", "ipvtap"))
    has_mac_of_parent = True


KIND = Ipvlan("ipvlan", ATTRIBUTES)
