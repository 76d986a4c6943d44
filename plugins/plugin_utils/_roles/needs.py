# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a role needs of a host, and what it has to know of it; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Variables = Mapping[str, Any]


class Needs(NamedTuple):
    """Libraries, kinds of links and kernel features, and the subsets of ``netns_info`` that a role plans with.

    ``optional`` features are reported where they are missing, ``cards`` are the drivers of the host's network cards.
    """

    libraries: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    subset: frozenset[str] = frozenset()
    cards: bool = False

    def combine(self, other: Needs) -> Needs:
        """Return what both need."""
        return Needs(
            self.libraries | other.libraries,
            self.kinds | other.kinds,
            self.optional | other.optional,
            self.subset | other.subset,
            self.cards or other.cards,
        )

    def is_covered_by(self, other: Needs) -> bool:
        """Return whether nothing is needed that the other does not need."""
        return self.combine(other) == other

    def as_data(self) -> dict[str, Any]:
        """Return them as a module takes them."""
        return {name: value if isinstance(value, bool) else sorted(value) for name, value in self._asdict().items()}


def needs_of_data(data: Mapping[str, Any]) -> Needs:
    """Return needs from what ``as_data`` made of them."""
    names = ("libraries", "kinds", "optional", "subset")
    libraries, kinds, optional, subset = (frozenset(data[name]) for name in names)
    return Needs(libraries, kinds, optional, subset, bool(data["cards"]))


def needs_of(role: str, variables: Variables) -> Needs:
    """Return what a role needs on a host with these variables."""
    return {"bridge": _bridge, "macvlan": _macvlan, "overlay": _overlay, "topology": _topology}[role](variables)


ROLES = ("bridge", "macvlan", "overlay", "topology")
_BOTH = frozenset(("pyroute2", "docker"))


def declared(role: str, variables: Variables) -> list[Mapping[str, Any]]:
    """Return the networks that a role's variables declare for a host, those of all hosts first."""
    return [*variables[f"{role}_networks"], *variables.get(f"{role}_host_networks", ())]


def present(networks: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return those that are to be there."""
    return [network for network in networks if network.get("state") != "absent"]


def _bridge(_variables: Variables) -> Needs:
    return Needs(_BOTH, frozenset(("bridge", "veth")), subset=frozenset(("routes", "docker")))


def _macvlan(variables: Variables) -> Needs:
    networks = present(declared("macvlan", variables))
    kinds = {str(network.get("driver") or "macvlan") for network in networks}
    kinds |= {"vlan" for network in networks if network.get("vlan")}
    cards = bool(variables["macvlan_hints"]) and bool(networks)
    return Needs(_BOTH, frozenset(kinds), subset=frozenset(("routes", "docker")), cards=cards)


def _overlay(_variables: Variables) -> Needs:
    kinds, optional = frozenset(("bridge", "veth", "vxlan")), frozenset(("esp", "ipvs"))
    return Needs(_BOTH, kinds, optional, frozenset(("addresses", "routes", "sockets", "docker")))


def _topology(variables: Variables) -> Needs:
    links = [*variables["topology_links"], *variables["topology_host_links"]]
    kinds = {str(link["kind"]) for link in links if isinstance(link, Mapping) and link.get("kind")}
    return Needs(frozenset(("pyroute2",)), frozenset(kinds))
