# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Audit rules that a sandbox cannot trigger, on constructed snapshots with and without the fault.

They require several hosts, an old engine, a kernel with ESP, or more privileges or entries than a test has. Each case
changes the healthy fleet of ``recorded_fleet``. Other findings of severity medium and above are errors.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Callable, NamedTuple

import pytest
from ansible_collections.netfleet.docker.tests.auditing import Document, evaluate, objects, row
from ansible_collections.netfleet.docker.tests.unit.recorded_fleet import FAR, GATEWAY_MAC, fleet, mac, named, netns

Fleet = dict[str, Document]
SEVERE = ("critical", "high", "medium")


class Case(NamedTuple):
    """A change, the expected findings, and additional options."""

    change: Callable[[Fleet], None]
    found: list[str]
    policy: Any = None
    beside: Any = None


def docker(hosts: Fleet, host: str = "h1") -> Any:
    return hosts[host]["docker"]


def of(hosts: Fleet, kind: str, host: str = "h1") -> Any:
    return netns(hosts[host], kind)


def nothing(_hosts: Fleet) -> None:
    pass


def privileged(hosts: Fleet) -> None:
    named(docker(hosts)["containers"], "c1")["privileged"] = True


def privileged_and_stopped(hosts: Fleet) -> None:
    docker(hosts)["containers"].append(row("container", id="9" * 64, name="old", state="exited", privileged=True))


def encrypted(hosts: Fleet, version: str = "26.1.5") -> None:
    """Encrypt the overlay, with the IPsec states and policies that Docker creates."""
    for number, host in ((1, "h1"), (2, "h2")):
        docker(hosts, host)["engine"]["version"] = version
        named(docker(hosts, host)["networks"], "far")["options"]["encrypted"] = ""
        for link in (*of(hosts, "overlay", host)["interfaces"], *of(hosts, "container", host)["interfaces"]):
            link["mtu"] = 1424
        own = of(hosts, "host", host)
        here, there = f"192.0.2.{number}", f"192.0.2.{3 - number}"
        esp = {"family": 4, "protocol": "esp", "spi": 1, "reqid": 13681891}
        own["xfrm_states"] = [row("xfrm_state", src=src, dst=dst, **esp) for src, dst in ((here, there), (there, here))]
        way = {"src": f"{here}/32", "dst": f"{there}/32", "direction": "out", "dport": 4789}
        own["xfrm_policies"] = [row("xfrm_policy", family=4, templates=[], **way)]
        common = {"backend": "iptables-nft", "family": "ip", "position": 9, "match": [], "target_options": {}}
        vni = '-p udp -m udp --dport 4789 -m u32 --u32 "0x0>>0x16&0x3c@0xc&0xffffff00=0x100100"'
        mark = f"-A OUTPUT {vni} -j MARK --set-xmark 0xd0c4e3/0xffffffff"
        drop = f"-A INPUT -p udp -m policy --dir in --pol none {vni} -j DROP"
        own["firewall_rules"] += [
            row("firewall_rule", **common, table="mangle", chain="OUTPUT", target="mark", text=mark),
            row("firewall_rule", **common, table="filter", chain="INPUT", target="drop", text=drop),
        ]


def old_engine(hosts: Fleet) -> None:
    encrypted(hosts, "20.10.23")


def mended_engine(hosts: Fleet) -> None:
    encrypted(hosts, "20.10.24+dfsg1")


def state_gone(hosts: Fleet) -> None:
    encrypted(hosts)
    del of(hosts, "host")["xfrm_states"][0]


def guard_gone(hosts: Fleet) -> None:
    encrypted(hosts)
    rules = of(hosts, "host", "h2")["firewall_rules"]
    rules[:] = [one for one in rules if one["chain"] != "INPUT"]


def guard_of_another(hosts: Fleet) -> None:
    encrypted(hosts)
    for one in of(hosts, "host", "h2")["firewall_rules"]:
        one["text"] = one["text"].replace("0x100100", "0x999900")


def apart(hosts: Fleet) -> None:
    """Set a separate data path address of the overlay on each host."""
    for number, host in ((1, "h1"), (2, "h2")):
        address = {**of(hosts, "host", host)["addresses"][0], "address": f"198.51.100.{number}"}
        of(hosts, "host", host)["addresses"].append(address)
        of(hosts, "overlay", host)["fdb"][0]["dst"] = f"198.51.100.{3 - number}"


def wrong_vtep(hosts: Fleet) -> None:
    of(hosts, "overlay", "h3")["fdb"][0]["dst"] = "192.0.2.2"


def vtep_of_nobody(hosts: Fleet) -> None:
    of(hosts, "overlay", "h3")["fdb"][0]["dst"] = "198.51.100.99"


def vteps_translated(hosts: Fleet) -> None:
    """Simulate NAT: other hosts reach each host at an address that the host does not have."""
    for host in ("h1", "h2", "h3"):
        for entry in of(hosts, "overlay", host)["fdb"]:
            entry["dst"] = f"198.51.100.{entry['dst'].rpartition('.')[2]}"


