# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three-valued evaluation of firewall rules and routes, without a kernel."""

from __future__ import annotations

import ipaddress
import itertools
import json
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import iptables, nft
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path import netfilter, routing
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.alternatives import Alternatives
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import FleetNamespace
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import (
    HookContext,
    Packet,
    PortRange,
    all_of,
    any_of,
    negate,
    port_within,
)

_SRC, _DST = ipaddress.ip_address("10.0.0.2"), ipaddress.ip_address("10.0.1.2")
_ANSWERS = (True, False, None)


def _space(**parts: Any) -> FleetNamespace:
    row = {"netns": "1", "kind": "host", "reference": "host", "interfaces": [], "names": [], "paths": []}
    return FleetNamespace("h1", {**row, "firewall_chains": [], "firewall_rules": [], "routes": [], **parts}, {})


def _iptables(*lines: str, policy: str = "ACCEPT", table: str = "filter", chain: str = "FORWARD") -> FleetNamespace:
    text = "\n".join((f"*{table}", f":{chain} {policy} [0:0]", ":own - [0:0]", *lines, "COMMIT", ""))
    found = iptables.parse_save(text, "iptables-nft", "ip", 1000)
    return _space(firewall_chains=found.chains, firewall_rules=found.rules)


def _nft(*rules: list[dict[str, Any]], policy: str = "accept") -> FleetNamespace:
    place = {"family": "inet", "table": "t"}
    base = {**place, "name": "f", "type": "filter", "hook": "forward", "prio": 0, "policy": policy}
    listed = [{"chain": base}, *({"rule": {**place, "chain": "f", "expr": rule}} for rule in rules)]
    document = json.loads(json.dumps({"nftables": listed}))
    found = nft.parse_listing(document, frozenset({("inet", "t")}), 1000)
    return _space(firewall_chains=found.chains, firewall_rules=found.rules, firewall_sets=found.sets)


def _kinds(space: FleetNamespace, packet: Packet | None = None) -> set[str]:
    packet = packet or Packet(_SRC, _DST, "tcp", 80, PortRange(32768, 60999))
    return {one.kind for one in netfilter.list_verdicts("forward", HookContext(space, packet, "br0", "br1"), ())}


@pytest.mark.parametrize(("one", "other"), [*itertools.product(_ANSWERS, _ANSWERS)])
def test_unknown_is_between_true_and_false(one: bool | None, other: bool | None) -> None:
    """An answer is certain if it is the same for each value of the unknown ones."""
    values = [(True, False) if each is None else (each,) for each in (one, other)]
    every = {a and b for a, b in itertools.product(*values)}
    some = {a or b for a, b in itertools.product(*values)}
    assert all_of((one, other)) == (every.pop() if len(every) == 1 else None)
    assert any_of((one, other)) == (some.pop() if len(some) == 1 else None)
    assert negate(all_of((one, other))) == any_of((negate(one), negate(other)))


def test_every_combination_of_alternatives_is_followed_once() -> None:
    alternatives, seen = Alternatives(), []
    while True:
        first = alternatives.choose("ab", "first")
        # The second choice exists on one way only.
        second = alternatives.choose("xyz", "second") if first == "a" else "-"
        seen.append(first + second + alternatives.choose("1", "none"))
        if not alternatives.advance():
            break
    assert seen == ["ax1", "ay1", "az1", "b-1"]
    assert alternatives.reasons == ["first", "second"]


@pytest.mark.parametrize("target", ["NFQUEUE --queue-num 4", "TPROXY --on-port 1", "SYNPROXY", "HMARK", "X --y"])
def test_target_that_is_not_modelled_is_never_accepted(target: str) -> None:
    assert _kinds(_iptables(f"-A FORWARD -j {target}")) == {"unknown"}
    assert _kinds(_iptables(f"-A FORWARD -s 10.0.9.9 -j {target}")) == {"accept"}
    assert _kinds(_iptables(f"-A FORWARD -m statistic --mode random -j {target}", policy="DROP")) == {"unknown", "drop"}


