# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the checklist that uses only snapshots: process, namespace, link, peer, address, route; pure."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterator

from ansible_collections.netfleet.docker.plugins.module_utils._core.bridge_names import get_bridge_name
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import quote
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import FleetNamespace, Row
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot.case import Case


@dataclasses.dataclass(frozen=True)
class DiagnosisStep:
    """A step with its state ``ok``, ``broken``, ``unknown``, ``note`` or ``skipped``, its result, and a remedy."""

    step: str
    state: str
    detail: str
    remedy: str = ""


def judge_snapshot(case: Case) -> Iterator[DiagnosisStep]:
    """Yield the steps in order; without a namespace, only the first one."""
    yield from _judge_process(case)
    if case.space is None:
        return
    yield from _judge_namespace(case, case.space)
    yield from _judge_links(case, case.space)
    yield from _judge_peers(case, case.space)
    yield from _judge_addresses(case, case.space)
    yield from _judge_route(case, case.space)


def _judge_process(case: Case) -> Iterator[DiagnosisStep]:
    container = case.container
    if container is None:
        yield DiagnosisStep("process", "skipped", f"{case.source} is not a container")
    elif case.space is None:
        remedy = f"docker start {quote(container['name'])}"
        yield DiagnosisStep(
            "process", "broken", f"container {container['name']} is {container['state']} and has no namespace", remedy
        )
    else:
        state = "ok" if container["state"] == "running" else "note"
        detail = f"container {container['name']} is {container['state']}, its process is PID {container['pid']}"
        yield DiagnosisStep("process", state, detail)


def _judge_namespace(case: Case, space: FleetNamespace) -> Iterator[DiagnosisStep]:
    container = case.container
    if container is None:
        yield DiagnosisStep("namespace", "ok", f"{space.name}, inode {space.id}")
        return
    mode = str(container["network_mode"] or "")
    if container["sandbox_netns"] and container["netns"] and container["sandbox_netns"] != container["netns"]:
        made = container["sandbox_netns"]
        detail = f"the process runs in namespace {container['netns']} instead of {made}, which Docker created for it"
        yield DiagnosisStep("namespace", "broken", detail, f"docker restart {quote(container['name'])}")
    elif mode == "host":
        yield DiagnosisStep(
            "namespace",
            "note",
            "the container uses the host network: addresses, ports and firewall are those of the host",
        )
    elif mode == "none" and any(link["kind"] != "loopback" for link in space.links.values()):
        yield DiagnosisStep(
            "namespace", "note", "the container has the network mode none; its links were not created by Docker"
        )
    elif mode == "none":
        detail = "the container has the network mode none: its only link is lo, so it cannot reach other hosts"
        name = quote(container["name"])
        remedy = f"docker network disconnect none {name}\ndocker network connect NETWORK {name}"
        own = case.target.address is not None and case.target.address.is_loopback
        yield DiagnosisStep("namespace", "note" if own else "broken", detail, "" if own else remedy)
    elif container["joined"] and _is_left_behind(case):
        detail = (
            f"the container shares the namespace of container {container['joined']}, which was restarted or stopped"
            " since; this container was left in the old namespace"
        )
        remedy = f"docker start {quote(container['joined'])}\ndocker restart {quote(container['name'])}"
        yield DiagnosisStep("namespace", "broken", detail, remedy)
    elif container["joined"]:
        yield DiagnosisStep(
            "namespace",
            "note",
            f"the container shares the namespace of container {container['joined']}",
        )
    else:
        yield DiagnosisStep("namespace", "ok", f"{space.name}, inode {space.id}")


def _is_left_behind(case: Case) -> bool:
    """Return whether the container that the container of the source joined has another namespace now."""
    joined, container = case.find_joined_container(), case.container
    if joined is None or container is None or not container["netns"]:
        return False
    now = {joined["netns"], joined["sandbox_netns"]} - {None}
    return joined["state"] in ("exited", "dead", "created") or bool(now and container["netns"] not in now)


def _judge_links(case: Case, space: FleetNamespace) -> Iterator[DiagnosisStep]:
    linked = [end for end in case.endpoints if end["network"] not in ("none", "host")]
    missing = [end for end in linked if case.find_link(end) is None]
    for end in missing:
        remedy = "\n".join(
            f"docker network {verb} {quote(end['network'])} {quote(end['container'])}"
            for verb in ("disconnect", "connect")
        )
        yield DiagnosisStep(
            "link", "broken", f"the container is connected to network {end['network']} but has no link for it", remedy
        )
    links = [link for link in space.links.values() if link["kind"] != "loopback"]
    if not links:
        state = "note" if case.container and case.container["network_mode"] == "none" else "broken"
        yield DiagnosisStep("link", state, "the only link is lo")
    for link in _select_relevant_links(case, links):
        yield _judge_link(case, link)
    yield from _judge_loopback(case, space)