def stale(hosts: Fleet) -> None:
    entries = of(hosts, "overlay")["fdb"]
    entries.append({**entries[0], "mac": "02:42:0a:2c:00:63"})
    # Broadcasts are sent to all hosts, and links out of the fleet are unknown.
    entries.append({**entries[0], "mac": "00:00:00:00:00:00"})
    entries.append({**entries[0], "mac": "02:42:0a:2c:00:64", "dst": "203.0.113.9"})


def neighbour(hosts: Fleet) -> None:
    of(hosts, "overlay")["neighbours"][0]["mac"] = "02:42:0a:2c:00:63"


def neighbour_is_new(hosts: Fleet) -> None:
    neighbour(hosts)
    named(docker(hosts, "h2")["containers"], "c2")["started_at"] = "2026-01-31T11:59:30Z"


def wrong_vtep_is_new(hosts: Fleet) -> None:
    wrong_vtep(hosts)
    named(docker(hosts)["containers"], "c1")["started_at"] = "2026-01-31T11:59:30Z"


def own_link_with_the_parents_address(hosts: Fleet) -> None:
    own = of(hosts, "host")
    link = {"index": 9, "name": "shim", "kind": "macvlan", "up": True, "running": True, "mtu": 1500}
    parent = {"parent_netns": own["netns"], "parent_index": 2, "parent": "eth0", "mac": "02:00:00:00:00:99"}
    own["interfaces"].append(row("interface", **link, **parent, flags=[], altnames=[], options={}, port={}))
    own["addresses"].append({**own["addresses"][0], "index": 9, "interface": "shim"})


def not_filtered(hosts: Fleet) -> None:
    """Simulate a host without the kernel module br_netfilter."""
    del of(hosts, "host")["sysctls"]["net/bridge/bridge-nf-call-iptables"]
    named(docker(hosts)["networks"], "docker_gwbridge")["options"]["com.docker.network.bridge.enable_icc"] = "false"


def learned(hosts: Fleet) -> None:
    entries = of(hosts, "overlay")["neighbours"]
    entries.append({**entries[0], "address": "10.44.0.77", "mac": "02:42:0a:2c:00:63", "state": "stale"})


def peer_unknown(hosts: Fleet) -> None:
    del docker(hosts, "h2")["network_peers"][0]


def peer_is_new(hosts: Fleet) -> None:
    peer_unknown(hosts)
    named(docker(hosts)["containers"], "c1")["started_at"] = "2026-01-31T11:59:30.123456789Z"


def same_address(hosts: Fleet, at: str = "10.44.0.10/24") -> None:
    named(docker(hosts, "h2")["endpoints"], "c2")["ipv4"] = at
    of(hosts, "container", "h2")["addresses"][0]["address"] = at[:-3]
    of(hosts, "overlay", "h1")["neighbours"].clear()


def address_given_back(hosts: Fleet) -> None:
    same_address(hosts)
    named(docker(hosts, "h2")["containers"], "c2")["started_at"] = "2026-01-31T12:00:20Z"
    hosts["h2"]["host"]["taken_at"] = "2026-01-31T12:01:00Z"


def same_vip(hosts: Fleet) -> None:
    docker(hosts)["swarm_services"][1]["virtual_ips"][0]["address"] = "10.44.0.100/24"


def vip_of_a_container(hosts: Fleet) -> None:
    docker(hosts)["swarm_services"][1]["virtual_ips"][0]["address"] = "10.44.0.11/24"


def wire(hosts: Fleet, host: str) -> Any:
    """Return the namespace of the container in the macvlan network."""
    return next(one for one in hosts[host]["namespaces"] if one["container"] == f"m{host[1:]}")


def same_wire_address(hosts: Fleet) -> None:
    wire(hosts, "h2")["addresses"][0]["address"] = "192.0.2.17"
    named(docker(hosts, "h2")["endpoints"], "m2")["ipv4"] = "192.0.2.17/24"
    wire(hosts, "h2")["interfaces"][0]["mac"] = wire(hosts, "h1")["interfaces"][0]["mac"]
    named(docker(hosts, "h2")["endpoints"], "m2")["mac"] = wire(hosts, "h1")["interfaces"][0]["mac"]


def of_another_site(hosts: Fleet) -> None:
    """Simulate two sites with the same subnet, each with its own gateway."""
    same_wire_address(hosts)
    named(docker(hosts, "h2")["networks"], "onwire")["ipam"][0]["ip_range"] = "192.0.2.16/28"
    of(hosts, "host", "h2")["neighbours"][0]["mac"] = "02:00:00:00:09:fe"


def address_of_a_host(hosts: Fleet) -> None:
    wire(hosts, "h2")["addresses"][0]["address"] = "192.0.2.1"
    named(docker(hosts, "h2")["endpoints"], "m2")["ipv4"] = "192.0.2.1/24"


def same_mac(hosts: Fleet) -> None:
    wire(hosts, "h2")["interfaces"][0]["mac"] = wire(hosts, "h1")["interfaces"][0]["mac"]
    named(docker(hosts, "h2")["endpoints"], "m2")["mac"] = wire(hosts, "h1")["interfaces"][0]["mac"]


def ranges(hosts: Fleet) -> None:
    named(docker(hosts, "h1")["networks"], "onwire")["ipam"][0]["ip_range"] = None


