# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forming a Swarm of hosts: steps, order and invalid input."""

from __future__ import annotations

import contextlib
import re
import socket
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._swarm import ports
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.overlay import build_overlay_networks
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_planner import plan, require_managers
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_ports import (
    describe_blocked_ports,
    list_incoming_ports,
    list_outgoing_ports,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.swarm_steps import build_steps, keeps_quorum

Row = dict[str, Any]


def row(host: str, role: str = "worker", **more: Any) -> Row:
    reach = {"reachability": "reachable" if role == "manager" else None}
    said = {"id": f"id-{host}", "hostname": host, "role": role, "state": "ready", "availability": "active"}
    return {**said, **reach, "address": f"192.0.2.{host[1:]}", "manager_address": None, **more}


def host(number: int, role: str = "worker", state: str = "active", rows: Any = None, **more: Any) -> Row:
    """Return a host; rows are the nodes of its Swarm as a manager lists them."""
    name, address = f"h{number}", f"192.0.2.{number}"
    own: Row = next((one for one in rows or () if one["id"] == f"id-{name}"), {})
    manages = own.get("role") == "manager"
    engine = {
        "version": "20.10.24",
        "swarm_state": more.get("swarm", "active" if own else "inactive"),
        "swarm_role": "manager" if manages else "worker" if own else None,
        "swarm_node_id": own.get("id"),
        "swarm_address": address if own else None,
    }
    eth0 = {"name": "eth0", "kind": None, "up": True, "mtu": more.get("mtu", 1500)}
    routes = [
        {"dst": "0.0.0.0/0", "interface": "eth0", "table": 254, "family": 4},
        {"dst": "10.5.0.0/16", "interface": "eth0", "table": 254, "family": 4},
    ]
    place = {
        "kind": "host",
        "interfaces": [eth0],
        "addresses": [{"interface": "eth0", "address": address, "family": 4, "scope": "global"}],
        "routes": routes,
        "sockets": [{"protocol": protocol, "port": port} for protocol, port in more.get("sockets", ())],
    }
    docker = {"engine": engine, "networks": more.get("networks", []), "swarm_nodes": rows if manages else []}
    info = {"host": {"hostname": name}, "namespaces": [place], "docker": docker}
    return {"role": role, "state": state, "advertise": "", "data_path": "", "info": info, **more.get("declared", {})}


def swarm(*hosts: Row, **more: Any) -> Row:
    return plan({one["info"]["host"]["hostname"]: one for one in hosts}, **more)


def texts(found: Row) -> list[str]:
    """Return the steps of a plan as they are displayed."""
    settings = {"data_path_port": 4789, "default_addr_pool": [], "subnet_size": None}
    return [one["text"] for one in build_steps(found, settings)]


def test_change_of_a_role_ends_when_the_node_reports_it() -> None:
    roles = [{"host": "h2", "role": "manager", "id": "b"}, {"host": "h3", "role": "worker", "id": "c"}]
    unchanged: Row = {key: [] for key in ("stale", "join", "availability", "leave", "unready", "members")}
    assert texts({**unchanged, "init": None, "manager": "h1", "roles": roles}) == [
        "promote h2",
        "demote h3",
        "wait until h2 reports the manager role",
        "wait until h3 reports the worker role",
    ]


def names(rows: list[Row]) -> list[str]:
    return [one["host"] for one in rows]


def test_new_swarm_starts_with_the_first_manager_then_managers_join() -> None:
    plan = swarm(host(4), host(1, "manager"), host(2, "manager"), host(3, "manager"))
    assert (plan["init"], plan["manager"], plan["remote"]) == ("h1", "h1", "192.0.2.1:2377")
    assert names(plan["join"]) == ["h2", "h3", "h4"]
    assert plan["changes"]


def test_matching_swarm_needs_no_changes() -> None:
    rows = [row("h1", "manager"), row("h2")]
    plan = swarm(host(1, "manager", rows=rows), host(2, rows=rows))
    assert plan["init"] is None
    assert not plan["changes"]
    assert plan["availability"] == []


def test_required_connections_between_nodes() -> None:
    members = swarm(host(1, "manager"), host(2))["members"]
    sent = [(one["protocol"], one["port"], one["address"]) for one in list_outgoing_ports("h2", members, 5000)]
    assert sent == [
        ("tcp", 2377, "192.0.2.1"),
        ("tcp", 7946, "192.0.2.1"),
        ("udp", 7946, "192.0.2.1"),
        ("udp", 5000, "192.0.2.1"),
    ]
    assert {(one["port"], one["address"], one["target"]) for one in list_incoming_ports("h2", members, 5000)} == {
        (7946, "192.0.2.1", "192.0.2.2"),
        (5000, "192.0.2.1", "192.0.2.2"),
    }
    assert list_outgoing_ports("h3", members, 5000) == []


def test_ports_are_probed_only_if_nodes_join_or_leave() -> None:
    rows = [row("h1", "manager"), row("h2")]
    assert not swarm(host(1, "manager", rows=rows), host(2, "manager", rows=rows))["membership_changes"]
    assert swarm(host(1, "manager", rows=rows), host(2, state="absent", rows=rows))["membership_changes"]
    assert swarm(host(1, "manager"), host(2))["membership_changes"]


def test_steps_of_a_new_swarm_are_in_order() -> None:
    found = texts(swarm(host(2, state="pause"), host(1, "manager"), host(3, "manager")))
    assert found == [
        "initialise a Swarm on h1",
        "read the join tokens",
        "join h3 as a manager",
        "join h2 as a worker",
        "set the availability of h2 to pause",
        "wait until h1, h3, h2 are ready",
    ]


def test_steps_of_a_manager_that_leaves_are_in_order() -> None:
    rows = [row("h1", "manager"), row("h2", "manager"), row("h3", "manager"), row("h4")]
    hosts = [host(number, "manager", rows=rows) for number in (1, 2)]
    leaving = [host(3, "manager", "absent", rows=rows), host(4, state="absent", rows=rows)]
    assert texts(swarm(*hosts, *leaving)) == [
        *("drain h4", "wait until no task of a service runs on h4", "have h4 leave the Swarm"),
        "remove h4 from the list of nodes",
        *(
            "drain h3",
            "wait until no task of a service runs on h3",
            "demote h3",
            "wait until h3 reports the worker role",
        ),
        *("have h3 leave the Swarm", "remove h3 from the list of nodes"),
    ]


def test_matching_swarm_has_no_steps() -> None:
    rows = [row("h1", "manager"), row("h2")]
    assert texts(swarm(host(1, "manager", rows=rows), host(2, rows=rows))) == []


def test_plan_waits_for_a_node_that_is_down() -> None:
    rows = [row("h1", "manager"), row("h2", state="down")]
    assert texts(swarm(host(1, "manager", rows=rows), host(2, rows=rows))) == ["wait until h2 is ready"]


@pytest.mark.parametrize(
    ("reachable", "leaving", "keeps"),
    [("yyy", 0, True), ("yyn", 0, False), ("yyn", 2, True), ("yn", 1, True), ("y", 0, False), ("yynn", 0, False)],
)
def test_manager_is_demoted_only_if_the_quorum_is_kept(reachable: str, leaving: int, keeps: bool) -> None:
    words = {"y": "reachable", "n": "unreachable"}
    managers = [{"ID": str(at), "ManagerStatus": {"Reachability": words[one]}} for at, one in enumerate(reachable)]
    assert keeps_quorum([*managers, {"ID": "worker", "ManagerStatus": None}], str(leaving)) is keeps


def test_roles_and_availability_are_changed() -> None:
    rows = [row("h1", "manager"), row("h2", "manager"), row("h3")]
    plan = swarm(host(1, "manager", rows=rows), host(2, rows=rows), host(3, "manager", "drain", rows=rows))
    assert [(one["host"], one["role"]) for one in plan["roles"]] == [("h3", "manager"), ("h2", "worker")]
    assert [(one["host"], one["state"]) for one in plan["availability"]] == [("h3", "drain")]


def test_absent_node_leaves() -> None:
    rows = [row("h1", "manager"), row("h2")]
    plan = swarm(host(1, "manager", rows=rows), host(2, state="absent", rows=rows))
    assert [(one["host"], one["id"], one["last"]) for one in plan["leave"]] == [("h2", "id-h2", False)]
    assert names(plan["members"]) == ["h1"]


def test_last_manager_dissolves_the_swarm() -> None:
    rows = [row("h1", "manager"), row("h2")]
    plan = swarm(host(1, "manager", "absent", rows=rows), host(2, state="absent", rows=rows))
    assert [(one["host"], one["last"]) for one in plan["leave"]] == [("h2", False), ("h1", True)]


def test_old_node_entry_of_a_reinstalled_host_is_removed() -> None:
    rows = [row("h1", "manager"), row("h2", state="down")]
    plan = swarm(host(1, "manager", rows=rows), host(2))
    assert plan["stale"] == [{"id": "id-h2", "hostname": "h2", "manager": False}]
    assert names(plan["join"]) == ["h2"]


def test_node_with_the_hostname_of_a_cloned_host_is_not_removed() -> None:
    rows = [row("h1", "manager"), row("h2", id="id-clone", address="192.0.2.77", state="down")]
    plan = swarm(host(1, "manager", rows=rows), host(2))
    assert plan["stale"] == []
    assert "h2 (node id-clone)" in plan["warnings"][0]


def test_old_node_entry_of_a_manager_is_recognised_by_its_manager_address() -> None:
    old = row("h2", "manager", id="id-old", address="0.0.0.0", manager_address="192.0.2.2:2377", state="down")
    rows = [row("h1", "manager"), row("h3", "manager"), {**old, "reachability": "unreachable"}]
    plan = swarm(host(1, "manager", rows=rows), host(3, "manager", rows=rows), host(2, "manager"))
    assert [one["id"] for one in plan["stale"]] == ["id-old"]


THREE = [row("h1", "manager"), row("h2", "manager"), row("h3", "manager", reachability="unreachable", state="down")]


@pytest.mark.parametrize(
    ("hosts", "words"),
    [
        (
            [host(1, "manager", rows=THREE), host(2, "manager", "absent", rows=THREE)],
            "overlay_node_state=absent of h2: would lose the quorum: 1 of 2 reachable managers would remain",
        ),
        (
            [host(1, "manager", rows=THREE), host(2, rows=THREE)],
            "demoting h2: would lose the quorum: 1 of 2 reachable managers",
        ),
        (
            [host(1, "manager", "absent", rows=[THREE[0], row("h2")]), host(2, rows=[THREE[0], row("h2")])],
            "overlay_node_state=absent of h1: would lose the quorum: 0 of 0 reachable managers",
        ),
        ([host(1, "manager", rows=THREE[:1]), host(2, rows=[row("h2")])], "h2 is in another Swarm than h1"),
        ([host(1, "manager"), host(2, rows=[row("h2")])], "h2 is in a Swarm, but none of its managers is in this run"),
        ([host(1, "manager", swarm="locked")], "h1: Swarm: the state is locked; unlock it"),
        ([host(2)], "overlay_manager_group: has no host for the Swarm"),
        ([host(1, "manager", declared={"advertise": "eth7"})], "h1: overlay_advertise_addr: h1 has no link eth7"),
        (
            [host(1, "manager", declared={"advertise": "192.0.2.9"})],
            "h1: overlay_advertise_addr: the host has no address 192.0.2.9; it has 192.0.2.1",
        ),
    ],
)
def test_impossible_changes_are_rejected(hosts: list[Row], words: str) -> None:
    with pytest.raises(BadParameter, match=words):
        swarm(*hosts)


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("manager", "the inventory has no group manager, and overlay_networks (mesh) requires a manager; did you mean"),
        ("empty", "the group empty has no hosts, and overlay_networks (mesh) requires a manager"),
        ("managers", ""),
    ],
)
def test_networks_require_a_manager(group: str, words: str) -> None:
    groups = {"all": ["h1"], "managers": ["h1"], "empty": []}
    absent = {"name": "old", "state": "absent"}
    require_managers(group, groups, [absent])
    declared = [{"name": "mesh", "state": "present"}, absent]
    with pytest.raises(BadParameter, match=re.escape(words)) if words else contextlib.nullcontext():
        require_managers(group, groups, declared)


