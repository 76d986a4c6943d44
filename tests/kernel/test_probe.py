# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of real faults on a path of three namespaces; ping(8) and sockets of the test are the witnesses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from .probing import FAR, FAR6, MID, NEAR, Way

pytestmark = [pytest.mark.long, pytest.mark.sockets]

QUICK = {"timeout": 1}


@pytest.fixture
def way() -> Iterator[Way]:
    with Way() as found:
        yield found


@pytest.mark.parametrize("target", [FAR, FAR6])
def test_ping_reaches_the_target(way: Way, target: str) -> None:
    way.run("ping", "-c1", "-W2", target, netns="near")
    found = way.one(type="ping", target=target, count=4, interval=0.01)
    assert (found["state"], found["met"]) == ("open", True)
    assert (found["sent"], found["received"], found["loss_percent"]) == (4, 4, 0)
    assert 0 < found["latency"]["min_ms"] <= found["latency"]["avg_ms"] <= found["latency"]["max_ms"] < 1000


def test_ping_with_packet_loss(way: Way) -> None:
    rule = "-m statistic --mode nth --every 2 --packet 0 -j DROP"
    way.sh(f"iptables -A INPUT -p icmp --icmp-type echo-request {rule}", netns="far")
    found = way.one(type="ping", target=FAR, count=6, interval=0.01, **QUICK)
    assert (found["state"], found["received"], found["loss_percent"]) == ("open", 3, 50.0)
    assert "but not to 3 of 6" in found["reason"]


FAULTS: dict[str, tuple[str, str, dict[str, tuple[str, str]]]] = {
    # planted fault → state and part of the reason, by protocol
    "dropped at the target": (
        "far",
        "{tables} -A INPUT -j DROP",
        {
            "ping": ("filtered", "does not answer"),
            "tcp": ("filtered", "timed out"),
            "udp": ("open_or_filtered", "does not respond"),
        },
    ),
    "dropped on the path": (
        "mid",
        "{tables} -A FORWARD -j DROP",
        {
            "ping": ("filtered", "does not answer"),
            "tcp": ("filtered", "timed out"),
            "udp": ("open_or_filtered", "does not respond"),
        },
    ),
    "prohibited on the path": (
        "mid",
        "{tables} -A FORWARD -j REJECT --reject-with {prohibited}",
        dict.fromkeys(("ping", "tcp", "udp"), ("prohibited", "prohibited by a firewall")),
    ),
    "rejected on the path": (
        "mid",
        "{tables} -A FORWARD -j REJECT",
        dict.fromkeys(("ping", "tcp", "udp"), ("refused", "port unreachable")),
    ),
    "no route in the source namespace": (
        "near",
        "{ip} route del default",
        dict.fromkeys(("ping", "tcp", "udp"), ("unreachable", "no route")),
    ),
    "no route on the path": (
        "mid",
        "{ip} route add unreachable {network}",
        dict.fromkeys(("ping", "tcp", "udp"), ("unreachable", "reports")),
    ),
    "prohibited by a route": (
        "near",
        "{ip} route add prohibit {network}",
        dict.fromkeys(("ping", "tcp", "udp"), ("prohibited", "prohibits")),
    ),
    "dropped in the source namespace": (
        "near",
        "{tables} -A OUTPUT -j DROP",
        {"ping": ("prohibited", "firewall"), "udp": ("prohibited", "firewall"), "tcp": ("filtered", "timed out")},
    ),
}
WORDS = {
    FAR: {"tables": "iptables", "prohibited": "icmp-admin-prohibited", "ip": "ip", "network": "198.51.100.1"},
    FAR6: {"tables": "ip6tables", "prohibited": "icmp6-adm-prohibited", "ip": "ip -6", "network": "fd02::1"},
}


@pytest.mark.parametrize("target", [FAR, FAR6])
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_reported_with_its_reason(way: Way, fault: str, target: str) -> None:
    netns, command, wanted = FAULTS[fault]
    way.serve("tcp:http:80", "udp:echo:7")
    checks: list[dict[str, Any]] = [
        {"type": "ping", "target": target, "count": 1, "timeout": 2},
        {"type": "tcp", "target": target, "port": 80, "timeout": 4},
        {"type": "udp", "target": target, "port": 7, "timeout": 2},
    ]
    assert [one["state"] for one in way.probe(*checks)] == ["open"] * 3
    way.sh(command.format(**WORDS[target]), netns=netns)
    assert "1 received" not in way.run("ping", "-c1", "-W1", target, netns="near", check=False)
    for found in way.probe(*checks):
        state, word = wanted[found["type"]]
        assert found["state"] == state, found
        assert word in found["reason"]
        assert not found["met"]


