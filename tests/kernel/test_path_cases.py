# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Predicted packet paths, one world for each kind of rule, route and setting, compared with a real packet."""

from __future__ import annotations

import dataclasses
import sys

import pytest

from .packets import Packets, Query
from .path_world import NAMESPACES, SERVED, World, list_docker_tables
from .sandbox import Sandbox

if sys.version_info < (3, 10):
    pytest.skip("control nodes, which compute packet paths, have Python 3.11 or newer", allow_module_level=True)

from .test_path_worlds import build, predict

pytestmark = pytest.mark.long

_MASQUERADE = "iptables -t nat -A POSTROUTING -s 10.0.0.0/24 ! -o br0 -j MASQUERADE"
_PUBLISH = "iptables -t nat -A PREROUTING -p tcp --dport 8080 -m addrtype --dst-type LOCAL -j DNAT --to-destination"
_GREEN_80: Query = ("red", "10.0.1.2", "tcp", 80)
_GREEN_PING: Query = ("red", "10.0.1.2", "icmp", 0)
_GREEN_PING6: Query = ("red", "fd01::2", "icmp", 0)
_OUT_PING: Query = ("red", "192.0.2.254", "icmp", 0)
_OUT_80: Query = ("red", "192.0.2.254", "tcp", 80)
_NFT = "nft add table inet t; nft 'add chain inet t f { type filter hook forward priority 0; policy %s; }'"
_INGRESS = "nft add table netdev t; nft 'add chain netdev t i { type filter hook ingress device br0 priority 0; }'"
_TUNNEL = (
    "ip link add wg0 type veth peer name wg1; ip link set wg1 netns out; ip addr add 10.8.0.2/24 dev wg0; "
    "ip link set wg0 up; ip -n out addr add 10.8.0.1/24 dev wg1; ip -n out link set wg1 up; "
    "ip -n out addr add 198.51.100.9/32 dev lo; "
    "ip -n out route replace default via 10.8.0.2"
)


@dataclasses.dataclass(frozen=True)
class Case:
    """Commands, some of them in another namespace than the host, a packet, and whether it is answered."""

    query: Query
    answered: bool
    commands: tuple[str, ...]
    word: str = ""
    netns: str = "host"


