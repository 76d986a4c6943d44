# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Audit rules about a Swarm, on a real single-node Swarm.

Rules that require several nodes are tested with recorded snapshots in tests/unit/test_rules_recorded.py.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.netfleet.docker.tests.auditing import Row, evaluate, objects, of

from .docker_host import DockerHost
from .rules_host import look, uplink

pytestmark = pytest.mark.long

pytest.importorskip("duckdb", reason="the audit runs on control nodes, which have Python 3.11 or newer")

# Findings of every Swarm with default options.
HABITS = {
    "default-bridge-icc": ["network bridge"],
    "forwards-for-all": ["net.ipv4.ip_forward"],
    "overlay-not-encrypted": ["network far"],
    "swarm-listens-everywhere": ["port 2377/tcp"],
}
# Expected findings by rule; {far} and {enc} are the sandboxes of the networks.
PLANTED = {
    "bridge-mtu-too-large": ["network docker_gwbridge, 1500 over eth0 with 1400"],
    "dangling-veth": ["veth9 in docker:{far}"],
    "docker-networks-overlap": ["networks one 10.46.0.0/24 and same 10.46.0.0/24"],
    "fdb-local-mac": ["02:42:0a:2c:00:32 in network far"],
    "neighbour-wrong-mac": ["10.44.0.50 in network far"],
    "overlay-encryption-missing": ["network enc to 192.0.2.9"],
    "overlay-encryption-unguarded": ["network enc: mark outgoing packets"],
    "overlay-mtu-too-large": [
        "vxlan0 in docker:{enc}, network enc",
        "vxlan0 in docker:{far}, network far",
        "vxlan0 in docker:{ingress}, network ingress",
    ],
    "swarm-port-dropped": ["4789/udp in INPUT"],
}
ALSO_PLANTED = {
    "gwbridge-missing": ["link docker_gwbridge"],
    "ingress-missing": ["ingress sandbox"],
    "stale-vxlan": ["left in docker:1-0123456789, VNI 5000"],
}
PASTED = ("fdb-local-mac", "neighbour-wrong-mac", "swarm-port-dropped")


def test_faults_of_a_swarm_are_found() -> None:
    with DockerHost() as host:
        prepare(host)
        healthy = look(host)
        sandboxes = plant(host)
        planted = look(host)
        well, found = evaluate({"h1": healthy}), evaluate({"h1": planted})
        assert {one["rule"]: objects(well, one["rule"]) for one in well} == named(HABITS, sandboxes)
        assert {one["rule"]: objects(found, one["rule"]) for one in found} == named({**HABITS, **PLANTED}, sandboxes)
        evidence(found)
        mend(host, found)
        also_plant(host)
        also = look(host)
    later = evaluate({"h1": also})
    assert {rule: objects(later, rule) for rule in ALSO_PLANTED} == named(ALSO_PLANTED, sandboxes)
    assert [one["object"] for one in later if one["rule"] in (*PASTED, "dangling-veth")] == []


def named(wanted: dict[str, list[str]], sandboxes: dict[str, str]) -> dict[str, list[str]]:
    return {rule: sorted(f"h1: {one.format(**sandboxes)}" for one in names) for rule, names in wanted.items()}


def evidence(found: list[Row]) -> None:
    def one(rule: str, part: str = "") -> Any:
        (row,) = (row for row in of(found, rule) if part in row["object"])
        return row["evidence"]

    assert one("fdb-local-mac")["container"] == "near"
    assert one("fdb-local-mac")["leads_to"] == "192.0.2.9"
    assert one("neighbour-wrong-mac")["right_mac"] == "02:42:0a:2c:00:32"
    assert one("overlay-encryption-missing")["absent"] == ["policy out", "state in", "state out"]
    assert one("overlay-mtu-too-large", "far")["underlay_mtu"] == 1400
    assert one("overlay-mtu-too-large", "enc")["overhead"] == 76
    assert one("swarm-port-dropped")["rule"] == "-A INPUT -p udp -m udp --dport 4789 -j DROP"


def prepare(host: DockerHost) -> None:
    """Create a Swarm with a plain and an encrypted overlay network that are in use."""
    uplink(host)
    host.docker("swarm", "init", "--advertise-addr", "192.0.2.1")
    soon(lambda: host.inspect("network", "ingress") and host.inspect("network", "docker_gwbridge"))
    overlay = ("network", "create", "--driver=overlay", "--attachable")
    host.docker(*overlay, "--subnet=10.44.0.0/24", "far")
    host.docker(*overlay, "--subnet=10.45.0.0/24", "--opt=encrypted", "enc")
    host.container("near", "--network=far", "--ip=10.44.0.50")
    host.container("secret", "--network=enc")
    # The engine creates the links of the ingress sandbox after a while, the last one from docker_gwbridge.
    links = ("ip", "-br", "link")
    soon(lambda: "eth1" in host.run(*links, netns="path:/run/docker/netns/ingress_sbox", check=False))


def plant(host: DockerHost) -> dict[str, str]:
    """Create the faults; return the names of the overlay sandboxes."""
    found = {name: f"1-{host.inspect('network', name)['Id'][:10]}" for name in ("far", "enc", "ingress")}
    far, enc = (f"path:/run/docker/netns/{found[name]}" for name in ("far", "enc"))
    host.docker("network", "create", "--subnet=10.46.0.0/24", "one")
    host.docker("network", "create", "--driver=overlay", "--opt=encrypted", "--subnet=10.46.0.0/24", "same")
    host.sh(
        "bridge fdb add 02:42:0a:2c:00:32 dev vxlan0 dst 192.0.2.9 self permanent",
        "ip neigh replace 10.44.0.50 lladdr 02:00:00:00:00:99 dev vxlan0 nud permanent",
        "ip link add veth9 master br0 type veth peer name veth9x netns 1",
        netns=far,
    )
    host.sh("bridge fdb add 02:42:0a:2d:00:63 dev vxlan0 dst 192.0.2.9 self permanent", netns=enc)
    host.sh(
        "iptables -t mangle -F OUTPUT",
        "iptables -A INPUT -p udp --dport 4789 -j DROP",
        # A correct firewall: only the nodes have access.
        "iptables -A INPUT -p tcp -s 192.0.2.0/24 --dport 7946 -j ACCEPT",
        "iptables -A INPUT -p tcp --dport 7946 -j DROP",
        "iptables -A INPUT -p tcp -i wire --dport 2377 -j DROP",
        "ip link set eth0 mtu 1400",
    )
    return found


def mend(host: DockerHost, found: list[Row]) -> None:
    """Apply the remedies of the findings."""
    for finding in found:
        if finding["rule"] in PASTED:
            host.run("bash", "-e", "-c", finding["remedy"])
    (dangling,) = of(found, "dangling-veth")
    assert host.module("veth", dangling["remediation"]["args"]).changed


def also_plant(host: DockerHost) -> None:
    """Create faults that break the Swarm's own networks."""
    host.sh(
        "ip link del docker_gwbridge",
        "umount /run/docker/netns/ingress_sbox",
        "ip netns add leak",
        "ip -n leak link add left type vxlan id 5000 dstport 4789 local 192.0.2.1",
        "touch /run/docker/netns/1-0123456789",
        "mount --bind /run/netns/leak /run/docker/netns/1-0123456789",
        "ip netns del leak",
    )


def soon(so: Any, seconds: float = 30) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.2)
