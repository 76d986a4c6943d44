# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contents of a namespace in a snapshot, compared with ip(8), bridge(8), /proc/sys and the schema."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._facts.host import COLLECTOR
from ansible_collections.netfleet.docker.tests.schema import assert_document

from .sandbox import Sandbox

_HOST = """
ip link add br0 type bridge stp_state 1 forward_delay 400 mcast_snooping 0
ip link add v0 type veth peer name v1 netns red
ip link add v2 type veth peer name v3
ip link set v0 master br0
ip link set v2 master br0 alias 'to the other' mtu 1400
ip link property add dev v2 altname second
bridge link set dev v0 isolated on cost 7
ip link set br0 up
ip link set v0 up
ip link set v2 up
ip link set v3 up
ip -n red link set v1 up
ip -n red link set lo up
ip link add mv0 link v3 netns red type macvlan mode bridge
ip link add mt0 link v3 type macvtap mode vepa
ip link add x0 type vxlan id 7 dstport 4789 local 192.0.2.1 dev br0 nolearning proxy ttl 5
ip link add x1 type vxlan id 8 dstport 4790 group 239.1.1.1 dev br0 ageing 100
ip link add x2 type vxlan id 9 dstport 4791 remote 2001:db8::9
ip link set x0 netns red
ip -n red link add ifb7 type ifb
ip tuntap add t0 mode tun
ip tuntap add t1 mode tap
ip addr add 192.0.2.1/24 brd + dev br0
ip addr add 192.0.2.2/24 dev br0 label br0:x
ip addr add 198.51.100.1 peer 198.51.100.2/32 dev v3
ip addr add 2001:db8::1/64 dev br0 nodad
ip addr add 2001:db8:5::5/64 dev br0 nodad valid_lft 1000 preferred_lft 500
ip -n red addr add 192.0.2.3/24 dev v1
ip -n red addr add 2001:db8::3/64 dev v1 nodad
ip route add default via 192.0.2.9
ip route add 203.0.113.0/24 dev br0 src 192.0.2.2 metric 7 table 100000 mtu 1300
ip route add 203.0.113.9 via 10.0.0.1 dev br0 onlink
ip route add 203.0.113.128/25 via inet6 2001:db8::9 dev br0
ip route add blackhole 10.1.0.0/16
ip route add unreachable 10.2.0.0/16 metric 5
ip route add 10.3.0.0/16 nexthop via 192.0.2.9 weight 2 nexthop via 192.0.2.10
ip -6 route add default via 2001:db8::9 dev br0 metric 3
ip -6 route add 2001:db8:8::/48 from 2001:db8:7::/48 dev br0
ip -6 route add 2001:db8:9::/48 nexthop via 2001:db8::8 nexthop via 2001:db8::9
ip -6 route add prohibit 2001:db8:3::/48 table 9
ip rule add from 192.0.2.0/24 to 203.0.113.0/24 lookup 100000 priority 5
ip rule add fwmark 0x10/0xff iif v3 oif br0 lookup 7
ip rule add not from 192.0.2.7 tos 0x10 blackhole
ip rule add ipproto tcp sport 80 dport 90-100 uidrange 0-99 lookup 9
ip rule add priority 50 goto 100
ip rule add priority 100 from 192.0.2.8 prohibit
ip -6 rule add from 2001:db8::/32 lookup 9 priority 8
ip rule add priority 60 lookup main suppress_prefixlength 0
ip rule add priority 61 lookup main suppress_ifgroup 7
ip rule add priority 62 l3mdev
ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev br0 nud permanent
ip neigh add 192.0.2.6 lladdr 02:00:00:00:00:06 dev br0 nud stale router
ip neigh add proxy 192.0.2.66 dev br0
ip -6 neigh add proxy 2001:db8::66 dev br0
ip -6 neigh add 2001:db8::7 lladdr 02:00:00:00:00:08 dev br0 nud permanent
bridge fdb add 02:00:00:00:01:01 dev v2 master static
bridge fdb add 02:00:00:00:01:02 dev v2 self permanent
bridge -n red fdb add 02:00:00:00:01:03 dev x0 dst 192.0.2.200 port 8472 vni 77
bridge -n red fdb append 00:00:00:00:00:00 dev x0 dst 192.0.2.201
ip -n red link set x0 up
"""
_COUNTED = {"rx_bytes": ("rx", "bytes"), "tx_packets": ("tx", "packets"), "rx_dropped": ("rx", "dropped")}


