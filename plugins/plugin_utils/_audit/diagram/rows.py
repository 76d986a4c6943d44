# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of the tables a picture is made of, as plain rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# A link: its namespace and its index there.
Key = tuple[str, int]


class Namespace(NamedTuple):
    """What of a row of `netns` the picture shows."""

    netns: str
    kind: str
    reference: str | None
    container: str | None
    containers: Sequence[str] | None
    docker_network: str | None


class Link(NamedTuple):
    """What of a row of `interface` the picture shows, with its addresses."""

    netns: str
    ifindex: int
    name: str
    kind: str | None
    up: bool | None
    running: bool | None
    mtu: int | None
    mac: str | None
    alias: str | None
    master_index: int | None
    peer_netns: str | None
    peer_index: int | None
    parent_netns: str | None
    parent_index: int | None
    docker_network: str | None
    vni: str | None
    mode: str | None
    addresses: Sequence[str] | None


class Tunnel(NamedTuple):
    """Where a VXLAN link sends: the address of another VTEP, and the host that has it, where one is known."""

    netns: str
    ifindex: int
    address: str
    host: str | None


class Rows(NamedTuple):
    """All rows of one host. Endpoints are networks and containers of `docker_endpoint` with their addresses."""

    namespaces: Sequence[Namespace]
    links: Sequence[Link]
    tunnels: Sequence[Tunnel]
    endpoints: Sequence[tuple[str, str, str]]