def test_closed_ports_are_reported(way: Way) -> None:
    tcp, udp = way.probe({"type": "tcp", "target": FAR, "port": 81}, {"type": "udp", "target": FAR, "port": 81})
    assert tcp["state"] == udp["state"] == "refused"
    assert "closed" in tcp["reason"]
    assert f"{FAR} reports: port unreachable" in udp["reason"]


def test_missing_host_is_reported(way: Way) -> None:
    ping, tcp, udp = way.probe(
        {"type": "ping", "target": "192.0.2.77", "count": 1},
        {"type": "tcp", "target": "192.0.2.77", "port": 80},
        {"type": "udp", "target": "192.0.2.77", "port": 80},
    )
    assert {ping["state"], tcp["state"], udp["state"]} == {"unreachable"}


def test_link_that_is_down_is_reported(way: Way) -> None:
    way.sh("ip -n near link set near0 down")
    assert way.one(type="ping", target=MID, count=1)["state"] == "unreachable"
    assert way.one(type="tcp", target=MID, port=80)["state"] == "unreachable"


def test_udp_probe(way: Way) -> None:
    way.serve("udp:echo:7", "udp:silent:9")
    echo, silent, other = way.probe(
        {"type": "udp", "target": FAR, "port": 7, "payload": "hello", "contains": "you said hello"},
        {"type": "udp", "target": FAR, "port": 9, "payload_hex": "00ff", "expect": ["open_or_filtered"], **QUICK},
        {"type": "udp", "target": FAR, "port": 7, "payload": "hello", "contains": "goodbye"},
    )
    assert echo["met"] and echo["reply"] == "you said hello"
    assert silent["met"] and silent["state"] == "open_or_filtered"
    assert not other["met"] and other["state"] == "open" and "goodbye" in other["reason"]


def test_http_probe(way: Way) -> None:
    way.serve("tcp:http:80", "tcp:drip:81", "tcp:garbage:82", "tcp:silent:83")
    url = f"http://{FAR}"
    found = way.probe(
        {"type": "http", "url": f"{url}/", "contains": "hello", "response_headers": {"content-type": "text"}},
        {"type": "http", "url": f"{url}/", "headers": {"X-Who": "me", "Host": "web.test"}, "contains": "X-Who: me"},
        {"type": "http", "url": f"{url}/gone"},
        {"type": "http", "url": f"{url}/gone", "status": [404]},
        {"type": "http", "url": f"{url}/moved"},
        {"type": "http", "url": f"{url}/", "contains": "nothing like it", "response_headers": {"x-none": ""}},
        {"type": "http", "url": f"{url}:81/", **QUICK},
        {"type": "http", "url": f"{url}:82/", **QUICK},
        {"type": "http", "url": f"{url}:83/", **QUICK},
        {"type": "http", "url": f"{url}:84/", **QUICK},
        {"type": "http", "url": f"http://[{FAR6}]/"},
    )
    states = ["open"] * 6 + ["filtered", "refused", "refused", "refused", "open"]
    assert [one["state"] for one in found] == states, [one["reason"] for one in found]
    assert [one["met"] for one in found] == [True, True, False, True, True, False, False, False, False, False, True]
    assert found[2]["status"] == 404 and "200 to 399 was expected" in found[2]["reason"]
    assert found[4]["location"] == "http://192.0.2.99/"
    assert "x-none" in found[5]["reason"] and "does not contain" in found[5]["reason"]
    assert "not HTTP" in found[7]["reason"]


def test_slow_response_ends_at_the_deadline(way: Way) -> None:
    way.serve("tcp:drip:81")
    started = time.monotonic()
    found = way.probe(
        {"type": "http", "url": f"http://{FAR}:81/", **QUICK},
        {"type": "tcp", "target": FAR, "port": 81, "tls": True, **QUICK},
        {"type": "dns", "target": "far.test", "server": FAR, "port": 81, "protocol": "tcp", **QUICK},
    )
    assert time.monotonic() - started < 5
    assert [one["met"] for one in found] == [False] * 3


