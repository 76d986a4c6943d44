# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Simulate a fleet: snapshots of many hosts with many containers each, and known faults.

Every host has an uplink, docker0, one user-defined bridge network with all its containers, and their published ports
with their firewall rules. ``make`` writes the files; hosts differ in names, addresses, inodes and IDs.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables import schema

_CONF4 = (
    *("forwarding", "proxy_arp", "accept_redirects", "send_redirects", "rp_filter", "accept_source_route"),
    *("arp_filter", "arp_announce", "arp_ignore", "arp_accept", "accept_local", "proxy_arp_pvlan", "route_localnet"),
)
_CONF6 = (
    *("forwarding", "accept_ra", "accept_redirects", "autoconf", "use_tempaddr", "proxy_ndp", "accept_source_route"),
    *("disable_ipv6", "accept_dad"),
)
# Placeholders in the template for values that differ between hosts.
_NUMBER, _HIGH, _LOW, _HEX = "@NUMBER@", "@HIGH@", "@LOW@", "@HEX@"
Fault = Callable[[dict[str, Any]], None]


def make(folder: Path, hosts: int, containers: int, faults: dict[int, list[Fault]] | None = None) -> None:
    """Write snapshots of the given number of hosts, from h00000, with faults by the number of the host."""
    folder.mkdir(parents=True, exist_ok=True)
    template = json.dumps(document(containers))
    faulty = faults or {}
    with ProcessPoolExecutor() as pool:
        healthy = [number for number in range(hosts) if number not in faulty]
        for _done in pool.map(partial(_write, folder, template), healthy, chunksize=50):
            pass
    for number, changes in faulty.items():
        snapshot = json.loads(_of_host(template, number))
        for change in changes:
            change(snapshot)
        _save(folder, number, json.dumps(snapshot))


def _write(folder: Path, template: str, number: int) -> None:
    _save(folder, number, _of_host(template, number))


def _save(folder: Path, number: int, text: str) -> None:
    (folder / f"h{number:05}.json.gz").write_bytes(gzip.compress(text.encode(), 1))


def _of_host(template: str, number: int) -> str:
    high, low = divmod(number, 250)
    filled = template.replace(_NUMBER, f"{number:05}").replace(_HIGH, str(high)).replace(_LOW, str(low + 1))
    return filled.replace(_HEX, f"{high:02x}:{low + 1:02x}")


def _row(of: str, /, **values: Any) -> dict[str, Any]:
    empty = {"VARCHAR[]": [], "BOOLEAN": False}
    return {**{name: empty.get(kind) for name, kind in schema.get_columns(of).items()}, **values}


def document(containers: int) -> dict[str, Any]:
    """Return the template of a healthy host."""
    inside = [_container_netns(one) for one in range(containers)]
    return {
        "version": 1,
        "host": _row(
            "host",
            name=f"h{_NUMBER}",
            hostname=f"h{_NUMBER}",
            taken_at="2026-01-01T00:00:00Z",
            seconds=0.3,
            collector="netfleet.docker 0.1.0",
            kernel="6.1.0-18-amd64",
            architecture="x86_64",
            os="Debian GNU/Linux 12 (bookworm)",
            boot_id=f"0c0ffee0-0000-4000-8000-0000000{_NUMBER}",
        ),
        "namespaces": [_host_netns(containers), *inside],
        "strays": [],
        "docker": _docker(containers),
        "missing": [],
    }


def _inode(number: int) -> str:
    return f"4{_NUMBER}{number:04}"


def _mac(number: int) -> str:
    return f"02:42:{_HEX}:{number // 256:02x}:{number % 256:02x}"


def _address(number: int) -> str:
    return f"10.{_HIGH}.{_LOW}.{number + 2}"