def gateway_unknown(hosts: Fleet) -> None:
    """Remove the neighbor entry of the gateway from one host, so that its site is unknown."""
    ranges(hosts)
    of(hosts, "host", "h2")["neighbours"].clear()


def hidden(hosts: Fleet, subnet: str = "192.0.0.0/22") -> None:
    pool: Any = {"subnet": subnet, "ip_range": None, "gateway": None, "auxiliary": {}}
    kinds = dict.fromkeys(("internal", "ingress", "config_only"), False)
    network = {"id": "b" * 64, "name": "wide", "driver": "bridge", "ipam": [pool], "options": {}}
    docker(hosts)["networks"].append(row("docker_network", **network, **kinds))
    add_bridge(hosts, "h1", network)


def add_bridge(hosts: Fleet, host: str, network: Any) -> None:
    """Add the bridge of a network with its address, route and NAT rule."""
    own = of(hosts, "host", host)
    index = 50 + len(own["interfaces"])
    subnet = network["ipam"][0]["subnet"]
    prefix = ipaddress.ip_network(subnet)
    common = {"docker_network_id": network["id"], "docker_network": network["name"], "up": True, "running": True}
    link = {"index": index, "name": f"br-{network['name']}", "kind": "bridge", "mtu": 1500, **common}
    own["interfaces"].append(row("interface", **link, flags=[], altnames=[], options={}, port={}))
    address = {"index": index, "interface": link["name"], "family": prefix.version, "address": str(prefix[1])}
    more = {"prefixlen": prefix.prefixlen, "scope": "global", "flags": ["permanent"]}
    own["addresses"].append(row("address", **address, **more))
    route = {"family": prefix.version, "table": 254, "dst": subnet, "type": "unicast", "index": index}
    own["routes"].append(row("route", **route, interface=link["name"], flags=[], nexthops=[]))
    rule = {"backend": "iptables-nft", "family": "ip" if prefix.version == 4 else "ip6", "table": "nat"}
    text = f"-A POSTROUTING -s {subnet} ! -o {link['name']} -j MASQUERADE"
    more = {"chain": "POSTROUTING", "position": 9, "match": [], "target_options": {}, "target": "masquerade"}
    own["firewall_rules"].append(row("firewall_rule", **rule, **more, text=text))


def hides_nobody(hosts: Fleet) -> None:
    hidden(hosts, "198.18.0.0/15")


def hidden_far_away(hosts: Fleet) -> None:
    """Move a host out of the subnets of the others: only the bridge has a route to it."""
    hidden(hosts, "203.0.113.0/24")
    own = of(hosts, "host", "h2")
    own["addresses"][0]["address"] = "203.0.113.2"
    own["routes"] = [one for one in own["routes"] if one["dst"] != "192.0.2.0/24"]
    docker(hosts, "h2")["engine"]["swarm_address"] = "203.0.113.2"
    for host in ("h1", "h2"):
        named(docker(hosts, host)["network_peers"], "p2")["address"] = "203.0.113.2"
    of(hosts, "overlay")["fdb"][0]["dst"] = "203.0.113.2"


def full_overlay(hosts: Fleet) -> None:
    for host in ("h1", "h2"):
        named(docker(hosts, host)["networks"], "far")["ipam"][0]["subnet"] = "10.44.0.8/29"
    for number, one in enumerate(docker(hosts)["swarm_services"]):
        one["virtual_ips"][0]["address"] = f"10.44.0.{12 + number}/29"
    docker(hosts)["endpoints"].append(
        row(
            "docker_endpoint",
            network_id=FAR,
            network="far",
            container="far-endpoint",
            ipv4="10.44.0.9/29",
            endpoint_id="9",
        )
    )


def smaller_overlay(hosts: Fleet) -> None:
    for one in of(hosts, "overlay", "h2")["interfaces"]:
        one["mtu"] = 1400
    of(hosts, "container", "h2")["interfaces"][0]["mtu"] = 1400


def small_uplink(hosts: Fleet) -> None:
    for host in ("h1", "h2"):
        named(of(hosts, "host", host)["interfaces"], "eth0")["mtu"] = 1480
        wire(hosts, host)["interfaces"][0]["mtu"] = 1480


def smaller_wire(hosts: Fleet) -> None:
    wire(hosts, "h2")["interfaces"][0]["mtu"] = 1400


def smaller_wire_of_another_site(hosts: Fleet) -> None:
    of_another_site(hosts)
    smaller_wire(hosts)
    named(of(hosts, "host", "h2")["interfaces"], "eth0")["mtu"] = 1400


def raw_vxlan(hosts: Fleet, *there: str) -> None:
    """Create VXLAN links without Docker: h1 sends to h2."""
    for number, host in ((1, "h1"), (2, "h2")):
        if host in there:
            link = {
                "index": 7,
                "name": "vx0",
                "kind": "vxlan",
                "up": True,
                "mtu": 1450,
                "mac": f"02:00:00:00:77:0{number}",
            }
            options = {"vni": 77, "port": 4789, "local": f"192.0.2.{number}"}
            entry = {"index": 7, "interface": "vx0", "mac": "00:00:00:00:00:00", "dst": f"192.0.2.{3 - number}"}
            own = of(hosts, "host", host)
            own["interfaces"].append(row("interface", **link, flags=[], altnames=[], options=options, port={}))
            own["fdb"].append(row("fdb", **entry, state="permanent", flags=["self"]))


