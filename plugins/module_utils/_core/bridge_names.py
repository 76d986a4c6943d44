# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of the bridges of Docker networks."""

from __future__ import annotations

import re
from collections.abc import Mapping

_OPTION = "com.docker.network.bridge.name"
_SHORT_ID = 12
# Names that Docker chooses.
_CHOSEN = re.compile(r"docker0|docker_gwbridge|br-[0-9a-f]{12}")


def get_bridge_name(identity: str, options: Mapping[str, str] | None) -> str:
    """Return the name of the bridge of a network with the driver bridge, from the network's ID and options."""
    return (options or {}).get(_OPTION) or f"br-{identity[:_SHORT_ID]}"


def has_bridge_name(name: str) -> bool:
    """Return whether Docker chooses such names for its bridges."""
    return bool(_CHOSEN.fullmatch(name))
