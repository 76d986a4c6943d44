# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning that only VXLAN links need."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Link, where
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_kinds import NOWHERE, VXLAN, Value


def cannot_become(have: Link, want: Link) -> str | None:
    """Say why the link cannot be changed in place: its socket stays where it is, of one family, and in its group."""
    if want.underlay is not None and have.underlay != want.underlay:
        return (
            f"has its UDP socket in {where(have.underlay)}, not in {where(want.underlay)}, "
            "and the kernel cannot change that in place"
        )
    if have.options.get("group") and want.options.get("remote"):
        return f"has the group {have.options['group']}, and the kernel cannot make one remote of it in place"
    old, new = (_families(link.options) for link in (have, want))
    if new and new != (old or {4}):
        version = 6 if 6 in old else 4
        return f"carries its packets over IPv{version}, and the kernel cannot change that in place"
    return None


def in_its_family(options: Mapping[str, Value], there: Mapping[str, Value]) -> dict[str, Value]:
    """Return options with "no address" in the family of the address that is there, as the kernel wants to be told."""
    result = dict(options)
    for name, value in options.items():
        if VXLAN[name].codec == "ip" and value == "":
            result[name] = NOWHERE[":" in str(there.get(name, ""))]
    return result


def _families(options: Mapping[str, Value]) -> set[int]:
    addresses = [str(options[name]) for name in ("group", "remote", "local") if options.get(name)]
    return {6 if ":" in address else 4 for address in addresses}
