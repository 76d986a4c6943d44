# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a role needs of a host, and what it has to know of it; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Variables = Mapping[str, Any]


class Needs(NamedTuple):
    """What a role needs of a host, by the keys of the module preflight such as ``kind:bridge``, and what it plans with.

    ``optional`` needs are reported where they are missing. ``subset`` is that of ``netns_info``, ``cards`` are the
    drivers of the host's network cards.
    """

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    subset: frozenset[str] = frozenset()
    cards: bool = False

    def combine(self, other: Needs) -> Needs:
        """Return what both need."""
        cards = self.cards or other.cards
        return Needs(self.required | other.required, self.optional | other.optional, self.subset | other.subset, cards)

    def as_optional(self) -> Needs:
        """Return the same needs, none of them required."""
        return Needs(frozenset(), self.required | self.optional, self.subset, self.cards)

    def is_covered_by(self, asked: Needs, missing: Iterable[str]) -> bool:
        """Tell whether a host that was asked this, and on which that is missing, need not be asked again."""
        keys = self.required | self.optional
        is_asked = keys <= asked.required | asked.optional and self.subset <= asked.subset
        return is_asked and (asked.cards or not self.cards) and not self.required & set(missing)

    def as_data(self) -> dict[str, Any]:
        """Return them as a module takes them."""
        return {name: value if isinstance(value, bool) else sorted(value) for name, value in self._asdict().items()}


def needs_of_data(data: Mapping[str, Any]) -> Needs:
    """Return needs from what ``as_data`` made of them."""
    required, optional, subset = (frozenset(data[name]) for name in ("required", "optional", "subset"))
    return Needs(required, optional, subset, bool(data["cards"]))


def needs_of(role: str, variables: Variables) -> Needs:
    """Return what a role needs on a host with these variables."""
    roles = {"engine": _engine, "bridge": _bridge, "macvlan": _macvlan, "overlay": _overlay, "topology": _topology}
    return roles[role](variables)


ROLES = ("engine", "bridge", "macvlan", "overlay", "topology")
_LIBRARIES = frozenset(("library:pyroute2", "library:docker"))


def declared(role: str, variables: Variables) -> list[Mapping[str, Any]]:
    """Return the networks that a role's variables declare for a host, those of all hosts first."""
    return [*variables[f"{role}_networks"], *variables.get(f"{role}_host_networks", ())]


def present(networks: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return those that are to be there."""
    return [network for network in networks if network.get("state") != "absent"]


def _keys(kind: str, names: Iterable[str]) -> frozenset[str]:
    return frozenset(f"{kind}:{name}" for name in names)


def _engine(variables: Variables) -> Needs:
    # Docker Engine and the libraries are installed by the role where they are missing.
    optional = _LIBRARIES | {"engine:installed"} | _keys("module", variables["engine_modules_optional"])
    return Needs(_keys("module", variables["engine_modules"]) | {"systemd"}, optional)


def _bridge(_variables: Variables) -> Needs:
    return Needs(_LIBRARIES | _keys("kind", ("bridge", "veth")), subset=frozenset(("routes", "docker")))


def _macvlan(variables: Variables) -> Needs:
    networks = present(declared("macvlan", variables))
    kinds = {str(network.get("driver") or "macvlan") for network in networks}
    kinds |= {"vlan" for network in networks if network.get("vlan")}
    cards = bool(variables["macvlan_hints"]) and bool(networks)
    return Needs(_LIBRARIES | _keys("kind", kinds), subset=frozenset(("routes", "docker")), cards=cards)


def _overlay(_variables: Variables) -> Needs:
    required = _LIBRARIES | _keys("kind", ("bridge", "veth", "vxlan"))
    subset = frozenset(("addresses", "routes", "sockets", "docker"))
    return Needs(required, _keys("feature", ("esp", "ipvs")), subset)


def _topology(variables: Variables) -> Needs:
    links = [*variables["topology_links"], *variables["topology_host_links"]]
    kinds = {str(link["kind"]) for link in links if isinstance(link, Mapping) and link.get("kind")}
    return Needs(_keys("kind", kinds) | {"library:pyroute2"})
