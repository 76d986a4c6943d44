# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packet filters, compared with iptables-save and nft, and by restoring the rules from the rows."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core import programs as facts_programs
from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import firewall as firewall_table
from ansible_collections.netfleet.docker.tests.schema import assert_row

from .reading import read, read_all
from .sandbox import Sandbox

_COMMENT = 'he said "{{7*7}}" it\'s $(id) \x1b[31m back\\slash\n[0:0] -A INPUT -j ACCEPT\ttab é'
# Input of iptables-restore; comments are last, as in restored rules.
_RULES: tuple[tuple[str, ...], ...] = (
    ("-N", "own"),
    ("-P", "FORWARD", "DROP"),
    ("-A", "INPUT", "-i", '"x', "-p", "tcp", "--dport", "22", "-j", "ACCEPT"),
    ("-A", "INPUT", "-i", "-rf", "-j", "DROP"),
    ("-A", "FORWARD", "-i", "{{7*7}}+", "!", "-o", "e$(id)", "-j", "own"),
    ("-A", "INPUT", "-p", "tcp", "-m", "multiport", "!", "--dports", "80,443:445", "-j", "RETURN"),
    ("-A", "INPUT", "-p", "tcp", "!", "--syn", "-m", "conntrack", "!", "--ctstate", "INVALID,NEW", "-g", "own"),
    ("-A", "INPUT", "-m", "limit", "--limit", "5/sec", "-j", "LOG", "--log-prefix", "-x y", "--log-uid"),
    ("-A", "INPUT", "-m", "comment", "--comment", _COMMENT, "-j", "ACCEPT"),
    ("-A", "INPUT", "-p", "udp", "-m", "comment", "--comment", "-j", "-j", "DROP"),
    ("-A", "own", "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset"),
    ("-A", "own", "-m", "string", "--string", 'a "b', "--algo", "bm", "-j", "NFQUEUE", "--queue-num", "4"),
    ("-A", "own", "-m", "mark", "--mark", "0x1/0xff"),
    ("-t", "mangle", "-A", "OUTPUT", "-j", "MARK", "--set-xmark", "0x5/0xff"),
    ("-t", "nat", "-A", "POSTROUTING", "-p", "tcp", "-j", "MASQUERADE", "--to-ports", "1-99", "--random"),
)
_V4 = (
    ("-A", "INPUT", "-s", "192.0.2.0/24", "!", "-d", "198.51.100.1", "-m", "addrtype", "--dst-type", "LOCAL"),
    ("-t", "nat", "-A", "PREROUTING", "-p", "tcp", "--dport", "80", "-j", "DNAT", "--to-destination", "192.0.2.1:8080"),
)
_V6 = (
    ("-A", "INPUT", "!", "-s", "2001:db8::/32", "-p", "ipv6-icmp", "-m", "icmp6", "--icmpv6-type", "135"),
    ("-t", "nat", "-A", "PREROUTING", "-p", "tcp", "-j", "DNAT", "--to-destination", "[2001:db8::1]:80"),
)
# Rules that libnetwork creates in a container of a user-defined network.
_DNS = """
*nat
:DOCKER_OUTPUT - [0:0]
:DOCKER_POSTROUTING - [0:0]
-A OUTPUT -d 127.0.0.11/32 -j DOCKER_OUTPUT
-A POSTROUTING -d 127.0.0.11/32 -j DOCKER_POSTROUTING
-A DOCKER_OUTPUT -d 127.0.0.11/32 -p tcp -m tcp --dport 53 -j DNAT --to-destination 127.0.0.11:41234
-A DOCKER_OUTPUT -d 127.0.0.11/32 -p udp -m udp --dport 53 -j DNAT --to-destination 127.0.0.11:41235
-A DOCKER_POSTROUTING -s 127.0.0.11/32 -p tcp -m tcp --sport 41234 -j SNAT --to-source :53
-A DOCKER_POSTROUTING -s 127.0.0.11/32 -p udp -m udp --sport 41235 -j SNAT --to-source :53
COMMIT
"""
# Modeled on Docker 29: verdict maps by interface, sets, counters, comments.
_NATIVE = """
table ip docker-bridges {
  set published { type ipv4_addr . inet_service; elements = { 192.0.2.1 . 80, 192.0.2.2 . 443 }; }
  map filter-forward-in-jumps { type ifname : verdict; elements = { "br-1" : jump in-1, "docker0" : jump in-0 }; }
  chain in-0 { counter drop comment "unpublished port DROP"; }
  chain in-1 {
    ct state vmap { established : accept, related : accept }
    iifname "br-1" counter accept comment "ICC"
    ip daddr . tcp dport @published counter log prefix "hit {{it}}" accept
    tcp dport { 22, 8000-8080 } reject with tcp reset
    goto in-0
  }
  chain filter-FORWARD { type filter hook forward priority 10; policy drop; oifname vmap @filter-forward-in-jumps; }
  chain nat-POSTROUTING {
    type nat hook postrouting priority 100; policy accept;
    oifname != "br-1" ip saddr 192.0.2.0/24 counter masquerade comment "MASQUERADE"
    ip saddr 192.0.2.3 tcp sport 80 snat to 198.51.100.1:8080
  }
}
table ip6 docker-bridges {
  chain raw-PREROUTING { type filter hook prerouting priority -300; policy accept; meta mark set 0x5; notrack; }
}
table inet own { chain output { type filter hook output priority 0; udp dport 9 counter; }; }
"""
_SEND = """
import socket as s
for family, address in ((s.AF_INET, "127.0.0.1"), (s.AF_INET6, "::1")):
    for port in (9, 9, 9):
        s.socket(family, s.SOCK_DGRAM).sendto(b"x", (address, port))
"""
_TABLES = {name: name[:-1] for name in ("firewall_chains", "firewall_rules", "firewall_sets")}