def _judge_loopback(case: Case, space: FleetNamespace) -> Iterator[DiagnosisStep]:
    """Check that lo is up, which Docker's DNS server at 127.0.0.11 requires."""
    lo = space.find_link("lo")
    if lo and not lo["up"] and case.container and case.endpoints:
        state = "broken" if case.target.is_name else "note"
        yield DiagnosisStep(
            "link", state, "lo is down, so Docker's DNS server is unreachable", f"{case.netns_prefix}ip link set lo up"
        )


def _select_relevant_links(case: Case, links: list[Row]) -> list[Row]:
    """Return the links that are relevant to the target: the link of its route, or all without a route."""
    way = case.route
    used = [link for link in links if way and way.link and link["index"] == way.link["index"]]
    own = [link for end in case.endpoints if (link := case.find_link(end))]
    return used or own or ([] if case.space and case.space.is_host else links)


def _judge_link(case: Case, link: Row) -> DiagnosisStep:
    inside = case.netns_prefix
    if not link["up"]:
        return DiagnosisStep(
            "link", "broken", f"{link['name']} is down", f"{inside}ip link set {quote(link['name'])} up"
        )
    if not link["running"]:
        return DiagnosisStep("link", "broken", f"{link['name']} has no carrier: its peer is down or not connected")
    if link["kind"] in ("veth", "macvlan", "bridge") and "NOARP" in (link["flags"] or []):
        detail = f"{link['name']} does not use ARP (NOARP), so it cannot find neighbours"
        return DiagnosisStep("link", "broken", detail, f"{inside}ip link set {quote(link['name'])} arp on")
    return DiagnosisStep("link", "ok", f"{link['name']} ({link['kind'] or 'device'}) is up, MTU {link['mtu']}")


def _judge_peers(case: Case, space: FleetNamespace) -> Iterator[DiagnosisStep]:
    for link in _select_relevant_links(case, [link for link in space.links.values() if link["kind"] != "loopback"]):
        if link["kind"] == "veth":
            yield from _judge_peer(case, space, link)
        elif link["kind"] in ("macvlan", "ipvlan"):
            yield from _judge_parent(case, space, link)


def _judge_peer(case: Case, space: FleetNamespace, link: Row) -> Iterator[DiagnosisStep]:
    found = case.world.find_peer(space, link)
    if not found:
        yield DiagnosisStep("peer", "unknown", f"the peer of {link['name']} is in no known namespace")
        return
    other, end = found
    bridge = other.find_bridge(end)
    wanted = _find_bridge(case, link)
    name = quote(end["name"])
    if not end["up"]:
        yield DiagnosisStep(
            "peer", "broken", f"{end['name']}, the peer of {link['name']}, is down", f"ip link set {name} up"
        )
    elif wanted and (bridge is None or bridge["name"] != wanted):
        where = f"attached to {bridge['name']}" if bridge else "attached to no bridge"
        detail = f"{end['name']}, the peer of {link['name']}, is {where} instead of {wanted}"
        yield DiagnosisStep("peer", "broken", detail, f"ip link set {name} master {quote(wanted)}")
    elif bridge is not None and not bridge["up"]:
        yield DiagnosisStep(
            "peer", "broken", f"the bridge {bridge['name']} is down", f"ip link set {quote(bridge['name'])} up"
        )
    elif twin := _find_duplicate_mac(case, other, bridge, link):
        detail = f"{twin[1]['name']} of {twin[0].name} has the same MAC address {link['mac']} on the bridge {twin[2]}"
        yield DiagnosisStep(
            "peer", "broken", detail, f"docker restart {quote(case.container['name'])}" if case.container else ""
        )
    else:
        yield DiagnosisStep(
            "peer", "ok", f"{end['name']} in {other.name}" + (f", a port of {bridge['name']}" if bridge else "")
        )


def _find_duplicate_mac(
    case: Case, host: FleetNamespace, bridge: Row | None, link: Row
) -> tuple[FleetNamespace, Row, str] | None:
    """Return another link on the same bridge with the same MAC address."""
    for port in host.list_ports(bridge["index"]) if bridge else ():
        found = case.world.find_peer(host, port)
        if (
            found
            and found[1]["mac"] == link["mac"]
            and (found[0] is not case.space or found[1]["index"] != link["index"])
        ):
            return (*found, str(bridge["name"] if bridge else ""))
    return None


def _find_bridge(case: Case, link: Row) -> str | None:
    """Return the bridge of the Docker network that a link belongs to."""
    end = next((end for end in case.endpoints if (own := case.find_link(end)) and own["index"] == link["index"]), None)
    network = case.find_network(end["network"]) if end else None
    if not network or network["driver"] != "bridge":
        return None
    return get_bridge_name(network["id"], network["options"])