@pytest.fixture
def rich(box: Sandbox) -> Sandbox:
    """Return a host with links, addresses, routes, rules, neighbors and forwarding entries of many kinds."""
    box.sh(*_HOST.strip().splitlines())
    box.run("ping", "-c", "2", "-i", "0.01", "192.0.2.3", check=False)
    return box


def read(box: Sandbox, **args: Any) -> dict[str, Any]:
    result = box.module("netns_info", args)
    assert not result.failed, result.msg
    assert {row["part"] for row in result.data["missing"]} <= {"docker"}, result.data["missing"]
    return result.data


def namespaces(box: Sandbox) -> dict[str, dict[str, Any]]:
    return {row["reference"]: row for row in read(box)["namespaces"]}


def test_interfaces_match_ip_output(rich: Sandbox) -> None:
    data = namespaces(rich)
    seen = set()
    for label in ("host", "red"):
        ours = {link["index"]: link for link in data[label]["interfaces"]}
        theirs = rich.ip("-s", "link", netns=label)
        assert set(ours) == {link["ifindex"] for link in theirs}
        for link in theirs:
            mine = ours[link["ifindex"]]
            info = link.get("linkinfo", {})
            seen.add(info.get("info_kind"))
            assert mine["name"] == link["ifname"]
            assert mine["kind"] == info.get("info_kind", "loopback" if link["link_type"] == "loopback" else None)
            assert (mine["mtu"], mine["qdisc"], mine["group"]) == (
                link["mtu"],
                link["qdisc"],
                int(link["group"] != "default"),
            )
            assert mine["mac"] == link.get("address") or link["link_type"] == "none"
            assert mine["operstate"] == link["operstate"].lower()
            assert (mine["alias"], mine["altnames"]) == (link.get("ifalias"), link.get("altnames", []))
            assert mine["master"] == link.get("master")
            assert mine["queue_length"] == link.get("txqlen", 0) and mine["promiscuity"] == link["promiscuity"]
            flags = set(link["flags"]) - {"NO-CARRIER", "M-DOWN"}
            assert set(mine["flags"]) - {"RUNNING"} == flags
            assert mine["up"] == ("UP" in flags) and mine["running"] == ("LOWER_UP" in flags)
            for column, (way, counter) in _COUNTED.items():
                # The state can change between the two readings.
                assert abs(mine["statistics"][column] - link["stats64"][way][counter]) <= 2000
    assert {"veth", "bridge", "macvlan", "macvtap", "vxlan", "ifb", "tun", None} <= seen


def test_peers_in_other_namespaces_are_reported(rich: Sandbox) -> None:
    data = namespaces(rich)
    inodes = {label: data[label]["netns"] for label in ("host", "red")}
    links = {(label, link["name"]): link for label in inodes for link in data[label]["interfaces"]}

    def other(label: str, name: str, role: str) -> tuple[Any, ...]:
        link = links[label, name]
        return link[f"{role}_netns"], link[role], link[f"{role}_index"]

    def expected(label: str, name: str) -> tuple[Any, ...]:
        return inodes[label], name, rich.ip("link", "show", name, netns=label)[0]["ifindex"]

    assert other("host", "v0", "peer") == expected("red", "v1")
    assert other("red", "v1", "peer") == expected("host", "v0")
    assert other("host", "v2", "peer") == expected("host", "v3")
    assert other("red", "mv0", "parent") == expected("host", "v3")
    assert other("host", "mt0", "parent") == expected("host", "v3")
    assert other("red", "x0", "parent") == expected("host", "br0")
    assert other("host", "x1", "parent") == expected("host", "br0")
    assert other("host", "x2", "parent") == other("host", "br0", "parent") == (None, None, None)


def test_options_of_each_link_kind_are_collected(rich: Sandbox) -> None:
    data = namespaces(rich)
    links = {link["name"]: link for label in ("host", "red") for link in data[label]["interfaces"]}
    bridge = rich.ip("link", "show", "br0")[0]["linkinfo"]["info_data"]
    assert links["br0"]["options"]["forward_delay"] == bridge["forward_delay"] == 400
    assert links["br0"]["options"]["stp"] is True and links["br0"]["options"]["multicast_snooping"] is False
    assert links["br0"]["options"]["bridge_id"] == f"8000.{links['br0']['mac']}"
    assert links["br0"]["options"]["root_id"] == links["br0"]["options"]["bridge_id"]
    port = rich.ip("link", "show", "v0")[0]["linkinfo"]["info_slave_data"]
    assert (links["v0"]["port"]["state"], links["v0"]["port"]["cost"], links["v0"]["port"]["isolated"]) == (
        port["state"],
        7,
        True,
    )
    assert links["v0"]["port"]["unicast_flood"] is True
    assert (links["mv0"]["options"]["mode"], links["mt0"]["options"]["mode"]) == ("bridge", "vepa")
    x0, x1, x2 = (links[name]["options"] for name in ("x0", "x1", "x2"))
    assert (x0["vni"], x0["port"], x0["local"], x0["learning"], x0["proxy"], x0["ttl"]) == (
        7,
        4789,
        "192.0.2.1",
        False,
        True,
        5,
    )
    assert (x1["vni"], x1["port"], x1["group"], x1["ageing"], x1["learning"]) == (8, 4790, "239.1.1.1", 100, True)
    assert (x2["remote"], "group" in x2) == ("2001:db8::9", False)
    assert (links["t0"]["options"]["type"], links["t1"]["options"]["type"]) == ("tun", "tap")


