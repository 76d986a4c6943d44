# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows from engine data: always the columns of the schema, and only listed fields."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._facts.docker import engine_rows as docker_engine_rows
from ansible_collections.netfleet.docker.plugins.module_utils._facts.docker import rows as docker_rows
from ansible_collections.netfleet.docker.plugins.module_utils._facts.docker import swarm_rows
from ansible_collections.netfleet.docker.tests.schema import assert_row
from ansible_collections.netfleet.docker.tests.unit.engine_words import (
    CANARY,
    CONTAINER,
    DAEMON_JSON,
    DOCKER_NETWORK,
    ENDPOINT,
    ID,
    INFO,
    LISTED,
    NETWORK,
    NODE,
    OTHER,
    SERVICE,
    TASK,
    VERSION,
)
from hypothesis import given, settings
from hypothesis import strategies as st


def engine_rows(said: Any) -> list[Any]:
    """Return the row of the engine from its version, info and daemon.json."""
    parts = said if isinstance(said, dict) else {}
    text = json.dumps(parts.get("daemon.json"))
    file = docker_engine_rows.parse_daemon_json(text) if isinstance(parts.get("daemon.json"), dict) else {}
    return [docker_engine_rows.build_engine_row(parts.get("version"), parts.get("info"), "/var/run/docker.sock", file)]


CASES: list[tuple[str, Any, Callable[[Any], list[Any]]]] = [
    ("container", CONTAINER, lambda said: [docker_rows.build_container(said)]),
    ("container", LISTED, lambda said: [docker_rows.build_listed_container(said)]),
    ("published_port", CONTAINER, docker_rows.build_published_ports),
    ("docker_network", DOCKER_NETWORK, lambda said: [docker_rows.build_network(said)]),
    ("network_peer", DOCKER_NETWORK, docker_rows.build_network_peers),
    ("docker_endpoint", CONTAINER, lambda said: docker_rows.build_container_endpoints(said, {})),
    ("docker_endpoint", LISTED, lambda said: docker_rows.build_container_endpoints(said, {NETWORK: "web"})),
    ("docker_endpoint", DOCKER_NETWORK, lambda said: docker_rows.build_network_endpoints(said, {}, set())),
    ("swarm_node", NODE, lambda said: [swarm_rows.build_node(said)]),
    ("swarm_service", SERVICE, lambda said: [swarm_rows.build_service(said)]),
    ("swarm_task", TASK, lambda said: [swarm_rows.build_task(said, {})]),
    ("docker_engine", {"version": VERSION, "info": INFO, "daemon.json": DAEMON_JSON}, engine_rows),
]
NAMES = [f"{table}-{number}" for number, (table, _said, _rows) in enumerate(CASES)]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800") | st.just("1" * 30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every position in an object as a container and a key."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for key in keys:
        yield value, key
        yield from places(value[key])


@pytest.mark.parametrize("table, said, rows", CASES, ids=NAMES)
def test_rows_contain_only_listed_fields(table: str, said: Any, rows: Callable[[Any], list[Any]]) -> None:
    found = rows(said)
    assert found
    assert CANARY in json.dumps(said) or table == "published_port"
    assert CANARY not in json.dumps(found)
    for row in found:
        assert_row(table, row)


