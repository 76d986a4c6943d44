# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker objects in the snapshot, compared with docker inspect and docker network inspect."""

from __future__ import annotations

from .conftest import Host, Row, same


def test_networks(host: Host) -> None:
    def ours(row: Row) -> tuple[object, ...]:
        pools = [(pool["subnet"], pool["ip_range"], pool["gateway"]) for pool in row["ipam"]]
        return (row["id"], row["name"], row["driver"], row["scope"], row["internal"], row["ingress"], pools)

    def theirs(one: Row) -> tuple[object, ...]:
        pools = [
            (pool["Subnet"], pool.get("IPRange") or None, pool.get("Gateway") or None)
            for pool in one["IPAM"]["Config"] or ()
        ]
        return (one["Id"], one["Name"], one["Driver"], one["Scope"], one["Internal"], one["Ingress"], pools)

    same(map(ours, host.docker["networks"]), map(theirs, host.witness["networks"]), "networks")


def test_endpoints(host: Host) -> None:
    theirs = [
        (name, network, point["EndpointID"], _cidr(point), point["MacAddress"] or None)
        for name, one in host.inspected.items()
        if one["State"]["Running"]
        for network, point in one["NetworkSettings"]["Networks"].items()
    ]
    # Only the network lists the endpoint in docker_gwbridge of a container in an overlay network.
    gateway = next(one for one in host.witness["networks"] if one["Name"] == "docker_gwbridge")
    names = {one["Id"]: name for name, one in host.inspected.items()}
    theirs += [
        (names[id_], "docker_gwbridge", point["EndpointID"], point["IPv4Address"], point["MacAddress"])
        for id_, point in gateway["Containers"].items()
        if id_ in names
    ]
    ours = [
        (row["container"], row["network"], row["endpoint_id"], row["ipv4"], row["mac"])
        for row in host.docker["endpoints"]
        if row["container"] in host.inspected and host.containers[row["container"]]["pid"]
    ]
    same(ours, theirs, "endpoints")
    assert "mf-alias" in next(row for row in host.docker["endpoints"] if row["container"] == "mf-user")["aliases"]


def test_endpoints_without_containers(host: Host) -> None:
    containers = {one["Id"] for one in host.inspected.values()}
    theirs = {
        (one["Name"], point["EndpointID"])
        for one in host.witness["networks"]
        for id_, point in one["Containers"].items()
        if id_ not in containers
    }
    ours = {(row["network"], row["endpoint_id"]) for row in host.docker["endpoints"] if row["container_id"] is None}
    same(ours, theirs, "endpoints")
    assert any(network == "mf-overlay" for network, _endpoint in theirs)


def _cidr(point: Row) -> str | None:
    return f"{point['IPAddress']}/{point['IPPrefixLen']}" if point["IPAddress"] else None


def test_published_ports(host: Host) -> None:
    theirs = [
        (name, key.split("/")[1], int(key.split("/")[0]), bound["HostIp"], int(bound["HostPort"]))
        for name, one in host.inspected.items()
        if one["State"]["Running"]
        for key, bindings in (one["NetworkSettings"]["Ports"] or {}).items()
        for bound in bindings or ()
    ]
    keys = ("container", "protocol", "container_port", "host_address", "host_port")
    same((tuple(row[key] for key in keys) for row in host.docker["published_ports"]), theirs, "ports")
    assert ("mf-user", "udp", 53, "127.0.0.1", 25353) in theirs


def test_containers(host: Host) -> None:
    for name, one in host.inspected.items():
        row, settings = host.containers[name], one["HostConfig"]
        assert row["id"] == one["Id"], name
        assert row["state"] == one["State"]["Status"], name
        assert row["pid"] == (one["State"]["Pid"] or None), name
        assert row["privileged"] == settings["Privileged"], name
        same(row["cap_add"] or (), settings["CapAdd"] or (), name)
        same(row["cap_drop"] or (), settings["CapDrop"] or (), name)
        assert row["network_mode"] == settings["NetworkMode"], name
        assert (row["pid_mode"] or "") == settings["PidMode"], name
    assert host.containers["mf-bridge"]["labels"] == {
        "com.docker.compose.project": "mf",
        "com.docker.compose.service": "web",
    }


def test_endpoints_exist_in_the_kernel(host: Host) -> None:
    """Each endpoint's address and MAC are on a link of the container's sandbox, whose veth ends on its bridge."""
    seen = set()
    for point in host.docker["endpoints"]:
        container = host.containers.get(point["container"])
        if not container or not container["sandbox_netns"] or not point["ipv4"]:
            continue
        netns = host.netns[container["sandbox_netns"]]
        address = next(one for one in netns["addresses"] if f"{one['address']}/{one['prefixlen']}" == point["ipv4"])
        link = next(one for one in netns["interfaces"] if one["index"] == address["index"])
        assert link["mac"] == point["mac"], point
        network = next(one for one in host.docker["networks"] if one["id"] == point["network_id"])
        if link["kind"] == "veth":
            there = host.netns[link["peer_netns"]]
            port = next(one for one in there["interfaces"] if one["index"] == link["peer_index"])
            bridge = next(one for one in there["interfaces"] if one["index"] == port["master_index"])
            if network["driver"] == "bridge":
                assert bridge["docker_network"] == point["network"], point
            else:
                assert there["docker_network"] == point["network"], point
                tunnel = next(one for one in there["interfaces"] if one["kind"] == "vxlan")
                assert tunnel["docker_network"] == point["network"], point
        else:
            assert (link["kind"], link["parent"]) == ("macvlan", "eth0"), point
        seen.add(network["driver"])
    assert seen == {"bridge", "macvlan", "overlay"}


def test_swarm(host: Host) -> None:
    engine, swarm = host.docker["engine"], host.witness["info"]["Swarm"]
    assert engine["version"] == host.witness["info"]["ServerVersion"]
    assert engine["swarm_node_id"] == swarm["NodeID"]
    assert engine["swarm_role"] == ("manager" if swarm["ControlAvailable"] else "worker")
    peers = {
        (one["Name"], peer["IP"]) for one in host.witness["networks"] for peer in one.get("Peers") or () if one["Peers"]
    }
    same({(row["network"], row["address"]) for row in host.docker["network_peers"]}, peers, "peers")
    assert ("mf-overlay", swarm["NodeAddr"]) in peers
    if swarm["ControlAvailable"]:
        assert len(host.docker["swarm_nodes"]) == swarm["Nodes"]
        assert [row["name"] for row in host.docker["swarm_services"]] == ["mf-service"]
        assert len(host.docker["swarm_tasks"]) >= swarm["Nodes"]
    else:
        assert not host.docker["swarm_nodes"]
