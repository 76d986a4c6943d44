# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshot of a host: all namespaces with contents and owners. docs/reference/tables.md describes the format."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._facts import (
    cgroup,
    joins,
    netns_context,
    netns_discovery,
    netns_ownership,
    netns_reader,
)
from ansible_collections.netfleet.docker.plugins.module_utils._facts.docker.background import EngineReader
from ansible_collections.netfleet.docker.plugins.module_utils._facts.host import build_host_row
from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import sockets as sockets_table

VERSION = 1

Row = dict[str, Any]

# Parts of a snapshot besides namespaces and interfaces; "docker" is the data of the engine.
SUBSETS = (
    "addresses",
    "conntrack",
    "docker",
    "fdb",
    "firewall",
    "neighbours",
    "routes",
    "rules",
    "sockets",
    "statistics",
    "sysctls",
    "xfrm",
)


class SnapshotRequest(NamedTuple):
    """Selection of a snapshot: parts, and namespaces by kind, container and name (empty: all)."""

    subset: frozenset[str] = frozenset(SUBSETS)
    kinds: frozenset[str] = frozenset()
    containers: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    labels: tuple[str, ...] = ()
    docker_seconds: float = 15.0
    limits: netns_reader.ReadLimits = netns_reader.ReadLimits()

    @property
    def selects_all(self) -> bool:
        """Whether all namespaces are selected."""
        return not (self.kinds or self.containers or self.names)

    def selects(self, row: Mapping[str, Any]) -> bool:
        """Return whether the namespace is selected."""
        pairs = (
            (self.kinds, {row["kind"]}),
            (self.containers, _list_containers(row)),
            (self.names, _list_references(row)),
        )
        return all(not wanted or wanted & there for wanted, there in pairs)

    def build_unmatched_rows(self, rows: Iterable[Row]) -> list[Row]:
        """Return a missing row for each requested container and name that no namespace has."""
        containers: set[Any] = set()
        names: set[Any] = set()
        for row in rows:
            containers |= _list_containers(row)
            names |= _list_references(row)
        reasons = [f"no running container with a network namespace: {one}" for one in self.containers - containers]
        reasons += [f"no such namespace: {one}" for one in self.names - names]
        return [_build_missing_row(reason, "missing") for reason in sorted(reasons)]


def _list_containers(row: Mapping[str, Any]) -> set[Any]:
    """Return the names and IDs of the containers of a namespace."""
    return {row["container"], row["container_id"], (row["container_id"] or "")[:12], *row["containers"]}


def _list_references(row: Mapping[str, Any]) -> set[Any]:
    """Return the names, paths and other references of a namespace."""
    return {row["netns"], row["reference"], *row["names"], *row["paths"]}


def collect_snapshot(wanted: SnapshotRequest) -> Row:
    """Read this host and return its snapshot."""
    gc.disable()  # no garbage to collect: all objects become part of the document
    started = time.time()
    netns_reader.raise_limits()
    asking = EngineReader("docker" in wanted.subset, wanted.labels, wanted.docker_seconds)
    places = netns_discovery.discover()
    opened = sockets_table.read_descriptors(time.monotonic() + wanted.limits.seconds)
    unread = [] if opened.complete else [_build_missing_row("the time limit expired before all open files were read")]
    for inode, holders in opened.namespaces.items():
        places.get_or_add(inode).descriptors += [path for _pid, path in holders]
    order = sorted(places.by_inode.values(), key=lambda place: (place.inode != places.host, place.inode))
    chosen = None
    if not wanted.selects_all:
        # Owners must be known to select namespaces; otherwise, the engine is queried in parallel with the kernel.
        rows = _build_owner_rows(order, places, asking)
        chosen = {netns for netns, row in rows.items() if wanted.selects(row)}
    visits = netns_reader.read_namespaces(order, wanted.subset, chosen, wanted.limits)
    rows = _build_owner_rows(order, places, asking)
    joins.complete_rows(visits, rows, opened.sockets, places.device, asking.wait()[0])
    shown = [netns for netns in rows if chosen is None or netns in chosen]
    docker, docker_missing = asking.wait()[1:]
    return {
        "version": VERSION,
        "host": build_host_row(started),
        "namespaces": [{**rows[netns], **visits.get_lists(netns)} for netns in shown],
        "strays": places.strays,
        **({} if docker is None else {"docker": docker}),
        "missing": [
            *unread,
            *wanted.build_unmatched_rows(rows.values()),
            *visits.missing,
            *(row for netns in shown for row in visits.get_missing(netns)),
            *docker_missing,
        ],
    }


def _build_missing_row(reason: str, what: str = "truncated") -> Row:
    return {"netns": None, "part": "namespaces", "what": what, "reason": reason}


def _build_owner_rows(
    order: list[netns_discovery.DiscoveredNetns], places: netns_discovery.Discovery, asking: EngineReader
) -> dict[str, Row]:
    """Return the rows of the table netns."""
    docker = asking.wait()[0]
    machine = set() if docker.complete else cgroup.find_container_ids(netns_discovery.read_cgroup(1))
    rows = {}
    for place in order:
        pids = place.list_pids()
        is_host = place.inode == places.host
        # Only without data of the engine, which is faster and more accurate.
        asked = () if docker.complete or is_host else pids
        ids = dict.fromkeys(cgroup.find_container_id(netns_discovery.read_cgroup(pid), machine) for pid in asked)
        trace = netns_ownership.NetnsReferences(
            place.netns,
            is_host=is_host,
            names=place.names,
            sandboxes=place.sandboxes,
            paths=place.paths,
            descriptors=place.descriptors,
            pids=pids,
            container_ids=[one for one in ids if one],
        )
        rows[place.netns] = {
            **netns_ownership.build_row(trace, docker, places.device),
            "processes": netns_context.list_processes(pids),
        }
    return rows
