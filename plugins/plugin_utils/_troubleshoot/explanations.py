# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Causes that only Docker's data explains: networks that are not connected, services on other ports; pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import quote
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path import routing
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import FleetNamespace, Row
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot.case import Case
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot.snapshot_checks import DiagnosisStep

_DNS = ipaddress.ip_address("127.0.0.11")
_FAILED = ("failed", "incomplete")
# Only as many listening ports as one line holds.
_MOST_PORTS = 8


def judge_docker(case: Case, *, is_tested: bool) -> Iterator[DiagnosisStep]:
    """Yield the faults that follow from Docker's networks and, if probes failed, from the gateway of the host."""
    if case.space is None or case.target.address is None:
        return
    yield from _judge_other_host(case)
    if is_tested:
        yield from _judge_uplink_gateway(case, case.space)


def find_common_network_fault(case: Case) -> tuple[str, str] | None:
    """Return why a firewall separates two containers of a host, and the remedy; None if they share a network."""
    end, target = (case.target.container.endpoint if case.target.container else None), case.target.container
    if target is None or end is None or target.host != case.host or case.container is None or not case.endpoints:
        return None
    own = {one["network_id"] for one in case.endpoints}
    shared = [one for one in _list_endpoints_of(case, target.row) if one["network_id"] in own]
    if shared:
        address = ipaddress.ip_interface(shared[0]["ipv4"] or shared[0]["ipv6"]).ip
        name = target.row["name"]
        detail = f"{name} has the address {address} in their common network {shared[0]['network']}; use it or the name"
        return detail, ""
    networks = ", ".join(sorted({str(one["network"]) for one in case.endpoints}))
    detail = f"{case.container['name']} ({networks}) and {target.row['name']} ({end['network']}) have no common network"
    return detail, f"docker network connect {quote(end['network'])} {quote(case.container['name'])}"


def describe_listeners(space: FleetNamespace, protocol: str) -> str:
    """Return the ports of a protocol on which a namespace listens, as the end of a sentence."""
    rows = [row for row in space.get_rows("sockets") if row["protocol"] == protocol]
    found = sorted({(int(row["port"]), _describe_socket(row)) for row in rows})
    if not found:
        return f"; nothing listens on any {protocol} port there"
    texts = [text for _port, text in found]
    more = f" and {len(texts) - _MOST_PORTS} more" if len(texts) > _MOST_PORTS else ""
    return f"; listening there: {', '.join(texts[:_MOST_PORTS])}{more}"


def explain_docker_dns(case: Case) -> tuple[str, str] | None:
    """Return why Docker's DNS server is not available in a container, and the remedy."""
    if case.target.address != _DNS or case.container is None:
        return None
    networks = {str(end["network"]) for end in case.endpoints}
    if not networks or networks - {"bridge"}:
        return None
    detail = f"container {case.container['name']} is only in the default network bridge, which has no DNS server"
    return detail, f"docker network connect NETWORK {quote(case.container['name'])}   # a user-defined network"


def _judge_other_host(case: Case) -> Iterator[DiagnosisStep]:
    """Check that the target is not in a bridge network of another host, to which no route leads."""
    target, way = case.target.container, case.route
    if target is None or target.endpoint is None or target.host == case.host or case.target.address is None:
        return
    network = _find_network(case, target.host, str(target.endpoint["network_id"]))
    if not network or network["driver"] != "bridge":
        return
    if way is not None and way.row["gateway"] and not str(way.row["dst"]).endswith("/0"):
        # A route to this subnet is configured.
        return
    name = target.row["name"]
    detail = (
        f"{case.target.address} is the address of container {name} in the bridge network {network['name']} of "
        f"{target.host}, and bridge networks are not connected between hosts"
    )
    remedy = f"use a published port of {name} on {target.host}, or an overlay or macvlan network for both containers"
    yield DiagnosisStep("Docker network", "broken", detail, f"# {remedy}")


def _judge_uplink_gateway(case: Case, space: FleetNamespace) -> Iterator[DiagnosisStep]:
    """Check that the gateway of the host answers, for a target outside of the fleet."""
    host, address = case.host_space, case.target.address
    if host is None or host is space or address is None or case.world.find_owners(address):
        return
    way = routing.look_up_route(host, address)
    if way is None or way.link is None or not way.row["gateway"]:
        return
    gateway, link = str(way.row["gateway"]), way.link["name"]
    for row in host.get_rows("neighbours"):
        if row["address"] == gateway and row["index"] == way.link["index"] and row["state"] in _FAILED:
            detail = (
                f"{gateway}, the gateway of {case.host} on {link}, does not answer (neighbour entry: {row['state']})"
            )
            remedy = f"ip neighbour show {gateway}; ip route get {address}   # on {case.host}"
            yield DiagnosisStep("uplink", "broken", detail, remedy)


def _list_endpoints_of(case: Case, container: Row) -> list[Row]:
    rows = (case.host_space.docker.get("endpoints") or []) if case.host_space else []
    return [row for row in rows if row["container_id"] == container["id"] and (row["ipv4"] or row["ipv6"])]


def _find_network(case: Case, host: str, network_id: str) -> Row | None:
    first = next(case.world.list_namespaces(host), None)
    rows = (first.docker.get("networks") or []) if first else []
    return next((row for row in rows if row["id"] == network_id), None)


def _describe_socket(row: Mapping[str, Any]) -> str:
    address = row["address"]
    if not address or ipaddress.ip_address(address).is_unspecified:
        return str(row["port"])
    return f"[{address}]:{row['port']}" if ":" in address else f"{address}:{row['port']}"
