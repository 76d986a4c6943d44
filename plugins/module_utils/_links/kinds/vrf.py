# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual routing and forwarding (VRF) devices: the links that have one as their master use its routing table."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.interface import LinkKind
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import LinkOption

ATTRIBUTES: Mapping[str, LinkOption] = {
    "table": LinkOption("IFLA_VRF_TABLE", 1, "u32", 1, changeable=False),
}

KIND = LinkKind("vrf", ATTRIBUTES, required=("table",))
