# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edits of a desired State."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Link, Netns, State


def add_link(state: State, place: Endpoint, link: Link) -> State:
    """Return the desired state with a link added to a namespace that must exist."""
    label = place.netns or ""
    if label not in state.namespaces:
        state = state.with_netns(label, Netns(present=None))
    return state.with_link(label, link)


def remove_link(state: State, place: Endpoint, **fields: Any) -> State:
    """Return the desired state in which a link is absent."""
    return add_link(state, place, Link(place.name, present=False, **fields))


def require_link(state: State, place: Endpoint) -> State:
    """Return the desired state with a link that must exist and is not changed."""
    return add_link(state, place, Link(place.name, present=None))


def resolve_endpoint(place: Endpoint, labels: Mapping[str, str]) -> Endpoint:
    """Return a link's place under the label that its namespace has in the State."""
    return Endpoint(labels[place.netns or ""], place.name)