def _sysctls(interfaces: list[str], forwarding: str) -> dict[str, str]:
    keys = [f"net/ipv4/conf/{name}/{key}" for name in ("all", "default", *interfaces) for key in _CONF4]
    keys += [f"net/ipv6/conf/{name}/{key}" for name in ("all", "default", *interfaces) for key in _CONF6]
    values = dict.fromkeys(keys, "0")
    ones = ("forwarding", "disable_ipv6", "accept_redirects", "send_redirects")
    values.update({key: "1" for key in keys if key.endswith(ones)})
    return {
        "net/ipv4/ip_forward": forwarding,
        "net/ipv4/ip_local_port_range": "32768 60999",
        "net/bridge/bridge-nf-call-iptables": "1",
        "net/bridge/bridge-nf-call-ip6tables": "1",
        **values,
    }


def _link(index: int, name: str, kind: str | None, **values: Any) -> dict[str, Any]:
    flags = ["UP", "BROADCAST", "RUNNING", "MULTICAST", "LOWER_UP"]
    settled = {"up": True, "running": True, "operstate": "up", "mtu": 1500, "flags": flags}
    rest = {"group": 0, "promiscuity": 0, "carrier_changes": 2, "queue_length": 1000, "qdisc": "noqueue"}
    return _row("interface", index=index, name=name, kind=kind, **{**settled, **rest, "options": {}, **values})


def _loopback() -> dict[str, Any]:
    return _link(1, "lo", "loopback", mtu=65536, operstate="unknown", mac="00:00:00:00:00:00", flags=["UP", "LOOPBACK"])


def _addressed(index: int, interface: str, address: str, prefixlen: int) -> dict[str, Any]:
    values = {"family": 4, "address": address, "prefixlen": prefixlen, "scope": "global", "flags": ["permanent"]}
    return _row("address", index=index, interface=interface, **values)


def _routed(dst: str, interface: str, **values: Any) -> dict[str, Any]:
    settled = {"family": 4, "table": 254, "type": "unicast", "protocol": "kernel", "scope": "link", "flags": []}
    return _row("route", dst=dst, interface=interface, **{**settled, **values})


def _netns(number: int, kind: str, **values: Any) -> dict[str, Any]:
    rules = [
        _row("rule", family=4, priority=priority, action="lookup", table=table, protocol="kernel")
        for priority, table in ((0, 255), (32766, 254), (32767, 253))
    ]
    settled = {"held_by": ["process", "mount"], "process_count": 1, "processes": [], "conntrack_count": 0}
    lists = ("neighbours", "fdb", "sockets", "firewall_chains", "firewall_rules", "firewall_sets", "xfrm_states")
    known = {name: value for name, value in values.items() if name in schema.get_columns("netns")}
    return {
        **_row("netns", netns=_inode(number), device=4, kind=kind, conntrack_max=262144, **{**settled, **known}),
        **{name: [] for name in (*lists, "xfrm_policies")},
        "rules": rules,
        **values,
    }


def _container_netns(number: int) -> dict[str, Any]:
    eth0 = _link(
        2, "eth0", "veth", mac=_mac(number), peer_netns=_inode(9999), peer_index=100 + number, peer=f"veth{number}"
    )
    return _netns(
        number,
        "container",
        reference=f"container:c{number}",
        paths=[f"/run/docker/netns/{number:012x}"],
        processes=[{"pid": 1000 + number, "command": "sleep"}],
        container_id=_id(number),
        container=f"c{number}",
        containers=[f"c{number}"],
        container_source="engine",
        interfaces=[_loopback(), eth0],
        addresses=[_addressed(1, "lo", "127.0.0.1", 8), _addressed(2, "eth0", _address(number), 24)],
        routes=[
            _routed("0.0.0.0/0", "eth0", gateway=f"10.{_HIGH}.{_LOW}.1", protocol="boot", scope="global", index=2),
            _routed(f"10.{_HIGH}.{_LOW}.0/24", "eth0", prefsrc=_address(number), index=2),
            _routed(f"{_address(number)}/32", "eth0", table=255, type="local", scope="host", index=2),
            _routed("127.0.0.0/8", "lo", table=255, type="local", scope="host", index=1),
        ],
        sysctls=_sysctls(["lo", "eth0"], "1"),
        sockets=[
            _row("socket", protocol=one, family=4, address="127.0.0.11", port=40000, uid=0, inode=number, processes=[])
            for one in ("tcp", "udp")
        ],
        firewall_chains=[
            _row("firewall_chain", backend="iptables-nft", family="ip", table="nat", chain=name)
            for name in ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING", "DOCKER_OUTPUT", "DOCKER_POSTROUTING")
        ],
        firewall_rules=list(_resolver_rules()),
    )


