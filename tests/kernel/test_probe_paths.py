# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Path MTU, routers and neighbors with real faults; ping(8) and ip(8) are the witnesses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .probing import FAR, FAR6, MID, NEAR, Way

pytestmark = [pytest.mark.long, pytest.mark.sockets]

TOO_BIG = {
    FAR: "iptables -A OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP",
    FAR6: "ip6tables -A OUTPUT -p icmpv6 --icmpv6-type packet-too-big -j DROP",
}
HEADERS = {FAR: 28, FAR6: 48}


@pytest.fixture
def way() -> Iterator[Way]:
    with Way() as found:
        yield found


def passes(way: Way, target: str, size: int) -> bool:
    """Return whether ping(8) gets an answer to unfragmented packets of a size."""
    payload = str(size - HEADERS[target])
    said = way.run("ping", "-c2", "-i0.2", "-W1", "-M", "do", "-s", payload, target, netns="near", check=False)
    assert "received" in said, said
    return ", 2 received" in said


@pytest.mark.parametrize("target", [FAR, FAR6])
def test_path_mtu_equals_the_link_mtu(way: Way, target: str) -> None:
    assert passes(way, target, 1500)
    found = way.one(type="path_mtu", target=target)
    assert (found["state"], found["path_mtu"], found["link_mtu"], found["reduced_by"]) == ("open", 1500, 1500, [])
    assert found["interface"] == "near0"


@pytest.mark.parametrize("target", [FAR, FAR6])
@pytest.mark.parametrize("mtu", [1280, 1413, 1499])
def test_smaller_path_mtu_reported_by_a_router(way: Way, target: str, mtu: int) -> None:
    way.sh(f"ip -n mid link set mid1 mtu {mtu}", f"ip -n far link set far0 mtu {mtu}")
    assert passes(way, target, mtu) and not passes(way, target, mtu + 1)
    router = MID if target == FAR else "fd01::254"
    found = way.probe(
        {"type": "path_mtu", "target": target},
        {"type": "path_mtu", "target": target, "min_mtu": mtu},
        {"type": "path_mtu", "target": target, "min_mtu": mtu + 1},
    )
    assert [one["state"] for one in found] == ["open"] * 3
    assert [one["path_mtu"] for one in found] == [mtu] * 3
    assert found[0]["reduced_by"] == [{"address": router, "mtu": mtu}]
    assert found[0]["fragments_pass"] is True
    assert [one["met"] for one in found] == [True, True, False]
    assert f"{router} reports {mtu}" in found[0]["reason"]


@pytest.mark.parametrize("target", [FAR, FAR6])
@pytest.mark.parametrize("mtu", [1281, 1450])
def test_path_mtu_black_hole(way: Way, target: str, mtu: int) -> None:
    way.sh(f"ip -n mid link set mid1 mtu {mtu}", f"ip -n far link set far0 mtu {mtu}")
    way.sh(TOO_BIG[target], netns="mid")
    assert passes(way, target, mtu) and not passes(way, target, mtu + 1)
    found = way.one(type="path_mtu", target=target)
    assert (found["state"], found["met"], found["path_mtu"], found["reduced_by"]) == ("black_hole", False, mtu, [])
    assert f"more than {mtu} bytes" in found["reason"] and "dropped without an error" in found["reason"]
    small = way.one(type="path_mtu", target=target, max_mtu=mtu)
    assert small["state"] == "open"


def test_path_mtu_black_hole_behind_a_reporting_router(way: Way) -> None:
    way.sh("ip -n mid link set mid1 mtu 1400", "ip -n far link set far0 mtu 1400")
    way.sh("iptables -A FORWARD -m length --length 1301:65535 -j DROP", netns="mid")
    assert passes(way, FAR, 1300) and not passes(way, FAR, 1301)
    found = way.one(type="path_mtu", target=FAR)
    assert (found["state"], found["path_mtu"]) == ("black_hole", 1300)


def test_path_mtu_of_jumbo_frames(way: Way) -> None:
    for netns, link in (("near", "near0"), ("mid", "mid0"), ("mid", "mid1"), ("far", "far0")):
        way.sh(f"ip -n {netns} link set {link} mtu 9000")
    assert way.one(type="path_mtu", target=FAR)["path_mtu"] == 9000
    way.sh("iptables -A FORWARD -m length --length 4322:65535 -j DROP", netns="mid")
    assert way.one(type="path_mtu", target=FAR)["path_mtu"] == 4321


def test_path_mtu_of_an_unreachable_host_is_unknown(way: Way) -> None:
    way.sh("iptables -A INPUT -p icmp -j DROP", netns="far")
    found = way.one(type="path_mtu", target=FAR, timeout=1)
    assert found["state"] == "filtered" and "not tested" in found["reason"]
    way.sh("ip -n near route del default")
    assert way.one(type="path_mtu", target=FAR)["state"] == "unreachable"


def test_ping_with_a_size(way: Way) -> None:
    way.sh("ip -n mid link set mid1 mtu 1400", "ip -n far link set far0 mtu 1400")
    found = way.probe(
        {"type": "ping", "target": FAR, "size": 1400, "dont_fragment": True, "count": 1},
        {"type": "ping", "target": FAR, "size": 1401, "dont_fragment": True, "count": 1},
        {"type": "ping", "target": FAR, "size": 1401, "dont_fragment": False, "count": 1},
    )
    assert [one["state"] for one in found] == ["open", "filtered", "open"]
    assert f"{MID} reports" in found[1]["reason"] and "1400" in found[1]["reason"]