@pytest.mark.parametrize(
    ("role", "sockets", "words"),
    [
        ("worker", [("tcp", 7946), ("udp", 7946), ("tcp", 22)], "h1: Swarm: port 7946 is in use"),
        ("manager", [("tcp", 2377)], "port 2377 is in use"),
        ("manager", [("tcp", 2377), ("udp", 7946)], "port 2377 and 7946 is in use"),
        ("worker", [("tcp", 2377), ("raw", 7946)], ""),
    ],
)
def test_port_in_use_is_rejected(role: str, sockets: list[tuple[str, int]], words: str) -> None:
    """An engine can keep the gossip port of a Swarm that it left and then misses the nodes of the next one."""
    hosts = [host(1, role, sockets=sockets), host(2, "manager")]
    if words:
        with pytest.raises(BadParameter, match=words):
            swarm(*hosts)
    assert swarm(host(1, role, state="absent", sockets=sockets), host(2, "manager"))["init"] == "h2"
    rows = [row("h1", role), row("h2", "manager")]
    assert not swarm(host(1, role, rows=rows, sockets=sockets), host(2, "manager", rows=rows))["changes"]


def test_swarm_is_created_only_if_all_managers_are_in_the_play() -> None:
    with pytest.raises(BadParameter, match="does not include h9"):
        swarm(host(1, "manager"), managers=["h1", "h9"])