def raw_vxlan_of_one(hosts: Fleet) -> None:
    raw_vxlan(hosts, "h1")


def raw_vxlan_of_both(hosts: Fleet) -> None:
    raw_vxlan(hosts, "h1", "h2")


def many_neighbours(hosts: Fleet, state: str = "reachable", count: int = 800) -> None:
    own = of(hosts, "container")
    own["neighbours"] = [
        row("neighbour", index=4, family=4, address=f"10.44.{one // 256}.{one % 256}", state=state, flags=[])
        for one in range(count)
    ]
    of(hosts, "host")["sysctls"]["net/ipv4/neigh/default/gc_thresh3"] = "1000"


def fixed_neighbours(hosts: Fleet) -> None:
    many_neighbours(hosts, "permanent")


def few_neighbours(hosts: Fleet) -> None:
    many_neighbours(hosts, count=700)


def many_connections(hosts: Fleet) -> None:
    of(hosts, "host").update(conntrack_count=210_000, conntrack_max=262_144)


def some_connections(hosts: Fleet) -> None:
    of(hosts, "host").update(conntrack_count=200_000, conntrack_max=262_144)


def two_ingresses(hosts: Fleet) -> None:
    networks = docker(hosts, "h2")["networks"]
    networks.append({**named(networks, "ingress"), "id": "ing2" * 6, "name": "ingress2"})
    networks[-1]["ipam"] = []


def dummy(hosts: Fleet, **more: Any) -> None:
    network = {"id": "d" * 64, "name": "alone", "driver": "macvlan", "ipam": [], "options": {}}
    kinds = {**dict.fromkeys(("internal", "ingress", "config_only"), False), **more}
    docker(hosts)["networks"].append(row("docker_network", **network, **kinds))


def meant_dummy(hosts: Fleet) -> None:
    dummy(hosts, internal=True)


def listens_inside(hosts: Fleet) -> None:
    """Set a listen address on a manager."""
    socket = {"protocol": "tcp", "family": 4, "address": "192.0.2.1", "port": 2377, "processes": []}
    of(hosts, "host")["sockets"] = [row("socket", **socket)]


def probes(*answers: tuple[str, int, str]) -> Any:
    rows = [
        {"host": "h1", "target": "h2", "protocol": one, "port": port, "state": state} for one, port, state in answers
    ]
    return {"probe": rows}


def firewall_unread(hosts: Fleet) -> None:
    """Remove the firewall rules from a snapshot, and record that they could not be read."""
    own = of(hosts, "host")
    own["firewall_chains"], own["firewall_rules"] = [], []
    unread = {"netns": own["netns"], "part": "firewall", "what": "missing", "reason": "iptables-nft-save is missing"}
    hosts["h1"]["missing"] = [row("missing", **unread)]


def nftables(hosts: Fleet) -> None:
    """Simulate Docker 29 with the nftables backend, which has no iptables chains."""
    firewall_unread(hosts)
    hosts["h1"]["missing"] = []
    docker(hosts)["engine"].update(version="29.1.0", firewall_backend="nftables")
    chain = {"backend": "nft", "family": "ip", "table": "docker-bridges", "chain": "filter-FORWARD"}
    more = {"type": "filter", "hook": "forward", "priority": 0, "policy": "accept"}
    of(hosts, "host")["firewall_chains"] = [row("firewall_chain", **chain, **more)]


def nftables_gone(hosts: Fleet) -> None:
    nftables(hosts)
    of(hosts, "host")["firewall_chains"] = []


def api_by_systemd(hosts: Fleet) -> None:
    """Simulate an engine with fd://, for which systemd listens on the socket."""
    docker(hosts)["engine"]["hosts"] = ["fd://"]
    holders = [{"pid": 1, "command": "systemd"}, {"pid": 9, "command": "dockerd"}]
    socket = {"protocol": "tcp", "family": 6, "address": "::", "port": 2375, "processes": holders}
    of(hosts, "host")["sockets"] = [row("socket", **socket)]


def api_with_certificates(hosts: Fleet) -> None:
    docker(hosts)["engine"].update(hosts=["tcp://0.0.0.0:2376", "tcp://127.0.0.1:2377"], tls=True)


def in_the_hosts_network(hosts: Fleet) -> None:
    own = of(hosts, "host")["netns"]
    named(docker(hosts)["containers"], "c1").update(netns=own, sandbox_netns=own, network_mode="host")
    del docker(hosts)["endpoints"][0]
    of(hosts, "overlay", "h2")["fdb"].clear()


def published(hosts: Fleet, *addresses: str) -> None:
    port = {"container_id": "c1" * 32, "container": "c1", "protocol": "tcp", "container_port": 80, "host_port": 443}
    rows = [row("published_port", **port, host_address=one) for one in addresses or ("0.0.0.0", "::")]
    docker(hosts)["published_ports"] = rows


def published_inside(hosts: Fleet) -> None:
    published(hosts, "192.0.2.1")