def firewall(box: Sandbox, netns: str = "red") -> dict[str, list[dict[str, Any]]]:
    """Return the complete rows of a namespace with their columns."""
    found: dict[str, list[dict[str, Any]]] = read(box, netns, firewall_table.read_firewall)
    assert found.pop("missing") == []
    for name, rows in found.items():
        for row in rows[:50]:
            assert_row(_TABLES[name], row)
    return found


def legacy(box: Sandbox) -> None:
    """Skip the test if the kernel lacks the legacy backend."""
    if box.run("sh", "-c", "iptables-legacy -S >/dev/null 2>&1 || echo none", netns="blue"):
        pytest.skip("this kernel has no legacy iptables, or the program is not installed")


def send(box: Sandbox, netns: str = "red") -> None:
    box.sh("ip link set lo up", netns=netns)
    box.run(sys.executable, "-c", _SEND, netns=netns)


def saved(box: Sandbox, program: str, netns: str = "red") -> set[str]:
    """Return all rules that a program saves, with counters and escaped text."""
    text = box.run(f"{program}-save", "-c", netns=netns)
    joined = text.replace("\\\\slash\n[", "\\\\slash\0[")  # the comment with a line break
    return {line.replace("\0", "\n") for line in joined.split("\n") if line.startswith("[")}


def as_saved(rows: Iterable[dict[str, Any]]) -> set[str]:
    return {f"[{row['packets']}:{row['bytes']}] {row['text']}" for row in rows}


def again(row: dict[str, Any]) -> list[str]:
    """Return the arguments that create a rule from its parsed parts."""
    argv = ["-t", row["table"], "-A", row["chain"]]
    for match in row["match"]:
        argv += [*(["!"] if match["negated"] else []), f"--{match['option']}", *match["values"]]
    if row["comment"] is not None:
        argv += ["-m", "comment", "--comment", row["comment"]]
    if row["target"]:
        argv += {
            "jump": ["-j", row["target_chain"]],
            "goto": ["-g", row["target_chain"]],
        }.get(row["target"], ["-j", row["target"].upper()])
    for name, value in row["target_options"].items():
        argv += [f"--{name}", *([] if value is True else [value])]
    return argv


