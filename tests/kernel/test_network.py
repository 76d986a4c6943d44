# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker networks on a real engine, compared with docker(1) and the kernel."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from .docker_host import DockerHost

pytestmark = pytest.mark.libraries

MAC = "--mac-address=02:00:00:00:41:05"
POOL = {"subnet": "10.41.0.0/24", "gateway": "10.41.0.1"}
_SEND = """
import socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect("/run/docker.sock")
    connection.sendall(sys.argv[1].encode())
    connection.recv(999)
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerHost]:
    """Return a host with an engine for all tests of this file."""
    with DockerHost() as found:
        # Parents of macvlan networks.
        found.sh("ip link add wire0 type veth peer name wire1", "ip link set wire0 up", "ip link set wire1 up")
        yield found


@pytest.fixture
def host(engine: DockerHost) -> Iterator[DockerHost]:
    """Return the host, and remove everything afterwards."""
    yield engine
    engine.sh(
        "docker ps -aq | xargs -r docker rm -f",
        # A config-only network is removed after the networks that use it.
        "for _ in 1 2; do docker network ls --filter type=custom -q | xargs -r docker network rm || true; done",
        "rm -rf /var/lib/netfleet.docker/networks",
    )


def bridges(host: DockerHost) -> dict[str, Any]:
    return {link["ifname"]: link for link in host.ip("address", "show", "type", "bridge")}


def addresses(host: DockerHost, network: str) -> dict[str, tuple[str, str, str]]:
    """Return the addresses of the endpoints that a recreation keeps."""
    return {name: kept_addresses(host, end) for name, end in host.endpoints(network).items()}


def kept_addresses(host: DockerHost, end: dict[str, Any]) -> tuple[str, str, str]:
    """Return the IP addresses, and the MAC address unless the engine chose it at random."""
    mac = end["MacAddress"]
    is_random = api_version(host) >= [1, 48] and mac != MAC.partition("=")[2]
    return end["IPAddress"], end["GlobalIPv6Address"], "" if is_random else mac


def api_version(host: DockerHost) -> list[int]:
    return [int(part) for part in host.docker("version", "--format", "{{.Server.APIVersion}}").split(".")]


def test_bridge_is_created_and_removed(host: DockerHost) -> None:
    options = {"com.docker.network.bridge.name": "br-one", "com.docker.network.bridge.enable_icc": False}
    pools = [POOL, {"subnet": "fd41::/64", "gateway": "fd41::1", "aux_addresses": {"nas": "fd41::7"}}]
    wanted: dict[str, Any] = {
        "name": "one",
        "driver_options": options,
        "ipam_config": pools,
        "enable_ipv6": True,
        "labels": {"a": "b"},
    }
    assert host.applied(**wanted).changed
    said = host.inspect("network", "one")
    assert said["Options"] == {
        "com.docker.network.bridge.name": "br-one",
        "com.docker.network.bridge.enable_icc": "false",
    }
    assert said["Labels"] == {"a": "b"}
    assert [pool["Subnet"] for pool in said["IPAM"]["Config"]] == ["10.41.0.0/24", "fd41::/64"]
    assert "10.41.0.1" in [one["local"] for one in bridges(host)["br-one"]["addr_info"]]
    assert host.applied(name="one", state="absent").changed
    assert host.inspect("network", "one") is None
    assert "br-one" not in bridges(host)
    assert not host.network(name="one", state="absent").changed


def test_equal_values_in_another_form_are_no_change(host: DockerHost) -> None:
    host.applied(name="one", enable_ipv6=True, ipam_config=[{"subnet": "10.41.0.0/24"}, {"subnet": "fd41::/64"}])
    same = [{"subnet": "10.41.0.99/24"}, {"subnet": "FD41:0:0:0::/64"}]
    assert not host.network(name="one", enable_ipv6=True, ipam_config=same[::-1]).changed


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ({"labels": {"a": "1", "b": "2"}}, {"labels": {"a": "1"}}, "Labels"),
        ({"labels": {"a": "1"}}, {"labels": {}}, "Labels"),
        (
            {"driver_options": {"com.docker.network.driver.mtu": 1400, "com.docker.network.bridge.enable_icc": True}},
            {"driver_options": {"com.docker.network.driver.mtu": 1400}},
            "Options",
        ),
        ({"ipam_config": [POOL, {"subnet": "fd41::/64"}], "enable_ipv6": True}, {"ipam_config": [POOL]}, "IPAM"),
    ],
)
def test_removed_option_is_a_change(host: DockerHost, before: Any, after: Any, key: str) -> None:
    host.applied(name="one", **before)
    said = host.inspect("network", "one")[key]
    if key == "IPAM":
        # The subnet of an omitted address family is kept.
        assert not host.network(name="one", **after).changed
        return
    assert host.applied(name="one", **after).changed
    assert host.inspect("network", "one")[key] != said
    assert sorted(host.inspect("network", "one")[key]) == sorted(
        after[{"Labels": "labels", "Options": "driver_options"}[key]]
    )


def test_omitted_options_are_kept(host: DockerHost) -> None:
    host.applied(name="one", labels={"a": "b"}, internal=True, ipam_config=[POOL])
    assert not host.network(name="one").changed
    assert host.applied(name="one", driver_options={"com.docker.network.driver.mtu": 1300}).changed
    said = host.inspect("network", "one")
    assert (said["Labels"], said["Internal"]) == ({"a": "b"}, True)
    assert said["IPAM"]["Config"] == [{"Subnet": "10.41.0.0/24", "Gateway": "10.41.0.1"}]


def test_members_are_connected_and_disconnected(host: DockerHost) -> None:
    ids = {name: host.container(name) for name in ("web", "db", "off")}
    host.docker("stop", "-t", "0", "off")
    host.applied(name="one", ipam_config=[POOL], connected=["web", ids["db"], "off"])
    assert set(host.endpoints("one")) == {"web", "db", "off"}
    host.applied(name="one", connected=["db"])
    assert set(host.endpoints("one")) == {"db"}
    host.applied(name="one", connected=["web"], appends=True)
    assert set(host.endpoints("one")) == {"db", "web"}
    host.network(name="one")
    assert set(host.endpoints("one")) == {"db", "web"}
    host.applied(name="one", connected=[])
    assert set(host.endpoints("one")) == set()


def test_change_of_one_endpoint_keeps_the_others(host: DockerHost) -> None:
    host.container("web")
    host.container("db")
    db = {"name": "db", "ipv4_address": "10.41.0.30", "aliases": ["first"]}
    host.applied(name="one", ipam_config=[POOL], connected=["web", db])
    before = host.endpoints("one")
    assert before["db"]["IPAddress"] == "10.41.0.30"
    host.applied(name="one", connected=["web", {**db, "aliases": ["second", "third"]}])
    after = host.endpoints("one")
    assert after["web"] == before["web"]
    assert after["db"]["EndpointID"] != before["db"]["EndpointID"]
    assert after["db"]["IPAddress"] == "10.41.0.30"
    assert {"second", "third"} <= set(after["db"]["Aliases"])
    assert "first" not in after["db"]["Aliases"]
    host.run("docker", "exec", "web", "ping", "-c1", "-W5", "third")
    host.applied(name="one", connected=["web", {"container": "db", "ipv4_address": "10.41.0.31"}])
    moved = host.endpoints("one")
    assert (moved["db"]["IPAddress"], moved["web"]) == ("10.41.0.31", before["web"])
    assert {"second", "third"} <= set(moved["db"]["Aliases"])


def applies_own_mac(host: DockerHost) -> bool:
    """Return whether the engine applies a container's own MAC address on connect: before Docker 25."""
    return api_version(host) < [1, 44]


