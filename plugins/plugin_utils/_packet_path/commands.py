# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remedies for a packet that stops: shell commands for the host, run in the affected namespace."""

from __future__ import annotations

from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import quote
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.firewall_chain import Verdict
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Address, FleetNamespace, Row


def build_netns_prefix(space: FleetNamespace) -> str:
    """Return the prefix of a command that runs in a namespace."""
    if space.is_host:
        return ""
    row = space.row
    if names := row["names"]:
        return f"ip netns exec {quote(names[0])} "
    if paths := row["paths"]:
        return f"nsenter --net={quote(paths[0])} "
    processes = row["processes"] or []
    return f"nsenter --target {processes[0]['pid']} --net " if processes else ""


def build_link_commands(space: FleetNamespace, link: Row) -> str:
    """Return the command that sets a link up, or an empty string."""
    return f"{build_netns_prefix(space)}ip link set {quote(link['name'])} up" if not link["up"] else ""


def build_neighbour_commands(space: FleetNamespace, link: Row, address: Address) -> str:
    """Return the command that deletes a neighbour entry."""
    return f"{build_netns_prefix(space)}ip neighbour del {address} dev {quote(link['name'])}"


def build_route_commands(space: FleetNamespace, address: Address) -> str:
    """Return the commands that show the routes and rules for an address."""
    inside = build_netns_prefix(space)
    return f"{inside}ip route get {address}; {inside}ip rule show; {inside}ip route show table all"


def build_sysctl_commands(space: FleetNamespace, key: str, value: str) -> str:
    """Return the command that sets a sysctl, with slashes, because link names can contain dots."""
    return f"{build_netns_prefix(space)}sysctl -w {quote(f'net/{key}={value}')}"


def build_service_commands(space: FleetNamespace) -> str:
    """Return the command that shows listening sockets."""
    return f"{build_netns_prefix(space)}ss -lntup"


def build_rule_commands(space: FleetNamespace, verdict: Verdict) -> str:
    """Return the command that shows the chain of a rule."""
    if not verdict.chain:
        return ""
    family, table, chain, backend = verdict.chain
    if backend == "nft":
        return f"{build_netns_prefix(space)}nft --handle list chain {family} {quote(table)} {quote(chain)}"
    # Use the name of the backend, because iptables can be either on a host.
    program = backend.replace("ip", "ip6", 1) if family == "ip6" else backend
    return f"{build_netns_prefix(space)}{program} -t {table} -S {quote(chain)}"


def build_ipsec_commands(space: FleetNamespace) -> str:
    """Return the command that shows the policies of IPsec."""
    return f"{build_netns_prefix(space)}ip xfrm policy"
