# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole host's namespaces and links as one document, and its way from parameters into a State."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core import validators
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.parameters import LOCK, checked, optional
from ansible_collections.netfleet.docker.plugins.module_utils._core.records import changed
from ansible_collections.netfleet.docker.plugins.module_utils._links import ownership
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import (
    Endpoint,
    Fdb,
    Link,
    Netns,
    State,
    combined,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.options import link as link_options
from ansible_collections.netfleet.docker.plugins.module_utils._links.options import netns as netns_options
from ansible_collections.netfleet.docker.plugins.module_utils._links.options import vxlan as vxlan_options
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan import states
from ansible_collections.netfleet.docker.plugins.module_utils._links.transaction import Request
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_kinds import BRIDGE_PORT, KINDS
from ansible_collections.netfleet.docker.plugins.module_utils._netns.reference import is_named

# Kinds of links that sit on another one, without which they cannot be.
_ON_PARENT = {"macvlan", "macvtap", "ipvlan", "vlan"}
# What a link of a kind cannot be without.
_REQUIRED = {"veth": ("peer",), "vlan": ("parent", "id"), "vxlan": ("vni",)}
_REQUIRED.update(dict.fromkeys(_ON_PARENT - {"vlan"}, ("parent",)))
# Options that only some kinds have, besides those of KINDS.
_SPECIAL = {
    "peer": {"veth"},
    "parent": {*_ON_PARENT, "vxlan"},
    "parent_netns": {*_ON_PARENT, "vxlan"},
    "ports": {"bridge"},
}


_KINDS_OPTIONS = sorted({key for specs in KINDS.values() for key in specs} | set(_SPECIAL))


class Document:
    """What a document declares: the desired State, and the parameter that holds each reference to a namespace."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._absent = params["state"] == "absent"
        self._name = name(params)
        self._namespaces: dict[str, Netns] = {}
        self._links: dict[str, dict[str, Link]] = {}
        self.references: dict[str, str] = {}
        for place, netns in enumerate(params["namespaces"] or ()):
            self._declare_netns(netns, f"namespaces[{place}].")
        for place, link in enumerate(params["links"] or ()):
            self._declare_link(link, f"links[{place}].")

    def desired(self) -> State:
        """Return what is declared as a State."""
        labels = dict.fromkeys((*self._namespaces, *self._links))
        known = {label: self._namespaces.get(label, Netns(present=None)) for label in labels}
        return State(
            {
                label: changed(netns, links={**netns.links, **self._links.get(label, {})})
                for label, netns in known.items()
            }
        )

    def to_be_made(self) -> set[str]:
        """Return the references to namespaces that need not be there yet."""
        return {label for label, netns in self._namespaces.items() if netns.present}

    def _declare_netns(self, params: Mapping[str, Any], prefix: str) -> None:
        reference = checked(f"{prefix}name", validators.netns_reference, str(params["name"]))
        if reference in self._namespaces:
            raise BadParameter(f"{prefix}name", f"the namespace {reference} is declared twice")
        self.references[reference] = f"{prefix}name"
        if not self._absent:
            netns = netns_options.declared(reference, params, prefix)
            own = self._name and is_named(reference)
            self._namespaces[reference] = changed(
                netns, group=ownership.of_netns(self._name) if own and self._name else None
            )
        elif is_named(reference):
            self._namespaces[reference] = Netns(present=False, force=params["force"])

    def _declare_link(self, params: Mapping[str, Any], prefix: str) -> None:
        kind = params["kind"]
        _refuse_strange(params, kind, prefix)
        if not self._absent:
            _refuse_incomplete(params, kind, prefix)
        here = self._place(params, prefix)
        peer = params["peer"]
        there = self._place(peer, f"{prefix}peer.") if peer else None
        if there:
            link_options.refuse_same_place(here, there, prefix)
        if self._absent:
            if kind:
                self._put(here, Link(here.name, present=False, kind=kind), prefix)
            if there:
                self._put(there, Link(there.name, present=False, kind=kind, peer=here), f"{prefix}peer.")
            return
        self._put(here, self._link(here, kind, params, prefix, peer=there, recreate=params["recreate"]), prefix)
        if there:
            other = self._link(there, kind, peer, f"{prefix}peer.", peer=here, recreate=params["recreate"])
            self._put(there, other, f"{prefix}peer.")
        for port in link_options.ports(params["ports"], here.name, f"{prefix}ports") or ():
            self._put(Endpoint(here.netns, port.name), port, prefix)

    def _link(self, place: Endpoint, kind: str | None, params: Mapping[str, Any], prefix: str, **fields: Any) -> Link:
        if kind == "vxlan":
            link = vxlan_options.link({**params, "port": params["port"] or vxlan_options.PORT}, place.name, prefix)
            self.references.setdefault(link.underlay or "", f"{prefix}parent_netns")
        else:
            link = Link(place.name, kind=kind, **link_options.attributes(params, prefix), **fields)
            link = changed(link, **self._of_its_kind(kind, params, prefix))
        return changed(
            link,
            present=True if kind else None,
            up=True if kind and link.up is None else link.up,
            port=link_options.port(params["bridge_port"] or {}, f"{prefix}bridge_port."),
            group=ownership.of_links(self._name) if self._name and kind else None,
        )

    def _of_its_kind(self, kind: str | None, params: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        """Return the fields that only links of this kind have; those of a veth's peer have none of them."""
        if kind == "veth" or kind is None:
            return {"fdb": _in_bridge(params, prefix), "fdb_append": params.get("fdb_append", False)}
        if kind in ("macvlan", "macvtap"):
            options = link_options.macvlan_options(params, prefix)
        else:
            options = link_options.kind_options(KINDS[kind], params, prefix)
        ports = params["ports"]
        exact = ports is not None and not params["ports_append"]
        return {
            "options": options,
            "parent": self._place(params, prefix, "parent", "parent_netns") if kind in _ON_PARENT else None,
            "ports": tuple(port if isinstance(port, str) else port["name"] for port in ports) if exact else None,
            "fdb": _in_bridge(params, prefix),
            "fdb_append": params["fdb_append"],
        }

    def _place(self, params: Mapping[str, Any], prefix: str, name: str = "name", netns: str = "netns") -> Endpoint:
        label = link_options.netns_label(params, netns, prefix)
        self.references.setdefault(label, prefix + netns)
        return Endpoint(label, link_options.ifname(params, prefix, name))

    def _put(self, place: Endpoint, link: Link | None, prefix: str) -> None:
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
                links[place.name] = combined(known, link, str(place))
            except ValueError as error:
                raise BadParameter(f"{prefix}name", str(error)) from None


def _in_bridge(params: Mapping[str, Any], prefix: str) -> tuple[Fdb, ...] | None:
    """Return the forwarding entries of a link other than VXLAN: MAC addresses behind this port of its bridge."""
    if params.get("fdb") is None:
        return None
    entries = []
    for place, given in enumerate(params["fdb"]):
        inside = f"{prefix}fdb[{place}]."
        for key in ("dst", "port", "vni", "via"):
            if given[key] is not None:
                raise BadParameter(inside + key, "only a VXLAN link's forwarding entries have it")
        mac = checked(f"{inside}mac", validators.mac, given["mac"])
        vlan = optional(f"{inside}vlan", lambda number: validators.between(number, 1, 4094), given["vlan"])
        entries.append(Fdb(mac, vlan=vlan, master=True))
    return tuple(dict.fromkeys(entries))


def _refuse_strange(params: Mapping[str, Any], kind: str | None, prefix: str) -> None:
    """Refuse an option that links of this kind do not have, which would silently do nothing."""
    for key in _KINDS_OPTIONS:
        if params[key] is None or key in KINDS.get(kind or "", {}) or kind in _SPECIAL.get(key, ()):
            continue
        of = f"a {kind}" if kind else "a link without a kind, which must be there already,"
        raise BadParameter(prefix + key, f"{of} has no such option")


def _refuse_incomplete(params: Mapping[str, Any], kind: str | None, prefix: str) -> None:
    for key in _REQUIRED.get(kind or "", ()):
        if params[key] is None:
            raise BadParameter(prefix + key, f"a {kind} cannot be without it")


def name(params: Mapping[str, Any]) -> str | None:
    """Return the topology's name, if it has one."""
    return optional("name", validators.topology_name, params["name"])


def spec() -> dict[str, Any]:
    """Return the argument specification of the module."""
    end = {
        **link_options.PLACE,
        **link_options.ATTRIBUTES,
        "bridge_port": {"type": "dict", "options": link_options.of_kind(BRIDGE_PORT)},
    }
    kinds: dict[str, Any] = {}
    for specs in KINDS.values():
        kinds.update(link_options.of_kind(specs))
    kinds["flags"] = {"type": "list", "elements": "str"}  # of which an ipvlan takes one
    fdb = {**vxlan_options.FDB, "dst": {"type": "str"}, "vlan": {"type": "int"}}
    link = {
        **end,
        **kinds,
        "kind": {"type": "str", "choices": sorted(KINDS)},
        "peer": {"type": "dict", "options": end},
        "parent": {"type": "str"},
        "parent_netns": {"type": "str"},
        "ports": {"type": "list", "elements": "raw"},
        "ports_append": {"type": "bool", "default": False},
        "fdb": {"type": "list", "elements": "dict", "options": fdb},
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
        **LOCK,
    }


def request(params: Mapping[str, Any]) -> Request:
    """Return what the parameters ask for, where they ask for a change."""
    document = Document(params)
    owner, absent, replaced = name(params), params["state"] == "absent", params["state"] == "replaced"
    declared = bool(params["namespaces"] or params["links"])
    if absent and not owner and not declared:
        raise BadParameter("name", "what is to be absent is declared, or it is all that the topology of a name owns")

    def interpret(desired: State) -> State:
        if replaced:
            return states.filled(states.with_ports(desired))
        return desired if absent else states.appending(desired)

    def complete(desired: State, actual: State) -> State:
        if absent and declared:
            return states.only_owned(desired, actual, owner) if owner else desired
        if absent or replaced:
            return states.without_leftovers(desired, actual, owner) if owner else desired
        return states.with_what_is_there(desired, actual)

    desired = document.desired()
    return Request(
        desired,
        document.references,
        show=lambda state, labels: _summary(owner, desired.relabel(labels), state),
        may_be_missing=tuple(document.references) if absent else tuple(document.to_be_made()),
        interpret=interpret,
        complete=complete,
        everywhere=bool(owner) and (replaced or (absent and not declared)),
    )


def _summary(owner: str | None, desired: State, state: State) -> dict[str, Any]:
    """Return in a few words what there is of a topology."""
    return {
        "name": owner,
        "group": ownership.of_links(owner) if owner else None,
        "namespaces": sorted(label for label in desired.namespaces if state.netns(label).present),
        "links": sum(state.link(label, link.name) is not None for label, link in desired.links() if link.kind),
    }