CASES: dict[str, Case] = {
    "raw chains see replies before the translation": Case(
        _OUT_PING, True, (_MASQUERADE, "iptables -t raw -A PREROUTING -d 10.0.0.2/32 ! -i br0 -j DROP")
    ),
    "mangle chains see replies before the translation": Case(
        _OUT_80, True, (_MASQUERADE, "iptables -t mangle -A PREROUTING -d 10.0.0.2/32 ! -i br0 -j DROP")
    ),
    "raw chains see the address of the host in replies": Case(
        _OUT_80,
        False,
        (_MASQUERADE, "iptables -t raw -A PREROUTING -i eth9 -s 192.0.2.254 -d 192.0.2.1 -j DROP"),
        "raw: -A PREROUTING",
    ),
    "forward chains see replies after the translation": Case(
        _OUT_PING, False, (_MASQUERADE, "iptables -A FORWARD -i eth9 -d 10.0.0.2 -j DROP"), "filter: -A FORWARD"
    ),
    "an nft chain in front of the translation": Case(
        _OUT_PING,
        True,
        (
            _MASQUERADE,
            "nft add table ip g; nft 'add chain ip g p { type filter hook prerouting priority -150; }'",
            "nft 'add rule ip g p ip daddr 10.0.0.2 iifname != br0 drop'",
        ),
    ),
    "replies of a published port keep their source until postrouting": Case(
        ("out", "192.0.2.1", "tcp", 8080),
        False,
        (f"{_PUBLISH} 10.0.0.2:80", "iptables -A FORWARD -i br0 -s 10.0.0.2 -j DROP"),
        "filter: -A FORWARD",
    ),
    "state DNAT": Case(
        ("red", "10.0.0.1", "tcp", 8080),
        True,
        (
            f"{_PUBLISH} 10.0.1.2:80",
            "iptables -P FORWARD DROP",
            "iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,DNAT -j ACCEPT",
        ),
    ),
    "ICMP type": Case(
        _GREEN_PING,
        True,
        (
            "iptables -P FORWARD DROP",
            "iptables -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT",
            "iptables -A FORWARD -p icmp -m icmp --icmp-type 8 -j ACCEPT",
        ),
        "icmp-type 8",
    ),
    "ICMP type of the reply": Case(
        _GREEN_PING, False, ("iptables -A FORWARD -p icmp -m icmp --icmp-type 0 -j DROP",), "icmp-type 0"
    ),
    "TCP flags of the reply": Case(
        _GREEN_80, False, ("iptables -A FORWARD -p tcp --tcp-flags SYN,ACK SYN,ACK -j DROP",), "tcp-flags"
    ),
    "untracked replies are invalid": Case(
        _GREEN_80,
        False,
        (
            "iptables -t raw -A PREROUTING -s 10.0.0.2 -j CT --notrack",
            "iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP",
        ),
        "INVALID",
    ),
    "mark of the connection": Case(
        _GREEN_80,
        True,
        (
            "ip rule add to 10.0.0.2 prio 20 prohibit",
            "ip rule add fwmark 2 prio 10 table main",
            "iptables -t mangle -A PREROUTING -i br0 -j CONNMARK --set-mark 2",
            "iptables -t mangle -A PREROUTING -i br1 -j CONNMARK --restore-mark",
        ),
    ),
    "redirect to a range": Case(
        ("red", "10.0.1.2", "tcp", 81),
        True,
        ("iptables -t nat -A PREROUTING -p tcp --dport 81 -j REDIRECT --to-ports 9000-9003",),
        netns="green",
    ),
    "masquerading by destination network": Case(
        ("red", "10.0.0.1", "tcp", 8080),
        True,
        (
            "sysctl -qw net.bridge.bridge-nf-call-iptables=0",
            f"{_PUBLISH} 10.0.0.3:80",
            "iptables -t nat -A POSTROUTING -s 10.0.0.0/24 -d 10.0.0.3 -j MASQUERADE",
        ),
    ),
    "published port of a neighbour without br_netfilter": Case(
        ("red", "10.0.0.1", "tcp", 8080),
        False,
        ("sysctl -qw net.bridge.bridge-nf-call-iptables=0", f"{_PUBLISH} 10.0.0.3:80"),
        "the reply comes from 10.0.0.3",
    ),
    "published port of a neighbour with br_netfilter": Case(
        ("red", "10.0.0.1", "tcp", 8080),
        True,
        ("sysctl -qw net.bridge.bridge-nf-call-iptables=1", f"{_PUBLISH} 10.0.0.3:80"),
    ),
    "published port of the sender itself": Case(
        ("red", "10.0.0.1", "tcp", 8080),
        False,
        ("sysctl -qw net.bridge.bridge-nf-call-iptables=0", f"{_PUBLISH} 10.0.0.2:80"),
        "10.0.0.2",
    ),
    "published port of the sender itself with hairpin mode": Case(
        ("red", "10.0.0.1", "tcp", 8080),
        True,
        (
            "ip link set red0 type bridge_slave hairpin on",
            f"{_PUBLISH} 10.0.0.2:80",
            "iptables -t nat -A POSTROUTING -s 10.0.0.2 -d 10.0.0.2 -j MASQUERADE",
        ),
    ),
    "nft: a port implies its protocol": Case(
        _GREEN_80, True, (_NFT % "accept", "nft add rule inet t f 'udp dport != 53 drop'")
    ),
    "nft: an address implies its family": Case(
        _GREEN_PING6, True, (_NFT % "accept", "nft add rule inet t f 'ip saddr != 10.0.0.0/8 drop'")
    ),
    "nft: a protocol of IPv4 implies its family": Case(
        _GREEN_PING6, True, (_NFT % "accept", "nft add rule inet t f 'ip protocol != tcp drop'")
    ),
    "a tracked packet stays tracked": Case(
        ("red", "10.0.0.1", "tcp", 8080),
        True,
        (f"{_PUBLISH} 10.0.1.2:80", _NFT % "accept", "nft add rule inet t f notrack"),
    ),
    "a changed type of service": Case(
        _GREEN_80,
        True,
        ("iptables -t mangle -A PREROUTING -j DSCP --set-dscp 10",),
    ),
    "nft: a changed segment size": Case(
        _GREEN_80, True, (_NFT % "accept", "nft add rule inet t f tcp flags syn tcp option maxseg size set 1200")
    ),
    "nft: a reject implies its family": Case(
        _GREEN_PING, True, (_NFT % "accept", "nft add rule inet t f meta nfproto ipv6 reject")
    ),
    "a packet to oneself and its reply": Case(
        ("host", "10.0.1.1", "icmp", 0),
        False,
        ("iptables -P INPUT DROP", "iptables -A INPUT -m conntrack --ctdir ORIGINAL -j ACCEPT"),
        "policy drop",
    ),
    "a connection is required for its mark": Case(
        _GREEN_80,
        True,
        (
            "iptables -t raw -A PREROUTING -j CT --notrack",
            "iptables -A FORWARD -m connmark ! --mark 0 -j DROP",
            "iptables -A FORWARD -m conntrack --ctdir ORIGINAL -j DROP",
        ),
    ),
    "nft: a verdict map": Case(
        _GREEN_80,
        False,
        (_NFT % "accept", "nft 'add rule inet t f tcp dport vmap { 22 : accept, 80 : drop }'"),
        "rule 1 of inet t f",
    ),
    "nft: a verdict map by name": Case(
        _GREEN_80,
        True,
        (
            _NFT % "drop",
            "nft 'add chain inet t in; add rule inet t in accept; add map inet t m { type ifname : verdict; }'",
            "nft 'add element inet t m { br1 : jump in }; add rule inet t f ct state established accept'",
            "nft 'add rule inet t f oifname vmap @m'",
        ),
    ),
    "nft: a concatenation": Case(
        _GREEN_80,
        True,
        (
            _NFT % "drop",
            "nft 'add rule inet t f ct state established accept'",
            "nft 'add rule inet t f ip daddr . tcp dport { 10.0.1.2 . 80 } accept'",
        ),
    ),
    "nft: a set of intervals": Case(
        _GREEN_80,
        False,
        (
            _NFT % "accept",
            "nft 'add set inet t s { type ipv4_addr; flags interval; elements = { 10.0.0.1-10.0.0.9 }; }'",
            "nft 'add rule inet t f ip saddr @s drop'",
        ),
    ),
    "nft: a map of targets": Case(
        ("red", "10.0.0.1", "tcp", 8080),
        True,
        (
            "nft add table ip n; nft 'add chain ip n p { type nat hook prerouting priority -100; }'",
            "nft 'add rule ip n p dnat to tcp dport map { 80 : 10.0.0.3, 8080 : 10.0.1.2 }:80'",
            "nft 'add rule ip n p tcp dport 8080 dnat to 10.0.1.2:80'",
        ),
    ),
    "nft: local destinations": Case(
        ("red", "10.0.0.1", "icmp", 0),
        False,
        (
            "nft add table ip n; nft 'add chain ip n p { type filter hook prerouting priority -200; }'",
            "nft 'add rule ip n p fib daddr type local drop'",
        ),
        "rule 1 of ip n p",
    ),
    "nft: connection translated": Case(
        ("out", "192.0.2.1", "tcp", 8080),
        True,
        (
            f"{_PUBLISH} 10.0.0.2:80",
            _NFT % "drop",
            "nft 'add rule inet t f ct status dnat accept'",
        ),
    ),
    "rules of wg-quick": Case(
        ("red", "198.51.100.9", "icmp", 0),
        True,
        (
            _TUNNEL,
            "ip route add default via 10.8.0.1 dev wg0 table 51820; ip rule add not fwmark 51820 table 51820",
            "ip rule add table main suppress_prefixlength 0",
        ),
    ),
    "goto": Case(
        _GREEN_PING,
        True,
        (
            "ip rule add prio 100 to 10.0.1.0/24 prohibit; ip rule add prio 200 table main",
            "ip rule add prio 50 goto 200",
        ),
        netns="red",
    ),
    "throw": Case(
        _GREEN_PING,
        True,
        (
            "ip rule add prio 100 table 100",
            "ip route add throw 10.0.1.0/24 table 100; ip route add blackhole default table 100",
        ),
        netns="red",
    ),
    "rule by protocol and port": Case(
        _GREEN_80, False, ("ip rule add prio 100 ipproto tcp dport 80 prohibit",), "policy rule 100"
    ),
    "rule by the port of the source, which a connection does not have yet": Case(
        _GREEN_80, False, ("ip rule add prio 5 not ipproto tcp sport 1-65534 blackhole",), "policy rule 5", "red"
    ),
    "rule by another port": Case(_GREEN_80, True, ("ip rule add prio 100 ipproto tcp dport 81 prohibit",)),
    "rule by type of service": Case(_GREEN_80, True, ("ip rule add prio 100 tos 0x10 prohibit",)),
    "rule by source, for a connection": Case(
        _GREEN_80, False, ("ip rule add prio 100 from 10.0.0.2 prohibit",), "policy rule 100", "red"
    ),
    "rule by source, for a packet without one": Case(
        _GREEN_PING, True, ("ip rule add prio 100 from 10.0.0.2 prohibit",), netns="red"
    ),
    "rule by incoming link": Case(
        _GREEN_PING, False, ("ip rule add prio 100 iif br0 to 10.0.1.2 blackhole",), "policy rule 100"
    ),
    "source-specific route": Case(
        _GREEN_PING6,
        True,
        (
            "ip -6 route add default from 2001:db8:b::/64 via fd00::3 dev eth0 metric 5",
            "ip addr add 2001:db8:b::2/64 dev eth0 nodad",
        ),
        netns="red",
    ),
    "link without an address": Case(
        ("host", "10.65.0.2", "icmp", 0),
        True,
        (
            "ip link add cali0 type veth peer name cali1; ip link set cali1 netns out; ip link set cali0 up",
            "ip -n out link set cali1 up; ip -n out addr add 10.65.0.2/32 dev cali1; ip -n out route del default",
            "ip -n out route add 169.254.1.1 dev cali1; ip -n out route add default via 169.254.1.1",
            "ip route add 10.65.0.2 dev cali0; sysctl -qw net.ipv4.conf.cali0.proxy_arp=1",
            "ip addr add 192.0.2.1/32 dev eth9; ip addr del 192.0.2.1/24 dev eth9; ip route replace default dev eth9",
        ),
    ),
    "proxy of neighbour discovery": Case(
        ("out", "2001:db8::2", "icmp", 0),
        True,
        (
            "ip -n red addr add 2001:db8::2/128 dev eth0 nodad; ip -6 route add 2001:db8::2 dev br0",
            "sysctl -qw net.ipv6.conf.eth9.proxy_ndp=1; ip -6 neigh add proxy 2001:db8::2 dev eth9",
        ),
    ),
    "proxy of neighbour discovery that is disabled": Case(
        ("out", "2001:db8::2", "icmp", 0),
        False,
        (
            "ip -n red addr add 2001:db8::2/128 dev eth0 nodad; ip -6 route add 2001:db8::2 dev br0",
            "ip -6 neigh add proxy 2001:db8::2 dev eth9",
        ),
    ),
    "proxy of an IPv4 address": Case(
        ("out", "192.0.2.66", "icmp", 0),
        True,
        (
            "ip -n red addr add 192.0.2.66/32 dev eth0; ip route add 192.0.2.66 dev br0",
            "ip neigh add proxy 192.0.2.66 dev eth9",
        ),
    ),
    "echo requests of IPv6 are ignored": Case(
        ("host", "fd00::3", "icmp", 0),
        False,
        ("sysctl -qw net.ipv6.icmp.echo_ignore_all=1",),
        "echo_ignore_all",
        "blue",
    ),
    "an IPv6 address is unicast and local": Case(
        ("host", "fd00::1", "tcp", 9000),
        False,
        ("ip6tables -A INPUT -m addrtype --dst-type UNICAST -j REJECT",),
        "UNICAST",
    ),
    "reverse path filter of iptables": Case(
        _GREEN_80, True, ("iptables -t raw -A PREROUTING -m rpfilter --validmark --invert -j DROP",)
    ),
    "reverse path filter of iptables that drops": Case(
        _GREEN_80,
        False,
        ("iptables -t raw -A PREROUTING -m rpfilter --invert -j DROP", "ip route add 10.0.0.2/32 dev br1"),
        "rpfilter",
    ),
    "reverse path filter of iptables that is loose": Case(
        ("red", "10.0.1.2", "udp", 53),
        False,
        ("iptables -t raw -A PREROUTING -m rpfilter --loose --invert -j DROP", "ip route add blackhole 10.0.0.2/32"),
        "rpfilter",
    ),
    "reverse path filter of nft": Case(
        _GREEN_PING6,
        True,
        (
            "nft add table inet r; nft 'add chain inet r p { type filter hook prerouting priority -290; }'",
            "nft 'add rule inet r p meta nfproto ipv6 fib saddr . mark . iif oif missing drop'",
        ),
    ),
    "reverse path filter of nft that drops": Case(
        _GREEN_80,
        False,
        (
            "nft add table inet r; nft 'add chain inet r p { type filter hook prerouting priority -290; }'",
            "nft 'add rule inet r p fib saddr . iif oif missing drop'; ip route add 10.0.0.2/32 dev br1",
        ),
        "rule 1 of inet r p",
    ),
    "IPsec policy that blocks": Case(
        _GREEN_80, False, ("ip xfrm policy add dir fwd src 10.0.0.0/24 dst 10.0.1.0/24 action block",), "IPsec policy"
    ),
    "host to its own macvlan link": Case(
        ("host", "192.0.2.99", "icmp", 0),
        False,
        (
            "ip link add mv0 link eth9 type macvlan mode bridge; ip link set mv0 netns blue",
            "ip -n blue link set mv0 up; ip -n blue addr add 192.0.2.99/24 dev mv0",
        ),
        "macvlan links are separated",
    ),
    "macvlan link to the outside": Case(
        ("blue", "192.0.2.254", "icmp", 0),
        True,
        (
            "ip link add mv0 link eth9 type macvlan mode bridge; ip link set mv0 netns blue",
            "ip -n blue link set mv0 up; ip -n blue addr add 192.0.2.99/24 dev mv0",
        ),
    ),
    "source address of the receiver": Case(
        ("red", "10.0.1.2", "tcp", 80),
        False,
        ("ip addr add 10.0.0.2/32 dev lo",),
        "10.0.0.2 is a local address",
        "green",
    ),
    "address on a port of a bridge": Case(
        ("host", "192.0.2.254", "icmp", 0),
        False,
        ("ip link add br9 type bridge; ip link set br9 up; ip link set eth9 master br9",),
        "eth9 is a port of br9",
    ),
    "rule of another backend": Case(
        _GREEN_80, False, ("iptables-legacy -A FORWARD -j ACCEPT", "iptables-nft -P FORWARD DROP"), "policy drop"
    ),
    "reject in front of other rules": Case(
        _GREEN_PING,
        False,
        ("iptables -A FORWARD -i br0 -j ACCEPT", "iptables -I FORWARD 1 -j REJECT --reject-with icmp-host-prohibited"),
        "icmp-host-prohibited",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_prediction_of_each_kind(name: str) -> None:
    case = CASES[name]
    world = World(tuple((case.netns, command) for command in case.commands), (case.query,))
    with Sandbox() as box:
        build(box, world, strict=name != "nft: a map of targets")
        with Packets(box, NAMESPACES, SERVED) as packets:
            told = predict(box, case.query, box.module("netns_info", {}).data)
            assert packets.send([case.query], 2.5 if case.answered else 0.5) == [case.answered]
    assert told["reaches"] is case.answered, told["reason"]
    assert case.word in told["reason"]


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("iptables -A FORWARD -m statistic --mode random --probability 0.5 -j DROP", "-m statistic"),
        ("iptables -A FORWARD -m limit --limit 1/hour -j DROP", "-m limit"),
        ("iptables -A FORWARD -j NFQUEUE --queue-num 4; iptables -P FORWARD DROP", "NFQUEUE"),
        ("iptables -t mangle -A FORWARD -j TTL --ttl-set 5", "TTL"),
        (f"{_NFT % 'accept'}; nft add rule inet t f numgen random mod 2 0 drop", "rule 1 of inet t f"),
        (f"{_INGRESS}; nft add rule netdev t i ip saddr 10.0.0.2 drop", "chain netdev t i"),
        ("ip rule add uidrange 1000-2000 prio 5 prohibit", ""),
    ],
)
def test_what_is_not_modelled_is_unknown_and_named(command: str, word: str) -> None:
    """The rule can be refused where the kernel lacks its extension; the test is skipped then."""
    with Sandbox() as box:
        netns = "red" if "uidrange" in command else "host"
        build(box, World((), ()))
        if "refused" in box.run("sh", "-c", f"({command}) >/dev/null 2>&1 || echo refused", netns=netns):
            pytest.skip("this kernel refuses the rule")
        with Packets(box, NAMESPACES, SERVED):
            told = predict(box, _GREEN_80, box.module("netns_info", {}).data)
    assert told["reaches"] is None, told["reason"]
    assert word in told["reason"]


