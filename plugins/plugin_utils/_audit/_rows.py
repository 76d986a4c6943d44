# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of the tables a picture is made of, as plain rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Optional

# A link: its namespace and its index there.
Key = tuple[str, int]


class Namespace(NamedTuple):
    """What of a row of `netns` the picture shows."""

    netns: str
    kind: str
    reference: Optional[str]
    container: Optional[str]
    containers: Optional[Sequence[str]]
    docker_network: Optional[str]


class Link(NamedTuple):
    """What of a row of `interface` the picture shows, with its addresses."""

    netns: str
    index: int
    name: str
    kind: Optional[str]
    up: Optional[bool]
    running: Optional[bool]
    mtu: Optional[int]
    mac: Optional[str]
    alias: Optional[str]
    master_index: Optional[int]
    peer_netns: Optional[str]
    peer_index: Optional[int]
    parent_netns: Optional[str]
    parent_index: Optional[int]
    docker_network: Optional[str]
    vni: Optional[str]
    mode: Optional[str]
    addresses: Optional[Sequence[str]]


class Tunnel(NamedTuple):
    """Where a VXLAN link sends: the address of another VTEP, and the host that has it, where one is known."""

    netns: str
    index: int
    address: str
    host: Optional[str]


class Rows(NamedTuple):
    """All rows of one host. The endpoints are the networks and containers of `docker_endpoint`, with their addresses."""

    namespaces: Sequence[Namespace]
    links: Sequence[Link]
    tunnels: Sequence[Tunnel]
    endpoints: Sequence[tuple[str, str, str]]
