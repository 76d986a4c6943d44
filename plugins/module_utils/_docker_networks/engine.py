# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks and containers of the engine, and execution of operations; all requests are sent here."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter, EngineApiError, NotFound
from ansible_collections.netfleet.docker.plugins.module_utils._core.records import replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._core.suggestions import suggest
from ansible_collections.netfleet.docker.plugins.module_utils._docker import daemon
from ansible_collections.netfleet.docker.plugins.module_utils._docker.local_api import LocalEngineClient
from ansible_collections.netfleet.docker.plugins.module_utils._docker.sdk import UNIX, EngineClient
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks import api_mapping
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.journal import JournalEntry
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.model import (
    ActualNetwork,
    DesiredNetwork,
    Member,
)
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.operations import (
    ConnectMember,
    CreateNetwork,
    DisconnectMember,
    Op,
    RemoveNetwork,
)

# Since API version 1.44, an endpoint has a MAC address, and the container's own one is not applied on connect. Engines
# before Docker 29.3 ignore it as well (moby/moby#48192, #52040).
_API_NO_OWN_MAC, _API_MAC = (1, 44), (1, 54)
# First API version with a gateway priority of endpoints.
_API_PRIORITY = (1, 48)
_API_IPV4 = (1, 48)
# First API version whose engine gives endpoints of these drivers random MAC addresses, Docker Engine 28.0.
_API_RANDOM_MAC, _RANDOM_MAC_DRIVERS = (1, 48), ("bridge", "macvlan")
# First API version with subnets of a given size from the pools of the engine, such as 0.0.0.0/24.
_API_AUTOMATIC = (1, 52)
# Versions in which an inspected container has the MAC address that the user chose, with Docker Engine 25 to 28 and from
# 29.3 on.
_VERSION_WITH_MAC, _LATER_VERSION_WITH_MAC = "1.43", "1.40"
_SHORT_ID = 12
_PAUSE = 0.1
# The engine completes a request whose client stopped waiting, such as that of an earlier run that timed out.
_ENDPOINT_EXISTS, _ENDPOINT_SECONDS = "already exists in network", 10.0
# Built-in drivers, and the similarity of a misspelled name from 0 to 1.
_DRIVERS = ("bridge", "host", "ipvlan", "macvlan", "null", "overlay")
_SIMILAR = 0.75
_ONLY_OF_USERS = "only when connecting to networks with user configured subnets"


class UnexpectedResponse(Exception):
    """A response of the engine lacks expected fields."""