@pytest.mark.parametrize("backend", ["nft", "legacy"])
@pytest.mark.parametrize(("family", "program", "more"), [("ip", "iptables", _V4), ("ip6", "ip6tables", _V6)])
def test_rules_can_be_restored_from_their_rows(
    box: Sandbox, backend: str, family: str, program: str, more: tuple[tuple[str, ...], ...]
) -> None:
    if backend == "legacy":
        legacy(box)
    command = f"{program}-{backend}"
    for argv in (*_RULES, *more):
        box.run(command, *argv, netns="red")
    send(box)
    found = firewall(box)
    rules = found["firewall_rules"]
    assert {(row["backend"], row["family"]) for row in rules} == {(f"iptables-{backend}", family)}
    assert as_saved(rules) == saved(box, command)
    assert any(row["packets"] for row in rules)
    assert len(rules) == len(_RULES) - 2 + len(more)
    box.run(command, "-N", "own", netns="blue")
    for row in rules:
        box.run(command, *again(row), netns="blue")
    assert {row["text"] for row in firewall(box, "blue")["firewall_rules"]} == {row["text"] for row in rules}

    assert _COMMENT in {row["comment"] for row in rules}
    by_target = {row["target"]: row for row in rules if row["chain"] in ("own", "OUTPUT", "POSTROUTING")}
    assert set(by_target) == {"reject", "nfqueue", None, "mark", "masquerade"}
    assert by_target["masquerade"]["target_options"] == {"to-ports": "1-99", "random": True}
    jump, goto = (next(row for row in rules if row["target"] == name) for name in ("jump", "goto"))
    assert (jump["target_chain"], goto["target_chain"]) == ("own", "own")
    assert jump["match"] == [
        {"option": "in-interface", "negated": False, "values": ["{{7*7}}+"]},
        {"option": "out-interface", "negated": True, "values": ["e$(id)"]},
    ]
    positions = [row["position"] for row in rules if (row["table"], row["chain"]) == ("filter", "INPUT")]
    assert positions == list(range(1, len(positions) + 1))

    chains = {(row["table"], row["chain"]): row for row in found["firewall_chains"]}
    forward, own, output = chains["filter", "FORWARD"], chains["filter", "own"], chains["mangle", "OUTPUT"]
    assert (forward["type"], forward["hook"], forward["policy"]) == ("filter", "forward", "drop")
    assert (own["type"], own["hook"], own["policy"], own["packets"]) == (None, None, None, None)
    assert (output["type"], chains["nat", "PREROUTING"]["type"]) == ("route", "nat")


def test_dns_rules_of_docker_are_collected(box: Sandbox) -> None:
    box.run("iptables-restore", netns="red", text=_DNS)
    found = firewall(box)
    dnat = [row for row in found["firewall_rules"] if row["target"] == "dnat"]
    assert [row["target_options"] for row in dnat] == [
        {"to-destination": "127.0.0.11:41234"},
        {"to-destination": "127.0.0.11:41235"},
    ]
    assert dnat[0]["match"] == [
        {"option": "destination", "negated": False, "values": ["127.0.0.11/32"]},
        {"option": "protocol", "negated": False, "values": ["tcp"]},
        {"option": "match", "negated": False, "values": ["tcp"]},
        {"option": "dport", "negated": False, "values": ["53"]},
    ]
    assert as_saved(found["firewall_rules"]) == saved(box, "iptables")
    jumps = {row["target_chain"] for row in found["firewall_rules"] if row["target"] == "jump"}
    assert jumps == {"DOCKER_OUTPUT", "DOCKER_POSTROUTING"}


def test_both_iptables_backends_and_nft_are_collected(box: Sandbox) -> None:
    legacy(box)
    box.sh(
        "iptables-legacy -A OUTPUT -p udp --dport 9",
        "iptables-nft -A OUTPUT -p udp --dport 9",
        "nft 'add table inet own; add chain inet own c { type filter hook output priority 5; }'",
        "nft add rule inet own c udp dport 9 counter",
        netns="red",
    )
    send(box)
    counts = {row["backend"]: row["packets"] for row in firewall(box)["firewall_rules"]}
    assert counts == {"iptables-legacy": 3, "iptables-nft": 3, "nft": 6}
    assert not Path(f"/proc/{box.pid}/net/ip_tables_names").read_text(encoding="ascii")


