# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Constructed snapshots of Swarm hosts, modeled on real ones, with an overlay and a macvlan network."""

from __future__ import annotations

from typing import Any

from ansible_collections.netfleet.docker.tests.auditing import Document, document

Row = dict[str, Any]

FAR, INGRESS = "far01234567890123456789ab", "ing01234567890123456789ab"
GATEWAY_MAC = "02:00:00:00:02:fe"
_VNI = "com.docker.network.driver.overlay.vxlanid_list"
_NAT = [
    {"chain": "PREROUTING", "target": "jump", "target_chain": "DOCKER", "text": "-A PREROUTING -j DOCKER"},
    {
        "chain": "POSTROUTING",
        "target": "masquerade",
        "text": "-A POSTROUTING -s 172.18.0.0/16 ! -o docker_gwbridge -j MASQUERADE",
    },
]
_FILTER: list[Row] = [
    {"chain": "FORWARD", "target": "jump", "target_chain": "DOCKER-USER", "text": "-A FORWARD -j DOCKER-USER"},
    {
        "chain": "FORWARD",
        "position": 2,
        "target": "jump",
        "target_chain": "DOCKER",
        "match": [{"option": "out-interface", "negated": False, "values": ["docker_gwbridge"]}],
        "text": "-A FORWARD -o docker_gwbridge -j DOCKER",
    },
]


def fleet(hosts: int = 2) -> dict[str, Document]:
    """Return healthy hosts h1, h2, …, each with a container in an overlay and one in a macvlan network."""
    return {f"h{number}": _host(number, hosts) for number in range(1, hosts + 1)}


def netns(document: Document, kind: str) -> Row:
    """Return the first namespace of a kind."""
    found: Row = next(one for one in document["namespaces"] if one["kind"] == kind)
    return found


def named(rows: list[Row], name: str) -> Row:
    """Return the row with this name."""
    return next(row for row in rows if row.get("name", row.get("container")) == name)


def mac(number: int) -> str:
    """Return the MAC address of a host's container in the overlay."""
    return f"02:42:0a:2c:00:{number + 9:02x}"