def engine28(hosts: Fleet, *without: str) -> None:
    """Set the chains of Docker 28, without some jumps."""
    docker(hosts)["engine"]["version"] = "28.5.2"
    own = of(hosts, "host")
    common = {"backend": "iptables-nft", "family": "ip", "table": "filter"}
    for chain in ("DOCKER-FORWARD", "DOCKER-CT", "DOCKER-BRIDGE", "DOCKER-INTERNAL"):
        own["firewall_chains"].append(row("firewall_chain", **common, chain=chain))
        from_chain = "FORWARD" if chain == "DOCKER-FORWARD" else "DOCKER-FORWARD"
        more: Any = {"chain": from_chain, "target": "jump", "target_chain": chain, "match": [], "target_options": {}}
        if chain not in without:
            text = f"-A {from_chain} -j {chain}"
            own["firewall_rules"].append(row("firewall_rule", **common, **more, position=5, text=text))


def jumps_of_28_gone(hosts: Fleet) -> None:
    engine28(hosts, "DOCKER-FORWARD", "DOCKER-CT")


def chains_of_28_gone(hosts: Fleet) -> None:
    docker(hosts)["engine"]["version"] = "28.5.2"


def routed(hosts: Fleet, mode: str = "routed") -> None:
    """Publish a port of a network with a gateway mode, which has no port on the host."""
    pool: Any = {"subnet": "10.80.0.0/24", "ip_range": None, "gateway": "10.80.0.1", "auxiliary": {}}
    kinds = dict.fromkeys(("internal", "ingress", "config_only"), False)
    options = {"com.docker.network.bridge.gateway_mode_ipv4": mode}
    network: Any = {"id": "c" * 64, "name": "rou", "driver": "bridge", "ipam": [pool], "options": options}
    docker(hosts)["networks"].append(row("docker_network", **network, **kinds))
    add_bridge(hosts, "h1", network)
    end = {"network_id": "c" * 64, "network": "rou", "container": "c1", "container_id": "c1" * 32}
    docker(hosts)["endpoints"].append(row("docker_endpoint", **end, endpoint_id="r", ipv4="10.80.0.2/24"))
    port = {"container_id": "c1" * 32, "container": "c1", "protocol": "tcp", "container_port": 80}
    docker(hosts)["published_ports"] = [row("published_port", **port, host_address="0.0.0.0")]


def not_routed(hosts: Fleet) -> None:
    routed(hosts, "nat")
    docker(hosts)["published_ports"] = []


def bridge_beside_routed(hosts: Fleet) -> None:
    """Use the subnet of a routed network for a bridge network of another host."""
    routed(hosts)
    docker(hosts)["published_ports"] = []
    own_bridge(hosts, "h2", "10.80.0.0/25")


def own_bridge(hosts: Fleet, host: str, subnet: str) -> None:
    kinds = dict.fromkeys(("internal", "ingress", "config_only"), False)
    pool: Any = {"subnet": subnet, "ip_range": None, "gateway": None, "auxiliary": {}}
    network: Any = {"id": "c" * 64, "name": "own", "driver": "bridge", "ipam": [pool], "options": {}}
    docker(hosts, host)["networks"].append(row("docker_network", **network, **kinds))
    add_bridge(hosts, host, network)


def same_subnet_of_bridges(hosts: Fleet) -> None:
    for host in ("h1", "h2"):
        own_bridge(hosts, host, "10.9.0.0/24")


def fixed_gateway(hosts: Fleet, mac_address: str = "02:00:00:00:09:09") -> None:
    """Set a permanent entry of the gateway; h2 is on the same segment and learned both addresses."""
    of(hosts, "host")["neighbours"][0].update(mac=mac_address, state="permanent")
    entries = of(hosts, "host", "h2")["neighbours"]
    entries.append({**entries[0], "address": "192.0.2.1", "mac": "02:00:00:00:00:01"})


def right_fixed_gateway(hosts: Fleet) -> None:
    fixed_gateway(hosts, GATEWAY_MAC)


def fixed_gateway_of_another_site(hosts: Fleet) -> None:
    fixed_gateway(hosts)
    del of(hosts, "host", "h2")["neighbours"][-1]


def dropped_direct_access(hosts: Fleet, packets: int = 7) -> None:
    """Set the rules of Docker 28 that drop direct access, with the counter of a packet to c1."""
    engine28(hosts)
    common = {"backend": "iptables-nft", "table": "raw", "chain": "PREROUTING", "target": "drop", "match": []}
    for place, text in enumerate(("-d 10.44.0.10/32 ! -i br0", "-d 127.0.0.1/32 ! -i lo -p tcp --dport 8080")):
        rule = row("firewall_rule", **common, family="ip", position=place + 1, target_options={}, packets=packets)
        of(hosts, "host")["firewall_rules"].append({**rule, "text": f"-A PREROUTING {text} -j DROP"})


def no_dropped_direct_access(hosts: Fleet) -> None:
    dropped_direct_access(hosts, 0)


def six_disabled(hosts: Fleet) -> None:
    """Record an IPv6 subnet for a network without IPv6."""
    network = named(docker(hosts)["networks"], "docker_gwbridge")
    network["ipam"] = [*network["ipam"], {"subnet": "fd00:9::/64", "ip_range": None, "gateway": None, "auxiliary": {}}]
    network["ipv6"] = False