def test_nftables_tables_match_nft_output(box: Sandbox) -> None:
    box.run("nft", "-f", "-", netns="red", text=_NATIVE)
    send(box)
    found = firewall(box)
    told = [
        next(iter(one.items())) for one in json.loads(box.run("nft", "-j", "list", "ruleset", netns="red"))["nftables"]
    ]
    rules = {row["handle"]: row for row in found["firewall_rules"] if (row["family"]) == "ip"}
    expected = [one for kind, one in told if kind == "rule"]
    assert len(found["firewall_rules"]) == len(expected) == 12
    for one in expected:
        row = next(
            row for row in found["firewall_rules"] if (row["family"], row["handle"]) == (one["family"], one["handle"])
        )
        assert json.loads(row["text"]) == one["expr"]
        assert (row["table"], row["chain"], row["comment"]) == (one["table"], one["chain"], one.get("comment"))
        counters = [each["counter"] for each in one["expr"] if "counter" in each]
        assert (row["packets"], row["bytes"]) == (
            (counters[0]["packets"], counters[0]["bytes"]) if counters else (None, None)
        )
        rest = [each for each in one["expr"] if "counter" not in each]
        assert row["match"] == (rest[:-1] if row["target"] else rest)
    assert next(row for row in found["firewall_rules"] if row["table"] == "own")["packets"] == 6
    in_order = sorted((row for row in rules.values() if row["chain"] == "in-1"), key=lambda row: row["position"])
    assert [(row["target"], row["target_chain"]) for row in in_order] == [
        ("vmap", None),
        ("accept", None),
        ("accept", None),
        ("reject", None),
        ("goto", "in-0"),
    ]
    assert in_order[0]["target_options"]["key"] == {"ct": {"key": "state"}}
    assert in_order[3]["target_options"] == {"type": "tcp reset"}
    snat = next(row for row in rules.values() if row["target"] == "snat")
    assert snat["target_options"] == {"addr": "198.51.100.1", "port": 8080}
    chains = {(row["family"], row["chain"]): row for row in found["firewall_chains"]}
    forward = chains["ip", "filter-FORWARD"]
    assert (forward["hook"], forward["priority"], forward["policy"]) == ("forward", 10, "drop")
    assert chains["ip6", "raw-PREROUTING"]["priority"] == -300
    assert chains["ip", "in-0"]["hook"] is None
    sets = {row["name"]: row for row in found["firewall_sets"]}
    published, jumps = sets["published"], sets["filter-forward-in-jumps"]
    assert (published["kind"], published["type"]) == ("set", "ipv4_addr . inet_service")
    assert {"concat": ["192.0.2.2", 443]} in published["elements"]
    assert (jumps["kind"], jumps["type"]) == ("map", "ifname : verdict")
    assert ["br-1", {"jump": {"target": "in-1"}}] in jumps["elements"]


def test_table_that_iptables_misreads_is_read_by_nft(box: Sandbox) -> None:
    box.sh("iptables-nft -t nat -A OUTPUT -d 192.0.2.1 -j DNAT --to-destination 192.0.2.2", netns="red")
    box.sh(
        "nft 'add table ip filter; add chain ip filter INPUT { type filter hook input priority 0; }'",
        "nft 'add rule ip filter INPUT tcp dport { 22, 80 } accept'",
        netns="red",
    )
    assert "-A INPUT -p tcp -j ACCEPT" in box.run("iptables-nft-save", netns="red")
    rules = {row["table"]: row for row in firewall(box)["firewall_rules"]}
    assert (rules["nat"]["backend"], rules["filter"]["backend"]) == ("iptables-nft", "nft")
    assert rules["filter"]["match"][0]["match"]["right"] == {"set": [22, 80]}


@pytest.mark.parametrize("rule", ["ct state new accept", "ip length 100-200 drop"])
def test_table_that_iptables_cannot_read_is_read_by_nft(box: Sandbox, rule: str) -> None:
    box.sh(
        "iptables-nft -t nat -A OUTPUT -d 192.0.2.1 -j DNAT --to-destination 192.0.2.2",
        "iptables-nft -A OUTPUT -m multiport -p tcp --dports 1,2",
        f"nft 'add rule ip filter OUTPUT {rule}'",
        netns="red",
    )
    found = read(box, "red", firewall_table.read_firewall)
    backends = [(row["table"], row["backend"], row["target"]) for row in found["firewall_rules"]]
    assert sorted(backends, key=str) == sorted(
        [("filter", "nft", None), ("filter", "nft", rule.rsplit(maxsplit=1)[-1]), ("nat", "iptables-nft", "dnat")],
        key=str,
    )
    assert "table ip filter: nft shows only the names of iptables extensions" in found["missing"]


def test_names_that_are_not_utf8_affect_only_their_table(box: Sandbox) -> None:
    name = "$(printf 'a\\377\\\\x41')"
    box.sh(
        f"iptables-nft -A INPUT -i {name} -j ACCEPT",
        "nft 'add table inet good; add chain inet good c; add rule inet good c accept'",
        "nft 'add table inet bad; add chain inet bad c; add rule inet bad c drop'",
        f'''nft "add rule inet bad c iifname \\"{name}\\" accept"''',
        netns="red",
    )
    found = read(box, "red", firewall_table.read_firewall)
    rules = {(row["table"], row["backend"]): row for row in found["firewall_rules"]}
    assert set(rules) == {("filter", "iptables-nft"), ("good", "nft")}
    assert rules["filter", "iptables-nft"]["match"][0]["values"] == ["a\\xff\\x5cx41"]
    (missing,) = found["missing"]
    assert missing.startswith("table inet bad: nft: ")


