# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bridges, and the exact list of a bridge's ports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.interface import DeclaredLink, LinkKind
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Link
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import SetLink
from ansible_collections.netfleet.docker.plugins.module_utils._links.options.bridge_ports import parse_ports
from ansible_collections.netfleet.docker.plugins.module_utils._links.options.link import parse_netns
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan_builder import PlanBuilder
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import BRIDGE


class Bridge(LinkKind):
    """A bridge."""

    ip_link_words: Mapping[str, str] = {"stp": "stp_state", "multicast_snooping": "mcast_snooping"}

    def build_argument_spec(self) -> dict[str, Any]:
        return {
            **super().build_argument_spec(),
            "ports": {"type": "list", "elements": "raw"},
            "ports_append": {"type": "bool", "default": False},
        }

    def parse(self, params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
        ports = None if params["ports_append"] else parse_ports(params["ports"], params["name"], f"{prefix}ports")
        return {**super().parse(params, prefix), "ports": None if ports is None else tuple(port.name for port in ports)}

    def parse_members(self, params: Mapping[str, Any], prefix: str = "") -> list[DeclaredLink]:
        netns = parse_netns(params, prefix=prefix)
        ports = parse_ports(params["ports"], params["name"], f"{prefix}ports") or []
        return [DeclaredLink(Endpoint(netns, port.name), port, {}, prefix) for port in ports]

    def plan_members(self, builder: PlanBuilder, label: str, want: Link) -> None:
        """Release every port that is not in an exact list."""
        if want.ports is None:
            return
        for name, link in builder.state.get_netns(label).links.items():
            if link.master == want.name and name not in want.ports:
                builder.add_operation(SetLink(label, name, {"master": ""}))


KIND = Bridge("bridge", BRIDGE)