def _judge_parent(case: Case, space: FleetNamespace, link: Row) -> Iterator[DiagnosisStep]:
    found = case.world.find_parent(space, link)
    if not found:
        yield DiagnosisStep("peer", "unknown", f"the parent of {link['name']} is in no known namespace")
    elif not found[1]["up"]:
        name = found[1]["name"]
        yield DiagnosisStep(
            "peer", "broken", f"{name}, the parent of {link['name']}, is down", f"ip link set {quote(name)} up"
        )
    else:
        yield DiagnosisStep("peer", "ok", f"the parent of {link['name']} is {found[1]['name']} in {found[0].name}")


def _judge_addresses(case: Case, space: FleetNamespace) -> Iterator[DiagnosisStep]:
    for end in case.endpoints:
        link = case.find_link(end)
        if link is None or link not in _select_relevant_links(case, list(space.links.values())):
            continue
        for cidr in filter(None, (end["ipv4"], end["ipv6"])):
            yield _judge_address(case, space, link, ipaddress.ip_interface(cidr))
    if not case.endpoints:
        found = [
            f"{row['address']}/{row['prefixlen']}" for row in space.get_rows("addresses") if row["scope"] == "global"
        ]
        state = "ok" if found else "broken"
        yield DiagnosisStep("address", state, ", ".join(found[:4]) or "no global address")


def _judge_address(
    case: Case, space: FleetNamespace, link: Row, wanted: ipaddress.IPv4Interface | ipaddress.IPv6Interface
) -> DiagnosisStep:
    row = space.addresses.get(wanted.ip)
    inside, name = case.netns_prefix, quote(link["name"])
    if row is None:
        others = [
            f"{one['address']}/{one['prefixlen']}" for one in space.list_link_addresses(link["index"], wanted.version)
        ]
        detail = f"{link['name']} has {', '.join(others) or 'no address'} instead of {wanted}, which Docker assigned"
        return DiagnosisStep("address", "broken", detail, f"{inside}ip address add {wanted} dev {name}")
    if row["prefixlen"] != wanted.network.prefixlen:
        detail = f"{link['name']} has {wanted.ip}/{row['prefixlen']} instead of /{wanted.network.prefixlen}"
        commands = (f"del {wanted.ip}/{row['prefixlen']}", f"add {wanted}")
        remedy = "\n".join(f"{inside}ip address {command} dev {name}" for command in commands)
        return DiagnosisStep("address", "broken", detail, remedy)
    if "dadfailed" in (row["flags"] or []):
        return DiagnosisStep(
            "address", "broken", f"{wanted.ip} failed duplicate address detection: another host uses it"
        )
    return DiagnosisStep("address", "ok", f"{link['name']} has {wanted}")


def _judge_route(case: Case, space: FleetNamespace) -> Iterator[DiagnosisStep]:
    inside = case.netns_prefix
    assigned = {end["gateway"] for end in case.endpoints if end["gateway"]}
    version = case.target.address.version if case.target.address else 4
    gateways = {one for one in assigned if ipaddress.ip_address(one).version == version}
    default = next((row for row in space.get_rows("routes") if row["dst"] == "0.0.0.0/0" and row["table"] == 254), None)
    way = case.route
    off_link = not way or bool(way.row["gateway"])
    if default and gateways and default["gateway"] not in gateways and off_link:
        wanted = min(gateways)
        detail = f"the default route uses {default['gateway']} instead of {wanted}, the gateway that Docker assigned"
        yield DiagnosisStep("route", "broken", detail, f"{inside}ip route replace default via {wanted}")
    elif case.target.address is not None and way is None:
        remedy = f"{inside}ip route replace default via {min(gateways)}" if gateways else ""
        lacks = "" if default else " and no default route"
        yield DiagnosisStep("route", "broken", f"no route to {case.target.address}{lacks}", remedy)
    elif way is not None:
        via = f" via {way.row['gateway']}" if way.row["gateway"] else ""
        if way.type in ("blackhole", "unreachable", "prohibit"):
            detail = f"the {way.origin} of type {way.type} drops packets to {case.target.address}"
            yield DiagnosisStep(
                "route", "broken", detail, f"{inside}ip rule show; {inside}ip route get {case.target.address}"
            )
        else:
            yield DiagnosisStep("route", "ok", f"{way.row['dst']}{via} dev {way.link['name'] if way.link else '?'}")
    else:
        known = f"via {default['gateway']}" if default and default["gateway"] else "none"
        yield DiagnosisStep("route", "ok" if default else "note", f"default route: {known}")
