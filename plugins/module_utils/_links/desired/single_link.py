# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that manage one link of one kind: argument specification, desired State and result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.netfleet.docker.plugins.module_utils._core.parameters import LOCK
from ansible_collections.netfleet.docker.plugins.module_utils._links import output
from ansible_collections.netfleet.docker.plugins.module_utils._links.desired.edit import (
    add_link,
    remove_link,
    require_link,
    resolve_endpoint,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.registry import KINDS
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Link, State
from ansible_collections.netfleet.docker.plugins.module_utils._links.options import link as link_options
from ansible_collections.netfleet.docker.plugins.module_utils._links.transaction import StateRequest

Show = Callable[[State, Endpoint], Any]


def build_argument_spec(kind: str) -> dict[str, Any]:
    """Return the argument specification of the module of a kind."""
    return {
        **link_options.PLACE,
        **link_options.ATTRIBUTES,
        **KINDS[kind].build_argument_spec(),
        **link_options.STATE,
        **LOCK,
        **link_options.RECREATE,
        **link_options.FORCE,
    }


def build_request(kind: str, params: Mapping[str, Any], show: Show = output.show_link) -> StateRequest:
    """Return the request of a module's parameters; raise BadParameter for values that the kernel would reject."""
    here = link_options.parse_endpoint(params)
    references = {here.netns or "": "netns"}
    if params["state"] == "absent":
        desired = remove_link(State(), here, kind=kind)
        if params.get("peer"):
            there = link_options.parse_endpoint(params["peer"], "peer.")
            link_options.refuse_same_endpoint(here, there)
            references.setdefault(there.netns or "", "peer.netns")
            desired = remove_link(desired, there, kind=kind, peer=here)
    else:
        desired = _declare(kind, here, params, references)
    return StateRequest(
        desired,
        references,
        show=lambda state, labels: show(state, resolve_endpoint(here, labels)),
        may_be_missing=tuple(references) if params["state"] == "absent" else (),
        force=params["force"],
    )


def _declare(kind: str, here: Endpoint, params: Mapping[str, Any], references: dict[str, str]) -> State:
    fields = {**link_options.parse_attributes(params), **KINDS[kind].parse(params)}
    link = Link(here.name, kind=kind, recreate=params["recreate"], **fields)
    desired = add_link(State(), here, link)
    if link.underlay is not None:
        references.setdefault(link.underlay, "parent_netns")
    if link.parent and link.parent.name:
        references.setdefault(link.parent.netns or "", "parent_netns")
        desired = require_link(desired, link.parent)
    for member in KINDS[kind].parse_members(params):
        references.setdefault(member.place.netns or "", f"{member.prefix}netns")
        desired = add_link(desired, member.place, member.link)
    return desired
