# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks and containers, as the engine has them, and operations carried out; all that is said to it is said here."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter, EngineRefused, NotFound
from ansible_collections.netfleet.docker.plugins.module_utils._core.records import replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._docker.sdk import Docker
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks import api_mapping
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.journal import Entry
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.model import Actual, Desired, Member
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.operations import (
    Connect,
    Create,
    Disconnect,
    Op,
    Remove,
)

# From 1.44 on the API has a MAC address for an endpoint, and a container's own one is applied no more when it is
# connected; but engines before Docker 29.3 pass over it as well (moby/moby#48192, #52040).
_API_NO_OWN_MAC, _API_MAC = (1, 44), (1, 54)
# From which on the engine is told which endpoint is to be the gateway.
_API_PRIORITY = (1, 48)
_API_IPV4 = (1, 47)
_SHORT_ID = 12
_PAUSE = 0.1
_ONLY_OF_USERS = "only when connecting to networks with user configured subnets"


class Unexpected(Exception):
    """An answer of the engine that has not the parts that it should have."""


@contextlib.contextmanager
def _expect_fields() -> Iterator[None]:
    """Raise Unexpected where an answer has not the parts that the engine's API says it has."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unexpected(f"{type(error).__name__}: {error}") from None


@_expect_fields()
def find_network(docker: Docker, name: str) -> dict[str, Any] | None:
    """Return the network of exactly this name, or of exactly this id; None where there is none."""
    # The engine's filter takes every name that has this one in it.
    listed = docker.get("/networks", filters={"name": [name]})
    ids = sorted({one["Id"] for one in listed if one["Name"] == name})
    if len(ids) > 1:
        raise BadParameter("name", f"{len(ids)} networks have the name {name}: {', '.join(ids)}; specify the ID")
    try:
        found: dict[str, Any] = docker.get(f"/networks/{quote(ids[0] if ids else name, safe='')}")
    except NotFound:
        return None
    # Without an exact name, the engine takes the beginning of an id.
    return found if ids or found["Id"] == name else None


@_expect_fields()
def observe(docker: Docker, names: Sequence[str], entry: Entry | None) -> tuple[Actual, list[str]]:
    """Return what there is, under the first of some names that leads to anything, and who was lost and is no more.

    Those are the id by which a network was named, and its name, which it keeps when it is made anew.
    """
    said = next(filter(None, (find_network(docker, name) for name in names)), None)
    containers = _containers(docker, said["Name"], said["Id"]) if said else []
    members = api_mapping.members_from_api(said["Id"], said["Name"], containers) if said else {}
    if docker.api >= _API_NO_OWN_MAC:
        members = {key: replace_fields(member, own_mac=None) for key, member in members.items()}
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
    network = api_mapping.network_from_api(said) if said else None
    before, before_id = (entry.network, entry.id) if entry else (None, "")
    return Actual(network, said["Id"] if said else "", members, before, before_id, lost), gone


def _containers(docker: Docker, name: str, identity: str) -> list[dict[str, Any]]:
    """Return all that the engine says of the containers of a network; its own list has only those that run."""
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
def identify_containers(docker: Docker, desired: Desired) -> Desired:
    """Return what is desired with the ids of the containers; raise BadParameter for what the engine has not."""
    if docker.api < _API_IPV4 and desired.network.ipv4 is False:
        raise BadParameter(
            "enable_ipv4", f"false requires API {_API_IPV4[0]}.{_API_IPV4[1]}; this engine has {_api(docker)}"
        )
    found = []
    for member in (desired.connected or ()) if desired.present else ():
        try:
            said = docker.get(f"/containers/{quote(member.name, safe='')}/json")
        except NotFound:
            raise BadParameter("connected", f"no such container: {member.name}") from None
        name, identity = said["Name"].lstrip("/"), said["Id"]
        if member.name != name and not (len(member.name) >= _SHORT_ID and identity.startswith(member.name)):
            raise BadParameter("connected", f"no such container: {member.name}; an ID has at least {_SHORT_ID} digits")
        there = ((said.get("NetworkSettings") or {}).get("Networks") or {}).get(desired.network.name) or {}
        own = (said.get("Config") or {}).get("MacAddress") if docker.api < _API_NO_OWN_MAC else None
        possible = (member.address_mac, *(str(one or "").lower() for one in (own, there.get("MacAddress"))))
        if member.mac and not supports_endpoint_macs(docker) and member.mac not in possible:
            reason = (
                f"of {name} takes API {_API_MAC[0]}.{_API_MAC[1]} (Docker Engine 29.3); this engine has {_api(docker)}"
            )
            raise BadParameter("connected[].mac_address", reason)
        if member.priority is not None and docker.api < _API_PRIORITY:
            reason = f"of {name} takes API {_API_PRIORITY[0]}.{_API_PRIORITY[1]}; this engine has {_api(docker)}"
            raise BadParameter("connected[].priority", reason)
        found.append(replace_fields(member, name=name, id=identity))
    return replace_fields(desired, connected=None if desired.connected is None else tuple(found))


def supports_endpoint_macs(docker: Docker) -> bool:
    """Return whether the engine takes a MAC address for an endpoint."""
    return docker.api >= _API_MAC


def apply_operation(docker: Docker, op: Op) -> None:
    """Carry out one operation; raise EngineRefused with what was being done and the engine's words."""
    try:
        if isinstance(op, Create):
            docker.post("/networks/create", api_mapping.creation_config(op.network))
        elif isinstance(op, Remove):
            _remove(docker, op)
        elif isinstance(op, Connect):
            _connect(docker, op.name, op.member)
        elif isinstance(op, Disconnect):
            # Without force, an endpoint of a container that does not run stays.
            docker.post(f"/networks/{quote(op.name, safe='')}/disconnect", {"Container": op.member.id, "Force": True})
    except EngineRefused as error:
        raise EngineRefused(docker.url, f"{op.describe()}: {str(error).partition(': ')[2]}") from None


def _connect(docker: Docker, name: str, member: Member) -> None:
    path = f"/networks/{quote(name, safe='')}/connect"
    try:
        docker.post(path, {"Container": member.id, "EndpointConfig": api_mapping.endpoint_config(member)})
    except EngineRefused as error:
        # What a subnet is that the engine chose cannot be seen, only that it gives no address on demand there.
        if not member.chosen or _ONLY_OF_USERS not in str(error):
            raise
        docker.post(
            path, {"Container": member.id, "EndpointConfig": api_mapping.endpoint_config(member.left_to_the_engine)}
        )


def _remove(docker: Docker, op: Remove) -> None:
    docker.delete(f"/networks/{op.id}")
    # That of a Swarm goes in the Swarm's own time, and its name can be used again only then.
    while any(one["Id"] == op.id for one in docker.get("/networks", filters={"id": [op.id]})):
        time.sleep(_PAUSE)


def _api(docker: Docker) -> str:
    return ".".join(map(str, docker.api))
