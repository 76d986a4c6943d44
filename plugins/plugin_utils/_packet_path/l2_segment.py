# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The path of a frame on its segment: over bridges, veth pairs, parents and tunnels to its receiver.

The search follows all links and records obstacles, so the result includes blocked paths and the place of the obstacle.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import (
    FleetNamespace,
    Row,
    SnapshotFleet,
)

_MOST_STEPS = 64
_ANY_MAC = "00:00:00:00:00:00"
Wanted = Callable[[FleetNamespace, Row], bool]


@dataclasses.dataclass(frozen=True)
class SegmentStep:
    """A link that a frame passes; ``obstacle`` is the reason why it stops there, ``assumed`` an assumption.

    ``about`` is the kind of obstacle: link, segment, neighbour or FDB.
    """

    space: FleetNamespace
    link: Row
    how: str
    obstacle: str = ""
    assumed: str = ""
    bridge: Row | None = None
    tunnel: tuple[str, str] | None = None
    about: str = "segment"


@dataclasses.dataclass(frozen=True)
class SegmentPath:
    """The destination of a frame and the path to it."""

    space: FleetNamespace
    link: Row
    steps: tuple[SegmentStep, ...]

    @property
    def obstacles(self) -> list[SegmentStep]:
        """The obstacles in order."""
        return [step for step in self.steps if step.obstacle]


