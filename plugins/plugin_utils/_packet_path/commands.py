# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to type where a packet stops: commands for the host, put into the namespace that they are about."""

from __future__ import annotations

from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import quote
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Address, Row, Space
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.netfilter import Verdict


def within(space: Space) -> str:
    """Return how a command begins that runs in a namespace."""
    if space.is_host:
        return ""
    row = space.row
    if names := row["names"]:
        return f"ip netns exec {quote(names[0])} "
    if paths := row["paths"]:
        return f"nsenter --net={quote(paths[0])} "
    processes = row["processes"] or []
    return f"nsenter --target {processes[0]['pid']} --net " if processes else ""


def of_link(space: Space, link: Row) -> str:
    """Set a link up."""
    return f"{within(space)}ip link set {quote(link['name'])} up" if not link["up"] else ""


def of_neighbour(space: Space, link: Row, address: Address) -> str:
    """Have the kernel find out anew who has an address."""
    return f"{within(space)}ip neighbour del {address} dev {quote(link['name'])}"


def of_route(space: Space, address: Address) -> str:
    """Show what decides on the way to an address."""
    inside = within(space)
    return f"{inside}ip route get {address}; {inside}ip rule show; {inside}ip route show table all"


def of_sysctl(space: Space, key: str, value: str) -> str:
    """Set a value below /proc/sys/net; with slashes, as the name of a link may have a dot in it."""
    return f"{within(space)}sysctl -w {quote(f'net/{key}={value}')}"


def of_service(space: Space) -> str:
    """Show what listens."""
    return f"{within(space)}ss -lntup"


def of_rule(space: Space, verdict: Verdict) -> str:
    """Show the chain of the rule that decided."""
    if not verdict.chain:
        return ""
    family, table, chain, backend = verdict.chain
    if backend == "nft":
        return f"{within(space)}nft --handle list chain {family} {quote(table)} {quote(chain)}"
    # By its own name, as the one that iptables is on a host may be the other one.
    program = backend.replace("ip", "ip6", 1) if family == "ip6" else backend
    return f"{within(space)}{program} -t {table} -S {quote(chain)}"
