# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Number and limit of tracked connections in a namespace."""

from __future__ import annotations

from ansible_collections.netfleet.docker.plugins.module_utils._facts.netns_context import NetnsContext

_FOLDER = "/proc/sys/net/netfilter"


def read_conntrack(inside: NetnsContext) -> dict[str, int | None]:
    """Return ``conntrack_count`` and ``conntrack_max``; None if the kernel does not track connections."""
    return {
        f"conntrack_{name}": _parse_number(inside.read_file(f"{_FOLDER}/nf_conntrack_{name}"))
        for name in ("count", "max")
    }


def _parse_number(text: str | None) -> int | None:
    return int(text) if text else None
