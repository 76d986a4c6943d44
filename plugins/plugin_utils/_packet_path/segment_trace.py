# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of a packet to its next hop on a segment."""

from __future__ import annotations

import abc
import dataclasses
import functools
from collections.abc import Sequence

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path import reception
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.commands import (
    build_link_commands,
    build_neighbour_commands,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Address, FleetNamespace, Row
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.frame_trace import (
    FrameTrace,
    find_bridge_port,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.l2_segment import Segment, SegmentPath
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import Packet
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.result import PathEnd

# Parts of a snapshot without which it is not known who answers for an address.
_WHO_ANSWERS = ("interfaces", "addresses")


class SegmentTrace(FrameTrace, abc.ABC):
    """Forward one packet to its next hop."""

    @abc.abstractmethod
    def _receive(self, space: FleetNamespace, packet: Packet, link: Row, port_in: str = "") -> None:
        """Receive a packet on a link; end with PathEnd."""

    def _forward_on_segment(
        self,
        space: FleetNamespace,
        packet: Packet,
        link: Row,
        next_hop: Address,
        came_by: Row | None = None,
    ) -> None:
        """Forward a packet to the next hop on the segment."""
        if link["kind"] == "ipvlan" and str((link["options"] or {}).get("mode")).startswith("l3"):
            self._forward_by_ipvlan(space, packet, link)
        mac = _find_neighbour_mac(space, link, next_hop)
        if not mac:
            self._check_master(space, link)
        segment = Segment(self._world)
        walks = segment.find_paths(
            space, link, functools.partial(self._answers, next_hop), mac or self._find_mac(next_hop), came_by
        )
        if not walks:
            raise self._explain_no_receiver(space, link, next_hop, segment.open_ended)
        walk = self._choose_receiver(space, link, next_hop, walks)
        if not mac:
            self._resolve_neighbour(space, packet, link, next_hop, walk)
        packet = self._record_segment_path(packet, walk)
        if mac and walk.link["mac"] and mac != walk.link["mac"] and walk.link["kind"] != "ipvlan":
            has = f"{walk.link['mac']} ({walk.link['name']} of {walk.space})"
            reason = f"the neighbour entry of {next_hop} has {mac} instead of {has}"
            raise self._build_end(False, space, reason, link).set_cause(
                "neighbour", build_neighbour_commands(space, link, next_hop)
            )
        mark = packet.mark if walk.space is space else 0
        packet = dataclasses.replace(packet.enter_namespace(), mark=mark)
        self._receive(walk.space, packet, walk.link, find_bridge_port(walk, packet))

    def _check_master(self, space: FleetNamespace, link: Row) -> None:
        """Raise PathEnd for a link whose master receives the answers of neighbours."""
        master = space.links.get(link["master_index"] or 0)
        if master is None or master["kind"] == "vrf":
            return
        reason = f"{link['name']} is a port of {master['name']}, which receives the answers of neighbours instead"
        certain = master["kind"] == "bridge"
        raise self._build_end(False if certain else None, space, reason, link).set_cause("neighbour" if certain else "")

    def _choose_receiver(
        self, space: FleetNamespace, link: Row, next_hop: Address, walks: Sequence[SegmentPath]
    ) -> SegmentPath:
        """Return the path to the receiver; raise PathEnd if several namespaces answer for the next hop."""
        open_walks = [one for one in walks if not one.obstacles] or [walks[0]]
        places = {(one.space.host, one.space.id): one for one in open_walks}
        reason = f"{next_hop} is used more than once, the first answer wins"
        if len(places) > 1:
            both = " and ".join(f"{one.space} on {one.link['name']}" for one in list(places.values())[:2])
            raise self._build_end(None, space, f"{reason}: {both}", link)
        receivers = {one.link["index"]: one for one in reversed(open_walks)}
        return self._alternatives.choose(list(receivers.values()), reason)

    def _answers(self, next_hop: Address, space: FleetNamespace, link: Row) -> bool:
        answer = reception.answers_request(space, link, next_hop)
        if answer is None:
            text = f"whether {space} answers requests for {next_hop} on {link['name']} is not known"
            answer = self._alternatives.choose((True, False), text)
        return answer

    def _forward_by_ipvlan(self, space: FleetNamespace, packet: Packet, link: Row) -> None:
        """Deliver a packet between links of the kind ipvlan in mode l3, which the parent routes."""
        parent = self._world.find_parent(space, link)
        for other, rider in self._world.find_upper_links(*parent) if parent else ():
            row = other.addresses.get(packet.dst)
            if rider["kind"] == "ipvlan" and row is not None and row["index"] == rider["index"]:
                self._add_hop(other, f"through {link['name']} → {rider['name']}", rider)
                self._receive(other, packet.enter_namespace(), rider)
        reason = f"{link['name']} is an ipvlan link in mode l3, whose packets its parent routes, which is not modelled"
        raise self._build_end(None, space, reason, link)

    def _find_mac(self, address: Address) -> str:
        owners = self._world.find_owners(address)
        return str(owners[0][1]["mac"] or "") if owners else ""

    def _explain_no_receiver(self, space: FleetNamespace, link: Row, next_hop: Address, open_ended: bool) -> PathEnd:
        if not link["up"]:
            return self._build_end(False, space, f"{link['name']} is down", link).set_cause(
                "link", build_link_commands(space, link)
            )
        if other := self._find_beside(space, link, next_hop):
            kind = other[1]["kind"] if other[1]["kind"] in ("macvlan", "ipvlan") else link["kind"]
            reason = f"{other[0]} has {next_hop} on {other[1]['name']}, but a parent and its {kind} links are separated"
            return self._build_end(False, space, reason, link).set_cause("segment")
        if open_ended:
            reason = (
                f"the packet leaves through {link['name']} to {next_hop}, which is in no snapshot{self._translation}"
            )
            return self._build_end(None, space, reason, link)
        if not link["running"]:
            return self._build_end(False, space, f"{link['name']} has no carrier", link).set_cause("link")
        missing = next(filter(None, (one.find_missing(*_WHO_ANSWERS) for one in self._world.spaces.values())), "")
        if missing:
            return self._build_end(None, space, f"{next_hop} is not found, but {missing}", link)
        others = [f"{owner} has it on {end['name']}" for owner, end in self._world.find_owners(next_hop)]
        elsewhere = f": {'; '.join(others[:2])}, which is on another segment" if others else ""
        reason = f"no host on the segment of {link['name']} has {next_hop}{elsewhere}{self._translation}"
        return self._build_end(False, space, reason, link).set_cause("neighbour")

    def _find_beside(self, space: FleetNamespace, link: Row, address: Address) -> tuple[FleetNamespace, Row] | None:
        """Return the owner of an address if it is the parent of a macvlan or ipvlan link, or a link on this parent."""
        owners = self._world.find_owners(address)
        if len(owners) != 1:
            return None
        (other, end), kinds = owners[0], ("macvlan", "ipvlan")
        for child, parent in (((space, link), (other, end)), ((other, end), (space, link))):
            found = self._world.find_parent(*child) if child[1]["kind"] in kinds else None
            mode = (child[1]["options"] or {}).get("mode")
            if found and (found[0].id, found[1]["index"]) == (parent[0].id, parent[1]["index"]) and mode != "vepa":
                return owners[0] if found[0].host == parent[0].host else None
        return None


def _find_neighbour_mac(space: FleetNamespace, link: Row, address: Address) -> str:
    """Return the MAC address of a permanent neighbour entry; other entries are refreshed by the kernel."""
    for row in space.get_rows("neighbours"):
        if row["index"] == link["index"] and row["address"] == str(address) and row["state"] in ("permanent", "noarp"):
            return str(row["mac"] or "")
    return ""