@contextlib.contextmanager
def _expect_fields() -> Iterator[None]:
    """Raise UnexpectedResponse if a response lacks fields of the engine's API."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UnexpectedResponse(f"{type(error).__name__}: {error}") from None


@_expect_fields()
def find_network(docker: EngineClient, name: str) -> dict[str, Any] | None:
    """Return the network with exactly this name or ID; None if it does not exist."""
    # The filter of the engine also matches parts of names.
    listed = docker.get("/networks", filters={"name": [name]})
    ids = sorted({one["Id"] for one in listed if one["Name"] == name})
    if len(ids) > 1:
        raise BadParameter("name", f"{len(ids)} networks have the name {name}: {', '.join(ids)}; specify the ID")
    try:
        found: dict[str, Any] = docker.get(f"/networks/{quote(ids[0] if ids else name, safe='')}")
    except NotFound:
        return None
    # Without an exact name, the engine accepts an ID prefix.
    return found if ids or found["Id"] == name else None


@_expect_fields()
def observe(docker: EngineClient, names: Sequence[str], entry: JournalEntry | None) -> tuple[ActualNetwork, list[str]]:
    """Return the current state by the first name that matches, and members of a killed run.

    The names are the ID by which a network was given, and its name, which a recreation keeps.
    """
    data = next(filter(None, (find_network(docker, name) for name in names)), None)
    containers = _inspect_containers(docker, data["Name"], data["Id"]) if data else []
    members = api_mapping.parse_api_members(data["Id"], data["Name"], containers) if data else {}
    if data and not _derives_macs(docker, data["Driver"]):
        members = {key: replace_fields(member, mac_derived=False) for key, member in members.items()}
    if docker.api >= _API_NO_OWN_MAC:
        members = {
            key: replace_fields(member, own_mac=None, mac_chosen=_is_mac_chosen(docker, member))
            for key, member in members.items()
        }
    lost, gone = {}, []
    for identity, member in (entry.members if entry else {}).items():
        if identity in members:
            continue
        try:
            docker.get(f"/containers/{identity}/json")
        except NotFound:
            gone.append(member.name)
        else:
            lost[identity] = member
    network = api_mapping.parse_api_network(data) if data else None
    before, before_id = (entry.network, entry.id) if entry else (None, "")
    defaults = _read_default_options(docker, network.driver) if network and network.scope == "local" else frozenset()
    return ActualNetwork(network, data["Id"] if data else "", members, before, before_id, lost, defaults), gone


def _derives_macs(docker: EngineClient, driver: str | None) -> bool:
    return docker.api < _API_RANDOM_MAC or driver not in (None, *_RANDOM_MAC_DRIVERS)


def _read_default_options(docker: EngineClient, driver: str | None) -> frozenset[str]:
    """Return the names of the options that a local engine adds to new networks of a driver."""
    if not docker.url.startswith(UNIX):
        return frozenset()
    found = daemon.find_daemon(LocalEngineClient(docker.url.removeprefix(UNIX)))
    return daemon.read_network_defaults(found).get(driver or "", frozenset()) if found else frozenset()


def _is_mac_chosen(docker: EngineClient, member: Member) -> bool:
    """Return whether the user chose the MAC address of an endpoint, which only older versions of the API return.

    Engines that do not support these versions do not return it at all; the MAC address then counts as chosen.
    """
    if not member.mac or member.mac == member.address_mac:
        return True
    version = _VERSION_WITH_MAC if docker.api < _API_MAC else _LATER_VERSION_WITH_MAC
    try:
        config = docker.get_with_version(version, f"/containers/{member.id}/json").get("Config") or {}
    except EngineApiError:
        return True
    return str(config.get("MacAddress") or "").lower() == member.mac


def _inspect_containers(docker: EngineClient, name: str, identity: str) -> list[dict[str, Any]]:
    """Return the inspected data of a network's containers; the list of the network contains only running ones."""
    found = []
    for one in docker.get("/containers/json", all=1):
        endpoints = (one.get("NetworkSettings") or {}).get("Networks") or {}
        if name in endpoints or any((end or {}).get("NetworkID") == identity for end in endpoints.values()):
            try:
                found.append(docker.get(f"/containers/{one['Id']}/json"))
            except NotFound:
                continue
    return found


@_expect_fields()
def identify_containers(docker: EngineClient, desired: DesiredNetwork) -> DesiredNetwork:
    """Return the desired state with container IDs; raise BadParameter for missing objects."""
    version = _format_api_version(docker)
    if docker.api < _API_IPV4 and desired.network.ipv4 is False:
        raise BadParameter(
            "enable_ipv4",
            f"false requires API {_API_IPV4[0]}.{_API_IPV4[1]} (Docker Engine 28.0); this engine has {version}",
        )
    for at, pool in enumerate(desired.network.pools or ()):
        if pool.is_automatic and docker.api < _API_AUTOMATIC:
            reason = f"{pool.subnet}, a subnet of this size from the pools of the engine, requires API "
            needed = f"{_API_AUTOMATIC[0]}.{_API_AUTOMATIC[1]} (Docker Engine 29.0); this engine has {version}"
            raise BadParameter(f"ipam_config[{at}].subnet", reason + needed)
    found = []
    derives_macs = _derives_macs(docker, desired.network.driver)
    for given in (desired.connected or ()) if desired.present else ():
        member = replace_fields(given, mac_derived=derives_macs)
        try:
            data = docker.get(f"/containers/{quote(member.name, safe='')}/json")
        except NotFound:
            raise BadParameter("connected", f"no such container: {member.name}") from None
        name, identity = data["Name"].lstrip("/"), data["Id"]
        if member.name != name and not (len(member.name) >= _SHORT_ID and identity.startswith(member.name)):
            raise BadParameter("connected", f"no such container: {member.name}; an ID has at least {_SHORT_ID} digits")
        there = ((data.get("NetworkSettings") or {}).get("Networks") or {}).get(desired.network.name) or {}
        own = (data.get("Config") or {}).get("MacAddress") if docker.api < _API_NO_OWN_MAC else None
        possible = (member.address_mac, *(str(one or "").lower() for one in (own, there.get("MacAddress"))))
        if member.mac and not supports_endpoint_macs(docker) and member.mac not in possible:
            reason = (
                f"of {name} requires API {_API_MAC[0]}.{_API_MAC[1]} (Docker Engine 29.3); this engine has {version}"
            )
            raise BadParameter("connected[].mac_address", reason)
        if member.priority is not None and docker.api < _API_PRIORITY:
            reason = f"of {name} requires API {_API_PRIORITY[0]}.{_API_PRIORITY[1]}; this engine has {version}"
            raise BadParameter("connected[].priority", reason)
        found.append(replace_fields(member, name=name, id=identity))
    return replace_fields(desired, connected=None if desired.connected is None else tuple(found))


