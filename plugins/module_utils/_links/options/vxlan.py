# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a VXLAN link, and their way from parameters into a Link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core import validators
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.parameters import checked, optional
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import FLOOD, Endpoint, Fdb, Link
from ansible_collections.netfleet.docker.plugins.module_utils._links.options import link as link_options
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_kinds import VXLAN, VXLAN_DF, Value

PORT = 4789  # that IANA gave the protocol; the kernel's own is older
FDB: dict[str, Any] = {
    "mac": {"type": "str", "default": FLOOD},
    "dst": {"type": "str", "required": True},
    "port": {"type": "int"},
    "vni": {"type": "int"},
    "via": {"type": "str"},
}
SPEC: dict[str, Any] = {
    **{name: {"type": "bool" if spec.codec.startswith("bool") else "int"} for name, spec in VXLAN.items()},
    **{name: {"type": "str"} for name in ("group", "remote", "local", "parent", "parent_netns")},
    "df": {"type": "str", "choices": list(VXLAN_DF)},
    "port": {"type": "int", "default": PORT},
    "fdb": {"type": "list", "elements": "dict", "options": FDB},
    "fdb_append": {"type": "bool", "default": False},
}
_ADDRESSES = {"group": validators.group_address, "remote": validators.host_address, "local": validators.host_address}


def link(params: Mapping[str, Any], name: str, prefix: str = "") -> Link:
    """Return the VXLAN link that is asked for; without a namespace for it, its socket is in the module's own."""
    underlay = link_options.netns_label(params, "parent_netns", prefix)
    parent = params["parent"]
    if parent is not None:
        parent = Endpoint(underlay, parent and link_options.ifname(params, prefix, "parent"))
    addresses = _addresses(params, prefix)
    if addresses.get("group") and not (parent and parent.name):
        raise BadParameter(f"{prefix}group", "only a link with a parent can be in a multicast group")
    entries = fdb(params["fdb"], f"{prefix}fdb")
    _refuse_mixed(addresses, entries or (), prefix)
    others = {key: spec for key, spec in VXLAN.items() if key not in _ADDRESSES}
    return Link(
        name,
        kind="vxlan",
        parent=parent,
        underlay=underlay,
        options={**link_options.kind_options(others, params, prefix), **addresses},
        fdb=entries,
        fdb_append=params["fdb_append"],
        fdb_own=True,
        recreate=params["recreate"],
        **link_options.attributes(params, prefix),
    )


def fdb(given: list[dict[str, Any]] | None, parameter: str = "fdb") -> tuple[Fdb, ...] | None:
    """Return the forwarding entries that are asked for of a VXLAN link; None stays None."""
    if given is None:
        return None
    found: dict[Fdb, None] = {}
    for place, params in enumerate(given):
        prefix = f"{parameter}[{place}]."
        link_options.kind_options({key: VXLAN[key] for key in ("port", "vni")}, params, prefix)
        entry = Fdb(
            checked(prefix + "mac", validators.any_mac, params["mac"]),
            checked(prefix + "dst", validators.address, params["dst"]),
            params["port"],
            params["vni"],
            optional(prefix + "via", validators.ifname, params["via"]),
        )
        if entry.single and any(one.mac == entry.mac for one in found if one != entry):
            raise BadParameter(prefix + "mac", f"{entry.mac} has another dst further up, and can have one only")
        found[entry] = None
    return tuple(found)


def _addresses(params: Mapping[str, Any], prefix: str) -> dict[str, Value]:
    given: dict[str, Value] = {
        name: params[name] and checked(prefix + name, check, params[name])
        for name, check in _ADDRESSES.items()
        if params[name] is not None
    }
    if given.get("group") and given.get("remote"):
        raise BadParameter(f"{prefix}remote", "a link has one remote or a group, not both")
    return given


def _refuse_mixed(addresses: Mapping[str, Value], entries: tuple[Fdb, ...], prefix: str) -> None:
    """Raise BadParameter where IPv4 and IPv6 meet: a link carries its packets over one of the two."""
    given = {name: str(value) for name, value in addresses.items() if value}
    families = {validators.family(address) for address in given.values()}
    if len(families) > 1:
        raise BadParameter(prefix + min(given), f"{' and '.join(sorted(given))} are of different IP versions")
    for place, entry in enumerate(entries):
        # A link that has no address at all is one of IPv4.
        if validators.family(entry.dst or "") not in (families or {4}):
            raise BadParameter(
                f"{prefix}fdb[{place}].dst",
                f"{entry.dst} is not of the link's IP version, which is that of its local, remote or group, else IPv4",
            )
