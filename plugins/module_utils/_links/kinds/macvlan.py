# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""macvlan links, and macvtap links, which have the same options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter, PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.interface import LinkKind
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Link, State, describe_netns
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan_builder import PlanBuilder
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import MACVLAN, Value

# enum macvlan_macaddr_mode in linux/if_link.h
_MACADDR_SET = 3
# Kinds whose new links have the MAC address of another link; that of others is random.
_WITH_MAC_OF_PARENT = ("vlan", "ipvlan")


class Macvlan(LinkKind):
    """A link on a parent, with its own MAC address."""

    has_parent = has_mtu_of_parent = True
    replaced_parents = frozenset(("macvlan", "macvtap"))
    ip_link_words: Mapping[str, str] = {"broadcast_queue_length": "bcqueuelen"}

    def parse(self, params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
        fields = super().parse(params, prefix)
        if "source_macs" in fields["options"] and params["mode"] != "source":
            raise BadParameter(f"{prefix}source_macs", "supported only with mode=source")
        return fields

    def plan_object(self, builder: PlanBuilder, desired: State, label: str, want: Link) -> None:
        """Plan as for other kinds; in mode passthru, the link has the MAC address of its parent."""
        if want.mac and want.parent and want.options.get("mode") == "passthru":
            place = (want.parent.netns or label, want.parent.name)
            declared, there = desired.get_link(*place), builder.state.get_link(*place)
            mac = (declared and declared.mac) or (there and there.mac)
            is_random = not mac and declared is not None and declared.kind not in _WITH_MAC_OF_PARENT
            if is_random or (mac and mac != want.mac):
                which = mac or "which the kernel chooses"
                reason = f"a {self.name} in mode passthru has the MAC address of its parent {want.parent}, {which}"
                raise PlanError(f"{want.name} in {describe_netns(label)}: mac: {reason}; set mac of the parent instead")
        super().plan_object(builder, desired, label, want)

    def find_obstacle(self, have: Link, want: Link) -> str | None:
        """Return the reason as for other kinds, or that the kernel cannot change a mode to or from passthru."""
        found = super().find_obstacle(have, want)
        old, new = have.options.get("mode"), want.options.get("mode")
        if found is None and new is not None and old != new and "passthru" in (old, new):
            return f"has the mode {old}, and the kernel cannot change a macvlan to or from passthru in place"
        return found

    def encode_option(self, name: str, value: Value) -> list[tuple[str, Any]]:
        if name == "source_macs" and isinstance(value, tuple):
            addresses = [("IFLA_MACVLAN_MACADDR", mac) for mac in value]
            return [
                ("IFLA_MACVLAN_MACADDR_MODE", _MACADDR_SET),
                (self.attributes[name].attribute, {"attrs": addresses}),
            ]
        return super().encode_option(name, value)

    def format_ip_link_option(self, name: str, value: Value) -> list[object]:
        if name == "source_macs" and isinstance(value, tuple):
            return ["macaddr", "set", *value]
        return super().format_ip_link_option(name, value)


KIND = Macvlan("macvlan", MACVLAN)
MACVTAP = Macvlan("macvtap", MACVLAN)
