# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Declared networks that use subnets, parents or addresses of a host."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import overlaps
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.host import HostInfo

Row = dict[str, Any]
APP = "abcdef0123456789"


def network(name: str, subnet: str | None = None, **more: Any) -> Row:
    ipam = [{"subnet": subnet}] if subnet else []
    return {"id": APP, "name": name, "driver": "bridge", "config_only": False, "ipam": ipam, "options": {}, **more}


def host(*networks: Row, name: str = "h1", version: str = "26.1.5", more: tuple[Row, ...] = ()) -> HostInfo:
    """Return a host with an uplink, a tunnel, a static route and the bridge of the network app."""
    routes: list[Row] = [
        {"dst": "0.0.0.0/0", "interface": "eth0", "table": 254, "family": 4},
        {"dst": "10.213.0.0/24", "interface": "eth0", "table": 254, "family": 4},
        {"dst": "10.50.0.0/16", "interface": "eth0", "table": 254, "family": 4},
        {"dst": "10.61.0.0/24", "interface": f"br-{APP[:12]}", "table": 254, "family": 4},
        {"dst": "fd00:7::/64", "interface": "eth0", "table": 254, "family": 6},
        {"dst": "10.99.0.0/16", "interface": "eth0", "table": 77, "family": 4},
        *more,
    ]
    addresses: list[Row] = [
        {"interface": "eth0", "address": "10.213.0.11", "family": 4, "scope": "global"},
        {"interface": "tun0", "address": "10.8.0.6", "family": 4, "scope": "global"},
        {"interface": "lo", "address": "127.0.0.1", "family": 4, "scope": "host"},
    ]
    links = [{"name": "eth0"}, {"name": "tun0"}]
    place = {"kind": "host", "interfaces": links, "routes": routes, "addresses": addresses}
    docker = {"engine": {"version": version}, "networks": list(networks)}
    return HostInfo(name, {"namespaces": [place], "docker": docker})


def planned(subnet: str, name: str = "new", **more: Any) -> Row:
    return {"name": name, "driver": "bridge", "ipam_config": [{"subnet": subnet, **more}]}


@pytest.mark.parametrize(
    ("subnet", "words"),
    [
        ("10.213.0.128/25", "overlaps the route to 10.213.0.0/24 through eth0 of h1"),
        ("10.213.0.0/24", "the route to 10.213.0.0/24"),
        ("10.0.0.0/10", "the network app of h1"),
        ("10.50.7.0/24", "the route to 10.50.0.0/16"),
        ("10.8.0.0/24", "the address 10.8.0.6 on tun0"),
        ("fd00:7::/80", "the route to fd00:7::/64"),
        ("172.17.5.0/24", "the network bridge of h1"),
        ("10.61.0.128/25", "the network app of h1"),
    ],
)
def test_subnet_that_the_host_uses_is_refused(subnet: str, words: str) -> None:
    there = host(network("bridge", "172.17.0.0/16"), network("app", "10.61.0.0/24"))
    with pytest.raises(BadParameter, match=words) as caught:
        overlaps.refuse_used_subnets([planned(subnet)], there, {"new"})
    assert caught.value.parameter == "new: subnets[].subnet"


@pytest.mark.parametrize("subnet", ["10.212.0.0/24", "10.99.5.0/24", "fd00:8::/64", "127.0.0.0/8"])
def test_other_subnet_is_accepted(subnet: str) -> None:
    overlaps.refuse_used_subnets([planned(subnet)], host(network("bridge", "172.17.0.0/16")), {"new"})


def test_network_of_this_run_does_not_conflict_with_itself() -> None:
    there = host(network("app", "10.61.0.0/24"), network("old", "10.62.0.0/24"))
    # Unchanged, with a larger subnet, and with the subnet of a network that the run removes.
    for subnet, name in (("10.61.0.0/24", "app"), ("10.61.0.0/20", "app"), ("10.62.0.0/24", "app")):
        overlaps.refuse_used_subnets([planned(subnet, name)], there, {"app", "old"})


def test_existing_network_is_not_refused_because_of_a_later_route() -> None:
    vpn = {"dst": "10.61.0.0/16", "interface": "tun0", "table": 254, "family": 4}
    overlaps.refuse_used_subnets(
        [planned("10.61.0.0/24", "app")], host(network("app", "10.61.0.0/24"), more=(vpn,)), {"app"}
    )


def test_overlap_with_routes_is_tolerated_on_request_but_not_with_networks() -> None:
    overlaps.refuse_used_subnets([planned("10.50.7.0/24")], host(), {"new"}, {"new"})
    there = host(network("bridge", "172.17.0.0/16"))
    with pytest.raises(BadParameter, match="the network bridge"):
        overlaps.refuse_used_subnets([planned("172.17.5.0/24")], there, {"new"}, {"new"})


def macvlan(name: str, driver: str = "macvlan", **pool: Any) -> Row:
    made = planned(pool.pop("subnet", "10.213.0.0/24"), name, **pool)
    return {**made, "driver": driver, "driver_options": {"parent": "eth0"}}


def test_parent_in_use_is_refused_by_name() -> None:
    there = host(network("lan", driver="macvlan", options={"parent": "eth0"}))
    with pytest.raises(BadParameter, match="new: parent: eth0 is the parent of the macvlan network lan on h1"):
        overlaps.refuse_used_parents([macvlan("new")], there, {"new"})
    with pytest.raises(BadParameter, match="two: parent: eth0 is the parent of the macvlan network one"):
        overlaps.refuse_used_parents([macvlan("one"), macvlan("two")], host(), {"one", "two"})
    # Another driver, the same network, a network that the run removes, and an engine that shares parents.
    overlaps.refuse_used_parents([macvlan("new", "ipvlan")], there, {"new"})
    overlaps.refuse_used_parents([macvlan("lan")], there, {"lan"})
    overlaps.refuse_used_parents([macvlan("new")], there, {"new", "lan"})
    shared = host(network("lan", driver="macvlan", options={"parent": "eth0"}), version="28.5.2")
    overlaps.refuse_used_parents([macvlan("new")], shared, {"new"})


@pytest.mark.parametrize(
    ("pool", "refused"),
    [
        ({}, True),
        ({"iprange": "10.213.0.0/27"}, True),
        ({"iprange": "10.213.0.64/27"}, False),
        ({"aux_addresses": {"h1": "10.213.0.11"}}, False),
        ({"gateway": "10.213.0.11"}, False),
        ({"subnet": "10.214.0.0/24"}, False),
    ],
)
def test_address_of_a_host_that_docker_could_assign_is_refused(pool: Row, refused: bool) -> None:
    addresses = overlaps.list_uplink_addresses([host()])
    assert addresses == {"10.213.0.11": "h1"}
    there = host(name="h2")
    if not refused:
        overlaps.refuse_used_addresses([macvlan("lan", **pool)], there, addresses)
        return
    with pytest.raises(BadParameter, match=r"lan: .*assign 10.213.0.11, an address of h1, to a container on h2"):
        overlaps.refuse_used_addresses([macvlan("lan", **pool)], there, addresses)


def test_bridge_subnet_with_an_address_of_another_host_is_refused() -> None:
    with pytest.raises(BadParameter, match=r"10.70.0.0/24 contains 10.70.0.5, an address of h2, which h1 could not"):
        overlaps.refuse_hidden_hosts([planned("10.70.0.0/24")], host(), {"10.70.0.5": "h2"})
    overlaps.refuse_hidden_hosts([planned("10.71.0.0/24")], host(), {"10.70.0.5": "h2"})