class Segment:
    """Search for the receivers on the segment of a link."""

    def __init__(self, world: SnapshotFleet) -> None:
        self._world = world
        self.open_ended = False
        self._seen: set[tuple[str, str, int, str]] = set()
        self._mac = ""

    def find_paths(
        self, space: FleetNamespace, link: Row, wanted: Wanted, mac: str = "", came_by: Row | None = None
    ) -> list[SegmentPath]:
        """Return the paths to all matching links, the path with the fewest obstacles first.

        With ``came_by``, a bridge forwards the frame that it received on this port.
        """
        self._mac = mac
        found = (
            self._follow_ports(space, link, came_by, wanted, ())
            if came_by
            else self._follow_sent(space, link, wanted, ())
        )
        return sorted(found, key=lambda walk: (len(walk.obstacles), len(walk.steps)))

    def _follow_sent(
        self, space: FleetNamespace, link: Row, wanted: Wanted, steps: tuple[SegmentStep, ...]
    ) -> Iterator[SegmentPath]:
        """Yield the paths of a frame that a link sends."""
        key = (space.host, space.id, link["index"], "out")
        if key in self._seen or len(steps) > _MOST_STEPS:
            return
        self._seen.add(key)
        steps = (*steps, SegmentStep(space, link, "out", _describe_down_link(link), about="link"))
        kind = link["kind"]
        if kind == "bridge":
            yield from self._follow_ports(space, link, None, wanted, steps)
        elif kind in ("macvlan", "ipvlan", "macvtap"):
            yield from self._follow_siblings(space, link, wanted, steps)
        elif kind == "vlan":
            yield from self._follow_parent(space, link, wanted, steps)
        elif kind == "vxlan":
            yield from self._follow_tunnel(space, link, wanted, steps)
        else:
            yield from self._follow_peer(space, link, wanted, steps)

    def _follow_peer(
        self, space: FleetNamespace, link: Row, wanted: Wanted, steps: tuple[SegmentStep, ...]
    ) -> Iterator[SegmentPath]:
        """Follow a veth pair to its peer, or an external link to other hosts."""
        if peer := self._world.find_peer(space, link):
            yield from self._follow_received(*peer, wanted, steps)
        if self._world.is_external_link(space, link):
            yield from self._follow_external_link(space, link, wanted, steps)
        elif not peer:
            self.open_ended = True

    def _follow_received(
        self, space: FleetNamespace, link: Row, wanted: Wanted, steps: tuple[SegmentStep, ...]
    ) -> Iterator[SegmentPath]:
        """Yield the paths of a frame that a link receives."""
        key = (space.host, space.id, link["index"], "in")
        if key in self._seen:
            return
        self._seen.add(key)
        bridge = space.find_bridge(link)
        down = _describe_down_link(link)
        obstacle = down or (_describe_closed_port(link) if bridge else "")
        steps = (*steps, SegmentStep(space, link, "in", obstacle, bridge=bridge, about="link" if down else "segment"))
        if bridge:
            if wanted(space, bridge):
                yield SegmentPath(
                    space, bridge, (*steps, SegmentStep(space, bridge, "in", _describe_down_link(bridge), about="link"))
                )
            yield from self._follow_ports(space, bridge, link, wanted, steps)
            return
        if wanted(space, link):
            yield SegmentPath(space, link, steps)
        for other, rider in self._world.find_upper_links(space, link):
            if rider["kind"] in ("macvlan", "ipvlan", "macvtap"):
                yield from self._follow_received(other, rider, wanted, steps)

    def _follow_ports(
        self, space: FleetNamespace, bridge: Row, came_by: Row | None, wanted: Wanted, steps: tuple[SegmentStep, ...]
    ) -> Iterator[SegmentPath]:
        for port in space.list_ports(bridge["index"]):
            same = came_by is not None and port["index"] == came_by["index"]
            if same and not (port["port"] or {}).get("hairpin"):
                continue
            closed = _describe_closed_port(port) or (_describe_isolation(came_by, port) if came_by and not same else "")
            entry = "" if closed else self._find_fdb_obstacle(space, bridge, port)
            how, about = "forwarded" if came_by else "sent", "FDB" if entry else "segment"
            step = SegmentStep(space, port, how, closed or entry, bridge=bridge, about=about)
            yield from self._follow_sent(space, port, wanted, (*steps, step))

    def _find_fdb_obstacle(self, space: FleetNamespace, bridge: Row, port: Row) -> str:
        """Return the obstacle if a static FDB entry of the bridge points to another port."""
        for row in space.get_rows("fdb"):
            lasting = row["state"] in ("permanent", "static") and "self" not in (row["flags"] or [])
            mine = row["master_index"] == bridge["index"] and row["index"] not in (bridge["index"], port["index"])
            if mine and lasting and row["mac"] == self._mac:
                return f"a static FDB entry of {bridge['name']} for {self._mac} points to {row['interface']}"
        return ""

    def _follow_siblings(
        self, space: FleetNamespace, link: Row, wanted: Wanted, steps: tuple[SegmentStep, ...]
    ) -> Iterator[SegmentPath]:
        parent = self._world.find_parent(space, link)
        if not parent:
            self.open_ended = True
            return
        options = link["options"] or {}
        for other, rider in self._world.find_upper_links(*parent):
            if rider["kind"] == link["kind"] and (other.id, rider["index"]) != (space.id, link["index"]):
                obstacle = _explain_mode_isolation(link, rider, options)
                yield from self._follow_received(
                    other, rider, wanted, (*steps, SegmentStep(other, rider, "beside", obstacle))
                )
        yield from self._follow_parent(space, link, wanted, steps)

    def _follow_parent(
        self, space: FleetNamespace, link: Row, wanted: Wanted, steps: tuple[SegmentStep, ...]
    ) -> Iterator[SegmentPath]:
        parent = self._world.find_parent(space, link)
        if parent:
            yield from self._follow_sent(*parent, wanted, steps)
        else:
            self.open_ended = True

    def _follow_external_link(
        self, space: FleetNamespace, link: Row, wanted: Wanted, steps: tuple[SegmentStep, ...]
    ) -> Iterator[SegmentPath]:
        self.open_ended = True
        assumed = f"{link['name']} of {space.host} and the next link are on one segment"
        vlans = [step.link["options"].get("id") for step in steps if step.link["kind"] == "vlan" and step.how == "out"]
        for other, wire in self._world.find_external_links(space.host):
            passed = (*steps, SegmentStep(other, wire, "over the wire", assumed=assumed))
            if not vlans:
                yield from self._follow_received(other, wire, wanted, passed)
                continue
            for rider_space, rider in self._world.find_upper_links(other, wire):
                if rider["kind"] == "vlan" and (rider["options"] or {}).get("id") == vlans[-1]:
                    yield from self._follow_received(rider_space, rider, wanted, passed)

    def _follow_tunnel(
        self, space: FleetNamespace, link: Row, wanted: Wanted, steps: tuple[SegmentStep, ...]
    ) -> Iterator[SegmentPath]:
        options: dict[str, Any] = dict(link["options"] or {})
        known = [row for row in space.get_rows("fdb") if row["index"] == link["index"] and row["dst"]]
        exact = [row["dst"] for row in known if row["mac"] == self._mac]
        flooded = [row["dst"] for row in known if row["mac"] == _ANY_MAC] + [
            options[one] for one in ("remote", "group") if options.get(one)
        ]
        for other, far in self._find_remote_vteps(space, link):
            vtep = self._get_vtep_address(other, far)
            silent = self._find_proxy_obstacle(space, link, options)
            obstacle = silent or self._find_vtep_obstacle(link, vtep, exact, flooded)
            tunnel = (str(options.get("local") or ""), vtep)
            about = "neighbour" if silent else "FDB"
            into = SegmentStep(space, link, "into the tunnel", obstacle, about=about)
            through = SegmentStep(other, far, "through the tunnel", tunnel=tunnel)
            yield from self._follow_received(other, far, wanted, (*steps, into, through))
        if not known and not flooded:
            self.open_ended = True

    def _find_proxy_obstacle(self, space: FleetNamespace, link: Row, options: Row) -> str:
        """Return the obstacle if a VXLAN link with proxy has no neighbour entry for the MAC address."""
        known = (row["mac"] for row in space.get_rows("neighbours") if row["index"] == link["index"])
        if not options.get("proxy") or not self._mac or self._mac in known:
            return ""
        return f"{link['name']} answers ARP for remote hosts (proxy) but has no neighbour entry for {self._mac}"

    def _find_vtep_obstacle(self, link: Row, vtep: str, exact: list[str], flooded: list[str]) -> str:
        if not vtep or vtep in exact or (not exact and vtep in flooded):
            return ""
        if exact:
            return f"the FDB entry of {link['name']} for {self._mac} points to the VTEP {exact[0]} instead of {vtep}"
        if any(one.startswith(("22", "23", "ff")) for one in flooded):
            return ""
        return f"the FDB of {link['name']} has no entry for {self._mac or 'the destination'} with the VTEP {vtep}"

    def _find_remote_vteps(self, space: FleetNamespace, link: Row) -> Iterator[tuple[FleetNamespace, Row]]:
        vni = (link["options"] or {}).get("vni")
        for other in self._world.spaces.values():
            if other.host != space.host:
                yield from (
                    (other, far)
                    for far in other.links.values()
                    if far["kind"] == "vxlan" and (far["options"] or {}).get("vni") == vni
                )

    def _get_vtep_address(self, space: FleetNamespace, link: Row) -> str:
        """Return the address of a VTEP: its local address, or the address of the Swarm node."""
        local = (link["options"] or {}).get("local")
        engine = space.docker.get("engine") or {}
        return str(local or engine.get("swarm_address") or "")


def _describe_down_link(link: Row) -> str:
    if not link["up"]:
        return f"{link['name']} is down"
    if not link["running"] and link["kind"] != "bridge":
        return f"{link['name']} has no carrier"
    return ""


def _describe_closed_port(port: Row) -> str:
    state = (port["port"] or {}).get("state")
    closed = state in ("blocking", "disabled", "listening", "learning", 0, 1, 2, 4)
    return f"{port['name']} is a port of {port['master']} in state {state}" if closed and port["running"] else ""


def _describe_isolation(one: Row, other: Row) -> str:
    if (one["port"] or {}).get("isolated") and (other["port"] or {}).get("isolated"):
        return f"{one['name']} and {other['name']} are isolated ports of the same bridge"
    return ""


def _explain_mode_isolation(link: Row, other: Row, options: Any) -> str:
    modes = (options.get("mode"), (other["options"] or {}).get("mode"))
    if link["kind"] in ("macvlan", "macvtap") and modes != ("bridge", "bridge"):
        return f"macvlan links in the modes {modes[0]} and {modes[1]} on one parent cannot reach each other"
    return ""