def test_mac_address_is_kept_or_a_warning_is_shown(host: DockerHost) -> None:
    host.network(name="one", ipam_config=[POOL])
    host.container("marked", "--network=one", MAC)
    before = addresses(host, "one")
    change: dict[str, Any] = {"name": "one", "labels": {"a": "b"}}
    safe = host.network(**change, rebuild="safe")
    if applies_own_mac(host):
        assert safe.changed
        assert addresses(host, "one") == before
    else:
        assert "marked cannot keep its MAC address 02:00:00:00:41:05" in safe.msg
        assert addresses(host, "one") == before
        done = host.applied(**change)
        assert any("cannot keep its MAC address" in str(one) for one in done.data["warnings"])
        assert addresses(host, "one")["marked"][:2] == before["marked"][:2]


def test_default_options_of_the_engine_are_no_difference() -> None:
    """The engine adds its default options to each network, and they are no reason to recreate it."""
    mtu, name = "com.docker.network.driver.mtu", "com.docker.network.bridge.name"
    if (
        "--default-network-opt"
        not in subprocess.run(["dockerd", "--help"], check=True, capture_output=True, text=True).stdout
    ):
        pytest.skip("default-network-opts requires Docker Engine 24")
    with DockerHost(f"--default-network-opt=bridge={mtu}=1300") as host:
        host.applied(name="one", driver_options={name: "br-one"}, ipam_config=[POOL])
        assert host.inspect("network", "one")["Options"] == {name: "br-one", mtu: "1300"}
        identity = host.inspect("network", "one")["Id"]
        host.applied(name="one", labels={"a": "b"})
        assert host.inspect("network", "one")["Id"] != identity
        assert host.inspect("network", "one")["Options"] == {name: "br-one", mtu: "1300"}
        # A declared value is compared.
        host.applied(name="one", driver_options={name: "br-one", mtu: 1400})
        assert host.inspect("network", "one")["Options"] == {name: "br-one", mtu: "1400"}


