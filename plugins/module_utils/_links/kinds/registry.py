# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry of link kinds. To add a kind, write its file and list it here; docs/development.md shows how."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds import (
    bridge,
    ipvlan,
    macvlan,
    veth,
    vlan,
    vrf,
    vxlan,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.interface import LinkKind

_KINDS = (
    bridge.KIND,
    LinkKind("dummy"),
    LinkKind("ifb"),
    ipvlan.KIND,
    macvlan.KIND,
    macvlan.MACVTAP,
    veth.KIND,
    vlan.KIND,
    vrf.KIND,
    vxlan.KIND,
)

KINDS: Mapping[str, LinkKind] = {kind.name: kind for kind in _KINDS}
# Parameters of some kinds only. Parameters with a default are not included and have no effect on other kinds.
KIND_PARAMETERS = frozenset(
    name for kind in _KINDS for name, argument in kind.build_argument_spec().items() if "default" not in argument
)


@functools.lru_cache(maxsize=64)
def find_kind(name: str | None) -> LinkKind:
    """Return a kind by its name; a kind that cannot be declared, and a physical link, has no options."""
    return KINDS.get(name or "") or LinkKind(name or "")
