# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning that only macvlan links need."""

from __future__ import annotations

from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Link


def cannot_become(have: Link, want: Link) -> str | None:
    """Say why the link's mode cannot be changed in place: passthru owns its parent, the others share it."""
    old, new = have.options.get("mode"), want.options.get("mode")
    if new is not None and old != new and "passthru" in (old, new):
        return f"has the mode {old}, and the kernel cannot change a macvlan to or from passthru in place"
    return None
