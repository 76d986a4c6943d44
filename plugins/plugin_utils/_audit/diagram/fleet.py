# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet map: hosts, and the networks that connect them; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram.graph import (
    Edge,
    Fold,
    Graph,
    Node,
    find_worst,
)

# Maximum number of similar hosts that are not folded, without and with findings.
QUIET, LOUD = 3, 8


class Membership(NamedTuple):
    """The membership of a host in an overlay or a segment; `shared` identifies the network.

    `about` contains the VTEP or parent, MTU, encryption and state, separated by commas.
    """

    host: str
    kind: str
    shared: str
    label: str
    subnets: tuple[str, ...] = ()
    about: str | None = None


def build_graph(
    hosts: Iterable[str], members: Iterable[Membership], findings: Sequence[Mapping[str, Any]] = ()
) -> Graph:
    """Return the fleet map with the findings of hosts, and findings of fleet rules on their network."""
    members = sorted(set(members), key=lambda one: (one[:5], one.about or ""))
    found = _group_by_network(findings)
    severities = [None if one.get("waived") else one.get("severity") for one in findings]
    nodes, ids = [], {}
    for number, host in enumerate(hosts):
        ids[host] = f"h{number}"
        numbers = tuple(found.get(host, ()))
        severity = find_worst(severities[one] for one in numbers)
        nodes.append(Node(id=ids[host], kind="host", label=host, findings=numbers, severity=severity))
    shared: dict[tuple[str, str], str] = {}
    edges: list[Edge] = []
    on: dict[str, list[str]] = defaultdict(list)
    networks = _group_findings_by_network(findings)
    for member in members:
        key = (member.kind, member.shared)
        if key not in shared:
            shared[key] = f"s{len(shared)}"
            numbers = tuple(networks.get(member.label, ()))
            severity = find_worst(severities[one] for one in numbers)
            nodes.append(
                Node(
                    id=shared[key],
                    kind=member.kind,
                    label=member.label,
                    addresses=member.subnets,
                    findings=numbers,
                    severity=severity,
                )
            )
        if member.host in ids and (not edges or (edges[-1].tail, edges[-1].head) != (ids[member.host], shared[key])):
            edges.append(Edge(ids[member.host], shared[key], "member", member.about))
            on[ids[member.host]].append(shared[key])
    return Graph("fleet", "fleet", (), tuple(nodes), tuple(edges), _build_folds(nodes, on))


def _group_by_network(findings: Sequence[Mapping[str, Any]]) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for number, finding in enumerate(findings):
        found[str(finding.get("host"))].append(number)
    return found


def _group_findings_by_network(findings: Sequence[Mapping[str, Any]]) -> Mapping[str, list[int]]:
    """Return the findings of fleet rules by the network in their evidence."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, finding in enumerate(findings):
        network: object | None = (finding.get("evidence") or {}).get("network")
        if finding.get("scope") == "fleet" and network is not None:
            found[str(network)].append(number)
    return found


def _build_folds(nodes: Iterable[Node], on: Mapping[str, list[str]]) -> tuple[Fold, ...]:
    """Return folds of the hosts with the same networks and the same severity."""
    alike: dict[tuple[str | None, frozenset[str]], list[str]] = defaultdict(list)
    for node in nodes:
        if node.kind == "host":
            alike[node.severity, frozenset(on.get(node.id, ()))].append(node.id)
    many = [(key, ids) for key, ids in alike.items() if len(ids) > (QUIET if key[0] is None else LOUD)]
    return tuple(
        Fold(id=f"f{number}", kind="host", label=f"{len(ids)} hosts", members=tuple(ids), severity=key[0])
        for number, (key, ids) in enumerate(many)
    )
