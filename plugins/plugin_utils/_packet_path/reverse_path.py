# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reverse path filters of firewalls: whether a route leads back to the source over the link of a packet."""

from __future__ import annotations

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path import routing
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import Answer, HookContext


def has_reverse_route(at: HookContext, uses_mark: bool, is_loose: bool = False) -> Answer:
    """Return whether the route to the source of a received packet uses its link, or exists if ``is_loose``."""
    packet, space = at.packet, at.space
    link = space.find_link(at.iif)
    if packet.src is None or link is None:
        return None
    if link["kind"] == "loopback":
        return True
    query = routing.RouteQuery(packet.src, packet.dst, packet.mark if uses_mark else 0)
    answers = {_leads_back(way, link["index"], is_loose) for way in routing.list_routes(space, query)}
    if packet.dst.version == 6 and answers != {True}:
        # For IPv6, the kernel also accepts a route of the link that is not the best one.
        indexes = {row["index"] for row in space.get_rows("routes") if row["family"] == 6 and row["type"] == "unicast"}
        return None if link["index"] in indexes else False
    return answers.pop() if len(answers) == 1 else None


def _leads_back(way: routing.SelectedRoute | None, index: int, is_loose: bool) -> bool:
    if way is None or way.type != "unicast":
        return False
    return is_loose or (way.link is not None and way.link["index"] == index)