def _host(number: int, hosts: int) -> Document:
    others = [one for one in range(1, hosts + 1) if one != number]
    bridge = {"docker_network_id": "gw" * 32, "docker_network": "docker_gwbridge"}
    own = {
        **_netns(number, 0, "host", "host"),
        "interfaces": [
            _link(2, "eth0", None, mac=f"02:00:00:00:00:{number:02x}"),
            _link(3, "docker_gwbridge", "bridge", **bridge),
        ],
        "addresses": [
            _address(2, "eth0", f"192.0.2.{number}", 24),
            _address(3, "docker_gwbridge", "172.18.0.1", 16),
        ],
        "routes": [
            _route("0.0.0.0/0", 2, "eth0", "192.0.2.254"),
            _route("192.0.2.0/24", 2, "eth0"),
            _route("172.18.0.0/16", 3, "docker_gwbridge"),
        ],
        "neighbours": [_neighbour(2, "eth0", "192.0.2.254", GATEWAY_MAC, "reachable")],
        "sysctls": {"net/ipv4/ip_forward": "1", "net/bridge/bridge-nf-call-iptables": "1"},
        "firewall_chains": [
            _chain("nat", "DOCKER"),
            _chain("filter", "DOCKER"),
            _chain("filter", "DOCKER-USER"),
            {**_chain("filter", "FORWARD"), "type": "filter", "hook": "forward", "policy": "drop"},
        ],
        "firewall_rules": [*(_rule("nat", **one) for one in _NAT), *(_rule("filter", **one) for one in _FILTER)],
    }
    far = {"docker_network_id": FAR, "docker_network": "far"}
    overlay = {
        **_netns(number, 1, "overlay", f"docker:1-{FAR[:10]}"),
        **far,
        "paths": [f"/run/docker/netns/1-{FAR[:10]}"],
        "interfaces": [
            _link(1, "br0", "bridge", mtu=1450, **far),
            _link(
                2, "vxlan0", "vxlan", mtu=1450, master_index=1, master="br0", **far, options={"vni": 4097, "port": 4789}
            ),
            _veth(3, "veth1", f"{number}02", 4, "eth0", mtu=1450, master_index=1, master="br0"),
        ],
        "fdb": [_fdb(mac(one), f"192.0.2.{one}") for one in others],
        "neighbours": [_neighbour(2, "vxlan0", f"10.44.0.{one + 9}", mac(one), "permanent") for one in others],
    }
    container = {
        **_netns(number, 2, "container", f"container:c{number}"),
        "container": f"c{number}",
        "container_id": f"c{number}" * 32,
        "interfaces": [_veth(4, "eth0", f"{number}01", 3, "veth1", mtu=1450, mac=mac(number))],
        "addresses": [_address(4, "eth0", f"10.44.0.{number + 9}", 24)],
        **_resolver(),
    }
    member = {
        **_netns(number, 3, "container", f"container:m{number}"),
        "container": f"m{number}",
        "container_id": f"d{number}" * 32,
        "interfaces": [
            _link(
                5,
                "eth0",
                "macvlan",
                mac=f"02:42:c0:00:02:{number:02x}",
                parent_netns=f"{number}00",
                parent_index=2,
                parent="eth0",
            )
        ],
        "addresses": [_address(5, "eth0", f"192.0.2.{16 * number + 1}", 24)],
        "routes": [_route("0.0.0.0/0", 5, "eth0", "192.0.2.254")],
        **_resolver(),
    }
    return document(
        namespaces=[own, overlay, container, member, _netns(number, 4, "ingress", "docker:ingress_sbox")],
        engine={
            "version": "26.1.5",
            "swarm_state": "active",
            "swarm_role": "manager" if number == 1 else "worker",
            "swarm_address": f"192.0.2.{number}",
            "swarm_managers": ["192.0.2.1:2377"],
        },
        networks=_networks(number),
        containers=[_container(number, 2, f"c{number}", "c"), _container(number, 3, f"m{number}", "d")],
        endpoints=[
            {
                "network_id": FAR,
                "network": "far",
                "container": f"c{number}",
                "container_id": f"c{number}" * 32,
                "endpoint_id": f"e{number}" * 32,
                "mac": mac(number),
                "ipv4": f"10.44.0.{number + 9}/24",
            },
            {
                "network_id": f"a{number}" * 32,
                "network": "onwire",
                "container": f"m{number}",
                "container_id": f"d{number}" * 32,
                "endpoint_id": f"f{number}" * 32,
                "gateway": "192.0.2.254",
                "mac": f"02:42:c0:00:02:{number:02x}",
                "ipv4": f"192.0.2.{16 * number + 1}/24",
            },
        ],
        network_peers=[
            {"network_id": FAR, "network": "far", "name": f"p{one}", "address": f"192.0.2.{one}"}
            for one in range(1, hosts + 1)
        ],
        swarm_services=[
            {
                "id": "svc1",
                "name": "shop",
                "mode": "replicated",
                "endpoint_mode": "vip",
                "virtual_ips": [{"network_id": FAR, "address": "10.44.0.100/24"}],
            },
            {
                "id": "svc2",
                "name": "mail",
                "mode": "replicated",
                "endpoint_mode": "vip",
                "virtual_ips": [{"network_id": FAR, "address": "10.44.0.101/24"}],
            },
        ]
        if number == 1
        else [],
    )