@pytest.mark.parametrize("match", ["-m limit --limit 1/sec", "-m recent --rcheck", "-m set --match-set x src", "-m x"])
def test_match_that_is_not_modelled_is_followed_both_ways(match: str) -> None:
    assert _kinds(_iptables(f"-A FORWARD {match} -j DROP")) == {"accept", "drop"}
    assert _kinds(_iptables(f"-A FORWARD {match} -j DROP", policy="DROP")) == {"drop"}
    assert _kinds(_iptables(f"-A FORWARD {match} -j own", "-A own -j ACCEPT")) == {"accept"}
    assert _kinds(_iptables("-A FORWARD -s 10.0.0.2 -j ACCEPT", f"-A FORWARD {match} -j DROP")) == {"accept"}


def test_mark_of_an_undecided_rule_is_followed_both_ways() -> None:
    rules = ("-A FORWARD -m limit -j MARK --set-xmark 0x1/0xffffffff", "-A FORWARD -m mark --mark 0x1 -j DROP")
    assert _kinds(_iptables(*rules, table="mangle")) == {"accept", "drop"}


@pytest.mark.parametrize(
    "target", [{"queue": None}, {"tproxy": {"port": 1}}, {"synproxy": None}, {"fwd": {"dev": "x"}}]
)
def test_statement_of_nft_that_is_not_modelled_is_never_accepted(target: dict[str, Any]) -> None:
    assert _kinds(_nft([target])) == {"unknown"}


def test_verdict_map_of_an_unknown_key_is_followed_all_ways() -> None:
    key: dict[str, Any] = {"numgen": {"mode": "random", "mod": 2, "offset": 0}}
    mapping = {"vmap": {"key": key, "data": {"set": [[0, {"accept": None}], [1, {"drop": None}]]}}}
    assert "accept" not in _kinds(_nft([mapping], policy="drop")) or len(_kinds(_nft([mapping], policy="drop"))) > 1


def test_missing_firewall_is_unknown() -> None:
    space = FleetNamespace("h1", {"netns": "1", "kind": "host", "reference": "host"}, {})
    assert _kinds(space) == {"unknown"}
    missing = [{"netns": "1", "part": "firewall", "what": "missing", "reason": "nft is not installed"}]
    assert _kinds(FleetNamespace("h1", _iptables().row, {}, missing)) == {"unknown"}


@pytest.mark.parametrize(
    ("port", "low", "high", "answer"),
    [(80, 1, 100, True), (80, 81, 100, False), (None, 1, 100, False), (PortRange(5, 9), 1, 9, True)],
)
def test_port_is_compared_with_a_range(port: Any, low: int, high: int, answer: bool) -> None:
    assert port_within(port, low, high) is answer
    assert port_within(PortRange(5, 9), 7, 20) is None


def test_rule_for_a_user_can_lead_either_way() -> None:
    common: dict[str, Any] = dict.fromkeys(
        ("src", "dst", "iif", "oif", "fwmark", "fwmask", "ip_protocol", "sport", "dport", "goto", "uids", "table")
    )
    common |= {"family": 4, "tos": 0, "inverted": False, "action": "lookup"}
    rules = [
        {**common, "priority": 5, "action": "prohibit", "uids": "1000-2000"},
        {**common, "priority": 32766, "table": 254},
    ]
    route = {"table": 254, "family": 4, "tos": 0, "dst": "0.0.0.0/0", "src": None, "type": "unicast", "metric": 0}
    space = _space(rules=rules, routes=[{**route, "flags": [], "prefsrc": None, "index": None, "interface": "x"}])
    own = routing.list_routes(space, routing.RouteQuery(_DST, _SRC))
    forwarded = routing.list_routes(space, routing.RouteQuery(_DST, _SRC, iif="br0"))
    assert [one.type if one else None for one in own] == ["prohibit", "unicast"]
    assert [one.type if one else None for one in forwarded] == ["unicast"]
