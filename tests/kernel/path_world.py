# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random worlds for predictions of packet paths: firewall rules, routes, policy rules and sysctls of a router.

All randomness comes from one seed, so a world can be built again.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable

NAMESPACES = ("host", "red", "blue", "green", "out")
SERVED = (("tcp", 80), ("tcp", 9000), ("udp", 53), ("udp", 80))
_ENDS = ("red", "blue", "green", "out")
V4 = {
    "red": "10.0.0.2",
    "blue": "10.0.0.3",
    "green": "10.0.1.2",
    "out": "192.0.2.254",
    "behind": "203.0.113.1",
    "host": "10.0.0.1",
    "host1": "10.0.1.1",
    "host9": "192.0.2.1",
    "macvlan": "192.0.2.99",
}
V6 = {
    "red": "fd00::2",
    "blue": "fd00::3",
    "green": "fd01::2",
    "out": "2001:db8::fe",
    "host": "fd00::1",
    "host1": "fd01::1",
    "host9": "2001:db8::1",
}
# Addresses and routes of ip -batch in the host; the namespaces follow in TOPOLOGY_INSIDE.
TOPOLOGY = """
link add br0 type bridge
link add br1 type bridge
link add red0 type veth peer name eth0 netns red
link add blue0 type veth peer name eth0 netns blue
link add green0 type veth peer name eth0 netns green
link add eth9 type veth peer name eth0 netns out
link set red0 master br0 up
link set blue0 master br0 up
link set green0 master br1 up
addr add 10.0.0.1/24 dev br0
addr add 10.0.1.1/24 dev br1
addr add 192.0.2.1/24 dev eth9
addr add fd00::1/64 dev br0 nodad
addr add fd01::1/64 dev br1 nodad
addr add 2001:db8::1/64 dev eth9 nodad
link set br0 up
link set br1 up
link set eth9 up
"""
TOPOLOGY_INSIDE = {
    "red": ("10.0.0.2/24", "fd00::2/64", "10.0.0.1", "fd00::1"),
    "blue": ("10.0.0.3/24", "fd00::3/64", "10.0.0.1", "fd00::1"),
    "green": ("10.0.1.2/24", "fd01::2/64", "10.0.1.1", "fd01::1"),
    "out": ("192.0.2.254/24", "2001:db8::fe/64", "192.0.2.1", "2001:db8::1"),
}


@dataclasses.dataclass(frozen=True)
class World:
    """Shell commands by namespace, each of which may fail, and queries for packets."""

    commands: tuple[tuple[str, str], ...]
    queries: tuple[tuple[str, str, str, int], ...]

    def describe(self) -> str:
        """Return the commands as text."""
        return "\n".join(f"{netns}: {command}" for netns, command in self.commands)


def build_world(seed: int) -> World:
    """Return the world of a seed."""
    return _Builder(random.Random(seed)).build()


_DOCKER_TABLES = """
add table ip docker-bridges
add map TABLE filter-forward-in-jumps { type ifname : verdict; }
add map TABLE filter-forward-out-jumps { type ifname : verdict; }
add map TABLE nat-postrouting-in-jumps { type ifname : verdict; }
add map TABLE nat-postrouting-out-jumps { type ifname : verdict; }
add chain TABLE filter-FORWARD { type filter hook forward priority 0; policy accept; }
add chain TABLE nat-OUTPUT { type nat hook output priority -100; policy accept; }
add chain TABLE nat-PREROUTING { type nat hook prerouting priority -100; policy accept; }
add chain TABLE nat-POSTROUTING { type nat hook postrouting priority 100; policy accept; }
add chain TABLE raw-PREROUTING { type filter hook prerouting priority -300; policy accept; }
add chain TABLE nat-prerouting-and-output
add chain TABLE filter-forward-in__br0
add chain TABLE filter-forward-out__br0
add chain TABLE nat-postrouting-in__br0
add chain TABLE nat-postrouting-out__br0
add rule TABLE filter-FORWARD oifname vmap @filter-forward-in-jumps
add rule TABLE filter-FORWARD iifname vmap @filter-forward-out-jumps
add rule TABLE nat-OUTPUT ip daddr != 127.0.0.0/8 fib daddr type local counter jump nat-prerouting-and-output
add rule TABLE nat-PREROUTING fib daddr type local counter jump nat-prerouting-and-output
add rule TABLE nat-POSTROUTING iifname vmap @nat-postrouting-out-jumps
add rule TABLE nat-POSTROUTING oifname vmap @nat-postrouting-in-jumps
add rule TABLE filter-forward-in__br0 ct state established,related counter accept
add rule TABLE filter-forward-in__br0 iifname br0 counter ICC comment ICC
add rule TABLE filter-forward-in__br0 ip daddr TARGET tcp dport 80 counter accept
add rule TABLE filter-forward-in__br0 counter drop comment unpublished
add rule TABLE filter-forward-out__br0 ct state established,related counter accept
add rule TABLE filter-forward-out__br0 counter accept comment OUTGOING
add rule TABLE nat-postrouting-in__br0 fib saddr type local counter masquerade
add rule TABLE nat-postrouting-out__br0 oifname != br0 ip saddr 10.0.0.0/24 counter masquerade
add rule TABLE nat-prerouting-and-output tcp dport 8080 counter dnat to TARGET:80
add element TABLE filter-forward-in-jumps { br0 : jump filter-forward-in__br0 }
add element TABLE filter-forward-out-jumps { br0 : jump filter-forward-out__br0 }
add element TABLE nat-postrouting-in-jumps { br0 : jump nat-postrouting-in__br0 }
add element TABLE nat-postrouting-out-jumps { br0 : jump nat-postrouting-out__br0 }
"""
_DOCKER_RAW = "add rule TABLE raw-PREROUTING ip daddr TARGET iifname != br0 counter drop\n"


