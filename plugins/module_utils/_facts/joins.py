# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Data that depends on several namespaces: peers of links, processes of sockets, Docker networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.bridge_names import get_bridge_name
from ansible_collections.netfleet.docker.plugins.module_utils._facts import host as host_facts
from ansible_collections.netfleet.docker.plugins.module_utils._facts import netns_ownership
from ansible_collections.netfleet.docker.plugins.module_utils._facts.netns_reader import ReadResults
from ansible_collections.netfleet.docker.plugins.module_utils._facts.netns_tables import NetnsData
from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import sockets as sockets_table

Row = dict[str, Any]


def complete_rows(
    visits: ReadResults,
    rows: dict[str, Row],
    holders: Mapping[int, list[int]],
    device: int,
    docker: netns_ownership.EngineOwnership,
) -> None:
    """Complete the lists of every namespace, and the rows of the table netns."""
    for found in visits.found.values():
        found.make_rows()
    for netns, found in visits.found.items():
        if netns not in rows:
            rows[netns] = netns_ownership.build_row(netns_ownership.NetnsReferences(netns), docker, device)
        rows[netns].update(found.columns)
        _complete_links(found, visits)
        _name_networks(rows[netns], found.lists.get("interfaces", ()), docker.networks)
        if rows[netns]["kind"] == "host":
            managers = host_facts.find_link_managers()
            for link in found.lists.get("interfaces", ()):
                link["managed_by"] = managers.get(link["index"])
        if "sockets" in found.lists:
            found.lists["sockets"] = sockets_table.complete_rows(found.lists["sockets"], found.names, holders)
        if found.lists.get("xfrm_policies"):
            from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import xfrm

            found.lists["xfrm_policies"] = xfrm.complete_policies(found.lists["xfrm_policies"], found.names)


def _complete_links(found: NetnsData, visits: ReadResults) -> None:
    # A namespace known only by its ID was read through the namespace that has the ID.
    numbers = visits.numbers.get(found.netns.rpartition("@")[2], {})
    for message, row in zip(found.links, found.lists.get("interfaces", ())):
        number = message.get("IFLA_LINK_NETNSID")
        role = "peer" if row["kind"] == "veth" else "parent"
        if number is None or row[f"{role}_index"] is None:
            continue
        other = row[f"{role}_netns"] = numbers.get(number)
        if other in visits.found:
            row[role] = visits.found[other].names.get(row[f"{role}_index"])


def _name_networks(netns: Row, interfaces: Sequence[Row], networks: Sequence[Mapping[str, Any]]) -> None:
    """Name the Docker networks of bridges and VXLAN links."""
    by_bridge = {
        get_bridge_name(network["id"], network["options"]): network
        for network in networks
        if network["driver"] == "bridge"
    }
    for link in interfaces:
        if netns["kind"] == "host" and link["kind"] == "bridge" and link["name"] in by_bridge:
            network = by_bridge[link["name"]]
            link["docker_network_id"], link["docker_network"] = network["id"], network["name"]
        elif netns["kind"] == "overlay" and link["kind"] in ("bridge", "vxlan"):
            link["docker_network_id"], link["docker_network"] = netns["docker_network_id"], netns["docker_network"]