def test_checks_run_in_parallel(way: Way) -> None:
    way.sh("iptables -A INPUT -j DROP", netns="far")
    started = time.monotonic()
    found = way.probe(*[{"type": "tcp", "target": FAR, "port": port, **QUICK} for port in range(1, 60)])
    assert {one["state"] for one in found} == {"filtered"}
    assert time.monotonic() - started < 5


def test_all_checks_end_at_the_deadline(way: Way) -> None:
    way.sh("iptables -A INPUT -j DROP", netns="far")
    started = time.monotonic()
    checks = [{"type": "tcp", "target": FAR, "port": 80, "timeout": 60, "count": 3}] * 70
    found = way.probe(*checks, timeout=2)
    assert {one["state"] for one in found} == {"filtered"}
    assert time.monotonic() - started < 5


def test_expected_failures_are_met(way: Way) -> None:
    closed = {"type": "tcp", "target": FAR, "port": 81}
    found = way.probe(
        {**closed, "expect": ["refused"]},
        {**closed, "expect": ["closed"]},
        {**closed, "expect": ["filtered", "refused"]},
        {**closed, "expect": ["filtered"]},
        {"type": "ping", "target": FAR, "count": 1, "expect": ["closed"]},
    )
    assert [one["met"] for one in found] == [True, True, True, False, False]
    assert "closed was expected" in found[4]["reason"]


def test_unmet_expectation_fails_the_module(way: Way) -> None:
    good, bad = (
        {"type": "ping", "target": FAR, "count": 1},
        {"type": "tcp", "target": FAR, "port": 81, "name": "the port"},
    )
    done = way.module("probe", {"netns": "near", "checks": [good, bad]})
    assert not done.failed and done.data["met"] is False
    done = way.refuse(good, bad, fail=True)
    assert "1 of 2 checks did not meet the expectation: the port: refused" in done.msg
    assert len(done.data["results"]) == 2
    done = way.module("probe", {"netns": "near", "checks": [good], "fail": True})
    assert not done.failed and done.data["met"] is True


def test_checks_run_in_the_given_namespace(way: Way) -> None:
    inode = way.sh("stat -L -c %i /run/netns/near").strip()
    check = {"type": "ping", "target": MID, "count": 1}
    for args, netns in (({"netns": "near"}, "host"), ({}, "near"), ({"netns": "path:/run/netns/near"}, "far")):
        done = way.module("probe", {**args, "checks": [check]}, netns=netns)
        assert done.data["netns"]["inode"] == inode
        assert done.data["met"]
    done = way.module("probe", {"checks": [check]})
    assert done.data["results"][0]["state"] == "unreachable"


@pytest.mark.parametrize("reference", ["gone", "container:gone", "pid:4194304", "path:/etc/passwd", "../near", ""])
def test_missing_namespace_is_reported(way: Way, reference: str) -> None:
    done = way.module("probe", {"netns": reference, "checks": [{"type": "ping", "target": "127.0.0.1"}]})
    assert done.failed and "netns:" in done.msg


def test_packets_go_only_to_the_target(way: Way) -> None:
    way.serve("tcp:http:80", "udp:echo:7")
    way.sh(
        f"iptables -A OUTPUT -d {FAR}",
        "iptables -A OUTPUT -j LOG --log-prefix probe || iptables -A OUTPUT",
        netns="near",
    )
    way.probe(
        {"type": "ping", "target": FAR},
        {"type": "tcp", "target": FAR, "port": 80},
        {"type": "udp", "target": FAR, "port": 7},
        {"type": "http", "url": f"http://{FAR}/moved"},
        {"type": "path_mtu", "target": FAR},
        {"type": "traceroute", "target": FAR},
    )
    lines = way.sh("iptables -nvxL OUTPUT", netns="near").splitlines()[2:]
    to_target, to_all = (int(line.split()[0]) for line in lines)
    assert to_target > 10
    assert to_all == to_target, lines


def test_source_and_interface_are_used(way: Way) -> None:
    way.sh("ip -n near addr add 192.0.2.2/24 dev near0")
    way.serve("tcp:http:80")
    found = way.probe(
        {"type": "tcp", "target": FAR, "port": 80, "source": "192.0.2.2", "interface": "near0"},
        {"type": "ping", "target": FAR, "source": "192.0.2.2", "count": 1},
        {"type": "ping", "target": FAR, "interface": "lo", "count": 1, **QUICK},
    )
    assert [one["state"] for one in found[:2]] == ["open", "open"]
    assert not found[2]["met"]
    for check in ({"source": "192.0.2.99"}, {"interface": "none0"}):
        done = way.module("probe", {"netns": "near", "checks": [{"type": "ping", "target": FAR, **check}]})
        assert done.data["results"][0]["state"] == "error"
        assert str(next(iter(check.values()))) in done.data["results"][0]["reason"]


