# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""VXLAN links: their options, the family of their addresses, and their forwarding entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core import validators
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.parameters import (
    validate_optional,
    validate_parameter,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.interface import PARENT, LinkKind
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import (
    FLOOD,
    Endpoint,
    Fdb,
    Link,
    describe_netns,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.options.link import parse_name, parse_netns
from ansible_collections.netfleet.docker.plugins.module_utils._links.options.values import parse_options
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import (
    Decoder,
    encode_attribute,
    split_attributes,
)
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.decoder import VXLAN_PARENT, build_option_entries
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import (
    UNSPECIFIED,
    VXLAN,
    Value,
    separate_group,
)

# Attributes that the kernel reports in another form than it accepts (linux/if_link.h).
_TTL_INHERIT, _RESERVED_BITS = 28, 33
PORT = 4789  # the port that IANA assigned; the kernel's default is older
FORWARDING: dict[str, Any] = {
    "mac": {"type": "str", "default": FLOOD},
    "dst": {"type": "str", "required": True},
    "port": {"type": "int"},
    "vni": {"type": "int"},
    "via": {"type": "str"},
}
_ADDRESSES = {
    "group": validators.group_address,
    "remote": validators.host_address,
    "local": validators.host_address,
}


class Vxlan(LinkKind):
    """A VXLAN link. Its UDP socket stays in the namespace in which it was created, its ``underlay``."""

    has_forwarding_table = True
    # The kernel accepts options of a VXLAN link only in a request without an MTU.
    separate_attributes = frozenset({"mtu"})
    ip_link_words: Mapping[str, str] = {
        "vni": "id",
        "port": "dstport",
        "limit": "maxaddress",
        "udp_checksum": "udpcsum",
        "udp_zero_checksum6_tx": "udp6zerocsumtx",
        "udp_zero_checksum6_rx": "udp6zerocsumrx",
    }

    def __init__(self) -> None:
        """Register the options of VXLAN links."""
        super().__init__("vxlan", VXLAN, required=("vni",))
        self._decode = Decoder("", (), {**build_option_entries(VXLAN), **VXLAN_PARENT})

    def build_argument_spec(self) -> dict[str, Any]:
        return {**super().build_argument_spec(), **PARENT}

    def parse(self, params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
        """Return the fields; without parent_netns, the UDP socket is in the namespace that the module runs in."""
        underlay = parse_netns(params, "parent_netns", prefix)
        parent = params["parent"]
        if parent is not None:
            parent = Endpoint(underlay, parent and parse_name(params, prefix, "parent"))
        addresses = _parse_addresses(params, prefix)
        if addresses.get("group") and not (parent and parent.name):
            raise BadParameter(f"{prefix}group", "requires a parent")
        entries = _parse_entries(params["fdb"], f"{prefix}fdb")
        _refuse_mixed_families(addresses, entries or (), prefix)
        others = {key: spec for key, spec in VXLAN.items() if key not in _ADDRESSES}
        given = {**params, "port": PORT if params["port"] is None else params["port"]}
        return {
            "parent": parent,
            "underlay": underlay,
            "options": {**parse_options(others, given, prefix), **addresses},
            "fdb": entries,
            "fdb_append": params["fdb_append"],
            "fdb_own": True,
        }

    def find_obstacle(self, have: Link, want: Link) -> str | None:
        """Return the reason as for other kinds, or a change of the UDP socket, its IP version or its group."""
        found = super().find_obstacle(have, want)
        if found:
            return found
        if want.underlay is not None and have.underlay != want.underlay:
            return (
                f"has its UDP socket in {describe_netns(have.underlay)}, not in {describe_netns(want.underlay)}, "
                "and the kernel cannot change that in place"
            )
        if have.options.get("group") and want.options.get("remote"):
            return f"has the group {have.options['group']}, and the kernel cannot replace it by a remote in place"
        old, new = (_get_families(link.options) for link in (have, want))
        if new and new != (old or {4}):
            version = 6 if 6 in old else 4
            return f"carries its packets over IPv{version}, and the kernel cannot change that in place"
        return None

    def find_differing_options(self, have: Link, want: Link) -> dict[str, Value]:
        """Return the options to change; the kernel expects "no address" in the family of the existing address."""
        options = super().find_differing_options(have, want)
        for name, value in options.items():
            if VXLAN[name].codec == "ip" and value == "":
                options[name] = UNSPECIFIED[":" in str(have.options.get(name, ""))]
        return options

    def clean_data(self, data: bytes) -> bytes:
        """Return the data with the flag as the kernel accepts it, and without the bits that it derives from others."""
        kept = [
            (number, b"" if number == _TTL_INHERIT else value)
            for number, value in split_attributes(data)
            if number != _RESERVED_BITS and (number != _TTL_INHERIT or any(value))
        ]
        return b"".join(encode_attribute(number, value) for number, value in kept)

    def encode_parent(self, index: int, attributes: list[tuple[str, Any]], data: list[tuple[str, Any]]) -> None:  # noqa: ARG002
        data.append(("IFLA_VXLAN_LINK", index))

    def decode_options(self, data: bytes) -> dict[str, Any]:
        """Return the options, and the parent's index as ``parent_index``."""
        found = self._decode(data)
        separate_group(found)
        return found

    def format_ip_link_option(self, name: str, value: Value) -> list[object]:
        word = self.ip_link_words.get(name, name)
        if isinstance(value, bool):
            return [word if value else f"no{word}"]
        return super().format_ip_link_option(name, value)


KIND = Vxlan()


def _get_families(options: Mapping[str, Value]) -> set[int]:
    addresses = [str(options[name]) for name in _ADDRESSES if options.get(name)]
    return {6 if ":" in address else 4 for address in addresses}


def _parse_entries(given: list[dict[str, Any]] | None, parameter: str) -> tuple[Fdb, ...] | None:
    """Return the static forwarding entries; None stays None."""
    if given is None:
        return None
    found: dict[Fdb, None] = {}
    for place, params in enumerate(given):
        prefix = f"{parameter}[{place}]."
        parse_options({key: VXLAN[key] for key in ("port", "vni")}, params, prefix)
        if params["dst"] is None:
            raise BadParameter(f"{prefix}dst", "required for a forwarding entry of a VXLAN link")
        if params.get("vlan") is not None:
            raise BadParameter(f"{prefix}vlan", "supported only for ports of a bridge")
        entry = Fdb(
            validate_parameter(prefix + "mac", validators.any_mac, params["mac"]),
            validate_parameter(prefix + "dst", validators.address, params["dst"]),
            params["port"],
            params["vni"],
            validate_optional(prefix + "via", validators.ifname, params["via"]),
        )
        if entry.is_only_destination and any(one.mac == entry.mac for one in found if one != entry):
            raise BadParameter(prefix + "mac", f"{entry.mac} is listed with another dst, and can have only one")
        found[entry] = None
    return tuple(found)


def _parse_addresses(params: Mapping[str, Any], prefix: str) -> dict[str, Value]:
    given: dict[str, Value] = {
        name: params[name] and validate_parameter(prefix + name, check, params[name])
        for name, check in _ADDRESSES.items()
        if params[name] is not None
    }
    if given.get("group") and given.get("remote"):
        raise BadParameter(f"{prefix}remote", "mutually exclusive with group")
    return given


def _refuse_mixed_families(addresses: Mapping[str, Value], entries: tuple[Fdb, ...], prefix: str) -> None:
    """Raise BadParameter where IPv4 and IPv6 are mixed: a link carries its packets over one of the two."""
    given = {name: str(value) for name, value in addresses.items() if value}
    families = {validators.get_ip_version(address) for address in given.values()}
    if len(families) > 1:
        raise BadParameter(prefix + min(given), f"{' and '.join(sorted(given))} are of different IP versions")
    for place, entry in enumerate(entries):
        # A link without any address uses IPv4.
        if validators.get_ip_version(entry.dst or "") not in (families or {4}):
            raise BadParameter(
                f"{prefix}fdb[{place}].dst",
                f"{entry.dst} must be of the IP version of local, remote or group, by default IPv4",
            )
