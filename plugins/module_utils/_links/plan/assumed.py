# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Namespaces and links that are assumed to exist, because an earlier task would create them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Link, State
from ansible_collections.netfleet.docker.plugins.module_utils._links.side_effects import build_new_namespace
from ansible_collections.netfleet.docker.plugins.module_utils._links.sysctl_effects import get_link_of_sysctl


def add_assumed_namespaces(actual: State, desired: State, labels: Collection[str]) -> State:
    """Return the State with new namespaces that contain the links that the desired state refers to."""
    state = actual
    for label in labels:
        new = build_new_namespace(0, up=True)
        state = state.with_netns(label, replace_fields(new, sysctls=actual.get_netns(label).sysctls))
    for place in iterate_referenced_links(desired):
        if place.netns is not None and place.netns in labels and place.name != "lo":
            state = state.with_link(place.netns, build_assumed_link(place.name))
    return state


def iterate_referenced_links(desired: State) -> Iterator[Endpoint]:
    """Yield the links to which a desired state refers and that it does not declare."""
    for place in _iterate_references(desired):
        declared = desired.get_link(place.netns or "", place.name)
        if place.name and not (declared is not None and declared.present):
            yield place


def _iterate_references(desired: State) -> Iterator[Endpoint]:
    for label, netns in desired.namespaces.items():
        yield from (Endpoint(label, route.dev or "") for route in netns.routes or ())
        yield from (Endpoint(label, neighbour.dev or "") for neighbour in netns.neighbours or ())
        yield from (Endpoint(label, get_link_of_sysctl(key) or "") for key in netns.sysctls)
    for label, want in desired.iterate_links():
        yield want.parent or Endpoint(label, "")
        yield Endpoint(label, want.master or "")
        yield Endpoint(label, "" if want.present else want.name)
        yield from (Endpoint(label, entry.via or "") for entry in want.fdb or ())


def build_assumed_link(name: str) -> Link:
    """Return a link of which only the name is known."""
    return Link(name, master="", up=False, addresses=(), altnames=(), alias="")