def networks(*declared: Row, **more: Any) -> list[Row]:
    one = host(1, "manager", **{key: more.pop(key) for key in ("mtu", "networks") if key in more})
    return build_overlay_networks(declared, swarm(one), {"h1": one["info"]}, more.pop("lacks", {}), **more)


@pytest.mark.parametrize(
    ("network", "told"),
    [
        ({}, "1400"),
        ({"mtu": "1300"}, "1350"),
        ({"encrypted": True, "mtu": 1300}, "1376"),
        ({"encrypted": True}, "1400"),
    ],
)
def test_mtu_follows_the_underlay(network: Row, told: str) -> None:
    (made,) = networks({"name": "mesh", **network}, mtu=1400)
    assert made["driver_options"]["com.docker.network.driver.mtu"] == told


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ({"encrypted": True}, r"mesh: encrypted: the kernel of h1 has no ESP \(Not there\)"),
        ({"mtu": 1451}, "mesh: mtu: 1451 and the headers are 1501 bytes, but the links between the nodes have 1500"),
        ({"mtu": "big"}, "mesh: mtu: must be 68 to 65535 or underlay, not big"),
        ({"subnets": [{"subnet": "10.5.7.0/24"}]}, "10.5.7.0/24 overlaps the route to 10.5.0.0/16 through eth0 of h1"),
        ({"subnets": [{"subnet": "10.6.0.0/24"}]}, "10.6.0.0/24 overlaps the network other of h1"),
        ({"subnets": [{"subnet": "10.6.0.1/24"}]}, "mesh: subnets.*has host bits set"),
    ],
)
def test_invalid_network_is_rejected(network: Row, words: str) -> None:
    there = [{"name": "other", "ipam": [{"subnet": "10.6.0.0/16"}]}]
    with pytest.raises(BadParameter, match=words):
        networks({"name": "mesh", **network}, networks=there, lacks={"h1": "Not there"})


