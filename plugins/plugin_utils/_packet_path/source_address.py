# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Select the source address of a packet as the kernel does."""

from __future__ import annotations

import ipaddress

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Address, FleetNamespace, Row
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.routing import SelectedRoute, parse_network

_SCOPES = {"host": 254, "link": 253, "site": 200, "global": 0}
_UNIVERSE = 0
# The kernel's policy table of labels for IPv6 source addresses (RFC 6724).
_LABELS = (
    ("::1/128", 0),
    ("::ffff:0:0/96", 4),
    ("2001:10::/28", 7),
    ("::/96", 3),
    ("2001::/32", 6),
    ("2002::/16", 2),
    ("fc00::/7", 5),
)


def list_sources(space: FleetNamespace, way: SelectedRoute, dst: Address) -> list[Address]:
    """Return the source address for a packet without one; several if the snapshot does not decide."""
    if way.row["prefsrc"]:
        return [ipaddress.ip_address(way.row["prefsrc"])]
    if way.type == "local":
        return [dst]
    if way.link is None:
        return []
    if dst.version == 6:
        return _select_ipv6(space, way.link, dst)
    scope = _SCOPES.get(str(way.row.get("scope")), _UNIVERSE)
    gateway = way.next_hop if way.row.get("gateway") or way.next_hop != dst else None
    found = select_ipv4(space, way.link, gateway, scope)
    return [found] if found else []


def list_masquerading_sources(space: FleetNamespace, link: Row | None, dst: Address, hop: Address) -> list[Address]:
    """Return the address that a packet is masqueraded with."""
    if link is None:
        return []
    if dst.version == 6:
        return _select_ipv6(space, link, dst)
    found = select_ipv4(space, link, hop, _UNIVERSE)
    return [found] if found else []


def select_ipv4(space: FleetNamespace, link: Row, gateway: Address | None, scope: int) -> Address | None:
    """Return the IPv4 address of a link for a next hop, or of another link if it has none."""
    rows = [row for row in space.get_rows("addresses") if row["family"] == 4 and "secondary" not in row["flags"]]
    own = [row for row in rows if row["index"] == link["index"] and min(_get_scope(row), 253) <= scope]
    for row in own if gateway else ():
        if gateway in parse_network(f"{row['peer'] or row['address']}/{row['prefixlen']}"):
            return ipaddress.ip_address(row["address"])
    if own:
        return ipaddress.ip_address(own[0]["address"])
    rest = [row for row in rows if _get_scope(row) != _SCOPES["link"] and _get_scope(row) <= scope]
    ordered = sorted(rest, key=lambda row: (space.get_kind(row["index"]) != "loopback", row["index"]))
    return ipaddress.ip_address(ordered[0]["address"]) if ordered else None


def _get_scope(row: Row) -> int:
    text = str(row["scope"])
    return _SCOPES.get(text, int(text) if text.isdigit() else _UNIVERSE)


def _select_ipv6(space: FleetNamespace, link: Row, dst: Address) -> list[Address]:
    """Return the best source addresses by the rules of RFC 6724."""
    candidates = [
        row
        for row in space.get_rows("addresses")
        if row["family"] == 6
        and not {"tentative", "dadfailed"} & set(row["flags"])
        and row["scope"] != "host"
        and (row["index"] == link["index"] or not (dst.is_link_local or row["scope"] == "link"))
    ]

    def rank(row: Row) -> tuple[bool | int, ...]:
        address = ipaddress.ip_address(row["address"])
        same = address.is_link_local == dst.is_link_local
        common = min(128 - (int(address) ^ int(dst)).bit_length(), row["prefixlen"])
        return (
            address != dst,
            not same,
            "deprecated" in row["flags"],
            row["index"] != link["index"],
            _get_label(address) != _get_label(dst),
            -common,
        )

    if not candidates:
        return []
    best = min(map(rank, candidates))
    return [ipaddress.ip_address(row["address"]) for row in candidates if rank(row) == best]


def _get_label(address: Address) -> int:
    return next((label for network, label in _LABELS if address in parse_network(network)), 1)
