# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Required ports between the nodes of a Swarm, and detection of closed ports; pure."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.firewall_chain import Verdict
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import FleetNamespace
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.netfilter import traverse
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import HookContext, Packet

Row = Mapping[str, Any]

CONTROL, GOSSIP = 2377, 7946


def list_outgoing_ports(host: str, members: Sequence[Row], port: int) -> list[dict[str, Any]]:
    """Return the ports of other nodes that a node must reach; ``port`` is the VXLAN port."""
    own = _find_member(host, members)
    found = []
    for other in members if own else ():
        for protocol, number, data in _list_ports(other, port) if other["host"] != host else ():
            address, source = _get_address_pair(other, own, data)
            row = {"host": other["host"], "address": address, "source": source, "vxlan": data}
            found.append({**row, "protocol": protocol, "port": number})
    return found


def list_incoming_ports(host: str, members: Sequence[Row], port: int) -> list[dict[str, Any]]:
    """Return the ports of a node that other nodes must reach, with their source addresses."""
    own = _find_member(host, members)
    found = []
    for other in members if own else ():
        for protocol, number, data in _list_ports(own, port) if other["host"] != host else ():
            address, target = _get_address_pair(other, own, data)
            found.append(
                {"host": other["host"], "address": address, "target": target, "protocol": protocol, "port": number}
            )
    return found


def _find_member(host: str, members: Sequence[Row]) -> Row:
    return next((one for one in members if one["host"] == host), {})


def _get_address_pair(other: Row, own: Row, data: bool) -> tuple[str, str]:
    key = "data_path" if data else "address"
    return str(other[key]), str(own[key])


def _list_ports(target: Row, port: int) -> Iterator[tuple[str, int, bool]]:
    if target["role"] == "manager":
        yield "tcp", CONTROL, False
    yield "tcp", GOSSIP, False
    yield "udp", GOSSIP, False
    yield "udp", port, True


def describe_blocked_ports(received: Mapping[str, Row], sent: Mapping[str, Row], connect: bool = False) -> list[str]:
    """Return one line for each port that is closed between two nodes.

    ``received`` contains by host the rows without a received packet, and in this case the host's namespace with its
    firewall: ``{missing: […], namespace: {…}}``. ``sent`` contains by host ``{answers: […]}``. With ``connect``, a
    program must accept TCP connections.
    """
    found = []
    lost = {(row["host"], host, row["protocol"], row["port"]) for host in received for row in received[host]["missing"]}
    for host, report in received.items():
        for row in report["missing"]:
            at = f"{row['protocol']} {row['port']}"
            why = _describe_reason(host, report.get("namespace") or {}, row)
            found.append(f"{host} receives nothing from {row['host']} ({row['address']}) on {at}: {why}")
    for host, report in sent.items():
        found += _describe_unanswered(host, report["answers"], lost, connect)
    return found


def _describe_unanswered(
    host: str, answers: Iterable[Row], lost: set[tuple[str, str, str, int]], connect: bool
) -> Iterator[str]:
    for row in answers:
        if row["protocol"] != "tcp" or (host, row["host"], "tcp", row["port"]) in lost:
            continue
        if row["answer"] == "connected" or (row["answer"] == "refused" and not connect):
            continue
        yield (
            f"{row['host']} ({row['address']}) does not answer {host} on tcp {row['port']}: {row['answer']}; its "
            f"answer may be dropped by {host}"
        )


def _describe_reason(host: str, namespace: Row, row: Row) -> str:
    verdict = _evaluate_firewall(host, namespace, row)
    if verdict and verdict.kind in ("drop", "reject"):
        return f"dropped there by {_format_rule(verdict)}"
    if verdict and verdict.kind == "unknown" and verdict.chain:
        return f"possibly dropped there by {_format_rule(verdict)}"
    known = verdict is not None and verdict.kind == "accept"
    firewall = "the firewall there accepts it" if known else "the firewall there was not evaluated"
    rule = f"iptables -I INPUT -p {row['protocol']} --dport {row['port']} -s {row['address']} -j ACCEPT"
    return f"{firewall}; check the network between the hosts; this rule would accept the packets: {rule}"


def _format_rule(verdict: Verdict) -> str:
    backend = verdict.chain[3] if verdict.chain else ""
    return f"{backend}: {verdict.rule}" if backend else verdict.rule


def _evaluate_firewall(host: str, namespace: Row, row: Row) -> Verdict | None:
    """Return the verdict of the firewall of a host on a packet; None without its namespace."""
    if not namespace:
        return None
    space = FleetNamespace(host, namespace, {})
    source, target = ipaddress.ip_address(row["address"]), ipaddress.ip_address(row["target"])
    own = space.addresses.get(target)
    link = space.links.get(own["index"]) if own else None
    at = HookContext(space, Packet(source, target, row["protocol"], row["port"]), iif=str(link["name"]) if link else "")
    verdict = None
    for hook in ("prerouting", "input"):
        verdict = traverse(hook, at)
        if verdict.kind != "accept":
            return verdict
        at = dataclasses.replace(at, packet=verdict.packet)
    return verdict
