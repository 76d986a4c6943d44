# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""802.1Q and 802.1ad VLAN links."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.interface import KindOnParent
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import LinkOption

PROTOCOLS = {"802.1Q": 0x8100, "802.1ad": 0x88A8}
ATTRIBUTES: Mapping[str, LinkOption] = {
    "id": LinkOption("IFLA_VLAN_ID", 1, "u16", 0, 4094, changeable=False),
    "protocol": LinkOption("IFLA_VLAN_PROTOCOL", 5, "be16", names=PROTOCOLS, initial="802.1Q", changeable=False),
}


class Vlan(KindOnParent):
    """A link with a VLAN of its parent."""

    has_mtu_of_parent = True


KIND = Vlan("vlan", ATTRIBUTES, required=("id",))