def _resolver_rules() -> Iterator[dict[str, Any]]:
    """Return the firewall rules of Docker's embedded DNS server."""
    server = _option("destination", "127.0.0.11/32")
    yield _filtered("nat", "OUTPUT", 1, "-d 127.0.0.11/32 -j DOCKER_OUTPUT", "jump", target_chain="DOCKER_OUTPUT")
    for place, one in enumerate(("tcp", "udp"), 1):
        text = f"-d 127.0.0.11/32 -p {one} -m {one} --dport 53 -j DNAT --to-destination 127.0.0.11:40000"
        values: dict[str, Any] = {"match": [server, _option("protocol", one), _option("dport", "53")]}
        values["target_options"] = {"to-destination": "127.0.0.11:40000"}
        yield _filtered("nat", "DOCKER_OUTPUT", place, text, "dnat", **values)
        text = f"-s 127.0.0.11/32 -p {one} -m {one} --sport 40000 -j SNAT --to-source :53"
        yield _filtered("nat", "DOCKER_POSTROUTING", place, text, "snat", target_options={"to-source": ":53"})


def _filtered(table: str, chain: str, position: int, text: str, target: str, **values: Any) -> dict[str, Any]:
    settled = {"backend": "iptables-nft", "family": "ip", "packets": 0, "bytes": 0, "match": [], "target_options": {}}
    rest = {"table": table, "chain": chain, "position": position, "target": target, "text": f"-A {chain} {text}"}
    return _row("firewall_rule", **{**settled, **rest, **values})


def _host_netns(containers: int) -> dict[str, Any]:
    ports = [
        _link(
            100 + number,
            f"veth{number}",
            "veth",
            mac=f"5e:42:{_HEX}:{number // 256:02x}:{number % 256:02x}",
            master="br-app",
            master_index=4,
            peer_netns=_inode(number),
            peer_index=2,
            peer="eth0",
            port={"state": "forwarding", "hairpin": False},
        )
        for number in range(containers)
    ]
    bridges = [
        _link(
            3,
            "docker0",
            "bridge",
            mac=f"02:42:{_HEX}:ff:03",
            running=False,
            operstate="down",
            docker_network="bridge",
            docker_network_id=_id(9001),
        ),
        _link(4, "br-app", "bridge", mac=f"02:42:{_HEX}:ff:04", docker_network="app", docker_network_id=_id(9000)),
    ]
    links = [_loopback(), _link(2, "eth0", None, mac=f"52:54:{_HEX}:00:02", qdisc="fq"), *bridges, *ports]
    routes = [
        _routed("0.0.0.0/0", "eth0", gateway="192.168.0.1", protocol="dhcp", scope="global", index=2),
        _routed("172.17.0.0/16", "docker0", prefsrc="172.17.0.1", index=3, flags=["linkdown"]),
        _routed(f"10.{_HIGH}.{_LOW}.0/24", "br-app", prefsrc=f"10.{_HIGH}.{_LOW}.1", index=4),
    ]
    return _netns(
        9999,
        "host",
        reference="host",
        process_count=200,
        interfaces=links,
        addresses=[
            _addressed(1, "lo", "127.0.0.1", 8),
            _addressed(2, "eth0", f"192.168.{_HIGH}.{_LOW}", 16),
            _addressed(3, "docker0", "172.17.0.1", 16),
            _addressed(4, "br-app", f"10.{_HIGH}.{_LOW}.1", 24),
        ],
        routes=routes,
        neighbours=[
            _row(
                "neighbour", index=4, interface="br-app", family=4, address=_address(one), mac=_mac(one), state="stale"
            )
            for one in range(containers)
        ],
        fdb=[
            _row(
                "fdb",
                index=100 + one,
                interface=f"veth{one}",
                mac=_mac(one),
                master="br-app",
                master_index=4,
                state=state,
            )
            for one in range(containers)
            for state in ("reachable", "permanent")
        ],
        sysctls=_sysctls([link["name"] for link in links], "1"),
        sockets=[
            _row("socket", protocol="tcp", family=4, address="0.0.0.0", port=22, uid=0, inode=1, processes=[]),
            *(
                _row(
                    "socket",
                    protocol="tcp",
                    family=4,
                    address="127.0.0.1",
                    port=20000 + one,
                    uid=0,
                    inode=one,
                    processes=[],
                )
                for one in range(containers)
            ),
        ],
        firewall_chains=list(_chains()),
        firewall_rules=list(_rules(containers)),
    )


