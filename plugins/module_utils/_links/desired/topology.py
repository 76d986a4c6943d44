# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The namespaces and links of a host as one document: argument specification, and conversion to a State."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core import validators
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.parameters import (
    LOCK,
    validate_optional,
    validate_parameter,
)
from ansible_collections.netfleet.docker.plugins.module_utils._core.records import replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._links import ownership
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.registry import (
    KIND_PARAMETERS,
    KINDS,
    find_kind,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.vxlan import FORWARDING
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import (
    Endpoint,
    Link,
    Netns,
    State,
    combine_links,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.options import link as link_options
from ansible_collections.netfleet.docker.plugins.module_utils._links.options import netns as netns_options
from ansible_collections.netfleet.docker.plugins.module_utils._links.options.bridge_ports import parse_port
from ansible_collections.netfleet.docker.plugins.module_utils._links.options.values import build_options_spec
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan import states
from ansible_collections.netfleet.docker.plugins.module_utils._links.transaction import StateRequest
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import BRIDGE_PORT
from ansible_collections.netfleet.docker.plugins.module_utils._netns.reference import is_named


class TopologyDocument:
    """A declared topology: its desired State, and the parameter of each namespace reference."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._absent = params["state"] == "absent"
        self._name = parse_owner(params)
        self._namespaces: dict[str, Netns] = {}
        self._links: dict[str, dict[str, Link]] = {}
        self.references: dict[str, str] = {}
        for place, netns in enumerate(params["namespaces"] or ()):
            self._declare_netns(netns, f"namespaces[{place}].")
        for place, link in enumerate(params["links"] or ()):
            self._declare_link(link, f"links[{place}].")

    def build_desired_state(self) -> State:
        """Return the desired State."""
        labels = dict.fromkeys((*self._namespaces, *self._links))
        known = {label: self._namespaces.get(label, Netns(present=None)) for label in labels}
        return State(
            {
                label: replace_fields(netns, links=_merge_loopback(netns.links, self._links.get(label, {})))
                for label, netns in known.items()
            }
        )

    def list_creatable_namespaces(self) -> set[str]:
        """Return the references to namespaces that need not exist yet."""
        return {label for label, netns in self._namespaces.items() if netns.present}

    def _declare_netns(self, params: Mapping[str, Any], prefix: str) -> None:
        reference = validate_parameter(f"{prefix}name", validators.netns_reference, str(params["name"]))
        if reference in self._namespaces:
            raise BadParameter(f"{prefix}name", f"the namespace {reference} is declared twice")
        self.references[reference] = f"{prefix}name"
        if not self._absent:
            netns = netns_options.parse_netns_options(reference, params, prefix)
            own = self._name and is_named(reference)
            self._namespaces[reference] = replace_fields(
                netns, group=ownership.compute_netns_group(self._name) if own and self._name else None
            )
        elif is_named(reference):
            self._namespaces[reference] = Netns(present=False, force=params["force"])

    def _declare_link(self, params: Mapping[str, Any], prefix: str) -> None:
        kind = find_kind(params["kind"])
        kind.refuse_foreign(params, prefix, KIND_PARAMETERS)
        here = self._parse_place(params, prefix)
        if self._absent:
            self._remove_link(here, params, prefix)
            return
        kind.validate(params, prefix)
        for name, netns in (("peer", "netns"), ("parent", "parent_netns")):
            if params[name] is not None:
                inside, values = (f"{prefix}peer.", params["peer"]) if name == "peer" else (prefix, params)
                self.references.setdefault(link_options.parse_netns(values, netns, inside), inside + netns)
        link = Link(here.name, **link_options.parse_attributes(params, prefix), recreate=params["recreate"])
        link = replace_fields(link, kind=params["kind"], **kind.parse(params, prefix))
        self.references.setdefault(link.underlay or "", f"{prefix}parent_netns")
        self._add_link(here, self._fill_defaults(link, params, prefix), prefix)
        for member in kind.parse_members(params, prefix):
            complete = (
                self._fill_defaults(member.link, member.params, member.prefix) if member.link.kind else member.link
            )
            self._add_link(member.place, complete, member.prefix)

    def _remove_link(self, here: Endpoint, params: Mapping[str, Any], prefix: str) -> None:
        kind, peer = params["kind"], params["peer"]
        if kind:
            self._add_link(here, Link(here.name, present=False, kind=kind), prefix)
        if peer:
            there = self._parse_place(peer, f"{prefix}peer.")
            link_options.refuse_same_endpoint(here, there, prefix)
            self._add_link(there, Link(there.name, present=False, kind=kind, peer=here), f"{prefix}peer.")

    def _fill_defaults(self, link: Link, params: Mapping[str, Any], prefix: str) -> Link:
        """Return a link with the defaults of a topology: it is up, and has the topology's link group."""
        return replace_fields(
            link,
            present=True if link.kind else None,
            up=True if link.kind and link.up is None else link.up,
            port=parse_port(params["bridge_port"] or {}, f"{prefix}bridge_port."),
            group=ownership.compute_link_group(self._name) if self._name and link.kind else None,
        )

    def _parse_place(self, params: Mapping[str, Any], prefix: str) -> Endpoint:
        place = link_options.parse_endpoint(params, prefix)
        self.references.setdefault(place.netns or "", f"{prefix}netns")
        return place

    def _add_link(self, place: Endpoint, link: Link | None, prefix: str) -> None:
        if link is None:
            return
        links = self._links.setdefault(place.netns or "", {})
        known = links.get(place.name)
        if known is None:
            links[place.name] = link
        elif known.present and link.present:
            raise BadParameter(f"{prefix}name", f"{place} is declared twice")
        else:
            try:
                links[place.name] = combine_links(known, link, str(place))
            except ValueError as error:
                raise BadParameter(f"{prefix}name", str(error)) from None


def _merge_loopback(own: Mapping[str, Link], declared: Mapping[str, Link]) -> dict[str, Link]:
    """Return the declared links; lo is also declared by the namespace, and its entry in the list takes precedence."""
    both = {**own, **declared}
    lo, default = declared.get("lo"), own.get("lo")
    if lo and default and lo.up is None:
        both["lo"] = replace_fields(lo, up=default.up)
    return both


def parse_owner(params: Mapping[str, Any]) -> str | None:
    """Return the topology's name, if it has one."""
    return validate_optional("name", validators.topology_name, params["name"])


def build_argument_spec() -> dict[str, Any]:
    """Return the argument specification of the module."""
    end = {
        **link_options.PLACE,
        **link_options.ATTRIBUTES,
        "bridge_port": {"type": "dict", "options": build_options_spec(BRIDGE_PORT)},
    }
    kinds: dict[str, Any] = {}
    for kind in KINDS.values():
        kinds.update({key: _remove_choices(argument) for key, argument in kind.build_argument_spec().items()})
    kinds["flags"] = {"type": "list", "elements": "str"}  # an ipvlan accepts exactly one
    link = {
        **end,
        **kinds,
        "kind": {"type": "str", "choices": sorted(KINDS)},
        "peer": {"type": "dict", "options": end},
        "fdb": {
            "type": "list",
            "elements": "dict",
            "options": {**FORWARDING, "dst": {"type": "str"}, "vlan": {"type": "int"}},
        },
        "fdb_append": {"type": "bool", "default": False},
        **link_options.RECREATE,
    }
    return {
        "name": {"type": "str"},
        "state": {
            "type": "str",
            "choices": ["merged", "replaced", "absent", "gathered", "rendered"],
            "default": "merged",
        },
        "namespaces": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                **netns_options.OPTIONS,
                "force": {"type": "bool", "default": False},
            },
        },
        "links": {"type": "list", "elements": "dict", "options": link},
        **link_options.FORCE,
        **LOCK,
    }


