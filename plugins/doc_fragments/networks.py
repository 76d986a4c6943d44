# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the option networks, whose suboptions are the options of the module network."""

from __future__ import annotations

import yaml
from ansible_collections.netfleet.docker.plugins.modules.network import DOCUMENTATION as _NETWORK


def _build_suboptions() -> dict[str, object]:
    options = yaml.safe_load(_NETWORK)["options"]
    del options["lock_timeout"]
    # References such as O(force) refer to the suboptions.
    text = yaml.safe_dump(options)
    for name in options:
        text = text.replace(f"O({name}", f"O(networks[].{name}")
    found: dict[str, object] = yaml.safe_load(text)
    return found


_DESCRIPTION = (
    "Networks in the order in which they are applied. Each has the options of M(netfleet.docker.network).",
    (
        "All networks are validated before the first one is changed. Each network is a separate transaction. If one "
        "fails, its changes are rolled back. Networks before it stay applied and are named in the error, and networks "
        "after it are not changed."
    ),
)


class ModuleDocFragment:
    """The option networks, generated from the documentation of the module network."""

    DOCUMENTATION: str = yaml.safe_dump(
        {
            "options": {
                "networks": {
                    "description": list(_DESCRIPTION),
                    "type": "list",
                    "elements": "dict",
                    "required": True,
                    "suboptions": _build_suboptions(),
                }
            }
        }
    )