def _networks(number: int) -> list[Row]:
    common = {"internal": False, "attachable": True, "ingress": False, "ipv6": False, "config_only": False}
    pool: Row = {"ip_range": None, "gateway": None, "auxiliary": {}}
    wire = {
        "subnet": "192.0.2.0/24",
        "ip_range": f"192.0.2.{16 * number}/28",
        "gateway": "192.0.2.254",
        "auxiliary": {},
    }
    return [
        {**common, "id": "0" * 64, "name": "none", "driver": "null", "ipam": [], "options": {}},
        {
            **common,
            "id": FAR,
            "name": "far",
            "driver": "overlay",
            "ipam": [{**pool, "subnet": "10.44.0.0/24"}],
            "options": {_VNI: "4097", "encrypted": "false"},
        },
        {
            **common,
            "ingress": True,
            "id": INGRESS,
            "name": "ingress",
            "driver": "overlay",
            "ipam": [{**pool, "subnet": "10.43.0.0/24"}],
            "options": {_VNI: "4096"},
        },
        {
            **common,
            "id": "gw" * 32,
            "name": "docker_gwbridge",
            "driver": "bridge",
            "ipam": [{**pool, "subnet": "172.18.0.0/16"}],
            "options": {"com.docker.network.bridge.name": "docker_gwbridge"},
        },
        {
            **common,
            "id": f"a{number}" * 32,
            "name": "onwire",
            "driver": "macvlan",
            "ipam": [wire],
            "options": {"parent": "eth0"},
        },
    ]


def _container(number: int, place: int, name: str, letter: str) -> Row:
    return {
        "id": f"{letter}{number}" * 32,
        "name": name,
        "state": "running",
        "privileged": False,
        "netns": f"{number}0{place}",
        "sandbox_netns": f"{number}0{place}",
        "started_at": "2026-01-31T08:00:00Z",
    }


def _netns(number: int, place: int, kind: str, reference: str) -> Row:
    path = [] if kind == "host" else [f"/run/docker/netns/{number}{place}"]
    return {"netns": f"{number}0{place}", "kind": kind, "reference": reference, "paths": path}


def _link(index: int, name: str, kind: str | None, **more: Any) -> Row:
    common = {"up": True, "running": True, "mtu": 1500, "flags": [], "altnames": [], "options": {}, "port": {}}
    return {**common, "index": index, "name": name, "kind": kind, **more}


def _veth(index: int, name: str, peer_netns: str, peer_index: int, peer: str, **more: Any) -> Row:
    return _link(index, name, "veth", peer_netns=peer_netns, peer_index=peer_index, peer=peer, **more)


def _address(index: int, interface: str, address: str, prefixlen: int) -> Row:
    found = {"index": index, "interface": interface, "family": 4, "address": address, "prefixlen": prefixlen}
    return {**found, "scope": "global", "flags": ["permanent"]}


def _route(dst: str, index: int, interface: str, gateway: str | None = None) -> Row:
    found = {"family": 4, "table": 254, "dst": dst, "type": "unicast", "index": index, "interface": interface}
    return {**found, "gateway": gateway, "flags": [], "nexthops": []}


def _neighbour(index: int, interface: str, address: str, mac: str, state: str) -> Row:
    return {
        "index": index,
        "interface": interface,
        "family": 4,
        "address": address,
        "mac": mac,
        "state": state,
        "flags": [],
    }


def _fdb(mac: str, dst: str) -> Row:
    return {"index": 2, "interface": "vxlan0", "mac": mac, "dst": dst, "state": "permanent", "flags": ["self"]}


def _chain(table: str, chain: str) -> Row:
    return {"backend": "iptables-nft", "family": "ip", "table": table, "chain": chain}


def _rule(table: str, **more: Any) -> Row:
    return {**_chain(table, ""), "position": 1, "match": [], "target_options": {}, **more}


def _resolver() -> Row:
    text = "-A DOCKER_OUTPUT -d 127.0.0.11/32 -p udp -m udp --dport 53 -j DNAT --to-destination 127.0.0.11:40444"
    return {
        "sockets": [{"protocol": "udp", "family": 4, "address": "127.0.0.11", "port": 40444, "processes": []}],
        "firewall_rules": [_rule("nat", chain="DOCKER_OUTPUT", target="dnat", text=text)],
    }
