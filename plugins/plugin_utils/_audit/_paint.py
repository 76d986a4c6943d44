# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which parts of a host's picture a finding concerns, by what its evidence names; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

from ._rows import Link, Namespace, Rows

# By what a part is found: its id by what the evidence says.
Places = Mapping[tuple[str, ...], Sequence[str]]


def painted(findings: Sequence[Mapping[str, Any]], places: Places) -> dict[str, tuple[int, ...]]:
    """Return the numbers of the findings that concern each part, by its id; what fits nowhere concerns the host, g0."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, finding in enumerate(findings):
        for place in concerned(finding.get("evidence") or {}, places) or ("g0",):
            found[place].append(number)
    return {place: tuple(numbers) for place, numbers in found.items()}


def concerned(evidence: Mapping[str, Any], places: Places) -> Sequence[str]:
    """Return the ids of what a finding's evidence points at: the closest that is in the picture."""
    said = {key: _text(evidence.get(key)) for key in ("netns", "interface", "container", "network", "address")}
    netns, interface, container, network, address = said.values()
    tries = (
        ("interface", netns, interface),
        ("in container", container, interface),
        ("on network", network, container),
        ("netns", netns),
        ("container", container),
        ("in host", interface),
        ("network", network),
        ("members", network),
        ("address", address and address.partition("/")[0]),
    )
    for kind, *parts in tries:
        if all(parts):
            key = (kind, *(part or "" for part in parts))
            if key in places:
                return tuple(dict.fromkeys(places[key]))
    return ()


def _text(value: Any) -> Optional[str]:
    return None if value is None else str(value)


def places(groups: Mapping[str, str], rows: Rows) -> Places:
    """Return the parts of a picture by what a finding may say of them; `groups` has the ids of the namespaces."""
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    names: dict[str, list[str]] = {}
    for space in rows.namespaces:
        names[space.netns] = list(dict.fromkeys(filter(None, (space.container, *(space.containers or ())))))
        for key in _of_space(space, names[space.netns]):
            found[key].append(groups[space.netns])
        if space.kind == "host":
            for name in names[space.netns]:
                found["container", name] = [f"c{name}"]
    on = {(container, address.partition("/")[0]): network for network, container, address in rows.endpoints}
    for link in rows.links:
        for key in _of_link(link, names.get(link.netns, []), on, groups.get(link.netns) == "g0"):
            found[key].append(f"n{link.netns}.{link.index}")
    return found


def _of_space(space: Namespace, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    yield "netns", space.netns
    if space.reference:
        yield "netns", space.reference
    if space.kind != "host":
        yield from (("container", name) for name in names)
    if space.docker_network:
        yield "network", space.docker_network


def _of_link(
    link: Link, names: Sequence[str], on: Mapping[tuple[str, str], str], of_host: bool
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