def test_unprivileged_user_is_reported(way: Way) -> None:
    done = way.module("probe", {"netns": "near", "checks": [{"type": "ping", "target": FAR}]}, user=65534)
    assert done.failed and "root" in done.msg
    way.serve("tcp:http:80")
    checks = [{"type": "ping", "target": FAR}, {"type": "tcp", "target": FAR, "port": 80}]
    done = way.module("probe", {"checks": checks}, netns="near", user=65534)
    ping, tcp = done.data["results"]
    assert ping["state"] == "error" and "root" in ping["reason"]
    assert tcp["state"] == "open"


BAD: list[tuple[dict[str, Any], str]] = [
    ({"type": "ping"}, "checks[0].target"),
    ({"type": "tcp", "target": FAR}, "checks[0].port"),
    ({"type": "tcp", "target": FAR, "port": 0}, "checks[0].port"),
    ({"type": "tcp", "target": FAR, "port": 65536}, "checks[0].port"),
    ({"type": "ping", "target": FAR, "port": 80}, "checks[0].port"),
    ({"type": "ping", "target": "a b"}, "checks[0].target"),
    ({"type": "ping", "target": "300.1.1.1"}, "checks[0].target"),
    ({"type": "ping", "target": ""}, "checks[0].target"),
    ({"type": "ping", "target": "-x"}, "checks[0].target"),
    ({"type": "ping", "target": "fe80::1"}, "checks[0].interface"),
    ({"type": "ping", "target": FAR, "source": FAR6}, "different IP versions"),
    ({"type": "ping", "target": FAR, "family": "ipv6"}, "different IP versions"),
    ({"type": "ping", "target": FAR, "count": 0}, "checks[0].count"),
    ({"type": "ping", "target": FAR, "timeout": 0}, "checks[0].timeout"),
    ({"type": "ping", "target": FAR, "timeout": 1e9}, "checks[0].timeout"),
    ({"type": "ping", "target": FAR, "interface": "a/b"}, "checks[0].interface"),
    ({"type": "ping", "target": FAR, "expect": ["nxdomain"]}, "checks[0].expect"),
    ({"type": "ping", "target": FAR, "expect": ["wide"]}, "expect"),
    ({"type": "udp", "target": FAR, "port": 1, "payload_hex": "0g"}, "checks[0].payload_hex"),
    ({"type": "udp", "target": FAR, "port": 1, "payload_hex": "00", "payload": "x"}, "checks[0].payload"),
    ({"type": "http", "url": "ftp://x/"}, "checks[0].url"),
    ({"type": "http", "url": "http://user:secret@x/"}, "checks[0].url"),
    ({"type": "http", "url": "http://x/", "verify": True}, "checks[0].verify"),
    ({"type": "http", "url": "http://x:99999/"}, "checks[0].url"),
    ({"type": "http", "url": "http://x/", "headers": {"A": "b\r\nC: d"}}, "checks[0].headers"),
    ({"type": "neighbour", "target": "far.test"}, "checks[0].target"),
    ({"type": "duplicate", "target": FAR}, "checks[0].interface"),
    ({"type": "dns", "target": "x", "server": "far.test"}, "checks[0].server"),
    ({"type": "path_mtu", "target": FAR, "min_mtu": 1500, "max_mtu": 1400}, "checks[0].min_mtu"),
    ({"type": "tcp", "target": FAR, "port": 1, "tls": True, "ca_file": "/x"}, "checks[0].ca_file"),
    ({"type": "telnet", "target": FAR}, "type"),
]


def test_invalid_parameter_is_reported(way: Way) -> None:
    found = [(check, word, way.refuse(check).msg) for check, word in BAD]
    assert not [row for row in found if row[1] not in row[2]]


def test_empty_list_of_checks(way: Way) -> None:
    assert "checks" in way.refuse().msg
    assert "timeout" in way.refuse({"type": "ping", "target": NEAR}, timeout=0).msg