def _remove_choices(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Return an argument without its choices, which differ between kinds; each kind validates its own."""
    return {key: value for key, value in argument.items() if key != "choices"}


def build_request(params: Mapping[str, Any]) -> StateRequest:
    """Return the request of the parameters for a state that changes the host."""
    document = TopologyDocument(params)
    owner, absent, replaced = parse_owner(params), params["state"] == "absent", params["state"] == "replaced"
    declared = bool(params["namespaces"] or params["links"])
    if absent and not owner and not declared:
        raise BadParameter("name", "state=absent needs name, or the links or namespaces to remove")

    def interpret(desired: State) -> State:
        if replaced:
            return states.fill_defaults(states.add_declared_ports(desired))
        return desired if absent else states.make_append_only(desired)

    def complete(desired: State, actual: State) -> State:
        if absent and declared:
            return states.keep_owned(desired, actual, owner) if owner else desired
        if absent or replaced:
            return states.add_leftovers(desired, actual, owner) if owner else desired
        return states.keep_existing(desired, actual)

    desired = document.build_desired_state()
    return StateRequest(
        desired,
        document.references,
        show=lambda state, labels: _summarize(owner, desired.relabel(labels), state),
        may_be_missing=tuple(document.references) if absent else tuple(document.list_creatable_namespaces()),
        interpret=interpret,
        complete=complete,
        owner=owner,
        everywhere=bool(owner) and (replaced or (absent and not declared)),
        force=params["force"],
    )


def _summarize(owner: str | None, desired: State, state: State) -> dict[str, Any]:
    """Return a summary of the existing objects of a topology."""
    return {
        "name": owner,
        "group": ownership.compute_link_group(owner) if owner else None,
        "namespaces": sorted(label for label in desired.namespaces if state.get_netns(label).present),
        "links": sum(
            state.get_link(label, link.name) is not None for label, link in desired.iterate_links() if link.kind
        ),
    }
