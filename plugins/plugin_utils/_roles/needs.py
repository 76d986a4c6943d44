# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements of a role on a host, and the data that it plans with; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Variables = Mapping[str, Any]


class RoleRequirements(NamedTuple):
    """Requirements by the keys of the module preflight, such as ``kind:bridge``, and the data that the role plans with.

    Missing ``optional`` requirements are reported. ``subset`` is that of ``netns_info``; ``cards`` and ``containers``
    are whether the role requires the drivers of the network cards and the network modes of containers.
    """

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    subset: frozenset[str] = frozenset()
    cards: bool = False
    containers: bool = False

    def combine(self, other: RoleRequirements) -> RoleRequirements:
        """Return the requirements of both."""
        return RoleRequirements(
            self.required | other.required,
            self.optional | other.optional,
            self.subset | other.subset,
            self.cards or other.cards,
            self.containers or other.containers,
        )

    def make_optional(self) -> RoleRequirements:
        """Return the requirements with all of them optional."""
        return self._replace(required=frozenset(), optional=self.required | self.optional)

    def make_libraries_optional(self) -> RoleRequirements:
        """Return the requirements without the libraries among the required ones."""
        libraries = frozenset(key for key in self.required if key.startswith("library:"))
        return self._replace(required=self.required - libraries, optional=self.optional | libraries)

    def is_covered_by(self, asked: RoleRequirements, missing: Iterable[str]) -> bool:
        """Return whether the result for other requirements, of which some are missing, is sufficient for these."""
        keys = self.required | self.optional
        is_asked = keys <= asked.required | asked.optional and self.subset <= asked.subset
        has_flags = (asked.cards or not self.cards) and (asked.containers or not self.containers)
        return is_asked and has_flags and not self.required & set(missing)

    def to_dict(self) -> dict[str, Any]:
        """Return the requirements as a parameter of the module host_state."""
        return {name: value if isinstance(value, bool) else sorted(value) for name, value in self._asdict().items()}


def load_requirements(data: Mapping[str, Any]) -> RoleRequirements:
    """Return the requirements from the output of ``to_dict``."""
    required, optional, subset = (frozenset(data[name]) for name in ("required", "optional", "subset"))
    return RoleRequirements(required, optional, subset, bool(data["cards"]), bool(data["containers"]))


def get_requirements(role: str, variables: Variables) -> RoleRequirements:
    """Return the requirements of a role on a host with these variables."""
    roles = {
        "engine": _require_engine,
        "bridge": _require_bridge,
        "macvlan": _require_macvlan,
        "overlay": _require_overlay,
        "containers": _require_containers,
        "topology": _require_topology,
    }
    return roles[role](variables)


# Every role with requirements; the role containers has no task of its own that gathers them.
ROLES = ("engine", "bridge", "macvlan", "overlay", "containers", "topology")
_LIBRARIES = frozenset(("library:pyroute2", "library:docker"))


def list_declared_networks(role: str, variables: Variables) -> list[Mapping[str, Any]]:
    """Return the networks that the variables of a role declare for a host; those of all hosts first."""
    return [*variables[f"{role}_networks"], *variables.get(f"{role}_host_networks", ())]


def select_present_networks(networks: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the networks without ``state: absent``."""
    return [network for network in networks if network.get("state") != "absent"]


def _build_keys(kind: str, names: Iterable[str]) -> frozenset[str]:
    return frozenset(f"{kind}:{name}" for name in names)


def _require_engine(variables: Variables) -> RoleRequirements:
    # The role installs missing packages of Docker Engine and of the libraries.
    optional = _LIBRARIES | {"engine:installed"} | _build_keys("module", variables["engine_modules_optional"])
    return RoleRequirements(_build_keys("module", variables["engine_modules"]) | {"systemd"}, optional)


def _require_bridge(_variables: Variables) -> RoleRequirements:
    return RoleRequirements(
        _LIBRARIES | _build_keys("kind", ("bridge", "veth")), subset=frozenset(("addresses", "routes", "docker"))
    )


def _require_macvlan(variables: Variables) -> RoleRequirements:
    networks = select_present_networks(list_declared_networks("macvlan", variables))
    kinds = {str(network.get("driver") or "macvlan") for network in networks}
    kinds |= {"vlan" for network in networks if network.get("vlan")}
    cards = bool(variables["macvlan_hints"]) and bool(networks)
    return RoleRequirements(
        _LIBRARIES | _build_keys("kind", kinds), subset=frozenset(("addresses", "routes", "docker")), cards=cards
    )


def _require_overlay(_variables: Variables) -> RoleRequirements:
    required = _LIBRARIES | _build_keys("kind", ("bridge", "veth", "vxlan"))
    subset = frozenset(("addresses", "routes", "sockets", "docker"))
    return RoleRequirements(required, _build_keys("feature", ("esp", "ipvs")), subset)


def _require_containers(_variables: Variables) -> RoleRequirements:
    return RoleRequirements(subset=frozenset(("docker",)), containers=True)


def _require_topology(variables: Variables) -> RoleRequirements:
    links = [*variables["topology_links"], *variables["topology_host_links"]]
    kinds = {str(link["kind"]) for link in links if isinstance(link, Mapping) and link.get("kind")}
    return RoleRequirements(_build_keys("kind", kinds) | {"library:pyroute2"})