def test_addresses_match_ip_output(rich: Sandbox) -> None:
    data = namespaces(rich)
    for label in ("host", "red"):
        theirs = {}
        for link in rich.ip("addr", netns=label):
            for one in link["addr_info"]:
                theirs[link["ifname"], one["local"]] = one
        ours = {(one["interface"], one["address"]): one for one in data[label]["addresses"]}
        assert set(ours) == set(theirs)
        for key, one in theirs.items():
            mine = ours[key]
            assert mine["family"] == (6 if one["family"] == "inet6" else 4)
            assert (mine["prefixlen"], mine["peer"]) == (one["prefixlen"], one.get("address"))
            assert (mine["broadcast"], mine["scope"]) == (one.get("broadcast"), one["scope"])
            assert mine["label"] == one.get("label")
            assert ("permanent" in mine["flags"]) == (not one.get("dynamic", False))
            for flag in ("secondary", "nodad", "tentative", "noprefixroute"):
                assert (flag in mine["flags"]) == one.get(flag, False), (key, flag)
            for column, limit in (("valid_seconds", "valid_life_time"), ("preferred_seconds", "preferred_life_time")):
                forever = one[limit] == 2**32 - 1
                assert (mine[column] is None) == forever and (forever or abs(mine[column] - one[limit]) <= 5)


def test_duplicate_address_is_marked(box: Sandbox) -> None:
    box.netns("other", dad=True)
    box.sh(
        "ip link add far0 netns red type veth peer name far1 netns other",
        "ip -n red link set far0 up",
        "ip -n red addr add 2001:db8::1/64 dev far0 nodad",
        "ip -n other link set far1 up",
        "sleep 0.2",
        "ip -n other addr add 2001:db8::1/64 dev far1",
    )
    for _attempt in range(100):
        (other,) = read(box, names=["other"], gather_subset=["addresses"])["namespaces"]
        flags = next(one["flags"] for one in other["addresses"] if one["address"] == "2001:db8::1")
        if "dadfailed" in flags:
            break
        assert "tentative" in flags
        box.run("sleep", "0.1")
    assert {"dadfailed", "tentative"} <= set(flags)


def _same_route(mine: dict[str, Any], theirs: dict[str, Any], family: int) -> None:
    whole = 32 if family == 4 else 128
    dst = {"default": "0.0.0.0/0" if family == 4 else "::/0"}.get(theirs["dst"], theirs["dst"])
    assert mine["dst"] == (dst if "/" in dst else f"{dst}/{whole}")
    assert mine["type"] == theirs.get("type", "unicast")
    assert mine["gateway"] == theirs.get("gateway", theirs.get("via", {}).get("host"))
    assert mine["interface"] == theirs.get("dev")
    assert mine["prefsrc"] == theirs.get("prefsrc")
    assert mine["src"] == theirs.get("from")
    assert mine["metric"] == theirs.get("metric", 0)
    assert mine["protocol"] == theirs["protocol"]
    assert (mine["scope"] == "global") == ("scope" not in theirs or theirs["scope"] == "global")
    assert mine["flags"] == theirs["flags"]
    assert mine["mtu"] == next((one["mtu"] for one in theirs.get("metrics", ()) if "mtu" in one), None)
    assert [(hop["gateway"], hop["interface"], hop["weight"]) for hop in mine["nexthops"]] == [
        (hop["gateway"], hop["dev"], hop["weight"]) for hop in theirs.get("nexthops", ())
    ]


