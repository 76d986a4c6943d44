# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assignment of findings to elements of a diagram, by the names in their evidence; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram.rows import (
    HostRows,
    Key,
    LinkRow,
    NamespaceRow,
)

# IDs of elements by values of the evidence.
Places = Mapping[tuple[str, ...], Sequence[str]]


def annotate_groups(
    findings: Sequence[Mapping[str, Any]], groups: Mapping[str, str], ids: Mapping[Key, str], rows: HostRows
) -> dict[str, tuple[int, ...]]:
    """Return the numbers of the findings of each element by its ID; others belong to the host, g0.

    `groups` contains the IDs of the namespaces, `ids` those of the links.
    """
    evidence = [_select_evidence(finding) for finding in findings]
    places = _find_places(groups, ids, rows, {value for one in evidence for value in one.values() if value})
    found: dict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(evidence):
        for place in _find_elements(one, places) or ("g0",):
            found[place].append(number)
    return {place: tuple(numbers) for place, numbers in found.items()}


def _find_elements(evidence: Mapping[str, str | None], places: Places) -> Sequence[str]:
    """Return the IDs of the most specific elements that a finding refers to."""
    netns, interface, container, network, address = evidence.values()
    tries = (
        ("interface", netns, interface),
        ("in container", container, interface),
        ("on network", network, container),
        ("netns", netns),
        ("container", container),
        ("in host", interface),
        ("network", network),
        ("members", network),
        ("address", address),
    )
    for kind, *parts in tries:
        if all(parts):
            key = (kind, *(part or "" for part in parts))
            if key in places:
                return tuple(dict.fromkeys(places[key]))
    return ()


def _format_value(value: Any) -> str | None:
    return None if value is None else str(value)


def _find_places(groups: Mapping[str, str], ids: Mapping[Key, str], rows: HostRows, values: Container[str]) -> Places:
    """Return the elements of a diagram by the values that occur in the findings."""
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    names: dict[str, list[str]] = {}
    for space in rows.namespaces:
        names[space.netns] = list(dict.fromkeys(filter(None, (space.container, *(space.containers or ())))))
        for key in _iterate_namespace_keys(space, names[space.netns]):
            if key[-1] in values:
                found[key].append(groups[space.netns])
        if space.kind == "host":
            found.update({("container", name): [f"c{name}"] for name in names[space.netns]})
    on = {(container, address.partition("/")[0]): network for network, container, address in rows.endpoints}
    for link in rows.links:
        id_ = ids.get((link.netns, link.ifindex))
        for key in (
            _iterate_link_keys(link, names.get(link.netns, []), on, groups.get(link.netns) == "g0") if id_ else ()
        ):
            if key[-1] in values:
                found[key].append(id_ or "")
    return found


def _select_evidence(finding: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the evidence that locates a finding."""
    evidence = finding.get("evidence") or {}
    found = {
        name: _format_value(evidence.get(name)) for name in ("netns", "interface", "container", "network", "address")
    }
    return found | {"address": (found["address"] or "").partition("/")[0] or None}


def _iterate_namespace_keys(space: NamespaceRow, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    yield "netns", space.netns
    if space.reference:
        yield "netns", space.reference
    if space.kind != "host":
        yield from (("container", name) for name in names)
    if space.docker_network:
        yield "network", space.docker_network


def _iterate_link_keys(
    link: LinkRow, names: Sequence[str], on: Mapping[tuple[str, str], str], of_host: bool
) -> Iterator[tuple[str, ...]]:
    yield "interface", link.netns, link.name
    if of_host:
        yield "in host", link.name
    else:
        yield from (("in container", name, link.name) for name in names)
    if link.docker_network:
        yield "network", link.docker_network
    for address in link.addresses or ():
        plain = address.partition("/")[0]
        yield "address", plain
        for name in names:
            network = on.get((name, plain))
            if network:
                yield "on network", network, name
                yield "members", network