@pytest.mark.parametrize("table, said, rows", CASES, ids=NAMES)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_response_gives_valid_rows(
    table: str, said: Any, rows: Callable[[Any], list[Any]], data: st.DataObject
) -> None:
    """Any value at any place gives rows with the columns of the schema, which every output can contain."""
    said = copy.deepcopy(said)
    holder, key = data.draw(st.sampled_from(list(places(said))))
    holder[key] = data.draw(anything)
    for row in rows(said):
        assert_row(table, row)
        json.dumps(row, allow_nan=False).encode("utf-8")
        json.dumps(row, ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize("table, _said, rows", CASES, ids=NAMES)
@given(odd=anything)
def test_arbitrary_values_are_converted(table: str, _said: Any, rows: Callable[[Any], list[Any]], odd: Any) -> None:
    for row in rows(odd):
        assert_row(table, row)


def test_container_row() -> None:
    row = docker_rows.build_container(CONTAINER, ["team"])
    assert row["name"] == "web-1"
    assert (row["pid"], row["joined_id"], row["pid_mode"]) == (42, OTHER, None)
    assert (row["cap_add"], row["cap_drop"]) == (["NET_ADMIN"], [])
    assert row["sysctls"] == {"net.ipv4.ip_forward": "1"}
    assert row["labels"] == {"com.docker.compose.project": "shop", "team": "red"}


def test_created_container_row() -> None:
    said = {**CONTAINER, "State": {"Status": "created", "Pid": 0, "StartedAt": "0001-01-01T00:00:00Z"}}
    row = docker_rows.build_container(said)
    assert (row["pid"], row["started_at"]) == (None, None)
    assert docker_rows.build_published_ports(said) == []


def test_container_row_from_the_list() -> None:
    row = docker_rows.build_listed_container(LISTED)
    assert (row["name"], row["state"], row["pid"], row["cap_add"]) == ("web-1", "paused", None, None)


def test_names_of_joined_containers() -> None:
    rows = [
        docker_rows.build_container(CONTAINER),
        {**docker_rows.build_container(CONTAINER), "id": OTHER, "name": "db"},
    ]
    docker_rows.fill_joined_names(rows)
    assert rows[0]["joined"] == "db"
    alone = [docker_rows.build_container(CONTAINER)]
    docker_rows.fill_joined_names(alone)
    assert alone[0]["joined"] is None


def test_published_ports() -> None:
    rows = docker_rows.build_published_ports(CONTAINER)
    told = [(row["protocol"], row["container_port"], row["host_address"], row["host_port"]) for row in rows]
    assert told == [("tcp", 80, "0.0.0.0", 8080), ("tcp", 80, "::", 8080)]


def test_endpoint_rows() -> None:
    """Endpoints of a container without settings for its next start, and endpoints that only the network lists."""
    rows = docker_rows.build_container_endpoints(CONTAINER, {NETWORK: "renamed"})
    rows += docker_rows.build_network_endpoints(DOCKER_NETWORK, {ID: "web-1"}, {ENDPOINT})
    keys = ("network", "container_id", "container", "mac", "ipv4", "ipv6", "ipv6_gateway", "aliases")
    assert [[row[key] for key in keys] for row in rows] == [
        ["renamed", ID, "web-1", "02:42:ac:00:00:02", "192.0.2.9/24", "fd00::9/64", "fd00::1", ["www"]],
        ["web", None, "web-endpoint", "02:42:ac:00:00:03", "192.0.2.3/24", None, None, []],
    ]


def test_network_row() -> None:
    row = docker_rows.build_network(DOCKER_NETWORK)
    assert row["options"] == {"encrypted": "", "com.docker.network.driver.mtu": "1400"}
    assert (row["labels"], row["config_from"]) == ({}, None)
    assert row["ipam"] == [
        {
            "subnet": "192.0.2.0/24",
            "ip_range": "192.0.2.128/25",
            "gateway": "192.0.2.1",
            "auxiliary": {"printer": "192.0.2.7"},
        },
        {"subnet": "fd00::/64", "ip_range": None, "gateway": None, "auxiliary": {}},
    ]


def test_options_of_a_plugin_driver_are_kept() -> None:
    said = {**DOCKER_NETWORK, "Driver": "weave", "Options": {"com.docker.network.driver.mtu": CANARY}}
    assert docker_rows.build_network(said)["options"] == {}


def test_swarm_rows() -> None:
    """The message of a failed task can contain its command, so only messages of the scheduler are collected."""
    assert swarm_rows.build_node(NODE)["manager_address"] == "198.51.100.1:2377"
    assert swarm_rows.build_node({**NODE, "ManagerStatus": None})["leader"] is False
    assert swarm_rows.build_service(SERVICE)["mode"] == "replicated"
    task = swarm_rows.build_task(TASK, {"s1": "shop_web"})
    assert (task["service"], task["message"]) == ("shop_web", "started")
    status = {"State": "pending", "Message": "pending task scheduling", "Err": "no suitable node"}
    assert swarm_rows.build_task({**TASK, "Status": status}, {})["message"] == "no suitable node"


def test_engine_row() -> None:
    (row,) = engine_rows({"version": VERSION, "info": INFO, "daemon.json": DAEMON_JSON})
    assert (row["firewall_backend"], row["cgroup_version"], row["iptables"]) == ("nftables", 2, False)
    assert (row["swarm_role"], row["userland_proxy"], row["warnings"]) == ("manager", None, [])
    assert row["default_address_pools"] == [{"base": "10.0.0.0/8", "size": 24}]
    assert row["settings"]["default-network-opts"] == {"bridge": {"com.docker.network.driver.mtu": "1400"}}
    assert not {"proxies", "log-opts", "tlskey", "cluster-store-opts"} & set(row["settings"])


@pytest.mark.parametrize(
    ("reported", "declared", "found"),
    [
        ([{"Base": "10.0.0.0/8", "Size": 24}], [{"base": "10.1.0.0/16", "size": 24}], "10.0.0.0/8"),
        # Docker Engine 28 after a reload.
        ([{"Base": "invalid Prefix", "Size": 24}], [{"base": "10.1.0.0/16", "size": 24}], "10.1.0.0/16"),
        ([{"Base": "invalid Prefix", "Size": 24}], None, None),
        (None, [{"base": "10.1.0.0/16", "size": 24}], "10.1.0.0/16"),
        (None, None, None),
    ],
)
def test_address_pools_that_the_engine_does_not_report_are_those_of_its_settings(
    reported: Any, declared: Any, found: str | None
) -> None:
    settings = docker_engine_rows.parse_daemon_json(json.dumps({"default-address-pools": declared}))
    row = docker_engine_rows.build_engine_row({}, {"DefaultAddressPools": reported}, "/var/run/docker.sock", settings)
    assert row["default_address_pools"] == (found and [{"base": found, "size": 24}])


@pytest.mark.parametrize(
    ("mounts", "place"),
    [
        ([{"Type": "bind", "Source": "/var/run/docker.sock", "Destination": "/x.sock", "RW": False}], "/x.sock"),
        ([{"Type": "bind", "Source": "/run", "Destination": "/host/run"}], "/host/run/docker.sock"),
        ([{"Type": "bind", "Source": "/", "Destination": "/host"}], "/host/run/docker.sock"),
        ([{"Type": "bind", "Source": "/run/docker", "Destination": "/d"}], None),
        ([{"Type": "bind", "Source": "/run/docker.sock.d", "Destination": "/d"}], None),
        ([{"Type": "volume", "Source": "/run/docker.sock", "Destination": "/d"}], None),
        ([{"Source": 7}, "x", None], None),
        (None, None),
    ],
)
def test_socket_of_the_engine_is_found_among_the_mounts(mounts: Any, place: str | None) -> None:
    sockets = ["/run/docker.sock", "/var/run/docker.sock"]
    assert docker_rows.find_engine_socket({"Mounts": mounts}, sockets) == place


@pytest.mark.parametrize(("version", "known"), [("1.47", True), ("1.48", False), ("1.100", False), ("", True)])
def test_state_of_br_netfilter_is_unknown_from_version_1_48(version: str, known: bool) -> None:
    told = {"version": {"ApiVersion": version}, "info": {"BridgeNfIptables": False, "BridgeNfIp6tables": False}}
    (row,) = engine_rows(told)
    assert {row["bridge_nf_iptables"], row["bridge_nf_ip6tables"]} == {False if known else None}


def test_time_of_a_firewall_reload() -> None:
    info = {
        "FirewallBackend": {
            "Driver": "iptables+firewalld",
            "Info": [["x", "y"], ["ReloadedAt", "2026-01-01T00:00:00Z"]],
        }
    }
    (row,) = engine_rows({"info": info})
    assert row["firewall_reloaded_at"] == "2026-01-01T00:00:00Z"


def test_columns_of_later_versions() -> None:
    said = {**DOCKER_NETWORK, "EnableIPv4": False}
    said["Status"] = {"IPAM": {"Subnets": {"192.0.2.0/24": {"IPsInUse": 3, "DynamicIPsAvailable": 251}}}}
    row = docker_rows.build_network(said)
    assert row["ipv4"] is False
    assert row["ipam_status"] == [{"subnet": "192.0.2.0/24", "in_use": 3, "available": 251}]
    name = "com.docker.network.endpoint.ifname"
    end = {**CONTAINER["NetworkSettings"]["Networks"]["web"], "DriverOpts": {name: "lan0", "secret": CANARY}}
    end.update(GwPriority=5, DNSNames=["web", ID[:12]])
    (found,) = docker_rows.build_container_endpoints({"Id": ID, "NetworkSettings": {"Networks": {"web": end}}}, {})
    assert (found["options"], found["gateway_priority"], found["dns_names"]) == ({name: "lan0"}, 5, ["web"])