def rootless(hosts: Fleet) -> None:
    """Move the bridge to a namespace of the engine."""
    own = of(hosts, "host")
    bridge = named(own["interfaces"], "docker_gwbridge")
    own["interfaces"].remove(bridge)
    of(hosts, "container")["interfaces"].append({**bridge, "index": 33, "docker_network_id": None})
    own["addresses"], own["routes"] = own["addresses"][:1], own["routes"][:2]


def other_router(hosts: Fleet) -> None:
    """Let containers use another router in the subnet of the bridge."""
    pool = named(docker(hosts)["networks"], "docker_gwbridge")["ipam"][0]
    pool["auxiliary"] = {"DefaultGatewayIPv4": "172.18.0.254"}
    end = {"network_id": "gw" * 32, "network": "docker_gwbridge", "container": "c1", "container_id": "c1" * 32}
    more = {"endpoint_id": "g", "ipv4": "172.18.0.9/16", "gateway": "172.18.0.254", "mac": None}
    docker(hosts)["endpoints"].append(row("docker_endpoint", **end, **more))


def joined(hosts: Fleet, state: str = "paused") -> None:
    for name, more in (("c1", {"state": state}), ("m1", {"joined_id": "c1" * 32, "joined": "c1", "netns": "102"})):
        named(docker(hosts)["containers"], name).update(more)


def joined_and_stopped(hosts: Fleet) -> None:
    joined(hosts, "exited")


def podman(hosts: Fleet) -> None:
    """Simulate Podman, which provides the API of Docker with its own firewall and DNS server."""
    firewall_unread(hosts)
    hosts["h1"]["missing"] = []
    networks = docker(hosts)["networks"]
    networks[:] = [one for one in networks if one["driver"] != "null"]
    for kind in ("c1", "m1"):
        own = next(one for one in hosts["h1"]["namespaces"] if one["container"] == kind)
        own["sockets"], own["firewall_rules"] = [], []


def resolver_gone(hosts: Fleet) -> None:
    of(hosts, "container")["sockets"] = []


def flushed(hosts: Fleet) -> None:
    firewall_unread(hosts)
    hosts["h1"]["missing"] = []


def engine_silent(hosts: Fleet) -> None:
    """Remove the data of the engine, so that its proxies and sandboxes are unknown."""
    hosts["h1"]["docker"] = None
    hosts["h1"]["missing"] = [row("missing", part="docker", what="missing", reason="timed out")]
    proxy = [{"pid": 7, "command": "docker-proxy"}]
    socket = {"protocol": "tcp", "family": 4, "address": "0.0.0.0", "port": 80, "processes": proxy}
    of(hosts, "host")["sockets"] = [row("socket", **socket)]
    of(hosts, "host")["interfaces"].append(
        row("interface", index=9, name="veth1234567", kind="veth", up=True, running=False, flags=[], altnames=[])
    )


def lab_host(hosts: Fleet) -> None:
    """Simulate a host that is itself a container: the peer of its uplink is not visible."""
    link = named(of(hosts, "host")["interfaces"], "eth0")
    link.update(kind="veth", peer_netns=None, peer_index=12)