def _chains() -> Iterator[dict[str, Any]]:
    for table, chain, kind, hook, policy in (
        ("filter", "INPUT", "filter", "input", "accept"),
        ("filter", "FORWARD", "filter", "forward", "drop"),
        ("filter", "OUTPUT", "filter", "output", "accept"),
        ("nat", "PREROUTING", "nat", "prerouting", "accept"),
        ("nat", "POSTROUTING", "nat", "postrouting", "accept"),
        *(
            (table, chain, None, None, None)
            for table, chain in (("filter", "DOCKER"), ("filter", "DOCKER-USER"), ("nat", "DOCKER"))
        ),
    ):
        values = {"type": kind, "hook": hook, "policy": policy}
        yield _row("firewall_chain", backend="iptables-nft", family="ip", table=table, chain=chain, **values)


def _rules(containers: int) -> Iterator[dict[str, Any]]:
    yield _filtered("filter", "FORWARD", 1, "-j DOCKER-USER", "jump", target_chain="DOCKER-USER")
    yield _filtered("filter", "FORWARD", 2, "-o br-app -j DOCKER", "jump", target_chain="DOCKER")
    yield _filtered("filter", "DOCKER-USER", 1, "-j RETURN", "return")
    subnet = f"10.{_HIGH}.{_LOW}.0/24"
    match = [_option("source", subnet), {**_option("out-interface", "br-app"), "negated": True}]
    yield _filtered("nat", "POSTROUTING", 1, f"-s {subnet} ! -o br-app -j MASQUERADE", "masquerade", match=match)
    text = "-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE"
    match = [_option("source", "172.17.0.0/16"), {**_option("out-interface", "docker0"), "negated": True}]
    yield _filtered("nat", "POSTROUTING", 2, text, "masquerade", match=match)
    yield _filtered("nat", "PREROUTING", 1, "-m addrtype --dst-type LOCAL -j DOCKER", "jump", target_chain="DOCKER")
    for one in range(containers):
        to, port = _address(one), str(20000 + one)
        match = [_option("destination", "127.0.0.1/32"), _option("protocol", "tcp"), _option("dport", port)]
        text = f"-d 127.0.0.1/32 ! -i br-app -p tcp -m tcp --dport {port} -j DNAT --to-destination {to}:80"
        yield _filtered(
            "nat", "DOCKER", one + 1, text, "dnat", match=match, target_options={"to-destination": f"{to}:80"}
        )
        match = [_option("destination", f"{to}/32"), _option("protocol", "tcp"), _option("dport", "80")]
        yield _filtered(
            "filter", "DOCKER", one + 1, f"-d {to}/32 ! -i br-app -o br-app -p tcp -j ACCEPT", "accept", match=match
        )


def _option(option: str, *values: str) -> dict[str, Any]:
    return {"option": option, "negated": False, "values": list(values)}


def _id(number: int) -> str:
    return f"{number:08x}{_NUMBER}".ljust(64 - 5 + len(_NUMBER), "0")


