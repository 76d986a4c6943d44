# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows of the tables that diagrams use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# Namespace and index of a link.
Key = tuple[str, int]


class NamespaceRow(NamedTuple):
    """Columns of the table `netns`."""

    netns: str
    kind: str
    reference: str | None
    container: str | None
    containers: Sequence[str] | None
    docker_network: str | None


class LinkRow(NamedTuple):
    """Columns of the table `interface`, with the addresses of the interface."""

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


class TunnelRow(NamedTuple):
    """The address of a remote VTEP of a VXLAN link, and its host if it is known."""

    netns: str
    ifindex: int
    address: str
    host: str | None


class HostRows(NamedTuple):
    """The rows of one host. Endpoints are tuples of network, container and address."""

    namespaces: Sequence[NamespaceRow]
    links: Sequence[LinkRow]
    tunnels: Sequence[TunnelRow]
    endpoints: Sequence[tuple[str, str, str]]