def test_docker_tables_of_nftables_are_followed() -> None:
    """Nothing about them is unknown."""
    queries: list[Query] = [
        ("out", "192.0.2.1", "tcp", 8080),
        ("out", "10.0.0.3", "tcp", 80),
        ("out", "10.0.0.2", "tcp", 80),
        ("out", "10.0.0.2", "icmp", 0),
        ("blue", "192.0.2.254", "icmp", 0),
        ("blue", "192.0.2.254", "tcp", 9000),
        ("green", "10.0.1.1", "tcp", 8080),
        ("red", "10.0.0.1", "tcp", 8080),
        ("red", "10.0.0.3", "icmp", 0),
        ("host", "192.0.2.1", "tcp", 8080),
        ("host", "10.0.0.3", "icmp", 0),
    ]
    with Sandbox() as box:
        commands = tuple(("host", command) for command in list_docker_tables("10.0.0.3", "accept", raw=True))
        build(box, World(commands, ()), strict=True)
        with Packets(box, NAMESPACES, SERVED) as packets:
            snapshot = box.module("netns_info", {}).data
            told = [predict(box, query, snapshot)["reaches"] for query in queries]
            assert told == packets.send(queries, 2.5)
    assert told[:2] == [True, False]


def test_undecided_rule_before_a_certain_one_is_certain() -> None:
    """Both ways end in the same verdict."""
    with Sandbox() as box:
        build(box, World((), ()))
        box.sh("iptables -A FORWARD -m statistic --mode random --probability 0.5 -j DROP", "iptables -P FORWARD DROP")
        told = predict(box, _GREEN_80, box.module("netns_info", {}).data)
    assert told["reaches"] is False


@pytest.mark.parametrize("device", ["eth0", "lo"])
def test_socket_of_a_link_receives_only_from_it(device: str) -> None:
    program = (
        f"import socket,time; s=socket.socket(); s.setsockopt(1, 25, b'{device}'); s.bind(('0.0.0.0', 81)); "
        "s.listen(); print('listens', flush=True); time.sleep(1000)"
    )
    with Sandbox() as box:
        build(box, World((), ()))
        box.sh(
            f'{sys.executable} -c "{program}" >/run/listens 2>&1 &',
            "for try in $(seq 200); do grep -q listens /run/listens && exit 0; sleep 0.05; done; exit 1",
            netns="green",
        )
        told = predict(box, ("red", "10.0.1.2", "tcp", 81), box.module("netns_info", {}).data)
        with Packets(box, NAMESPACES, SERVED) as packets:
            assert packets.send([("red", "10.0.1.2", "tcp", 81)], 1.0) == [device == "eth0"]
    assert told["reaches"] is (device == "eth0")