def _docker(containers: int) -> dict[str, Any]:
    engine = _row(
        "docker_engine",
        version="26.1.5",
        api_version="1.45",
        socket="/var/run/docker.sock",
        cgroup_version=2,
        userland_proxy=False,
        iptables=True,
        icc=False,
        ip_forward=True,
        settings={"userland-proxy": False, "icc": False},
        hosts=["fd://"],
        bridge_nf_iptables=True,
        bridge_nf_ip6tables=True,
        ipv4_forwarding=True,
        swarm_state="inactive",
    )
    networks = [("bridge", "bridge", "172.17.0.0/16"), ("host", "host", None), ("none", "null", None)]
    rows = [*networks, ("app", "bridge", f"10.{_HIGH}.{_LOW}.0/24")]
    return {
        "engine": engine,
        "containers": [_container(one) for one in range(containers)],
        "networks": [
            _row(
                "docker_network",
                id=_id(9000) if name == "app" else _id(9001 + place),
                name=name,
                driver=driver,
                scope="local",
                ipam_driver="default",
                ipam=[{"subnet": subnet, "ip_range": None, "gateway": None, "auxiliary": {}}] if subnet else [],
                options={"com.docker.network.bridge.name": "br-app" if name == "app" else "docker0"} if subnet else {},
                labels={},
            )
            for place, (name, driver, subnet) in enumerate(rows)
        ],
        "endpoints": [
            _row(
                "docker_endpoint",
                network_id=_id(9000),
                network="app",
                container_id=_id(one),
                container=f"c{one}",
                endpoint_id=_id(5000 + one),
                mac=_mac(one),
                ipv4=f"{_address(one)}/24",
                gateway=f"10.{_HIGH}.{_LOW}.1",
            )
            for one in range(containers)
        ],
        "published_ports": [
            _row(
                "published_port",
                container_id=_id(one),
                container=f"c{one}",
                protocol="tcp",
                container_port=80,
                host_address="127.0.0.1",
                host_port=20000 + one,
            )
            for one in range(containers)
        ],
        **{name: [] for name in ("network_peers", "swarm_nodes", "swarm_services", "swarm_tasks")},
    }


def _container(number: int) -> dict[str, Any]:
    return _row(
        "container",
        id=_id(number),
        name=f"c{number}",
        image="registry.example/app:1",
        image_id="sha256:" + "0" * 64,
        state="running",
        pid=1000 + number,
        started_at="2026-01-01T00:00:00Z",
        network_mode="app",
        netns=_inode(number),
        sandbox_netns=_inode(number),
        sandbox_key=f"/var/run/docker/netns/{number:012x}",
        ipc_mode="private",
        cgroupns_mode="private",
        cap_drop=["NET_RAW"],
        name_servers=["127.0.0.11"],
        sysctls={},
        labels={},
    )


def _namespace(snapshot: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in snapshot["namespaces"] if row["kind"] == kind)
    return found


def _publish_everywhere(snapshot: dict[str, Any]) -> None:
    snapshot["docker"]["published_ports"][1]["host_address"] = "0.0.0.0"


def _lose_dnat(snapshot: dict[str, Any]) -> None:
    host = _namespace(snapshot, "host")
    host["firewall_rules"] = [row for row in host["firewall_rules"] if "--dport 20000 " not in row["text"]]


def _stop_forwarding(snapshot: dict[str, Any]) -> None:
    _namespace(snapshot, "host")["sysctls"]["net/ipv4/ip_forward"] = "0"


def _leave_a_name(snapshot: dict[str, Any]) -> None:
    snapshot["strays"].append(_row("stray", path="/run/netns/left", type="empty file"))


def _lose_default_route(snapshot: dict[str, Any]) -> None:
    inside = _namespace(snapshot, "container")
    inside["routes"] = [row for row in inside["routes"] if row["dst"] != "0.0.0.0/0"]


def _change_address(snapshot: dict[str, Any]) -> None:
    inside = snapshot["namespaces"][3]
    inside["addresses"][1]["address"] = inside["addresses"][1]["address"][:-1] + "250"


def _privilege(snapshot: dict[str, Any]) -> None:
    snapshot["docker"]["containers"][4]["privileged"] = True


# Faults by the rule that must find them.
FAULTS: dict[str, Fault] = {
    "published-everywhere": _publish_everywhere,
    "published-without-dnat": _lose_dnat,
    "forwarding-off": _stop_forwarding,
    "stale-named-namespace": _leave_a_name,
    "container-no-default-route": _lose_default_route,
    "endpoint-address-differs": _change_address,
    "privileged-container": _privilege,
}