def test_absent_networks_come_first() -> None:
    assert networks({"name": "b"}, {"name": "a", "state": "absent"})[0] == {"name": "a", "state": "absent"}


def firewall(rule: str, **more: Any) -> Row:
    """Return the host's own namespace with one rule in the chain INPUT."""
    place = host(1)["info"]["namespaces"][0]
    same = {"backend": "iptables-nft", "family": "ip", "table": "filter", "chain": "INPUT"}
    chain = {**same, "type": "filter", "hook": "input", "priority": None, "policy": "accept"}
    match = [{"module": None, "option": option, "value": value, "negated": False} for option, value in more.items()]
    return {
        **place,
        "netns": "1",
        "interfaces": [{**place["interfaces"][0], "index": 2}],
        "addresses": [{**place["addresses"][0], "index": 2}],
        "firewall_chains": [chain],
        "firewall_rules": [{**same, "position": 1, "target": "drop", "text": rule, "comment": None, "match": match}],
    }


def test_closed_ports_are_reported_with_both_nodes_and_the_rule() -> None:
    lost = {"host": "h2", "address": "192.0.2.2", "target": "192.0.2.1", "protocol": "udp", "port": 7946}
    answers = [{"host": "h1", "address": "192.0.2.1", "protocol": "tcp", "port": 2377, "answer": "refused"}]
    heard, sent = {"h1": {"missing": [lost], "namespace": firewall("-A INPUT -j DROP")}}, {"h2": {"answers": answers}}
    (line,) = describe_blocked_ports(heard, sent)
    assert line == (
        "h1 receives nothing from h2 (192.0.2.2) on udp 7946: dropped there by iptables-nft: filter: -A INPUT -j DROP"
    )
    assert len(describe_blocked_ports(heard, sent, connect=True)) == 2


@pytest.mark.parametrize("is_known", [True, False])
def test_closed_port_without_a_rule_points_to_the_network_between(is_known: bool) -> None:
    lost = {"host": "h2", "address": "192.0.2.2", "target": "192.0.2.1", "protocol": "udp", "port": 7946}
    namespace = {**firewall(""), "firewall_rules": []} if is_known else {}
    (line,) = describe_blocked_ports({"h1": {"missing": [lost], "namespace": namespace}}, {})
    assert ("the firewall there accepts it" in line) == is_known
    assert ("the firewall there was not evaluated" in line) != is_known
    assert line.endswith("iptables -I INPUT -p udp --dport 7946 -s 192.0.2.2 -j ACCEPT")


def test_every_node_is_probed_in_large_swarms() -> None:
    """A datagram has no response that would show a missing probe."""
    with contextlib.ExitStack() as stack:
        heard = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _number in range(100)]
        for one in heard:
            one.bind(("127.0.0.1", 0))
            one.setblocking(False)
        to = [{"protocol": "udp", "address": "127.0.0.1", "source": "127.0.0.1", "vxlan": False} for _one in heard]
        answers = ports.send([{**one, "port": link.getsockname()[1]} for one, link in zip(to, heard)], 0.5)
        assert {one["answer"] for one in answers} == {"sent"}
        assert {link.recv(99) for link in heard} == {b"netfleet.docker"}