FIRES = {
    "conntrack-nearly-full": Case(many_connections, ["h1: host, 210000 of 262144"]),
    "direct-access-dropped": Case(dropped_direct_access, ["h1: 10.44.0.10, container c1", "h1: 127.0.0.1 port 8080"]),
    "drift": Case(
        nothing,
        ["h1: bridge br0: set"],
        beside={
            "drift": [{"host": "h1", "module": "bridge", "object": "br0", "operation": "set", "detail": "mtu 1500"}]
        },
    ),
    "duplicate-mac": Case(
        same_mac,
        ["h1: 02:42:c0:00:02:01 on eth0 in container:m1", "h2: 02:42:c0:00:02:01 on eth0 in container:m2"],
    ),
    "engine-overlay-cve": Case(old_engine, ["h1: network far, engine 20.10.23", "h2: network far, engine 20.10.23"]),
    "fdb-stale": Case(stale, ["h1: 02:42:0a:2c:00:63 in network far"]),
    "fdb-wrong-vtep": Case(wrong_vtep, [f"h3: {mac(1)} in network far"]),
    "ingress-doubled": Case(two_ingresses, ["h2: ingress, ingress2"]),
    "gateway-neighbour-wrong": Case(fixed_gateway, ["h1: 192.0.2.254 on eth0 in host"]),
    "macvlan-duplicate-address": Case(
        same_wire_address,
        ["h1: 192.0.2.17 on eth0 in container:m1", "h2: 192.0.2.17 on eth0 in container:m2"],
    ),
    "macvlan-isolated": Case(dummy, ["h1: network alone"]),
    "macvlan-ranges-overlap": Case(
        ranges,
        ["h1: network onwire, 192.0.2.0/24 of 192.0.2.0/24", "h2: network onwire, 192.0.2.32/28 of 192.0.2.0/24"],
    ),
    "neighbour-table-nearly-full": Case(many_neighbours, ["h1: IPv4, 801 of 1000"]),
    "neighbour-wrong-mac": Case(neighbour, ["h1: 10.44.0.11 in network far"]),
    "overlay-duplicate-address": Case(same_address, ["h1: 10.44.0.10 in network far", "h2: 10.44.0.10 in network far"]),
    "overlay-duplicate-vip": Case(same_vip, ["h1: 10.44.0.100 in network far"]),
    "overlay-encryption-missing": Case(state_gone, ["h1: network far to 192.0.2.2"]),
    "overlay-encryption-unguarded": Case(guard_gone, ["h2: network far: drop unencrypted packets"]),
    "overlay-mtu-differs": Case(smaller_overlay, ["h2: network far, 1400 of 1450"]),
    "overlay-mtu-too-large": Case(
        small_uplink, [f"h{one}: vxlan0 in docker:1-{FAR[:10]}, network far" for one in (1, 2)]
    ),
    "overlay-not-encrypted": Case(nothing, ["h1: network far"]),
    "overlay-pool-nearly-used": Case(full_overlay, ["h1: network far, 8 of 8 in 10.44.0.8/29"]),
    "privileged-container": Case(privileged, ["h1: container c1"]),
    "published-routed": Case(routed, ["h1: container c1, 10.80.0.2 port 80/tcp"]),
    "segment-mtu-differs": Case(smaller_wire, ["h2: eth0 in container:m2, 1400 of 1500"]),
    "subnet-hides-host": Case(hidden_far_away, ["h1: network wide 203.0.113.0/24, host h2"]),
    "subnet-used-on-other-host": Case(
        bridge_beside_routed, ["h2: network own 10.80.0.0/25, network rou 10.80.0.0/24 of h1"]
    ),
    "swarm-peers-differ": Case(peer_unknown, ["h2: network far without h1"]),
    "swarm-planes-mixed": Case(nothing, ["h1: Swarm of 192.0.2.1:2377"]),
    "swarm-port-blocked": Case(
        nothing,
        ["h1: 7946/tcp to h2", "h1: 7946/udp to h2"],
        beside=probes(("tcp", 7946, "filtered"), ("udp", 7946, "closed")),
    ),
    "vxlan-peer-missing": Case(raw_vxlan_of_one, ["h1: vx0 in host, VNI 77, to h2"]),
}
SILENT = {
    "conntrack-nearly-full": Case(some_connections, []),
    "container-dns-broken": Case(firewall_unread, []),
    "dangling-veth": Case(lab_host, []),
    "docker-chains-missing": Case(nftables, []),
    "direct-access-dropped": Case(no_dropped_direct_access, []),
    "drift": Case(nothing, []),
    "duplicate-mac": Case(same_wire_address, []),
    "engine-overlay-cve": Case(mended_engine, []),
    "fdb-stale": Case(apart, []),
    "fdb-wrong-vtep": Case(apart, []),
    "gateway-neighbour-wrong": Case(right_fixed_gateway, []),
    "ingress-doubled": Case(nothing, []),
    "macvlan-duplicate-address": Case(of_another_site, []),
    "macvlan-isolated": Case(meant_dummy, []),
    "macvlan-ranges-overlap": Case(of_another_site, []),
    "neighbour-table-nearly-full": Case(fixed_neighbours, []),
    "neighbour-wrong-mac": Case(learned, []),
    "orphan-docker-proxy": Case(engine_silent, []),
    "overlay-duplicate-address": Case(address_given_back, []),
    "overlay-duplicate-vip": Case(nothing, []),
    "overlay-encryption-missing": Case(encrypted, []),
    "overlay-encryption-unguarded": Case(encrypted, []),
    "overlay-mtu-differs": Case(nothing, []),
    "overlay-mtu-too-large": Case(nothing, []),
    "overlay-not-encrypted": Case(encrypted, []),
    "overlay-pool-nearly-used": Case(nothing, []),
    "privileged-container": Case(privileged_and_stopped, []),
    "published-routed": Case(not_routed, []),
    "segment-mtu-differs": Case(smaller_wire_of_another_site, []),
    "subnet-hides-host": Case(hides_nobody, []),
    "subnet-used-on-other-host": Case(same_subnet_of_bridges, []),
    "swarm-listens-everywhere": Case(listens_inside, []),
    "swarm-peers-differ": Case(peer_is_new, []),
    "swarm-planes-mixed": Case(apart, []),
    "swarm-port-blocked": Case(
        nothing, [], beside=probes(("tcp", 7946, "open"), ("udp", 4789, "filtered"), ("tcp", 80, "closed"))
    ),
    "vxlan-peer-missing": Case(raw_vxlan_of_both, []),
}
# Several ways to cause the fault, or to resemble it.
_MAY = {"published_ports": [{"host": "h[1-9]", "container": "c*", "port": 443}]}
_MAY_NOT = {"published_ports": [{"container": "c*", "port": 444}]}
MORE = [
    ("host-network", Case(in_the_hosts_network, ["h1: container c1"])),
    ("host-network", Case(in_the_hosts_network, [], {"host_network": [{"host": "h1", "container": "c?"}]})),
    ("host-network", Case(in_the_hosts_network, ["h1: container c1"], {"host_network": [{"host": "h2"}]})),
    ("mtu-policy", Case(nothing, [], {"mtu": [{"host": "*", "mtu": 9000}, {"host": "h*", "mtu": 1500}]})),
    ("privileged-port", Case(published, [], _MAY)),
    ("published-everywhere", Case(published, ["h1: container c1, port 443/tcp"])),
    ("published-everywhere", Case(published, [], _MAY)),
    ("undeclared-port", Case(published, [], _MAY)),
    ("undeclared-port", Case(published, [])),
    ("undeclared-port", Case(published_inside, ["h1: container c1, 192.0.2.1:443/tcp"], _MAY_NOT)),
    ("engine-api-open", Case(api_by_systemd, ["h1: tcp://[::]:2375"])),
    ("engine-api-open", Case(api_with_certificates, [])),
    ("engine-api-loopback", Case(api_with_certificates, [])),
    ("container-dns-broken", Case(podman, [])),
    ("container-dns-broken", Case(resolver_gone, ["h1: container c1"])),
    ("docker-chains-missing", Case(podman, [])),
    ("docker-chains-missing", Case(firewall_unread, [])),
    ("docker-chains-missing", Case(nftables_gone, ["h1: table docker-bridges"])),
    ("docker-chains-missing", Case(engine28, [])),
    ("docker-chains-missing", Case(jumps_of_28_gone, ["h1: table filter"])),
    ("docker-chains-missing", Case(chains_of_28_gone, ["h1: table filter"])),
    ("published-everywhere", Case(routed, [])),
    ("bridge-address-missing", Case(six_disabled, [])),
    ("bridge-address-missing", Case(other_router, [])),
    ("network-bridge-missing", Case(rootless, [])),
    ("joined-container-left-behind", Case(joined, [])),
    ("joined-container-left-behind", Case(joined_and_stopped, ["h1: container m1, joined c1"])),
    ("gateway-neighbour-wrong", Case(fixed_gateway_of_another_site, [])),
    ("docker-chains-missing", Case(flushed, ["h1: table filter", "h1: table nat"])),
    ("bridge-nf-off", Case(not_filtered, ["h1: network docker_gwbridge"])),
    ("fdb-wrong-vtep", Case(wrong_vtep_is_new, [])),
    ("macvlan-duplicate-address", Case(own_link_with_the_parents_address, [])),
    ("neighbour-wrong-mac", Case(neighbour_is_new, [])),
    ("fdb-wrong-vtep", Case(nothing, [])),
    ("fdb-wrong-vtep", Case(vtep_of_nobody, [f"h3: {mac(1)} in network far"])),
    ("fdb-wrong-vtep", Case(vteps_translated, [])),
    (
        "macvlan-duplicate-address",
        Case(address_of_a_host, ["h1: 192.0.2.1 on eth0 in host", "h2: 192.0.2.1 on eth0 in container:m2"]),
    ),
    ("macvlan-ranges-overlap", Case(gateway_unknown, FIRES["macvlan-ranges-overlap"].found)),
    ("neighbour-table-nearly-full", Case(few_neighbours, [])),
    ("overlay-duplicate-vip", Case(vip_of_a_container, ["h1: 10.44.0.11 in network far"])),
    (
        "overlay-encryption-unguarded",
        Case(guard_of_another, ["h2: network far: drop unencrypted packets", "h2: network far: mark outgoing packets"]),
    ),
    ("published-without-dnat", Case(nftables, [])),
]
_ALL = [*FIRES.items(), *SILENT.items(), *MORE]