@_expect_fields()
def get_engine_id(docker: EngineClient) -> str:
    """Return the ID of the engine, which is the same for each of its URLs."""
    return str(docker.get("/info")["ID"])


def refuse_misspelled_driver(docker: EngineClient, driver: str) -> None:
    """Raise BadParameter for a driver that the engine does not have and whose name is similar to a built-in one.

    The engine lists a plugin of the old kind only after its first use, so other names are accepted.
    """
    if driver in _DRIVERS:
        return
    similar = suggest(driver, _DRIVERS, _SIMILAR)
    known = docker.get("/info")["Plugins"]["Network"] or []
    if similar and driver not in known:
        reason = f"the engine has no driver {driver}; it has {', '.join(known)}; did you mean {similar}?"
        raise BadParameter("driver", reason)


def supports_endpoint_macs(docker: EngineClient) -> bool:
    """Return whether the engine accepts a MAC address for an endpoint."""
    return docker.api >= _API_MAC


def apply_operation(docker: EngineClient, op: Op) -> None:
    """Execute one operation; raise EngineApiError with the operation and the engine's message."""
    try:
        if isinstance(op, CreateNetwork):
            docker.post("/networks/create", api_mapping.build_creation_config(op.network))
        elif isinstance(op, RemoveNetwork):
            _remove_network(docker, op)
        elif isinstance(op, ConnectMember):
            _connect_member(docker, op.name, op.member)
        elif isinstance(op, DisconnectMember):
            # Without force, the endpoint of a stopped container remains.
            docker.post(f"/networks/{quote(op.name, safe='')}/disconnect", {"Container": op.member.id, "Force": True})
    except EngineApiError as error:
        raise EngineApiError(docker.url, f"{op.describe()}: {str(error).partition(': ')[2]}") from None


def _connect_member(docker: EngineClient, name: str, member: Member) -> None:
    path = f"/networks/{quote(name, safe='')}/connect"
    try:
        docker.post(path, {"Container": member.id, "EndpointConfig": api_mapping.build_endpoint_config(member)})
    except EngineApiError as error:
        if _ENDPOINT_EXISTS in str(error) and _wait_for_endpoint(docker, name, member.id):
            return
        # An automatic subnet is not marked as such, but the engine assigns no requested address from it.
        if not member.chosen or _ONLY_OF_USERS not in str(error):
            raise
        docker.post(
            path,
            {"Container": member.id, "EndpointConfig": api_mapping.build_endpoint_config(member.automatic_endpoint)},
        )


@_expect_fields()
def _wait_for_endpoint(docker: EngineClient, name: str, container: str) -> bool:
    """Return whether the engine completes the endpoint of a container that it is already connecting."""
    deadline = time.monotonic() + _ENDPOINT_SECONDS
    while time.monotonic() < deadline:
        networks = docker.get(f"/containers/{container}/json")["NetworkSettings"]["Networks"]
        if (networks.get(name) or {}).get("EndpointID"):
            return True
        time.sleep(_PAUSE)
    return False


@_expect_fields()
def remove_endpoint(docker: EngineClient, network: str, member: Member) -> bool:
    """Remove what a failed connection left of an endpoint in a container; return whether nothing is left.

    The engine keeps the network in the configuration of the container, which then cannot start.
    """
    for _attempt in range(2):
        networks = docker.get(f"/containers/{member.id}/json")["NetworkSettings"]["Networks"]
        if network not in networks:
            return True
        docker.post(f"/networks/{quote(network, safe='')}/disconnect", {"Container": member.id, "Force": True})
    return network not in docker.get(f"/containers/{member.id}/json")["NetworkSettings"]["Networks"]


def _remove_network(docker: EngineClient, op: RemoveNetwork) -> None:
    docker.delete(f"/networks/{op.id}")
    # A Swarm removes its network after a while, and only then is the name available.
    while any(one["Id"] == op.id for one in docker.get("/networks", filters={"id": [op.id]})):
        time.sleep(_PAUSE)


def _format_api_version(docker: EngineClient) -> str:
    return ".".join(map(str, docker.api))
