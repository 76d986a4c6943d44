# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Predicted packet paths, compared with real traffic by ping(8) and a socket."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from .sandbox import Sandbox

if sys.version_info < (3, 10):
    pytest.skip("control nodes, which compute packet paths, have Python 3.11 or newer", allow_module_level=True)

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.query import PathQuery, explain_query

pytestmark = pytest.mark.long

_CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1).close()
except OSError as error:
    sys.exit(str(error))
"""
_LISTEN = (
    "import socket,time; s=socket.create_server(('0.0.0.0', {port})); print('listens', flush=True); time.sleep(1000)"
)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """Return a router with two bridges, two namespaces at each, and one with a macvlan link."""
    with Sandbox() as host:
        host.netns("red", "blue", "green", "far")
        host.sh(
            "sysctl -qw net.ipv4.ip_forward=1",
            "ip link add br0 type bridge",
            "ip link add br1 type bridge",
            "ip addr add 10.0.0.1/24 dev br0",
            "ip addr add 10.0.1.1/24 dev br1",
            "ip link set br0 up",
            "ip link set br1 up",
        )
        for name, bridge, address, gateway in (
            ("red", "br0", "10.0.0.2/24", "10.0.0.1"),
            ("blue", "br0", "10.0.0.3/24", "10.0.0.1"),
            ("green", "br1", "10.0.1.2/24", "10.0.1.1"),
        ):
            host.sh(
                f"ip link add {name}0 type veth peer name eth0 netns {name}",
                f"ip link set {name}0 master {bridge} up",
                f"ip -n {name} addr add {address} dev eth0",
                f"ip -n {name} link set eth0 up",
                f"ip -n {name} link set lo up",
                f"ip -n {name} route add default via {gateway}",
            )
        yield host


def _foretold(
    box: Sandbox, source: str, target: str, protocol: str = "icmp", port: int | None = None
) -> dict[str, Any]:
    said = box.module("netns_info", {})
    assert not said.failed, said.msg
    return explain_query({"h1": said.data}, PathQuery("h1", source, target, protocol, port))


def _pings(box: Sandbox, source: str, target: str) -> bool:
    return "1 received" in box.run("ping", "-n", "-c", "1", "-W", "1", target, netns=source, check=False)


def _connects(box: Sandbox, source: str, target: str, port: int) -> bool:
    said = box.run(sys.executable, "-c", f"{_CONNECT}\nprint('yes')", target, str(port), netns=source, check=False)
    return "yes" in said


_ISOLATION = """
iptables -N STAGE1; iptables -N STAGE2
iptables -I FORWARD -j STAGE1
iptables -A STAGE1 -i br0 ! -o br0 -j STAGE2; iptables -A STAGE1 -j RETURN
iptables -A STAGE2 -o br1 -j DROP; iptables -A STAGE2 -j RETURN
"""
_NFT = """
nft add table inet t
nft 'add chain inet t f { type filter hook forward priority 5; }'
nft add rule inet t f ip saddr 10.0.0.2 ip daddr 10.0.1.0/24 drop
"""
_NFT_OF_A_BRIDGE = """
nft add table bridge t
nft 'add chain bridge t f { type filter hook forward priority 0; }'
nft add rule bridge t f ip daddr 10.0.0.3 drop
nft 'add chain bridge t i { type filter hook input priority 0; }'
nft add rule bridge t i meta iifname red0 ip daddr 10.0.1.2 drop
"""
_NEW_CONNECTIONS = """
iptables -P FORWARD DROP
iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
iptables -A FORWARD -p tcp ! --dport 22 -m conntrack --ctstate NEW -j ACCEPT
"""
_PUBLISHED = """
iptables -t nat -A PREROUTING -p tcp --dport 8080 -m addrtype --dst-type LOCAL -j DNAT --to-destination 10.0.1.2:80
"""
PAIRS = [
    *(("red", address) for address in ("10.0.0.3", "10.0.1.2", "10.0.0.1", "10.0.1.1", "10.0.0.9", "10.0.0.2")),
    ("red", "127.0.0.1"),
    *(("host", address) for address in ("10.0.0.2", "10.0.1.2", "10.0.1.77")),
    ("green", "10.0.0.3"),
    ("far", "10.0.0.2"),
]
# Changes to the host, and the expected text where they stop a packet from red to green.
FAULTS: dict[str, tuple[str, str]] = {
    "none": ("true", ""),
    "forwarding off": ("sysctl -qw net.ipv4.ip_forward=0", "does not forward"),
    "forward policy": ("iptables -P FORWARD DROP", "policy drop"),
    "forward rule": ("iptables -A FORWARD -i br0 -o br1 -j DROP", "-A FORWARD -i br0 -o br1 -j DROP"),
    "isolation chain": (_ISOLATION, "-A STAGE2 -o br1 -j DROP"),
    "reject": ("iptables -A FORWARD -s 10.0.0.0/24 -d 10.0.1.2 -j REJECT", "rejects"),
    "nft": (_NFT, "rule 1 of inet t f"),
    "nft of a bridge": (_NFT_OF_A_BRIDGE, "rule 1 of bridge t i"),
    "time to live": ("nsenter --net=/run/netns/red sysctl -qw net.ipv4.ip_default_ttl=1", "time to live is exceeded"),
    "no echo": ("nsenter --net=/run/netns/green sysctl -qw net.ipv4.icmp_echo_ignore_all=1", "does not answer pings"),
    "a bridge that does not forward": (
        "sysctl -qw net.ipv4.conf.br0.forwarding=0",
        "net/ipv4/conf/br0/forwarding is 0",
    ),
    "a source that leaves nothing": (
        "ip -n red route replace default via 10.0.0.1 src 127.0.0.1",
        "source address 127.0.0.1",
    ),
    "no default route": ("ip -n red route del default", "no route to 10.0.1.2"),
    "wrong gateway": ("ip -n red route replace default via 10.0.0.77", "no host on the segment of eth0 has 10.0.0.77"),
    "blackhole": ("ip -n red route add blackhole 10.0.1.0/24", "blackhole"),
    "wrong mask": ("ip -n red addr flush dev eth0; ip -n red addr add 10.0.0.2/8 dev eth0", "no host on the segment"),
    "no address": ("ip -n red addr flush dev eth0", "no route to 10.0.1.2"),
    "link down": ("ip -n red link set eth0 down", "no route to 10.0.1.2"),
    "port down": ("ip link set red0 down", "has no carrier"),
    "peer not in the bridge": ("ip link set red0 nomaster", "red on h1 has it on eth0, which is on another segment"),
    "bridge down": ("ip link set br1 down", ""),
    "no return route": ("ip -n green route del default", "the reply does not return: no route to 10.0.0.2"),
    "neighbour": (
        "ip -n red neigh replace 10.0.0.1 lladdr 02:00:00:00:00:99 dev eth0 nud permanent",
        "02:00:00:00:00:99",
    ),
    "rule": ("ip -n red rule add to 10.0.1.0/24 prio 10 prohibit", "prohibit"),
    "input": ("nsenter --net=/run/netns/green iptables -A INPUT -s 10.0.0.2 -j DROP", "(input) drops"),
    "output": ("nsenter --net=/run/netns/red iptables -A OUTPUT -d 10.0.1.0/24 -j DROP", "(output) drops"),
    "raw": ("iptables -t raw -A PREROUTING -s 10.0.0.2 -j DROP", "(prerouting) drops"),
    "mark": (
        "iptables -t mangle -A PREROUTING -s 10.0.0.2 -j MARK --set-mark 7; ip rule add fwmark 7 prio 5 unreachable",
        "unreachable",
    ),
    "strict reverse path": (
        "sysctl -qw net.ipv4.conf.br0.rp_filter=1; ip route add 10.0.0.2/32 dev br1",
        "rp_filter is strict",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_prediction_matches_real_traffic(box: Sandbox, fault: str) -> None:
    """Test every pair of the matrix with one fault each. A prediction without a reservation must not be wrong."""
    command, word = FAULTS[fault]
    box.sh(command)
    said = box.module("netns_info", {}).data
    for source, target in PAIRS:
        told = explain_query({"h1": said}, PathQuery("h1", source, target))
        assert told["reaches"] is not None, told["reason"]
        assert told["reaches"] == _pings(box, source, target), (source, target, told["reason"], told["hops"])
    told = explain_query({"h1": said}, PathQuery("h1", "red", "10.0.1.2"))
    assert word in told["reason"]
    assert told["reaches"] is (fault == "none")


@pytest.mark.parametrize(
    ("setting", "port", "word"),
    [
        ("true", 80, ""),
        ("true", 81, "nothing listens"),
        ("iptables -A FORWARD -p tcp --dport 80 -j DROP", 80, "drops"),
        ("iptables -A FORWARD -p tcp -m multiport --dports 22,70:90 -j REJECT", 80, "rejects"),
        (
            "iptables -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT; iptables -P FORWARD DROP",
            80,
            "policy drop",
        ),
        (_NEW_CONNECTIONS, 80, ""),
        (
            "nsenter --net=/run/netns/red iptables -t nat -A OUTPUT -p tcp --dport 80 -j REDIRECT --to-ports 9",
            80,
            "nothing listens on tcp 127.0.0.1 port 9 (nat: -A OUTPUT",
        ),
        (_PUBLISHED, 80, ""),
    ],
)
def test_predicted_connections(box: Sandbox, setting: str, port: int, word: str) -> None:
    box.sh(setting)
    server = f'{sys.executable} -c "{_LISTEN.format(port=80)}" >/run/listens 2>&1 &'
    box.sh(server, "while ! grep -q listens /run/listens; do sleep 0.05; done", netns="green")
    for target, wanted in (("10.0.1.2", port), ("10.0.0.1", 8080)):
        told = _foretold(box, "red", target, "tcp", wanted)
        assert told["reaches"] == _connects(box, "red", target, wanted), told
        if target == "10.0.1.2":
            assert word in told["reason"]


def test_unsupported_match_is_reported(box: Sandbox) -> None:
    box.sh("iptables -A FORWARD -m limit --limit 1/hour --limit-burst 1 -j DROP")
    told = _foretold(box, "red", "10.0.1.2")
    assert told["reaches"] is None
    assert "--limit" in told["reason"]


def test_missing_snapshot_data_is_unknown(box: Sandbox) -> None:
    box.netns("out")
    box.sh(
        "ip link add up0 type veth peer name up1 netns out", "ip addr add 192.0.2.2/24 dev up0", "ip link set up0 up"
    )
    box.sh("ip -n out link set up1 up", "ip route add default via 192.0.2.1")
    snapshot = box.module("netns_info", {}).data
    snapshot["namespaces"] = [row for row in snapshot["namespaces"] if "out" not in row["names"]]
    for row in snapshot["namespaces"]:
        for link in row["interfaces"]:
            if link["name"] == "up0":
                link.update(peer_netns=None, peer_index=None, peer=None)
    told = explain_query({"h1": snapshot}, PathQuery("h1", "red", "203.0.113.1"))
    assert told["reaches"] is None
    assert "leaves through up0" in told["reason"]