def test_subnet_from_the_pools_requires_a_newer_engine(host: DockerHost) -> None:
    wanted: dict[str, Any] = {"name": "one", "ipam_config": [{"subnet": "0.0.0.0/26"}]}
    if api_version(host) < [1, 52]:
        refused = host.network(**wanted)
        assert "ipam_config[0].subnet: 0.0.0.0/26" in refused.msg
        assert "requires API 1.52" in refused.msg
        assert host.inspect("network", "one") is None
        return
    host.applied(**wanted)
    (pool,) = host.inspect("network", "one")["IPAM"]["Config"]
    assert pool["Subnet"].endswith("/26")
    host.applied(**wanted, labels={"a": "b"})
    assert host.inspect("network", "one")["IPAM"]["Config"][0]["Subnet"] == pool["Subnet"]


def five(host: DockerHost, driver_options: Any = None) -> dict[str, Any]:
    """Create a network with five different members, and return its parameters."""
    pools = [POOL, {"subnet": "fd41::/64"}]
    wanted: dict[str, Any] = {
        "name": "one",
        "ipam_config": pools,
        "enable_ipv6": True,
        "driver_options": driver_options or {},
    }
    host.network(**wanted)
    host.container("dynamic", "--network=one")
    host.container("fixed", "--network=one", "--ip=10.41.0.50", "--ip6=fd41::50", "--network-alias=anchor")
    # Newer engines lose it; a separate test covers this.
    host.container("marked", "--network=one", *([MAC] if applies_own_mac(host) else []))
    host.container("second")
    host.docker("network", "connect", "--alias=other", "--alias=more", "one", "second")
    host.container("off", "--network=one", "--ip=10.41.0.60", "--network-alias=sleeper")
    host.docker("stop", "-t", "0", "off")
    return wanted


def remembered(host: DockerHost) -> dict[str, Any]:
    """Return what members must keep: addresses, MAC addresses and aliases; for a stopped one its configuration."""
    found = {}
    for name, end in host.endpoints("one").items():
        identity = host.inspect("container", name)["Id"]
        aliases = sorted(set(end["Aliases"] or ()) - {identity[:12]})
        given = end["IPAMConfig"] or {}
        seen = kept_addresses(host, end) if name != "off" else given["IPv4Address"]
        found[name] = (seen, aliases)
    return found


def test_recreation_reconnects_all_members(host: DockerHost) -> None:
    wanted = five(host)
    before, identity = remembered(host), host.inspect("network", "one")["Id"]
    assert len(before) == 5
    changed = {**wanted, "driver_options": {"com.docker.network.driver.mtu": 1400}, "rebuild": "safe"}
    host.applied(**changed)
    assert host.inspect("network", "one")["Id"] != identity
    assert remembered(host) == before
    host.run("docker", "exec", "dynamic", "ping", "-c1", "-W5", "anchor")
    host.docker("start", "off")
    assert host.endpoints("one")["off"]["IPAddress"] == "10.41.0.60"
    # The journal is removed after all members are reconnected.
    assert host.run("ls", "/var/lib/netfleet.docker/networks") == ""


def test_force_recreates_the_network_each_time(host: DockerHost) -> None:
    host.container("web")
    host.network(name="one", ipam_config=[POOL], connected=["web"])
    identity, before = host.inspect("network", "one")["Id"], addresses(host, "one")
    assert host.network(name="one", force=True).changed
    assert host.inspect("network", "one")["Id"] != identity
    assert addresses(host, "one") == before


