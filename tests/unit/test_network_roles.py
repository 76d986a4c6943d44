# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of networks in the inventory, and the resulting module parameters of each host."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.argument_spec import convert_role_variables
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.bridge import build_bridge_networks
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.host import HostInfo
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.macvlan import build_macvlan_networks, list_hints
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices.networks import allocate_network_slices

WIRE = {"subnet": "192.0.2.0/24", "gateway": "192.0.2.1", "slices": {"prefix": 28}}


def info(version: str = "20.10.24", **links: dict[str, Any]) -> dict[str, Any]:
    eth0 = {"name": "eth0", "kind": None, "up": True, "mtu": 1400, "master": None}
    interfaces = [{"name": "lo", "kind": "loopback", "up": True, "mtu": 65536}, eth0]
    interfaces += [{"name": name, "up": True, "mtu": 1500, **link} for name, link in links.items()]
    route = {"dst": "default", "interface": "eth0", "table": 254, "metric": 0, "family": 4}
    return {
        "namespaces": [{"kind": "host", "interfaces": interfaces, "routes": [route]}],
        "docker": {"engine": {"version": version}, "networks": []},
    }


def bridges(*networks: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """Return the parameters of the module networks from variables of the role bridge."""
    declared = convert_role_variables("bridge", {"bridge_networks": list(networks)})["bridge_networks"]
    return build_bridge_networks(declared, HostInfo("h1", more.pop("info", info())), more.pop("slices", {}))


def macvlans(*networks: dict[str, Any], **more: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the parameters of the modules from variables of the role macvlan."""
    declared = convert_role_variables("macvlan", {"macvlan_networks": list(networks)})["macvlan_networks"]
    host = HostInfo("h1", more.pop("info", info()))
    return build_macvlan_networks(declared, host, more.pop("slices", {}), more.pop("addresses", {}))._asdict()


def test_bridge_with_all_options() -> None:
    network = {
        "name": "app",
        "link": "br-app",
        "mtu": "uplink",
        "icc": False,
        "masquerade": True,
        "host_binding": "192.0.2.5",
        "internal": False,
        "labels": {"a": "b"},
        "driver_options": {"com.docker.network.bridge.inhibit_ipv4": True},
        "subnets": [{"subnet": "10.1.0.0/24", "gateway": "10.1.0.1"}, {"subnet": "fd00:1::/64"}],
    }
    assert bridges(network) == [
        {
            "name": "app",
            "driver": "bridge",
            "driver_options": {
                "com.docker.network.bridge.inhibit_ipv4": "true",
                "com.docker.network.bridge.name": "br-app",
                "com.docker.network.bridge.host_binding_ipv4": "192.0.2.5",
                "com.docker.network.bridge.enable_icc": "false",
                "com.docker.network.bridge.enable_ip_masquerade": "true",
                "com.docker.network.driver.mtu": "1400",
            },
            "labels": {"a": "b"},
            "internal": False,
            # An outage must be requested.
            "rebuild": "safe",
            "enable_ipv6": True,
            "ipam_config": [{"subnet": "10.1.0.0/24", "gateway": "10.1.0.1"}, {"subnet": "fd00:1::/64"}],
        }
    ]


@pytest.mark.parametrize(("text", "told"), [("false", "false"), ("no", "false"), ("true", "true"), ("on", "true")])
def test_boolean_given_as_text_is_converted(text: str, told: str) -> None:
    """``-e app_icc=false`` is text, which is true in a condition and would be accepted as ``icc`` of a network."""
    (made,) = bridges({"name": "app", "icc": text})
    assert made["driver_options"]["com.docker.network.bridge.enable_icc"] == told


def test_numbers_given_as_text_are_converted() -> None:
    subnet = {"subnet": "10.9.0.0/16", "slices": {"prefix": "24"}}
    found = convert_role_variables("bridge", {"bridge_networks": [{"name": "app", "mtu": 1400, "subnets": [subnet]}]})
    network = found["bridge_networks"][0]
    assert (network["mtu"], network["subnets"][0]["slices"]["prefix"]) == ("1400", 24)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"bridge_networks": [{"name": "app", "icc": "maybe"}]}, "icc.*bridge_networks.*Valid booleans include"),
        ({"bridge_networks": [{"icc": True}]}, "missing required arguments: name found in bridge_networks"),
        (
            {"bridge_networks": [{"name": "app", "iccc": True}]},
            "bridge_networks.iccc: no such parameter; did you mean icc?",
        ),
        ({"bridge_recover_slices": "perhaps"}, "bridge_recover_slices.*Valid booleans include"),
    ],
)
def test_invalid_variable_is_reported_with_valid_values(variables: dict[str, Any], words: str) -> None:
    with pytest.raises(BadParameter, match=words):
        convert_role_variables("bridge", variables)


def test_absent_networks_come_first_and_need_only_a_name() -> None:
    assert bridges({"name": "b"}, {"name": "a", "state": "absent"})[0] == {"name": "a", "state": "absent"}


def test_shared_pool_gives_each_host_its_own_subnet() -> None:
    pool = {"name": "app", "subnets": [{"subnet": "10.9.0.0/16", "slices": {"prefix": 24}}]}
    slices = allocate_network_slices({"h1": [pool], "h2": [pool], "h3": [pool]})
    one, two, three = (ipaddress.ip_network(slices["app"]["10.9.0.0/16"][host]) for host in ("h1", "h2", "h3"))
    assert one.prefixlen == 24
    assert not (one.overlaps(two) or one.overlaps(three) or two.overlaps(three))
    assert bridges(pool, slices=slices)[0]["ipam_config"] == [{"subnet": str(one)}]


def test_slices_are_kept_when_hosts_are_added_or_removed() -> None:
    wire = {"name": "wire", "subnets": [WIRE]}
    few = allocate_network_slices({"h1": [wire], "h2": [wire]})
    many = allocate_network_slices({f"h{number}": [wire] for number in range(1, 9)}, few)
    fewer = allocate_network_slices({"h8": [wire]}, many)
    for host in ("h1", "h2"):
        assert many["wire"]["192.0.2.0/24"][host] == few["wire"]["192.0.2.0/24"][host]
    assert fewer == many


@pytest.mark.parametrize("recover", [False, True])
def test_missing_slice_file_is_detected(recover: bool) -> None:
    wire = {"name": "wire", "subnets": [WIRE]}
    ipam = [{"subnet": "192.0.2.0/24", "ip_range": "192.0.2.160/28"}]
    used = {"h1": [{"name": "wire", "ipam": ipam}, {"name": "wire2", "ipam": ipam}]}
    if recover:
        found = allocate_network_slices({"h1": [wire], "h2": [wire]}, {}, used=used, recover=True)
        assert found["wire"]["192.0.2.0/24"]["h1"] == "192.0.2.160/28"
    else:
        with pytest.raises(BadParameter, match=r"memory: h1 uses 192.0.2.160/28 of 192.0.2.0/24 for wire, but"):
            allocate_network_slices({"h1": [wire], "h2": [wire]}, {}, used=used)


def test_different_values_of_hosts_are_rejected() -> None:
    one, other = ({"name": "wire", "subnets": [{**WIRE, "slices": {"prefix": prefix}}]} for prefix in (28, 27))
    with pytest.raises(BadParameter, match=r"wire: subnets.*h2 and h1 declare different slices of 192.0.2.0/24"):
        allocate_network_slices({"h1": [one], "h2": [other]})


def test_shared_subnets_must_not_overlap() -> None:
    one = {"name": "one", "subnets": [{"subnet": "10.0.0.0/16", "slices": {}}]}
    two = {"name": "two", "subnets": [{"subnet": "10.0.4.0/24", "slices": {}}]}
    with pytest.raises(BadParameter, match=r"two: .*10.0.4.0/24 overlaps 10.0.0.0/16 of one"):
        allocate_network_slices({"h1": [one, two]})


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (
            {"gateway_mode_ipv4": "routed"},
            "app: gateway_mode_ipv4: routed requires Docker Engine 27 or later.*has 20.10",
        ),
        ({"link": "x" * 16}, "app: link: 'x+' is not a valid link name"),
        ({"mtu": "big"}, "app: mtu: must be 68 to 65535 or uplink, not big"),
        ({"mtu": 20}, "app: mtu: must be 68"),
        ({"ipv6": False, "subnets": [{"subnet": "fd00::/64"}]}, "app: ipv6: false is not possible"),
        ({"subnets": [{"subnet": "10.0.0.1/24"}]}, "app: subnets.*has host bits set"),
        ({"subnets": [{"subnet": "10.0.0.0/24", "slices": {}, "gateway": "10.0.0.1"}]}, "app: .*no slice"),
        (
            {"icc": True, "driver_options": {"com.docker.network.bridge.enable_icc": 1}},
            r"app: driver_options\[.*use the option of the network",
        ),
    ],
)
def test_invalid_bridge_is_rejected(network: dict[str, Any], words: str) -> None:
    with pytest.raises(BadParameter, match=words):
        bridges({"name": "app", **network})


def test_gateway_modes_where_the_engine_has_them() -> None:
    (made,) = bridges({"name": "app", "gateway_mode_ipv4": "routed"}, info=info("27.3.1"))
    assert made["driver_options"] == {"com.docker.network.bridge.gateway_mode_ipv4": "routed"}


def test_networks_of_a_host_must_not_overlap() -> None:
    one, two = (
        {"name": name, "subnets": [{"subnet": subnet}]} for name, subnet in (("a", "10.0.0.0/8"), ("b", "10.1.0.0/16"))
    )
    with pytest.raises(BadParameter, match=r"b: .*10.1.0.0/16 overlaps 10.0.0.0/8 of a on h1"):
        bridges(one, two)


def test_hosts_on_one_lan_have_separate_ranges() -> None:
    access = {"link": "wire-host"}
    wire = {"name": "wire", "parent": "eth0", "subnets": [{**WIRE, "aux_addresses": {"nas": "192.0.2.30"}}]}
    slices = {"wire": {"192.0.2.0/24": {"h1": "192.0.2.16/28", "h2": "192.0.2.32/28"}}}
    found = macvlans({**wire, "host_access": access}, slices=slices)
    assert found["networks"] == [
        {
            "name": "wire",
            "driver": "macvlan",
            "driver_options": {"parent": "eth0"},
            "rebuild": "safe",
            "ipam_config": [
                {
                    "subnet": "192.0.2.0/24",
                    "gateway": "192.0.2.1",
                    "iprange": "192.0.2.16/28",
                    "aux_addresses": {"nas": "192.0.2.30", "netfleet-host": "192.0.2.31"},
                }
            ],
        }
    ]
    (link,) = found["links"]
    assert (link["name"], link["parent"], link["addresses"]) == ("wire-host", "eth0", ["192.0.2.31/32"])
    assert found["routes"] == [{"dst": "192.0.2.16/28", "dev": "wire-host", "src": "192.0.2.31"}]
    # Addresses in the slice of another host are omitted; otherwise a change there would recreate this network.
    others = {**wire, "subnets": [{**WIRE, "aux_addresses": {"nas": "192.0.2.40"}}]}
    assert "aux_addresses" not in macvlans(others, slices=slices)["networks"][0]["ipam_config"][0]


def test_vlan_has_its_own_parent() -> None:
    (made,) = macvlans({"name": "v", "parent": "eth0", "vlan": 50, "mode": "private"})["networks"]
    assert made["driver_options"] == {"macvlan_mode": "private", "parent": "eth0.50"}


def test_routed_network_has_a_subnet_per_host_and_routes() -> None:
    routed = {
        "name": "r",
        "driver": "ipvlan",
        "mode": "l3",
        "parent": "eth0",
        "routes": True,
        "subnets": [{"subnet": "10.5.0.0/16", "slices": {"prefix": 24}}],
    }
    slices = {"r": {"10.5.0.0/16": {"h1": "10.5.1.0/24", "h2": "10.5.2.0/24"}}}
    found = macvlans(routed, slices=slices, addresses={"h1": "192.0.2.11", "h2": "192.0.2.12"})
    assert found["networks"][0]["ipam_config"] == [{"subnet": "10.5.1.0/24"}]
    assert found["networks"][0]["driver_options"] == {"ipvlan_mode": "l3", "parent": "eth0"}
    assert found["routes"] == [{"dst": "10.5.2.0/24", "gateway": "192.0.2.12"}]


def test_swarm_network_has_config_only_networks() -> None:
    slices = {"wire": {"192.0.2.0/24": {"h1": "192.0.2.16/28"}}}
    found = macvlans({"name": "wire", "parent": "eth0", "swarm": True, "subnets": [WIRE]}, slices=slices)
    (configuration,), (network,) = found["networks"], found["swarm"]
    assert configuration["name"] == "wire-config"
    assert configuration["config_only"] is True
    assert "driver" not in configuration
    assert configuration["ipam_config"][0]["iprange"] == "192.0.2.16/28"
    assert network == {
        "name": "wire",
        "driver": "macvlan",
        "scope": "swarm",
        "config_from": "wire-config",
        "attachable": True,
        "rebuild": "safe",
    }


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ({"parent": "eth9"}, "wire: parent: h1 has no link eth9; it has down, eth0, port"),
        ({"parent": "down"}, "wire: parent: down is down on h1; bring it up"),
        ({"parent": "port"}, "wire: parent: port is a port of br0 on h1"),
        ({"parent": "eth0", "mtu": 9000}, "wire: mtu: eth0 has an MTU of 1400 on h1, not 9000"),
        ({"parent": "eth0", "vlan": 4095}, "wire: vlan: must be 1 to 4094"),
        (
            {"parent": "eth0", "mode": "l2"},
            "wire: mode: must be one of bridge, vepa, passthru, private for macvlan, not l2",
        ),
        ({"parent": "eth0", "flag": "vepa"}, "wire: flag: supported for ipvlan only"),
        ({"parent": "eth0", "routes": True}, "wire: routes: supported for ipvlan"),
        ({"parent": "eth0", "host_access": {"link": "w"}}, "wire: host_access.address: required"),
        (
            {"parent": "eth0", "subnets": [WIRE], "host_access": {"link": "w", "address": "192.0.2.33"}},
            "wire: host_access.address: 192.0.2.33 is in 192.0.2.32/28, the slice of h2",
        ),
        (
            {"parent": "eth0", "mode": "private", "subnets": [WIRE], "host_access": {"link": "w"}},
            "wire: host_access: supported for macvlan in mode bridge",
        ),
    ],
)
def test_invalid_macvlan_network_is_rejected(network: dict[str, Any], words: str) -> None:
    host = info(down={"up": False}, port={"master": "br0"})
    slices = {"wire": {"192.0.2.0/24": {"h1": "192.0.2.16/28", "h2": "192.0.2.32/28"}}}
    with pytest.raises(BadParameter, match=words):
        macvlans({"name": "wire", **network}, info=host, slices=slices)


@pytest.mark.parametrize(
    ("network", "card", "words"),
    [
        ({}, {"driver": "virtio_net", "wireless": False}, r"h1: eth0 \(virtio_net\): in a virtual machine"),
        ({}, {"driver": "iwlwifi", "wireless": True}, r"h1: eth0 \(wireless\): an access point"),
        ({}, {"driver": "ixgbe", "wireless": False}, None),
        ({"driver": "ipvlan"}, {"driver": "virtio_net", "wireless": False}, None),
        ({"state": "absent"}, {"driver": "virtio_net", "wireless": False}, None),
    ],
)
def test_interface_that_may_drop_foreign_mac_addresses_is_reported(
    network: dict[str, Any], card: dict[str, Any], words: str | None
) -> None:
    found = list_hints([{"name": "wire", "parent": "eth0", **network}], {"eth0": card}, "h1")
    assert len(found) == (words is not None)
    for line in found:
        assert re.match(words or "", line)
