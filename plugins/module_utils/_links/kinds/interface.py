# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The interface of all link kinds: parameters, planning, netlink attributes and export.

A kind that requires only options is an instance of ``LinkKind``; other kinds override methods. ``registry`` lists the
kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter, PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Link, State, describe_netns
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import CreateLink, DeleteLink
from ansible_collections.netfleet.docker.plugins.module_utils._links.options.bridge_ports import parse_port_entries
from ansible_collections.netfleet.docker.plugins.module_utils._links.options.link import parse_endpoint
from ansible_collections.netfleet.docker.plugins.module_utils._links.options.values import (
    build_options_spec,
    parse_options,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan_builder import PlanBuilder
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import Decoder
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.decoder import build_option_entries
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import LinkOption, Value

# Kinds of links whose MAC address the kernel does not change: ndo_set_mac_address is missing in their drivers.
_FIXED_MAC = frozenset(("gre", "ifb", "ip6gre", "ip6tnl", "ipip", "ipvlan", "sit", "vti", "vti6", "wireguard", "xfrm"))

PARENT: dict[str, Any] = {"parent": {"type": "str"}, "parent_netns": {"type": "str"}}


class DeclaredLink(NamedTuple):
    """Another link that a declaration contains: its place, the link, and its parameters with their prefix."""

    place: Endpoint
    link: Link
    params: Mapping[str, Any]
    prefix: str


class LinkKind:
    """One kind of link, named as in the kernel."""

    # Whether a link of this kind is created on a parent, in whose namespace the kernel looks it up.
    has_parent = False
    # Kinds of links that the kernel replaces by their own parent when they are the parent of a link of this kind.
    replaced_parents: frozenset[str] = frozenset()
    # Whether the kernel rejects an MTU above that of the parent.
    has_mtu_of_parent = False
    # Whether links of this kind always have the MAC address of the parent.
    has_mac_of_parent = False
    # Whether links of this kind have static forwarding entries of their own, not only those of a bridge's port.
    has_forwarding_table = False
    # Link attributes that the kernel accepts together with options only in a request of their own.
    separate_attributes: frozenset[str] = frozenset()
    # The words of ip-link(8) for options whose names differ.
    ip_link_words: Mapping[str, str] = {}

    def __init__(
        self, name: str, attributes: Mapping[str, LinkOption] | None = None, required: tuple[str, ...] = ()
    ) -> None:
        """Take the kernel's name, the netlink attributes of the options, and the required parameters."""
        self.name = name
        self.attributes = attributes or {}
        self.required = (*(("parent",) if self.has_parent else ()), *required)
        self._decode = Decoder("", (), build_option_entries(self.attributes))

    # Parameters

    def build_argument_spec(self) -> dict[str, Any]:
        """Return the argument specification of the parameters that only some kinds have."""
        return {**build_options_spec(self.attributes), **(PARENT if self.has_parent else {})}

    def refuse_foreign(self, params: Mapping[str, Any], prefix: str, known: frozenset[str]) -> None:
        """Raise BadParameter for a given parameter, one of the ``known`` ones, that only other kinds have."""
        own = self.build_argument_spec()
        for key in sorted(known - set(own)):
            if params.get(key) is not None:
                raise BadParameter(
                    prefix + key, f"not supported for kind={self.name}" if self.name else "requires kind"
                )

    def validate(self, params: Mapping[str, Any], prefix: str = "") -> None:
        """Raise BadParameter where a required parameter is missing."""
        for key in self.required:
            if params.get(key) is None:
                raise BadParameter(prefix + key, f"required for kind={self.name}")

    def parse(self, params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
        """Return the kind-specific fields of a Link; raise BadParameter for values that the kernel rejects."""
        fields: dict[str, Any] = {
            "options": parse_options(self.attributes, params, prefix),
            "fdb": parse_port_entries(params, prefix),
            "fdb_append": bool(params.get("fdb_append")),
        }
        if self.has_parent:
            fields["parent"] = parse_endpoint(params, prefix, "parent", "parent_netns")
        return fields

    def parse_members(self, params: Mapping[str, Any], prefix: str = "") -> list[DeclaredLink]:  # noqa: ARG002 (kinds override it)
        """Return the other links that the parameters declare: a veth's peer, a bridge's ports."""
        return []

    # Planning

    def plan_object(self, builder: PlanBuilder, desired: State, label: str, want: Link) -> None:
        """Plan the kernel object: remove a link that cannot be changed in place, and create a missing link."""
        self._refuse_replaced_parent(builder, desired, label, want)
        self._refuse_larger_mtu(builder, label, want)
        self._refuse_other_mac(builder, label, want)
        self.plan_replacement(builder, label, want)
        if builder.state.get_link(label, want.name) is None:
            builder.add_operation(
                CreateLink(
                    label, want, master=builder.choose_initial_master(label, want), initial=self.get_initial_options()
                )
            )

    def plan_replacement(self, builder: PlanBuilder, label: str, want: Link) -> None:
        """Plan the removal of a link of that name that cannot be changed in place; without recreate raise PlanError."""
        have = builder.state.get_link(label, want.name)
        reason = have and self.find_obstacle(have, want)
        if have and reason:
            if not want.recreate:
                raise PlanError(
                    f"{want.name} in {describe_netns(label)} {reason}; set recreate=true to delete and create it"
                )
            builder.add_operation(DeleteLink(label, want.name, have.kind, have.peer, have.index))

    def _refuse_replaced_parent(self, builder: PlanBuilder, desired: State, label: str, want: Link) -> None:
        if want.parent is None:
            return
        place = (want.parent.netns or label, want.parent.name)
        both = (desired.get_link(*place), builder.state.get_link(*place))
        parent = next((link for link in both if link and link.kind), None)
        if parent and parent.kind in self.replaced_parents:
            hint = f"; specify {parent.parent}" if parent.parent else ""
            reason = f"is a {parent.kind}, and the kernel would use its parent instead"
            raise PlanError(f"{want.name} in {describe_netns(label)}: the parent {want.parent} {reason}{hint}")

    def _refuse_larger_mtu(self, builder: PlanBuilder, label: str, want: Link) -> None:
        if not self.has_mtu_of_parent or want.mtu is None or want.parent is None:
            return
        parent = builder.state.get_link(want.parent.netns or label, want.parent.name)
        if parent and parent.mtu and want.mtu > parent.mtu:
            reason = f"mtu: {want.mtu} exceeds the MTU {parent.mtu} of the parent {want.parent}"
            raise PlanError(f"{want.name} in {describe_netns(label)}: {reason}")

    def _refuse_other_mac(self, builder: PlanBuilder, label: str, want: Link) -> None:
        if not self.has_mac_of_parent or want.mac is None or want.parent is None:
            return
        parent = builder.state.get_link(want.parent.netns or label, want.parent.name)
        if parent and parent.mac and want.mac != parent.mac:
            reason = f"mac: an {self.name} link has the MAC address {parent.mac} of its parent {want.parent}"
            raise PlanError(f"{want.name} in {describe_netns(label)}: {reason}")

    def find_obstacle(self, have: Link, want: Link) -> str | None:
        """Return why the kernel cannot change the existing link into the desired one, None if it can."""
        if have.kind != want.kind:
            return f"is a {have.kind or 'physical link'}, not a {want.kind}, and the kernel cannot change that in place"
        if want.parent and have.parent != want.parent:
            return (
                f"has the parent {have.parent or 'none'}, not {want.parent}, and the kernel cannot change that in place"
            )
        fixed = want.mac and self.describe_fixed_mac(have, want.mac)
        if fixed:
            return fixed
        for name, spec in self.attributes.items():
            old, new = have.options.get(name), want.options.get(name)
            if new is not None and not spec.changeable and not spec.matches(new, old):
                old = "none" if old in (None, "") else old
                return f"has the {name} {old}, not {new or 'none'}, and the kernel cannot change that in place"
        return None

    def describe_fixed_mac(self, have: Link, mac: str) -> str | None:
        """Return why the kernel cannot change the MAC address of a link of this kind, None if it can."""
        if self.name not in _FIXED_MAC or have.mac == mac:
            return None
        return f"has the mac {have.mac}, not {mac}, and the kernel cannot change that in place"

    def find_differing_options(self, have: Link, want: Link) -> dict[str, Value]:
        """Return the options to change, with the values that the kernel accepts."""
        return {
            name: value
            for name, value in want.options.items()
            if not self.attributes[name].matches(value, have.options.get(name))
        }

    def plan_members(self, builder: PlanBuilder, label: str, want: Link) -> None:
        """Plan operations of this kind apart from its options, such as the exact list of ports of a bridge."""

    def get_initial_options(self) -> dict[str, Value]:
        """Return the options of a new link whose initial values are the same in every kernel."""
        return {name: spec.initial for name, spec in self.attributes.items() if spec.initial is not None}

    def is_creatable(self, link: Link) -> bool:  # noqa: ARG002 (a veth depends on its peer)
        """Return whether a deleted link can be created again from the data in the State."""
        return True

    # Netlink

    def encode_options(self, options: Mapping[str, Value]) -> list[tuple[str, Any]]:
        """Return the attributes of IFLA_INFO_DATA, under the names that the encoders use."""
        return [attribute for name, value in options.items() for attribute in self.encode_option(name, value)]

    def encode_option(self, name: str, value: Value) -> list[tuple[str, Any]]:
        """Return the attributes of one option."""
        return [encode_value(self.attributes[name], value)]

    def encode_parent(self, index: int, attributes: list[tuple[str, Any]], data: list[tuple[str, Any]]) -> None:  # noqa: ARG002
        """Add the parent's index to the attributes of the link, or to the data of its kind."""
        attributes.append(("IFLA_LINK", index))

    def clean_data(self, data: bytes) -> bytes:
        """Return the reported IFLA_INFO_DATA in the form that the kernel accepts; empty if there is none."""
        del data
        return b""

    def decode_options(self, data: bytes) -> dict[str, Any]:
        """Return the options in IFLA_INFO_DATA."""
        return self._decode(data)

    # Export

    def describe(self, options: Mapping[str, Value]) -> dict[str, Any]:
        """Return the options that differ from those of a new link, as a document declares them."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in options.items()
            if name in self.attributes and value != self.attributes[name].initial
        }

    def format_ip_link_options(self, options: Mapping[str, Value]) -> list[object]:
        """Return the options as words of ip-link(8)."""
        return [word for name, value in options.items() for word in self.format_ip_link_option(name, value)]

    def format_ip_link_option(self, name: str, value: Value) -> list[object]:
        """Return one option as words of ip-link(8)."""
        word = self.ip_link_words.get(name, name)
        if isinstance(value, tuple):
            return list(value)
        if isinstance(value, bool):
            return [word, int(value)]
        return [word, value] if value != "" else []


class KindOnParent(LinkKind):
    """A kind of link that is created on a parent, such as macvlan."""

    has_parent = True


def encode_value(spec: LinkOption, value: Value) -> tuple[str, Any]:
    """Return an option's attribute and its value, as required by the encoders."""
    if isinstance(value, tuple):
        return spec.attribute, sum(spec.names[name] for name in value)
    if spec.names:
        return spec.attribute, spec.names[str(value)]
    if spec.number6 and ":" in str(value):
        return f"{spec.attribute}6", value
    return spec.attribute, int(value) if isinstance(value, bool) else value