def test_change_of_subnet_requires_recreation(host: DockerHost) -> None:
    five(host)
    before = host.all_networks()
    other: dict[str, Any] = {"name": "one", "ipam_config": [{"subnet": "10.42.0.0/24"}], "enable_ipv6": False}
    refused = host.network(**other, rebuild="safe")
    assert refused.failed
    assert "fixed cannot keep its address 10.41.0.50" in refused.msg
    never = host.network(**other, rebuild="never")
    assert (
        "rebuild=never forbids: " in never.msg and "ipam_config[0].subnet is ['10.41.0.0/24', 'fd41::/64']" in never.msg
    )
    assert host.all_networks() == before
    done = host.applied(**other, rebuild="force")
    assert any("fixed cannot keep its address 10.41.0.50" in str(one) for one in done.data["warnings"])
    ends = host.endpoints("one")
    assert len(ends) == 5
    assert all(end["IPAddress"].startswith("10.42.0.") for name, end in ends.items() if name != "off")
    assert "anchor" in ends["fixed"]["Aliases"]


def test_failed_recreation_restores_the_old_network(host: DockerHost) -> None:
    five(host)
    host.docker("network", "create", "--subnet=10.43.0.0/24", "taken")
    before = remembered(host)
    failed = host.network(name="one", enable_ipv6=False, ipam_config=[{"subnet": "10.43.0.0/25"}])
    assert failed.failed
    assert "create bridge network one: " in failed.msg
    assert "Pool overlaps with other one" in failed.msg
    assert failed.msg.endswith("The changes of this run were rolled back.")
    assert remembered(host) == before
    assert host.run("ls", "/var/lib/netfleet.docker/networks") == ""


def test_failed_reconnection_restores_the_old_endpoint(host: DockerHost) -> None:
    """The engine rejects the container without networks after it has reconnected the other one."""
    five(host)
    host.container("odd", "--network=none")
    before = remembered(host)
    members = [{"name": "dynamic", "ipv4_address": "10.41.0.77"}, "odd"]
    failed = host.network(name="one", appends=True, connected=members)
    assert failed.failed
    assert "connect odd to one" in failed.msg
    assert failed.msg.endswith("The changes of this run were rolled back.")
    assert remembered(host) == before


def test_prefix_of_a_name_does_not_match(host: DockerHost) -> None:
    host.docker("network", "create", "onetwo")
    identity = host.inspect("network", "onetwo")["Id"]
    for part in ("one", "two", "onetw", identity[:12]):
        assert not host.network(name=part, state="absent").changed
    assert not host.network(name=identity).changed
    assert host.network(name=identity, state="absent").changed
    assert host.inspect("network", "onetwo") is None


def test_two_networks_of_one_name_are_rejected(host: DockerHost) -> None:
    for _each in range(2):
        body = '{"Name":"twin","CheckDuplicate":false}'
        head = f"POST /v1.41/networks/create HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        host.run("python3", "-c", _SEND, f"{head}\r\n\r\n{body}")
    ids = host.docker("network", "ls", "--no-trunc", "-q", "--filter", "name=twin").split()
    if not applies_own_mac(host):
        assert len(ids) == 1  # since Docker 25, the engine itself rejects the second network
        return
    assert len(ids) == 2
    refused = host.network(name="twin")
    assert refused.failed and all(one in refused.msg for one in ids)
    assert host.network(name=ids[0], state="absent").changed
    assert host.docker("network", "ls", "--no-trunc", "-q", "--filter", "name=twin") == ids[1]
    assert not host.network(name="twin").changed


def test_macvlan_network_is_created_and_changed(host: DockerHost) -> None:
    wanted: dict[str, Any] = {
        "name": "mac",
        "driver": "macvlan",
        "driver_options": {"parent": "wire0"},
        "ipam_config": [POOL],
    }
    host.applied(**wanted)
    host.container("web", "--network=mac")
    before = addresses(host, "mac")
    (inside,) = host.ip("link", "show", "dev", "eth0", netns=f"pid:{host.inspect('container', 'web')['State']['Pid']}")
    assert inside["linkinfo"]["info_kind"] == "macvlan"
    host.applied(**{**wanted, "driver_options": {"parent": "wire1"}})
    assert addresses(host, "mac") == before
    assert host.inspect("network", "mac")["Options"]["parent"] == "wire1"
    host.applied(name="mac", state="absent")


def test_parent_that_is_down_is_an_error(host: DockerHost) -> None:
    host.sh("ip link set wire0 down")
    try:
        failed = host.network(name="mac", driver="macvlan", driver_options={"parent": "wire0"}, ipam_config=[POOL])
        assert failed.failed
        assert "the parent wire0 is down" in failed.msg
        assert host.inspect("network", "mac") is None
    finally:
        host.sh("ip link set wire0 up")