@pytest.mark.parametrize("target", [FAR, FAR6])
def test_traceroute_lists_the_routers(way: Way, target: str) -> None:
    found = way.one(type="traceroute", target=target)
    router = MID if target == FAR else "fd01::254"
    assert [hop["addresses"] for hop in found["hops"]] == [[router], [target]]
    assert [hop["hop"] for hop in found["hops"]] == [1, 2]
    assert found["state"] == "open" and "2 hops away" in found["reason"]
    assert found["hops"][0]["latency"]["min_ms"] > 0


def test_traceroute_ends_at_the_last_router(way: Way) -> None:
    way.sh("iptables -A FORWARD -j DROP", netns="mid")
    silent = way.one(type="traceroute", target=FAR, timeout=0.5, max_hops=8)
    assert silent["state"] == "filtered" and f"the last host that answers is {MID}, hop 1" in silent["reason"]
    way.sh("iptables -F", "iptables -A FORWARD -j REJECT --reject-with icmp-admin-prohibited", netns="mid")
    rejected = way.one(type="traceroute", target=FAR)
    assert rejected["state"] == "prohibited" and MID in rejected["reason"]
    way.sh("iptables -F", "iptables -A OUTPUT -p icmp -j DROP", netns="mid")
    hidden = way.one(type="traceroute", target=FAR, timeout=1)
    assert [hop["addresses"] for hop in hidden["hops"]] == [[], [FAR]]


def mac(way: Way, netns: str, link: str) -> str:
    return str(way.ip("link", "show", link, netns=netns)[0]["address"])


@pytest.mark.parametrize(("target", "off"), [(MID, FAR), ("fd01::254", FAR6)])
def test_neighbor_is_found(way: Way, target: str, off: str) -> None:
    nobody = "192.0.2.77" if target == MID else "fd01::77"
    found = way.probe(
        {"type": "neighbour", "target": target},
        {"type": "neighbour", "target": nobody, "timeout": 1, "expect": ["unreachable"]},
        {"type": "neighbour", "target": off, "expect": ["off_link"]},
        {"type": "neighbour", "target": off, "interface": "near0", "timeout": 1, "expect": ["unreachable"]},
    )
    assert all(one["met"] for one in found), [one["reason"] for one in found]
    assert found[0]["macs"] == [mac(way, "mid", "mid0")]
    assert target.replace("254", "") in found[2]["reason"]


def test_neighbor_probe_uses_no_gateway(way: Way) -> None:
    way.sh("ip -n near link set near0 down")
    assert way.one(type="neighbour", target=MID)["state"] == "unreachable"
    done = way.module("probe", {"netns": "near", "checks": [{"type": "duplicate", "target": MID, "interface": "lo"}]})
    assert done.data["results"][0]["state"] == "error"


@pytest.fixture
def segment() -> Iterator[Way]:
    """Create three hosts on one bridge, two of which have the same address."""
    with Way() as found:
        found.netns("one", "two", "three")
        found.sh("ip link add br0 type bridge", "ip link set br0 up")
        for number, name in enumerate(("one", "two", "three"), 1):
            found.sh(
                f"ip link add p{number} type veth peer name eth0 netns {name}",
                f"ip link set p{number} master br0 up",
                f"ip -n {name} link set eth0 up",
                f"ip -n {name} addr add 203.0.113.{number}/24 dev eth0",
                f"ip -n {name} addr add fd03::{number}/64 dev eth0 nodad",
            )
        for name in ("two", "three"):
            found.sh(f"ip -n {name} addr add 203.0.113.99/24 dev eth0")
            found.sh(f"ip -n {name} addr add fd03::99/64 dev eth0 nodad")
        found.wait_for("fd03::2", "one")
        yield found


@pytest.mark.parametrize("prefix", ["203.0.113.", "fd03::"])
def test_duplicate_addresses_are_found(segment: Way, prefix: str) -> None:
    macs = {name: mac(segment, name, "eth0") for name in ("one", "two", "three")}
    check = {"type": "duplicate", "interface": "eth0", "timeout": 1}
    twice, own, others, free = segment.probe(
        {**check, "target": f"{prefix}99"},
        {**check, "target": f"{prefix}1"},
        {**check, "target": f"{prefix}2"},
        {**check, "target": f"{prefix}50"},
        netns="one",
    )
    assert (twice["state"], twice["met"]) == ("duplicate", False)
    assert twice["macs"] == sorted([macs["two"], macs["three"]])
    assert (own["state"], own["own"], own["macs"]) == ("unique", True, [])
    assert (others["state"], others["macs"]) == ("unique", [macs["two"]])
    assert (free["state"], free["macs"]) == ("free", [])
    mine = segment.probe({**check, "target": f"{prefix}99"}, netns="two")[0]
    assert (mine["state"], mine["own"], mine["macs"]) == ("duplicate", True, [macs["three"]])


def test_duplicate_probe_changes_no_neighbor_table(segment: Way) -> None:
    segment.sh("ip -n two neigh flush all", "ip -n three neigh flush all")
    segment.probe({"type": "duplicate", "target": "203.0.113.99", "interface": "eth0", "timeout": 1}, netns="one")
    for name in ("two", "three"):
        assert not [one for one in segment.ip("-4", "neigh", netns=name) if one.get("lladdr")]


def test_two_hosts_answer_for_one_address(segment: Way) -> None:
    found = segment.probe({"type": "neighbour", "target": "203.0.113.99"}, netns="one")[0]
    assert found["state"] == "duplicate" and len(found["macs"]) == 2


def test_own_addresses_are_no_duplicates(way: Way) -> None:
    found = way.one(type="neighbour", target=NEAR, expect=["off_link"])
    assert found["met"] and "address of this namespace" in found["reason"]