def test_rules_are_truncated_at_the_limit(box: Sandbox) -> None:
    rules = "\n".join(f"-A INPUT -s 192.0.2.{number % 256} -p tcp --dport {number}" for number in range(1, 5001))
    box.run("iptables-restore", netns="red", text=f"*filter\n:last - [0:0]\n{rules}\nCOMMIT\n")
    box.run("nft", "-f", "-", netns="red", text=_NATIVE)
    assert len(firewall(box)["firewall_rules"]) == 5000 + 12
    found, exceeded = read_all(box, "red", firewall_table.read_firewall, messages=100)
    assert exceeded and len(found["firewall_rules"]) == 100
    assert "last" in {row["chain"] for row in found["firewall_chains"]}
    elements = ", ".join(f"192.0.2.{number}" for number in range(50))
    box.run("nft", f"add table ip t; add set ip t s {{ type ipv4_addr; elements = {{ {elements} }}; }}", netns="blue")
    assert len(firewall(box, "blue")["firewall_sets"][0]["elements"]) == 50
    found, exceeded = read_all(box, "blue", firewall_table.read_firewall, messages=7)
    assert exceeded and len(found["firewall_sets"][0]["elements"]) == 7


def recorders(folder: Path, *programs: str) -> Path:
    """Create a folder of wrapper programs that record each call."""
    for program in programs:
        real = shutil.which(program)
        script = folder / program
        script.write_text(f'#!/bin/sh\necho {program} >>{folder}/called\nexec {real} "$@"\n', encoding="ascii")
        script.chmod(0o755)
    return folder / "called"


def test_only_required_programs_are_started(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = ("legacy", "nft")
    programs = [
        f"{name}-{kind}-save"
        for name in ("iptables", "ip6tables")
        for kind in kinds
        if shutil.which(f"{name}-{kind}-save")
    ]
    called = recorders(tmp_path, "nft", *programs)
    monkeypatch.setitem(facts_programs._ENVIRONMENT, "PATH", f"{tmp_path}:/bin:/usr/bin")
    assert not any(firewall(box).values())
    assert not called.exists()
    # Reading has not created tables.
    for name in ("ip_tables_names", "ip6_tables_names", "arp_tables_names"):
        assert not box.run("sh", "-c", f"cat /proc/net/{name} 2>/dev/null || true", netns="red")
    assert "table" not in box.run("nft", "list", "tables", netns="red")
    box.sh("ip6tables-nft -A INPUT", netns="red")
    assert len(firewall(box)["firewall_rules"]) == 1
    assert called.read_text(encoding="ascii").split() == ["ip6tables-nft-save"]
    called.unlink()
    box.run("nft", "add table inet own", netns="blue")
    firewall(box, "blue")
    assert called.read_text(encoding="ascii").split() == ["nft"]


def test_missing_program_is_reported_only_where_needed(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.run("nft", "add table inet own; add chain inet own c; add rule inet own c accept", netns="red")
    box.sh("iptables-nft -A INPUT -s 192.0.2.1 -j ACCEPT", netns="blue")
    monkeypatch.setitem(facts_programs._ENVIRONMENT, "PATH", str(tmp_path))
    found = read(box, "red", firewall_table.read_firewall)
    assert found["missing"] == ["nft is not installed on this host; install the package nftables"]
    assert not any(found[name] for name in _TABLES)
    (tmp_path / "nft").symlink_to(str(shutil.which("nft")))
    assert firewall(box)["firewall_rules"]
    found = read(box, "blue", firewall_table.read_firewall)
    assert found["missing"] == ["iptables-nft-save is not installed on this host; install the package iptables"]
    assert [(row["backend"], row["target"]) for row in found["firewall_rules"]] == [("nft", "accept")]


def test_host_with_one_backend_needs_no_suffixed_program(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.sh("iptables-nft -A INPUT -s 192.0.2.1 -j ACCEPT", netns="red")
    monkeypatch.setitem(facts_programs._ENVIRONMENT, "PATH", str(tmp_path))
    real = os.path.realpath(str(shutil.which("iptables-nft-save")))
    (tmp_path / "iptables-save").symlink_to(real)
    assert [row["backend"] for row in firewall(box)["firewall_rules"]] == ["iptables-nft"]