def test_result_is_verified_in_the_kernel(host: DockerHost) -> None:
    host.applied(name="one", driver_options={"com.docker.network.bridge.name": "br-one"}, ipam_config=[POOL])
    host.container("web")
    host.sh("ip address flush dev br-one")
    failed = host.network(name="one", connected=["web"])
    assert failed.failed
    assert "the bridge br-one does not have the gateway address 10.41.0.1" in failed.msg


@pytest.mark.parametrize("name", ["host", "none", "bridge"])
def test_predefined_networks_are_rejected(host: DockerHost, name: str) -> None:
    driver = {"none": "null"}.get(name, name)
    assert not host.network(name=name, driver=driver).changed
    assert "is predefined by Docker and cannot be removed" in host.network(name=name, state="absent").msg
    assert (
        "is predefined by Docker and cannot be recreated"
        in host.network(name=name, driver=driver, labels={"a": "b"}).msg
    )


def test_config_only_network_and_a_network_from_it(host: DockerHost) -> None:
    wanted: dict[str, Any] = {
        "name": "conf",
        "config_only": True,
        "driver_options": {"parent": "wire0"},
        "ipam_config": [POOL],
    }
    host.applied(**wanted)
    host.applied(name="mac", driver="macvlan", config_from="conf")
    host.container("web", "--network=mac")
    assert host.endpoints("mac")["web"]["IPAddress"].startswith("10.41.0.")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"ipam_config": [{"subnet": "10.0.0.0"}]}, '"10.0.0.0" is not a valid CIDR'),
        ({"ipam_config": [{"gateway": "10.0.0.1"}]}, "ipam_config[0].subnet: required"),
        ({"ipam_config": [{**POOL, "gateway": "10.9.0.1"}]}, "ipam_config[0].gateway: 10.9.0.1 is outside"),
        ({"ipam_config": [{**POOL, "iprange": "10.9.0.0/25"}]}, "ipam_config[0].iprange: 10.9.0.0/25 is outside"),
        ({"ipam_config": [{**POOL, "aux_addresses": {"a": "x"}}]}, "ipam_config[0].aux_addresses.a: "),
        ({"labels": {"a": 1}}, "labels.a: must be a string"),
        ({"driver_options": {"a": [1]}}, "driver_options.a: must be a string"),
        ({"connected": ["nobody"]}, "connected: no such container: nobody"),
        ({"connected": [3]}, "connected[0]: must be the name of a container or a dictionary, not 3"),
        ({"connected": [{"ipv4_address": "10.0.0.1"}]}, "connected[0].name: required"),
        ({"connected": [{"name": "a", "ip": "10.0.0.1"}]}, "connected[0].ip: unknown option"),
        (
            {"connected": [{"name": "a", "ipv4_address": "fd00::1"}]},
            "connected[0].ipv4_address: fd00::1 is not an IPv4",
        ),
        ({"connected": [{"name": "a", "mac_address": "01:00:00:00:00:01"}]}, "connected[0].mac_address: "),
        ({"connected": ["a", "a"]}, "connected: a is listed twice"),
        ({"name": "../x"}, "name: '../x' is not a network name"),
        ({"docker_host": "unix:///run/nothing.sock"}, "the Docker Engine at unix:///run/nothing.sock: "),
        ({"docker_host": "nonsense"}, "the Docker Engine at nonsense: "),
        ({"driver": "bridg"}, "driver: the engine has no driver bridg; it has bridge, "),
        ({"driver": "maclvan"}, "did you mean macvlan?"),
        ({"deadline": 0}, "deadline: must be at least 1 second"),
        ({"tls": True, "client_cert": "/nothing"}, "client_cert: file not found: /nothing"),
    ],
)
def test_invalid_options_are_rejected(host: DockerHost, args: dict[str, Any], words: str) -> None:
    before = host.all_networks()
    refused = host.network(**{"name": "one", **args})
    assert refused.failed
    assert words in refused.msg
    assert host.all_networks() == before


def test_endpoint_changes_in_an_automatic_subnet(host: DockerHost) -> None:
    host.network(name="one")
    host.container("web", "--network=one")
    assert host.applied(name="one", connected=[{"name": "web", "aliases": ["first"]}]).changed
    assert "first" in host.endpoints("one")["web"]["Aliases"]
    assert host.endpoints("one")["web"]["IPAddress"]