def test_routes_of_all_tables_match_ip_output(rich: Sandbox) -> None:
    data = namespaces(rich)
    numbers = {"main": 254, "local": 255, "default": 253}
    for label in ("host", "red"):
        for family in (4, 6):
            theirs = rich.ip("-N", f"-{family}", "route", "show", "table", "all", netns=label)
            named = rich.ip(f"-{family}", "route", "show", "table", "all", netns=label)
            ours = [one for one in data[label]["routes"] if one["family"] == family]
            assert len(ours) == len(theirs) > 2
            for mine, one, words in zip(ours, theirs, named):
                table = str(one.get("table", "main"))
                assert mine["table"] == numbers.get(table) or mine["table"] == int(table)
                _same_route(mine, words, family)


def test_routing_rules_match_ip_output(rich: Sandbox) -> None:
    data = namespaces(rich)["host"]
    for family in (4, 6):
        theirs = rich.ip(f"-{family}", "rule")
        ours = [one for one in data["rules"] if one["family"] == family]
        assert [one["priority"] for one in ours] == [one["priority"] for one in theirs]
    rules = {one["priority"]: one for one in data["rules"] if one["family"] == 4}
    assert (rules[5]["src"], rules[5]["dst"], rules[5]["table"]) == ("192.0.2.0/24", "203.0.113.0/24", 100000)
    assert (rules[50]["action"], rules[50]["goto"]) == ("goto", 100)
    assert (rules[100]["action"], rules[100]["src"]) == ("prohibit", "192.0.2.8/32")
    every = data["rules"]
    marked = next(one for one in every if one["fwmark"])
    assert (marked["fwmark"], marked["fwmask"], marked["iif"], marked["oif"], marked["table"]) == (
        16,
        255,
        "v3",
        "br0",
        7,
    )
    dark = next(one for one in every if one["inverted"])
    assert (dark["action"], dark["src"], dark["tos"]) == ("blackhole", "192.0.2.7/32", 16)
    ports = next(one for one in every if one["ip_protocol"])
    assert (ports["ip_protocol"], ports["sport"], ports["dport"], ports["uids"]) == (6, "80", "90-100", "0-99")
    assert rules[0]["protocol"] == "kernel"
    limits = ("suppress_prefixlength", "suppress_ifgroup", "l3mdev")
    assert [[rules[at][name] for name in limits] for at in (5, 60, 61, 62)] == [
        [None, None, False],
        [0, None, False],
        [None, 7, False],
        [None, None, True],
    ]


def test_neighbors_match_ip_output(rich: Sandbox) -> None:
    data = namespaces(rich)["host"]
    theirs = {(one["dev"], one["dst"]): one for one in rich.ip("neigh", "show", "nud", "all")}
    proxies = {(one["dev"], one["dst"]) for one in rich.ip("neigh", "show", "proxy")}
    proxies |= {(one["dev"], one["dst"]) for one in rich.ip("-6", "neigh", "show", "proxy")}
    found = [one for one in data["neighbours"] if "proxy" in one["flags"]]
    assert {(one["interface"], one["address"]) for one in found} == proxies
    assert len(found) == 2
    ours = {(one["interface"], one["address"]): one for one in data["neighbours"] if one not in found}
    assert set(ours) == set(theirs) and len(ours) >= 4
    for key, one in theirs.items():
        assert ours[key]["mac"] == one.get("lladdr") or ours[key]["state"] == "noarp"
        assert ours[key]["state"].upper() in one["state"] or key[1] == "192.0.2.3"
    assert "router" in ours["br0", "192.0.2.6"]["flags"]


def _entry(one: dict[str, Any]) -> str:
    return str((one["mac"], one.get("ifname") or one.get("interface"), one.get("master"), one.get("dst")))


def test_forwarding_entries_match_bridge_output(rich: Sandbox) -> None:
    data = namespaces(rich)
    for label in ("host", "red"):
        theirs = rich.bridge("-s", "fdb", netns=label)
        ours = data[label]["fdb"]
        assert sorted(map(_entry, ours)) == sorted(map(_entry, theirs))
    host = {(one["mac"], one["master"]): one for one in data["host"]["fdb"]}
    assert host["02:00:00:00:01:01", "br0"]["state"] == "static"
    assert (host["02:00:00:00:01:02", None]["state"], host["02:00:00:00:01:02", None]["flags"]) == (
        "permanent",
        ["self"],
    )
    red = {(one["mac"], one["dst"]): one for one in data["red"]["fdb"] if one["interface"] == "x0"}
    far = red["02:00:00:00:01:03", "192.0.2.200"]
    assert (far["port"], far["vni"], far["interface"]) == (8472, 77, "x0")
    assert red["00:00:00:00:00:00", "192.0.2.201"]["port"] is None