@pytest.mark.parametrize(
    ("rule", "case"), _ALL, ids=[f"{rule}-{case.change.__name__}-{bool(case.found)}" for rule, case in _ALL]
)
def test_rule_finds_the_recorded_fault(rule: str, case: Case) -> None:
    found = evaluate(changed_fleet(case), case.policy, case.beside, only=rule)
    assert objects(found, rule) == case.found


@pytest.mark.long
@pytest.mark.parametrize(("rule", "case"), FIRES.items(), ids=FIRES)
def test_no_other_rule_finds_a_recorded_fault(rule: str, case: Case) -> None:
    found = evaluate(changed_fleet(case), case.policy, case.beside)
    assert {one["rule"] for one in found if one["severity"] in SEVERE} <= {rule}


def changed_fleet(case: Case) -> Fleet:
    """Return the snapshots of the healthy fleet with the change of a case."""
    three = (wrong_vtep, wrong_vtep_is_new, vtep_of_nobody, vteps_translated)
    hosts = fleet(3 if case.change in three else 2)
    case.change(hosts)
    return hosts


def test_evidence_of_a_wrong_forwarding_entry() -> None:
    hosts = fleet(3)
    wrong_vtep(hosts)
    (found,) = (one for one in evaluate(hosts, only="fdb-wrong-vtep"))
    said = found["evidence"]
    assert (said["leads_to"], said["peer_host"], said["right_host"], said["right_vtep"]) == (
        *("192.0.2.2", "h2"),
        *("h1", "192.0.2.1"),
    )
    assert said["container"] == "c1"
    assert found["remediation"]["args"]["fdb"] == [{"mac": mac(1), "dst": "192.0.2.1"}]


def test_gateway_distinguishes_sites() -> None:
    assert of(fleet(), "host")["neighbours"][0]["mac"] == GATEWAY_MAC
