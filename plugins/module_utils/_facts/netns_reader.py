# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read one namespace after the other in a thread; the main thread stays in its own and waits with a limit."""

from __future__ import annotations

import contextlib
import os
import resource
import threading
import time
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._facts import netns_tables
from ansible_collections.netfleet.docker.plugins.module_utils._facts.netns_context import NetnsContext
from ansible_collections.netfleet.docker.plugins.module_utils._facts.netns_discovery import DiscoveredNetns
from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables.links import is_veth
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.transport import Budget
from ansible_collections.netfleet.docker.plugins.module_utils._netns import namespaces
from ansible_collections.netfleet.docker.plugins.module_utils._netns.threads import enter_netns

_FILES_AT_FIRST = 1000


class ReadLimits(NamedTuple):
    """Limits: rows of each list of a namespace, seconds for one namespace and for all."""

    rows: int = 10_000
    netns_seconds: float = 10.0
    seconds: float = 60.0


class ReadResults:
    """Collected data by namespace; ``numbers`` maps the IDs that each namespace uses to other namespaces."""

    def __init__(self) -> None:
        self.found: dict[str, netns_tables.NetnsData] = {}
        self.numbers: dict[str, dict[int, str]] = {}
        self.missing: list[dict[str, Any]] = []

    def copy(self) -> ReadResults:
        """Return the data collected so far, which can still grow."""
        copy = ReadResults()
        copy.found, copy.numbers, copy.missing = dict(self.found), dict(self.numbers), list(self.missing)
        return copy

    def record_missing(self, netns: str | None, what: str, reason: str) -> None:
        """Record a namespace that could not be read."""
        self.missing.append({"netns": netns, "part": "namespaces", "what": what, "reason": reason})

    def get_lists(self, netns: str) -> dict[str, Any]:
        """Return the lists of a namespace, empty if it could not be read."""
        return self.found[netns].lists if netns in self.found else {}

    def get_missing(self, netns: str) -> list[dict[str, Any]]:
        """Return the missing parts of a namespace."""
        return self.found[netns].missing if netns in self.found else []


def read_namespaces(
    places: Sequence[DiscoveredNetns], subset: Collection[str], chosen: Collection[str] | None, limits: ReadLimits
) -> ReadResults:
    """Read all namespaces: the selected ones completely (None: all), of the others only interfaces."""
    visits = ReadResults()
    journey = _NamespacesReader(places, subset, chosen, limits, visits)
    # A system call that never returns must not block the process.
    thread = threading.Thread(target=journey.run, daemon=True)
    thread.start()
    thread.join(limits.seconds + limits.netns_seconds)
    if thread.is_alive():
        visits = visits.copy()
        visits.record_missing(journey.at, "missing", "timed out in a system call; the remaining data was not read")
    elif not journey.complete:
        visits.record_missing(journey.at, "missing", "reading was aborted here; the remaining data was not read")
    return visits


def raise_limits() -> None:
    """Raise the limit of open files; call it while the process has one thread."""
    # Every namespace stays open until all are read, so that the IDs they use for each other can be resolved.
    namespaces.raise_file_limit(_FILES_AT_FIRST)
    # nft aborts on names that a container can choose, and must not leave a core file each time.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


class _NamespacesReader:
    def __init__(
        self,
        places: Sequence[DiscoveredNetns],
        subset: Collection[str],
        chosen: Collection[str] | None,
        limits: ReadLimits,
        visits: ReadResults,
    ) -> None:
        self._places = places
        self._subset = subset
        self._chosen = chosen
        self._limits = limits
        self._visits = visits
        self._fds: dict[str, int] = {}
        self._deadline = time.monotonic() + limits.seconds
        self.at: str | None = None
        self.complete = False
        self._first: str | None = None

    def run(self) -> None:
        """Open, read and close all namespaces."""
        try:
            for place in self._places:
                self._open(place)
            # The host first: its IDs are mostly resolved through the others.
            self._first = next(iter(self._fds), None)
            for netns in [*list(self._fds)[1:], *list(self._fds)[:1]]:
                self._read_namespace(netns)
            self.complete = True
        finally:
            for fd in self._fds.values():
                os.close(fd)

    def _open(self, place: DiscoveredNetns) -> None:
        try:
            self._fds[place.netns] = place.open()
        except (NetfleetError, OSError) as error:
            self._visits.record_missing(place.netns, "gone", str(error))

    def _read_namespace(self, netns: str) -> None:
        self.at = netns
        now = time.monotonic()
        if now >= self._deadline:
            self._visits.record_missing(
                netns, "missing", f"the time limit of {self._limits.seconds:g} seconds for all namespaces has expired"
            )
            return
        budget = Budget(self._limits.rows, min(now + self._limits.netns_seconds, self._deadline))
        subset = self._subset if self._chosen is None or netns in self._chosen else ()
        try:
            enter_netns(self._fds[netns])
            with NetnsContext(budget) as inside:
                found = netns_tables.read_namespace(inside, netns, subset)
                self._visits.found[netns] = found
                self._resolve_ids(inside, found, subset)
        except (NetfleetError, OSError, *netns_tables.MISUNDERSTOOD) as error:
            self._visits.record_missing(netns, "missing", str(error))

    def _resolve_ids(self, inside: NetnsContext, found: netns_tables.NetnsData, subset: Collection[str]) -> None:
        """Resolve the IDs that this namespace uses, and read namespaces that cannot be reached otherwise."""
        known = self._visits.numbers.setdefault(found.netns, {})
        # Only for peers of links. Reading a namespace from here assigns IDs to the peers of its links; following those
        # as well would lead from a host that is a container to all others of its machine.
        unknown = {message["IFLA_LINK_NETNSID"] for message in found.links if "IFLA_LINK_NETNSID" in message}
        if found.netns == self._first:
            known.update(_infer_from_peers(found, self._visits))
        unknown = self._record_ids(inside, known, unknown - set(known))
        for number in sorted(unknown):
            netns = f"nsid:{number}@{found.netns}"
            seen = netns_tables.read_from_outside(inside, netns, number, subset)
            if "interfaces" in seen.messages:  # an ID still exists shortly after its namespace
                known[number] = netns
                self._visits.found[netns] = seen
        if unknown:
            # Peers of their links have IDs here only because they were read from here.
            self._record_ids(inside, known, set(netns_tables.read_netns_ids(inside)) - set(known))

    def _record_ids(self, inside: NetnsContext, known: dict[int, str], unknown: set[int]) -> set[int]:
        """Record the open namespaces with one of the unknown IDs; return the remaining IDs."""
        # Links of a container nearly always lead to the first namespace, the host. A namespace has only one ID here.
        numbered = set(known.values())
        for netns, fd in self._fds.items():
            if not unknown:
                break
            if netns in numbered:
                continue
            number = netns_tables.read_netns_id(inside, fd)
            if number in unknown:
                known[number] = netns
                unknown.remove(number)
        return unknown


def _infer_from_peers(found: netns_tables.NetnsData, visits: ReadResults) -> dict[int, str]:
    """Return the IDs of a namespace that are resolved through links back to it.

    A veth has two ends: the peer of a link's peer is the link itself.
    """
    ends = {}
    for netns, other in visits.found.items():
        numbers = visits.numbers.get(netns, {})
        for message in other.links:
            if numbers.get(message.get("IFLA_LINK_NETNSID", -1)) == found.netns and is_veth(message):
                ends[message["IFLA_LINK"]] = netns
    return {
        message["IFLA_LINK_NETNSID"]: ends[message["index"]]
        for message in found.links
        if "IFLA_LINK_NETNSID" in message and message["index"] in ends
    }