def test_sysctls_match_proc_files(rich: Sandbox) -> None:
    rich.sh(
        "echo 1 >/proc/sys/net/ipv4/ip_forward",
        "echo 1 >/proc/sys/net/ipv4/conf/v1/proxy_arp",
        "echo 2 >/proc/sys/net/ipv4/conf/v1/arp_announce",
        "echo 1 >/proc/sys/net/ipv4/conf/v1/route_localnet",
        "echo 1 >/proc/sys/net/ipv4/conf/v1/arp_ignore",
        "echo 2 >/proc/sys/net/ipv4/conf/v1/rp_filter",
        "echo 1 >/proc/sys/net/ipv6/conf/v1/proxy_ndp",
        "echo 1 >/proc/sys/net/ipv6/conf/ifb7/disable_ipv6",
        "echo 2 >/proc/sys/net/ipv6/conf/v1/use_tempaddr",
        netns="red",
    )
    sysctls = namespaces(rich)["red"]["sysctls"]
    files = rich.run(
        "sh", "-c", 'cd /proc/sys; for f in "$@"; do echo "$f $(cat $f)"; done', "sh", *sysctls, netns="red"
    )
    theirs = {
        key: " ".join(value.split()) for key, _space, value in (line.partition(" ") for line in files.splitlines())
    }
    assert sysctls == theirs
    assert {key.split("/")[3] for key in sysctls if "/conf/" in key} >= {"all", "default", "lo", "v1", "x0", "mv0"}
    assert sysctls["net/ipv4/ip_forward"] == "1"


def test_names_of_any_bytes_are_escaped_reversibly(box: Sandbox) -> None:
    names = [
        b"<b>x",
        b"{{7*7}}",
        b"$(id)",
        b"a;b|c&d",
        b"-rf",
        b"--help",
        b"x\x1b[31m",
        b"y\x01",
        "\u202eabc".encode(),
        b"\xff\xfe",
        rb"\xff",
        b"'\"",
        rb"a\b",
    ]
    aliases = [
        b"=1+1",
        b"<script>alert(1)</script>",
        b"{% raw %}{{ x }}",
        b"\xc3\x28\xff",
        rb"\x5c \xaa",
        b"line\nline",
        b"\x1b]0;t\x07",
    ]
    code = """
import sys
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.transport import Netlink
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import encode_attribute as attribute
import struct
netlink = Netlink()
kind = attribute(18, attribute(1, b"ifb\\0"))
names, aliases = ([bytes.fromhex(one) for one in words.split(",")] for words in sys.argv[1:])
for number, name in enumerate(names):
    netlink.request("make", 16, 0x600, bytes(16) + attribute(3, name + b"\\0") + kind)
for number, alias in enumerate(aliases):
    netlink.request("name", 16, 0, bytes(16) + attribute(3, names[number] + b"\\0") + attribute(20, alias + b"\\0"))
"""
    box.run(sys.executable, "-c", code, *(",".join(one.hex() for one in words) for words in (names, aliases)))
    data = read(box, names=["host"])
    (host,) = data["namespaces"]

    def bytes_of(text: str) -> bytes:
        return re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes.fromhex(match[1].decode()), text.encode())

    links = {bytes_of(link["name"]): link for link in host["interfaces"]}
    assert set(names) <= set(links)
    assert [bytes_of(links[name]["alias"]) for name in names[: len(aliases)]] == aliases
    assert len({link["name"] for link in host["interfaces"]}) == len(host["interfaces"])
    json.dumps(data).encode("utf-8")
    assert (
        bytes_of(next(key for key in host["sysctls"] if key.endswith("xff/forwarding") and "x5c" in key))
        == rb"net/ipv4/conf/\xff/forwarding"
    )


def test_snapshot_matches_the_schema(rich: Sandbox) -> None:
    rich.sh(
        "iptables -A INPUT -p tcp --dport 80 -j DROP",
        "ip xfrm policy add src 192.0.2.0/24 dst 192.0.2.7 dir out tmpl proto esp",
    )
    data = read(rich)
    assert assert_document(data) == {
        *("netns", "interface", "address", "route", "rule", "neighbour", "fdb", "sysctl", "host", "missing"),
        *("firewall_chain", "firewall_rule", "xfrm_policy", "socket"),
    }


def test_snapshot_names_the_collection_version() -> None:
    galaxy = (Path(__file__).resolve().parents[2] / "galaxy.yml").read_text(encoding="utf-8")
    version = re.search(r"^version: (\S+)$", galaxy, re.MULTILINE)
    assert version and f"netfleet.docker {version[1]}" == COLLECTOR