def list_docker_tables(target: str, icc: str, raw: bool) -> list[str]:
    """Return commands for tables like those of Docker Engine 29 with the firewall backend nftables.

    The target publishes port 80 as 8080, ``icc`` is the verdict for packets between containers, and with ``raw``,
    direct access from other links is dropped.
    """
    text = _DOCKER_TABLES + (_DOCKER_RAW if raw else "")
    text = text.replace("TABLE", "ip docker-bridges").replace("TARGET", target).replace("counter ICC", f"counter {icc}")
    return [f"nft '{line}'" for line in text.split("\n") if line]


class _Builder:
    def __init__(self, choice: random.Random) -> None:
        self._random = choice
        self._commands: list[tuple[str, str]] = []

    def build(self) -> World:
        """Return a world with a few features of different kinds."""
        kinds: list[Callable[[], None]] = [
            self._add_iptables,
            self._add_iptables,
            self._add_nft,
            self._add_nft,
            self._add_docker_tables,
            self._add_policy_rules,
            self._add_policy_rules,
            self._add_routes,
            self._add_sysctls,
            self._add_translation,
            self._add_nft_translation,
            self._add_ipv6_translation,
            self._add_second_router,
            self._add_links,
            self._add_ipsec,
        ]
        for kind in self._random.sample(kinds, self._random.randint(1, 3)):
            kind()
        return World(tuple(self._commands), tuple(self._build_queries()))

    def _pick(self, *options: str) -> str:
        return self._random.choice(options)

    def _maybe(self, chance: float) -> bool:
        return self._random.random() < chance

    def _build_queries(self) -> list[tuple[str, str, str, int]]:
        queries = []
        for _number in range(16):
            source = self._pick(*NAMESPACES, "red")
            version = V6 if self._maybe(0.3) else V4
            target = version[self._pick(*version)]
            protocol = self._pick("icmp", "tcp", "udp")
            port = {
                "icmp": 0,
                "tcp": self._random.choice((80, 8080, 9000, 81)),
                "udp": self._random.choice((53, 80, 8080)),
            }
            queries.append((source, target, protocol, port[protocol]))
        return queries

    def _choose_place(self) -> str:
        return self._pick("host", "host", "host", "host", "red", "green")

    def _choose_link(self, netns: str) -> str:
        return self._pick("br0", "br1", "eth9", "br+", "lo") if netns == "host" else self._pick("eth0", "lo")

    # iptables

    def _add_iptables(self) -> None:
        netns = self._choose_place()
        version = self._pick("", "", "", "6")
        program = f"ip{version}tables{self._pick('-nft', '-nft', '-legacy')}"
        table = self._pick("filter", "filter", "filter", "raw", "mangle")
        chains = {
            "filter": ("INPUT", "FORWARD", "FORWARD", "OUTPUT"),
            "raw": ("PREROUTING", "OUTPUT"),
            "mangle": ("PREROUTING", "FORWARD", "POSTROUTING", "OUTPUT", "INPUT"),
        }[table]
        run = f"{program} -t {table}"
        self._commands += [(netns, f"{run} -N own"), (netns, f"{run} -N deep")]
        for _number in range(self._random.randint(1, 3)):
            chain = self._pick(*chains)
            if self._maybe(0.4):
                self._commands.append((netns, f"{run} -A {chain} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"))
            for _rule in range(self._random.randint(1, 4)):
                where = self._pick(chain, chain, chain, "own", "deep")
                matches = self._build_iptables_matches(netns, where, table, version)
                self._commands.append((netns, f"{run} -A {where} {matches} {self._build_iptables_target(table)}"))
            if self._maybe(0.5):
                self._commands.append((netns, f"{run} -A {chain} -j own"))
            if table == "filter" and self._maybe(0.4):
                self._commands.append((netns, f"{run} -P {chain} DROP"))

    def _build_iptables_matches(self, netns: str, chain: str, table: str, version: str) -> str:
        addresses = V6 if version else V4
        wide = ("fd00::/64", "fd00::/7", "2001:db8::/32") if version else ("10.0.0.0/24", "10.0.0.0/8", "192.0.2.0/24")
        icmp = "icmpv6 -m icmp6 --icmpv6-type" if version else "icmp -m icmp --icmp-type"
        types = ("128", "129", "1") if version else ("8", "0", "3", "any")
        no = "! " if self._maybe(0.25) else ""
        options: list[Callable[[], str]] = [
            lambda: f"{no}-s {self._pick(*addresses.values(), *wide)}",
            lambda: f"{no}-d {self._pick(*addresses.values(), *wide)}",
            lambda: f"-p tcp {no}--dport {self._pick('80', '8080', '1:90', '1024:65535')}",
            lambda: f"-p udp {no}--dport {self._pick('53', '80', '1:90')}",
            lambda: f"{no}-p {self._pick('tcp', 'udp', 'icmpv6' if version else 'icmp')}",
            lambda: f"-p tcp {no}--syn",
            lambda: f"-p tcp --tcp-flags SYN,ACK {self._pick('SYN', 'SYN,ACK', 'ACK')}",
            lambda: f"-p tcp {no}--sport {self._pick('80', '1024:65535', '40000:50000')}",
            lambda: f"-p tcp -m multiport {no}--dports {self._pick('80,443', '53,9000:9003', '1:79')}",
            lambda: f"-p {icmp} {self._pick(*types)}",
            lambda: f"-m conntrack {no}--ctstate {self._choose_states()}",
            lambda: f"-m conntrack --ctdir {self._pick('ORIGINAL', 'REPLY')}",
            lambda: f"-m mark {no}--mark {self._pick('0x1', '0x2', '0x1/0x3', '0x0/0x2')}",
            lambda: f"-m connmark {no}--mark {self._pick('0x1', '0x2', '0x0')}",
            lambda: f"-m addrtype {no}--{self._pick('src', 'dst')}-type {self._pick('LOCAL', 'UNICAST', 'MULTICAST')}",
            lambda: f"-m pkttype {no}--pkt-type unicast",
            lambda: f"-m statistic --mode random --probability {self._pick('0.5', '0.1')}",
            lambda: "-m limit --limit 1/hour --limit-burst 100",
            lambda: f"-m iprange {no}--src-range {'fd00::1-fd00::9' if version else '10.0.0.1-10.0.0.9'}",
            lambda: f"-m policy --dir in --pol {self._pick('none', 'ipsec')}",
            lambda: f"-m physdev --physdev-in {self._pick('red0', 'blue0', 'green0')}",
            lambda: "-m physdev --physdev-is-bridged",
            lambda: f"-m rpfilter {self._pick('', '--loose', '--validmark')} {self._pick('', '--invert')}",
            lambda: f"-m length --length {self._pick('0:2000', '500:')}",
        ]
        if chain in ("INPUT", "FORWARD", "PREROUTING"):
            options += [lambda: f"{no}-i {self._choose_link(netns)}"] * 3
        if chain in ("OUTPUT", "FORWARD", "POSTROUTING"):
            options += [lambda: f"{no}-o {self._choose_link(netns)}"] * 3
        chosen = self._random.sample(options, self._random.choice((0, 1, 1, 1, 2)))
        texts = [one() for one in chosen]
        # A protocol can be given only once.
        return " ".join(text for at, text in enumerate(texts) if "-p " not in text or at == 0)

    def _choose_states(self) -> str:
        return self._pick(
            "NEW", "ESTABLISHED", "INVALID", "NEW,ESTABLISHED", "DNAT", "SNAT", "UNTRACKED", "RELATED,DNAT"
        )

    def _build_iptables_target(self, table: str) -> str:
        common = ["-j ACCEPT", "-j DROP", "-j DROP", "-j RETURN", "-j deep", "-g deep", "-m comment --comment x"]
        if table == "raw":
            return self._pick(*common, "-j CT --notrack", "-j CT --notrack")
        if table == "mangle":
            return self._pick(
                *common,
                "-j MARK --set-mark 1",
                "-j MARK --set-mark 2",
                "-j MARK --set-xmark 0x2/0x2",
                "-j CONNMARK --set-mark 1",
                "-j CONNMARK --save-mark",
                "-j CONNMARK --restore-mark",
            )
        return self._pick(*common, "-j REJECT", "-j ACCEPT")

    def _add_translation(self) -> None:
        run = f"iptables{self._pick('-nft', '-legacy')} -t nat"
        published = V4[self._pick("red", "blue", "green", "out")]
        inside = V4[self._pick("red", "green")]
        lines = [
            f"-A PREROUTING -p tcp --dport 8080 -m addrtype --dst-type LOCAL -j DNAT --to-destination {published}:80",
            f"-A OUTPUT -p tcp --dport 8080 ! -d 127.0.0.0/8 -j DNAT --to-destination {inside}:80",
            "-A POSTROUTING -s 10.0.0.0/24 ! -o br0 -j MASQUERADE",
            "-A POSTROUTING -s 10.0.0.0/8 -o eth9 -j SNAT --to-source 192.0.2.1",
            "-A POSTROUTING -p tcp --dport 80 -j MASQUERADE",
            "-A PREROUTING -p tcp --dport 81 -j REDIRECT --to-ports 80",
            "-A PREROUTING -p tcp --dport 81 -j REDIRECT --to-ports 9000-9003",
            "-A PREROUTING -p udp --dport 8080 -j REDIRECT --to-ports 53",
            f"-A PREROUTING -d 10.0.1.1 -j DNAT --to-destination {V4[self._pick('green', 'blue')]}",
            "-A INPUT -p tcp -j SNAT --to-source 192.0.2.1",
            "-A PREROUTING -d 10.0.0.1 -j RETURN",
            "-A PREROUTING -i eth9 -p tcp -j DNAT --to-destination 10.0.0.2-10.0.0.3",
        ]
        for line in self._random.sample(lines, self._random.randint(1, 4)):
            self._commands.append(("host", f"{run} {line}"))
        if self._maybe(0.3):
            self._commands.append(("host", "iptables-nft -A FORWARD -m conntrack --ctstate DNAT -j ACCEPT"))
            self._commands.append(("host", "iptables-nft -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT"))
            self._commands.append(("host", "iptables-nft -P FORWARD DROP"))

    def _add_ipv6_translation(self) -> None:
        run = f"ip6tables{self._pick('-nft', '-legacy')} -t nat"
        lines = [
            "-A PREROUTING -p tcp --dport 8080 -m addrtype --dst-type LOCAL -j DNAT --to-destination [fd01::2]:80",
            "-A POSTROUTING -s fd00::/64 ! -o br0 -j MASQUERADE",
            "-A POSTROUTING -s fd00::/16 -o eth9 -j SNAT --to-source 2001:db8::1",
            "-A PREROUTING -p tcp --dport 81 -j REDIRECT --to-ports 80",
            "-A OUTPUT -p tcp --dport 8080 -j DNAT --to-destination [fd00::3]:80",
        ]
        for line in self._random.sample(lines, self._random.randint(1, 3)):
            self._commands.append(("host", f"{run} {line}"))

    def _add_nft_translation(self) -> None:
        table = f"{self._pick('ip', 'inet')} n{self._random.randint(0, 99)}"
        targets = f"{V4['green']}, {V4['red']}"
        lines = [
            f"add table {table}",
            f"add chain {table} pre {{ type nat hook prerouting priority {self._pick('-100', '-90')}; }}",
            f"add chain {table} out {{ type nat hook output priority -100; }}",
            f"add chain {table} post {{ type nat hook postrouting priority {self._pick('100', '90', '110')}; }}",
            f"add map {table} ports {{ type inet_service : ipv4_addr; }}",
            f"add element {table} ports {{ 81 : 10.0.1.2, 8080 : 10.0.0.3 }}",
        ]
        rules = [
            f"pre tcp dport 8080 fib daddr type local dnat ip to {V4[self._pick('red', 'green', 'out')]}:80",
            "pre dnat ip to tcp dport map @ports",
            "pre dnat ip to tcp dport map { 8080 : 10.0.1.2, 81 : 10.0.0.2 }",
            "pre tcp dport 81 redirect to :80",
            "pre udp dport 8080 redirect to :53",
            "pre ip daddr 10.0.1.1 dnat ip to 10.0.1.2",
            f"pre iifname eth9 tcp dport 8080 dnat ip to {V4['red']}-{V4['blue']}",
            "out tcp dport 8080 dnat ip to 10.0.1.2:80",
            "out ip daddr 192.0.2.254 dnat ip to 10.0.0.2",
            "post oifname eth9 masquerade",
            "post ip saddr 10.0.0.0/24 oifname != br0 masquerade",
            "post oifname eth9 ip saddr 10.0.0.0/8 snat ip to 192.0.2.1",
            "post ct status dnat masquerade",
            f"post ip daddr {{ {targets} }} snat ip to 10.0.1.1",
        ]
        lines += [f"add rule {table} {rule}" for rule in self._random.sample(rules, self._random.randint(2, 5))]
        self._commands += [("host", f"nft '{line}'") for line in lines]

    def _add_second_router(self) -> None:
        """Let blue forward between the host and addresses behind it."""
        self._commands += [
            ("blue", "sysctl -qw net.ipv4.ip_forward=1"),
            ("red", self._pick("ip route replace default via 10.0.0.3", "ip route add 192.0.2.0/24 via 10.0.0.3")),
        ]
        if self._maybe(0.5):
            self._commands.append(("blue", "iptables -t nat -A POSTROUTING -j MASQUERADE"))
        if self._maybe(0.5):
            line = self._pick(
                "iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP",
                "iptables -P FORWARD DROP; iptables -A FORWARD -s 10.0.0.2 -j ACCEPT",
                "sysctl -qw net.ipv4.conf.eth0.rp_filter=1",
                "ip rule add iif eth0 to 10.0.1.0/24 prio 9 blackhole",
            )
            self._commands.append(("blue", line))

    def _add_links(self) -> None:
        kind = self._pick("macvlan mode bridge", "macvlan mode private", "ipvlan mode l2", "ipvlan mode l3")
        add = f"ip link add mv0 link eth9 type {kind}; ip link set mv0 netns blue; ip -n blue link set mv0 up; "
        own = "ip link add mv1 link eth9 type macvlan mode bridge; ip addr add 192.0.2.98/24 dev mv1; "
        lines = (
            add + "ip -n blue addr add 192.0.2.99/24 dev mv0; ip -n blue route replace 203.0.113.0/24 dev mv0",
            add + "ip -n blue addr add 192.0.2.99/24 dev mv0; ip -n blue route replace default via 192.0.2.254",
            own + "ip link set mv1 up",
            "ip link set red0 type bridge_slave hairpin on",
            "ip link set red0 type bridge_slave isolated on; ip link set blue0 type bridge_slave isolated on",
            "ip link set green0 master br0",
            "ip link set eth9 master br0",
        )
        self._commands.append(("host", self._pick(*lines)))

    def _add_ipsec(self) -> None:
        run = "ip xfrm policy add"
        way = (
            f"src {self._pick('10.0.0.0/24', '10.0.0.2/32', '0.0.0.0/0')} dst {self._pick('10.0.1.0/24', '0.0.0.0/0')}"
        )
        upper = self._pick("", "proto tcp", "proto tcp dport 80", "proto icmp")
        netns = self._pick("host", "red", "green")
        direction = self._pick("in", "out", "fwd")
        self._commands.append((netns, f"{run} dir {direction} {way} {upper} priority 10 action block"))
        if self._maybe(0.4):
            self._commands.append(
                (netns, f"{run} dir {direction} src 0.0.0.0/0 dst 10.0.1.2/32 priority 5 action allow")
            )

    # nft

    def _add_nft(self) -> None:
        netns = self._choose_place()
        family = self._pick("inet", "inet", "ip", "ip6", "bridge" if netns == "host" else "ip")
        table = f"{family} t{self._random.randint(0, 99)}"
        hooks = ("prerouting", "input", "forward", "forward", "output", "postrouting")
        lines = [
            f"add table {table}",
            f"add chain {table} own",
            f"add chain {table} deep",
            f"add set {table} hosts {{ type ipv4_addr; flags interval; elements = {{ 10.0.0.2, 10.0.1.0/24 }}; }}",
            f"add set {table} hosts6 {{ type ipv6_addr; elements = {{ fd00::2, fd01::2 }}; }}",
            f"add set {table} services {{ type ipv4_addr . inet_service; }}",
            f"add element {table} services {{ 10.0.1.2 . 80, 10.0.0.3 . 53 }}",
            f'add map {table} links {{ type ifname : verdict; elements = {{ "br0" : jump own, "eth9" : drop }}; }}',
        ]
        for number in range(self._random.randint(1, 2)):
            hook = self._pick(*hooks)
            kind = "route" if hook == "output" and family != "bridge" and self._maybe(0.5) else "filter"
            priority = self._pick("-300", "-250", "-150", "-50", "0", "5", "150")
            policy = self._pick("accept", "accept", "drop")
            lines.append(
                f"add chain {table} c{number} {{ type {kind} hook {hook} priority {priority}; policy {policy}; }}"
            )
            if policy == "drop" and family != "bridge":
                lines.append(f"add rule {table} c{number} ct state established,related accept")
                lines.append(f"add rule {table} c{number} icmpv6 type {{ 133, 134, 135, 136 }} accept")
            elif policy == "drop":
                lines.append(f"add rule {table} c{number} ether type arp accept")
                lines.append(f"add rule {table} c{number} icmpv6 type {{ 133, 134, 135, 136 }} accept")
            for _rule in range(self._random.randint(1, 4)):
                where = self._pick(f"c{number}", f"c{number}", f"c{number}", "own", "deep")
                text = " ".join(self._build_nft_match(netns) for _match in range(self._random.choice((0, 1, 1, 1, 2))))
                lines.append(f"add rule {table} {where} {text} {self._build_nft_statement(family)}")
        self._commands += [(netns, f"nft '{line}'") for line in lines]

    def _build_nft_match(self, netns: str) -> str:
        sign = self._pick("", "", "!= ")
        link = self._choose_link(netns).replace("+", "*")
        return self._pick(
            f"ip saddr {sign}{V4[self._pick(*V4)]}",
            f"ip daddr {sign}{self._pick('10.0.0.0/24', '10.0.1.2', '192.0.2.0/24')}",
            f"ip6 saddr {sign}{self._pick('fd00::/64', 'fd01::2')}",
            f"ip6 daddr {sign}{self._pick('fd00::/64', 'fd01::2')}",
            f"ip daddr {sign}@hosts",
            f"ip6 daddr {sign}@hosts6",
            f"ip daddr . tcp dport {sign}@services",
            f"ip daddr . udp dport {sign}@services",
            f"tcp dport {sign}{self._pick('80', '{ 80, 443 }', '1-100', '9000')}",
            f"udp dport {sign}{self._pick('53', '{ 53, 5353 }')}",
            f"tcp sport {self._pick('>= 1024', '80', '< 1024', '40000-50000')}",
            f"meta l4proto {sign}{self._pick('tcp', 'udp', 'icmp', '{ tcp, udp }')}",
            f"meta l4proto {{ tcp, udp }} th dport {sign}{self._pick('80', '53')}",
            f"ip protocol {sign}{self._pick('tcp', 'udp', 'icmp')}",
            f"meta nfproto {self._pick('ipv4', 'ipv6')}",
            f"icmp type {sign}{self._pick('echo-request', 'echo-reply', '{ echo-request, echo-reply }')}",
            f"icmpv6 type {self._pick('echo-request', 'echo-reply')}",
            f"tcp flags {self._pick('syn', 'syn / fin,syn,rst,ack', '& (syn|ack) == syn|ack', 'ack')}",
            f"ct state {sign}{self._pick('new', 'established', 'invalid', 'new,established')}",
            f"ct state {sign}{self._pick('untracked', '{ new, established }')}",
            f"ct direction {self._pick('original', 'reply')}",
            f"ct status {self._pick('dnat', 'snat')}",
            f"ct original ip daddr {V4[self._pick(*V4)]}",
            f"ct mark {sign}{self._pick('0x1', '0x0')}",
            f"meta mark {sign}{self._pick('0x1', '0x2', '0x0')}",
            "meta mark and 0x3 == 0x1",
            f'iifname {sign}"{link}"',
            f'oifname {sign}"{link}"',
            f"fib daddr type {sign}local",
            f"fib saddr type {sign}local",
            "fib saddr . iif oif missing",
            "fib saddr . mark . iif oif exists",
            f"meta pkttype {sign}unicast",
            "numgen random mod 2 0",
            "limit rate 1/hour burst 100 packets",
            "ip length 1-500",
            f"ip dscp {sign}cs0",
        )

    def _build_nft_statement(self, family: str) -> str:
        common = (
            *("accept", "drop", "drop", "return", "jump deep", "goto deep", "counter", "continue"),
            "tcp dport vmap { 80 : accept, 1-79 : drop }",
            "ct state vmap { new : jump deep, established : accept }",
            "iifname vmap @links",
            "oifname vmap @links",
            "meta l4proto vmap { tcp : drop, icmp : accept }",
            "ip saddr . tcp dport vmap { 10.0.0.2 . 80 : drop, 10.0.0.3 . 80 : accept }",
        )
        if family == "bridge":
            return self._pick(*common)
        return self._pick(
            *common,
            "meta mark set 0x1",
            "meta mark set meta mark or 0x2",
            "ct mark set 0x1",
            "ct mark set meta mark",
            "meta mark set ct mark",
            "notrack",
            "reject",
        )

    def _add_docker_tables(self) -> None:
        target = self._pick("10.0.0.2", "10.0.0.3")
        commands = list_docker_tables(target, self._pick("accept", "drop"), raw=self._maybe(0.5))
        if self._maybe(0.3):
            hairpin = "ip saddr 10.0.0.3 ip daddr 10.0.0.3 counter masquerade"
            commands.append(f"nft 'add rule ip docker-bridges nat-POSTROUTING {hairpin}'")
        self._commands += [("host", command) for command in commands]

    # Routing

    def _add_policy_rules(self) -> None:
        netns = self._pick("host", "host", "red", "green")
        run = f"ip {self._pick('-4', '-4', '-4', '-6')}"
        version = V6 if run.endswith("6") else V4
        near = {"host": "out", "red": "host", "green": "host1"}[netns]
        for _number in range(self._random.randint(1, 4)):
            priority = self._random.choice((5, 10, 20, 30, 100, 40000))
            selectors = [
                f"from {version[self._pick(*_ENDS)]}",
                f"to {version[self._pick(*_ENDS)]}",
                f"fwmark {self._pick('1', '2', '0x1/0x3')}",
                f"iif {self._choose_link(netns).replace('+', '0')}",
                f"oif {self._pick('eth0', 'eth9', 'br0')}",
                f"ipproto {self._pick('tcp', 'udp', 'icmp')}",
                f"ipproto tcp dport {self._pick('80', '1-100')}",
                f"ipproto tcp sport {self._pick('80', '32768-60999', '40000-50000')}",
                f"uidrange {self._pick('0-0', '1000-2000')}",
                "tos 0x10",
                "from all",
                "from all",
            ]
            not_ = "not " if self._maybe(0.25) else ""
            action = self._pick(
                *("table 100", "table 101", "prohibit", "blackhole", "unreachable", "nop", "goto 32766", "goto 100"),
                "table main suppress_prefixlength 0",
                "table main suppress_prefixlength 24",
                "table main suppress_ifgroup 7",
            )
            self._commands.append((netns, f"{run} rule add prio {priority} {not_}{self._pick(*selectors)} {action}"))
        link = {"host": "eth9", "red": "eth0", "green": "eth0"}[netns]
        routes = [
            f"route add default via {version[near]} dev {link} table 100",
            f"route add throw {version[self._pick(*_ENDS)]} table 100",
            f"route add unreachable {version[self._pick(*_ENDS)]} table 101",
            "route add blackhole default table 101 metric 100",
            f"route add {version['green']} dev {link} table 101",
            "route add prohibit default table 100 metric 9999",
        ]
        for route in self._random.sample(routes, self._random.randint(1, 4)):
            self._commands.append((netns, f"{run} {route}"))
        if self._maybe(0.2):
            self._commands.append((netns, f"ip link set {link} group 7"))

    def _add_routes(self) -> None:
        netns = self._pick("host", "red", "green", "out")
        lines = {
            "host": (
                "ip route add 10.0.0.2/32 dev br1",
                "ip route add 10.0.0.0/25 dev eth9",
                "ip route add 203.0.113.0/24 nexthop via 192.0.2.254 dev eth9 nexthop via 10.0.0.3 dev br0",
                "ip route add 203.0.113.1 via 10.0.0.3",
                "ip route del default",
                "ip route add local 203.0.113.1 dev lo",
                "ip addr add 203.0.113.9/32 dev lo; ip route replace default via 192.0.2.254 src 203.0.113.9",
                "ip route add 10.0.1.2 dev br1 tos 0x10; ip route add unreachable 10.0.1.2 metric 50",
                "ip -6 route add fd00::2 dev br1",
                "ip -6 route add 2001:db8::/64 from fd01::/64 via fd00::3 dev br0 metric 5",
                "ip addr del 10.0.0.1/24 dev br0; ip route add 10.0.0.0/24 dev br0",
                "ip addr add 10.0.0.77/24 dev br0; ip addr add 10.9.0.1/24 dev br0",
            ),
            "red": (
                "ip route add 10.0.1.0/24 via 10.0.0.3",
                "ip route add 10.0.1.2 via 10.0.0.1 src 10.9.9.9; ip addr add 10.9.9.9/32 dev lo",
                "ip addr add 10.0.0.9/24 dev eth0",
                "ip addr add 10.0.1.9/24 dev eth0",
                "ip route add 10.0.1.0/24 dev eth0",
                "ip -6 route add fd01::/64 from fd00::2 via fd00::3 dev eth0 metric 5",
                "ip -6 route add default from fd00:b::/64 via fd00::3 dev eth0 metric 5",
                "ip addr add fd00:b::2/64 dev eth0 nodad",
                "ip route add 192.0.2.0/24 nexthop via 10.0.0.1 nexthop via 10.0.0.3",
                "ip addr add 10.0.0.3/32 dev lo",
            ),
            "green": (
                "ip route del default",
                "ip route add 10.0.0.2 via 10.0.1.1 src 10.9.8.8; ip addr add 10.9.8.8/32 dev lo",
                "ip route add blackhole 10.0.0.0/24",
                "ip addr add 10.0.1.3/24 dev eth0",
            ),
            "out": (
                "ip route del default; ip route add 10.0.0.0/16 via 192.0.2.1",
                "ip route del default",
                "ip addr add 192.0.2.77/24 dev eth0",
            ),
        }[netns]
        for line in self._random.sample(lines, min(len(lines), self._random.randint(1, 2))):
            self._commands.append((netns, line))

    def _add_sysctls(self) -> None:
        host = (
            "net.ipv4.conf.br0.rp_filter=1",
            "net.ipv4.conf.all.rp_filter=1",
            "net.ipv4.conf.all.rp_filter=2",
            "net.ipv4.conf.eth9.rp_filter=2",
            "net.ipv4.ip_forward=0",
            "net.ipv4.conf.br0.forwarding=0",
            "net.ipv6.conf.all.forwarding=0",
            "net.ipv4.conf.br0.proxy_arp=1",
            "net.ipv4.conf.br0.arp_ignore=1",
            "net.ipv4.conf.all.arp_ignore=2",
            "net.ipv4.conf.br0.accept_local=1",
            "net.bridge.bridge-nf-call-iptables=0",
            "net.bridge.bridge-nf-call-ip6tables=0",
            "net.ipv4.icmp_echo_ignore_all=1",
            "net.ipv6.icmp.echo_ignore_all=1",
            "net.ipv4.conf.all.route_localnet=1",
            "net.ipv4.conf.all.src_valid_mark=1",
        )
        inside = ("net.ipv4.conf.eth0.rp_filter=1", "net.ipv4.ip_default_ttl=1", "net.ipv6.icmp.echo_ignore_all=1")
        for _number in range(self._random.randint(1, 3)):
            self._commands.append(("host", f"sysctl -qw {self._pick(*host)}"))
        if self._maybe(0.3):
            self._commands.append((self._pick("red", "green"), f"sysctl -qw {self._pick(*inside)}"))
