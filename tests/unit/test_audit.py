# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluation of the audit: tables, rules, waivers and comparison of two runs, on small constructed snapshots."""

from __future__ import annotations

import datetime
import ipaddress
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit import run
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine import rule_files, sql_macros
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables import load
from hypothesis import given, settings
from hypothesis import strategies as st

from .audit_fleet import evaluated, rules, save, snapshot


@pytest.fixture(scope="module")
def macros() -> Any:
    """Return a database with the macros."""
    database = duckdb.connect()
    sql_macros.define_macros(database)
    return database


_ADDRESSES = st.ip_addresses() | st.sampled_from(["::", "::1", "1::", "2001:db8::8:0:0:1", "255.255.255.255"]).map(
    ipaddress.ip_address
)


@settings(deadline=None)
@given(address=_ADDRESSES, prefix=st.integers(0, 128), other=_ADDRESSES)
def test_address_functions_agree_with_ipaddress(macros: Any, address: Any, prefix: int, other: Any) -> None:
    cidr = f"{address}/{min(prefix, address.max_prefixlen)}"
    subnet = ipaddress.ip_network(cidr, strict=False)
    query = "SELECT ip(?), ip_family(?), cidr_first(?), cidr_last(?), cidr_has(?, ?)"
    found = macros.execute(query, [str(address), str(address), cidr, cidr, cidr, str(other)]).fetchone()
    assert found == (int(address), address.version, int(subnet[0]), int(subnet[-1]), other in subnet)


@pytest.mark.parametrize(
    ("first", "second"), [("10.0.0.0/8", "10.2.0.0/16"), ("10.0.0.0/24", "10.0.1.0/24"), ("fd00::/16", "10.0.0.0/24")]
)
def test_overlap_functions_agree_with_ipaddress(macros: Any, first: str, second: str) -> None:
    one, other = ({*ipaddress.ip_network(cidr).subnets(new_prefix=24)} for cidr in (first, second))
    overlap = bool(one & other)
    found = macros.execute("SELECT cidr_overlap(?, ?), cidr_overlap(?, ?)", [first, second, second, first]).fetchone()
    assert found == (overlap, overlap)


def test_snapshots_are_loaded_and_invalid_files_reported(tmp_path: Path) -> None:
    folder = save(tmp_path, *(snapshot(f"h{number}", "br0", "br1") for number in range(5)))
    whole = (folder / "h0.json.gz").read_bytes()
    (folder / "cut.json.gz").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.json.gz").write_bytes(b"")
    (folder / "text.json.gz").write_text("{}", encoding="utf-8")
    save(folder, {**snapshot("newer"), "version": 2}, {**snapshot("wrong"), "namespaces": "none"})
    (folder / "twice.json.gz").write_bytes(whole)
    database = duckdb.connect()
    broken = load.load_snapshots(database, sorted(folder.glob("*.gz")))
    assert {Path(one.file).name.split(".")[0] for one in broken} == {"cut", "empty", "text", "newer", "wrong", "twice"}
    assert all(one.reason and "\n" not in one.reason for one in broken)
    assert database.execute("SELECT host FROM host ORDER BY host").fetchall() == [
        (f"h{number}",) for number in range(5)
    ]
    assert database.execute("SELECT count(*), min(netns) FROM interface").fetchone() == (10, "1")
    assert database.execute("SELECT DISTINCT key, value FROM sysctl").fetchall() == [("a/b", "1")]


def test_findings_have_evidence_and_a_remedy(tmp_path: Path) -> None:
    report = evaluated(tmp_path, snapshot("h1", "br0"), snapshot("h2"), expected=["h1", "h2", "h3"])
    (finding,) = report["findings"]
    told = {name: finding[name] for name in ("rule", "severity", "host", "object", "remedy", "status", "waived")}
    assert told == {
        "rule": "a-bridge",
        "severity": "high",
        "host": "h1",
        "object": "br0",
        "remedy": "ip link delete br0",
        "status": None,
        "waived": None,
    }
    assert finding["evidence"] == {"netns": "1", "interface": "br0", "alias": None, "flags": None}
    assert report["summary"]["findings"] == {"critical": 0, "high": 1, "medium": 0, "low": 0, "info": 0}
    assert report["absent"] == ["h3"]
    assert json.loads((tmp_path / "out/report.json").read_text(encoding="utf-8"))["findings"] == [finding]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT host, name AS interface FROM nothing", "nothing does not exist"),
        ("SELECT name AS interface FROM interface", "column host is missing"),
        ("SELECT host, netns FROM interface", "column interface is missing"),
        ("SELECT NULL AS host, name AS interface FROM interface", "without a host"),
        ("DROP TABLE interface", "one SELECT"),
        ("SELECT 1; SELECT 2", "one SELECT"),
        ("COPY interface TO '/dev/null'", "one SELECT"),
        ("SELECT 'h' AS host, content AS interface FROM read_text('/etc/hostname')", "disabled by configuration"),
        ("SELECT host, name AS interface, error('no') FROM interface", "no"),
    ],
)
def test_invalid_query_is_reported_and_other_rules_run(tmp_path: Path, query: str, said: str) -> None:
    rules(tmp_path / "rules")
    rules(tmp_path / "rules", query, name="broken")
    report = evaluated(tmp_path, snapshot("h1", "br0"))
    assert [one["rule"] for one in report["broken_rules"]] == ["broken"]
    assert said in report["broken_rules"][0]["reason"]
    assert [one["rule"] for one in report["findings"]] == ["a-bridge"]
    assert "broken" not in report["rules"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("severity: high", "severity: huge"), "severity: must be one of"),
        (("scope: host", "scope: galaxy"), "scope: must be one of"),
        (("title: A bridge", "name: A bridge"), "name: unknown field"),
        (("title: A bridge", ""), "title: must be a non-empty string"),
        (("needs: [interface]", "needs: [interfaces]"), "needs: unknown table interfaces"),
        (("key: [interface]", "key: []"), "key: required"),
        (("key: [interface]", "key: interface"), "key: must be a list"),
        (("{{ interface | quote }}", "{{ interface | nothing }}"), "remedy: No filter named 'nothing'"),
        (("title: A bridge", "title: ["), "invalid YAML"),
        (
            ("needs:", "remediation: {module: ansible.builtin.command, args: {}}\nneeds:"),
            "remediation.module: must be one of",
        ),
    ],
)
def test_invalid_rule_file_is_reported_with_its_field(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    path = rules(tmp_path) / "a-bridge.yml"
    path.write_text(path.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    found, broken = rule_files.read_rules([tmp_path])
    assert not found
    assert said in broken[0].reason
    assert "\n" not in broken[0].reason


def test_rules_of_the_collection_are_valid() -> None:
    found, broken = rule_files.read_rules([rule_files.OWN])
    assert found
    assert not broken


def test_later_directory_replaces_a_rule(tmp_path: Path) -> None:
    rules(tmp_path / "first", severity="low")
    rules(tmp_path / "second", severity="critical")
    found, _broken = rule_files.read_rules([tmp_path / "first", tmp_path / "second"])
    assert [rule.severity for rule in found] == ["critical"]


def test_incomplete_data_is_reported_as_not_checked(tmp_path: Path) -> None:
    missing = [
        {"netns": None, "part": "namespaces", "what": "truncated", "reason": "the time was over"},
        {"netns": "7", "part": "interfaces", "what": "missing", "reason": "no way leads there"},
        {"netns": "7", "part": "routes", "what": "missing", "reason": "nothing to this rule"},
        {"netns": "8", "part": "interfaces", "what": "gone", "reason": "it went"},
    ]
    report = evaluated(tmp_path, snapshot("h1", missing=missing))
    assert {(one["netns"], one["reason"]) for one in report["not_checked"]} == {
        (None, "namespaces: the time was over"),
        ("7", "interfaces: no way leads there"),
    }


def test_lists_that_were_not_collected_are_not_empty(tmp_path: Path) -> None:
    rules(
        tmp_path / "rules", "SELECT n.host, n.netns AS interface FROM netns n ANTI JOIN interface i ON i.host = n.host"
    )
    without = snapshot("h1")
    del without["namespaces"][0]["interfaces"]
    report = evaluated(tmp_path, without, snapshot("h2"))
    assert [one["host"] for one in report["findings"]] == ["h2"]
    assert [(one["host"], one["reason"]) for one in report["not_checked"]] == [("h1", "interfaces: not requested")]


def test_findings_without_data_are_not_checked_and_not_fixed(tmp_path: Path) -> None:
    rule = rules(tmp_path / "rules") / "a-bridge.yml"
    said = rule.read_text(encoding="utf-8").replace("needs: [interface]", "needs: [drift]")
    rule.write_text(
        said.replace(
            "name AS interface, alias, flags FROM interface WHERE kind = 'bridge'", "netns AS interface FROM netns"
        )
    )
    drift = tmp_path / "drift"
    drift.mkdir()
    (drift / "h1.json").write_text("[]", encoding="utf-8")
    first = evaluated(tmp_path, snapshot("h1"), dest=tmp_path / "first", beside={"drift": drift})
    assert first["summary"]["findings"]["high"] == 1
    second = evaluated(tmp_path, snapshot("h1"), compare_with=tmp_path / "first")
    assert [(one["rule"], one["host"], one["reason"]) for one in second["not_checked"]] == [
        ("a-bridge", "h1", "drift: not collected")
    ]
    assert second["fixed"] == second["findings"] == []
    assert second["rules"] == {}


def test_failed_probe_is_not_checked_and_not_fixed(tmp_path: Path) -> None:
    query = "SELECT host, NULL AS netns, target AS interface FROM probe WHERE state = 'closed'"
    rule = rules(tmp_path / "rules", query) / "a-bridge.yml"
    rule.write_text(rule.read_text(encoding="utf-8").replace("needs: [interface]", "needs: [probe]"), encoding="utf-8")
    probes = tmp_path / "probes"
    probes.mkdir()
    told = {"host": "h1", "target": "h2", "protocol": "tcp", "port": 7946, "state": "closed"}
    (probes / "h1.json").write_text(json.dumps([told]), encoding="utf-8")
    first = evaluated(tmp_path, snapshot("h1"), dest=tmp_path / "first", beside={"probe": probes})
    assert first["summary"]["findings"]["high"] == 1
    (probes / "h1.json").write_text(json.dumps([{"host": "h1", "state": "error", "reason": "no"}]), encoding="utf-8")
    second = evaluated(tmp_path, snapshot("h1"), compare_with=tmp_path / "first", beside={"probe": probes})
    assert [(one["rule"], one["host"], one["reason"]) for one in second["not_checked"]] == [
        ("a-bridge", "h1", "probe: no")
    ]
    assert second["fixed"] == second["findings"] == []


def _waiver(**values: Any) -> dict[str, Any]:
    return {"rule": "a-bridge", "reason": "known", **values}


def test_waivers_apply_until_their_expiry_date(tmp_path: Path) -> None:
    today = datetime.datetime.now(datetime.timezone.utc).date()
    waivers = [
        _waiver(host="h1", until=today.isoformat()),
        _waiver(host="h2", until=(today - datetime.timedelta(1)).isoformat()),
        _waiver(where={"interface": "lab-*"}),
    ]
    report = evaluated(
        tmp_path, *(snapshot(host, "br0") for host in ("h1", "h2")), snapshot("h3", "br0", "lab-1"), waivers=waivers
    )
    accepted = {(one["host"], one["object"]) for one in report["findings"] if one["waived"]}
    assert accepted == {("h1", "br0"), ("h3", "lab-1")}
    assert report["summary"]["findings"]["high"] == 2
    assert [one["expired"] for one in report["waivers"]] == [False, True, False]
    assert any("expired waiver" in line for line in report["lines"])


@pytest.mark.parametrize(
    ("waiver", "parameter"),
    [
        (_waiver(rule="a-brigde"), "waivers[0].rule"),
        (_waiver(reason=" "), "waivers[0].reason"),
        (_waiver(until="soon"), "waivers[0].until"),
    ],
)
def test_waiver_without_a_target_is_rejected(tmp_path: Path, waiver: dict[str, Any], parameter: str) -> None:
    with pytest.raises(BadParameter) as caught:
        evaluated(tmp_path, snapshot("h1"), waivers=[waiver])
    assert caught.value.parameter == parameter
    assert not (tmp_path / "out").exists()


def test_two_runs_are_compared(tmp_path: Path) -> None:
    first = evaluated(tmp_path / "1", snapshot("h1", "br0", "br1"), snapshot("h2", "br0"), snapshot("h3", "br9"))
    assert first["earlier"] is None
    second = evaluated(
        tmp_path / "2", snapshot("h1", "br1", "br2"), snapshot("h2"), snapshot("h4"), compare_with=tmp_path / "1/out"
    )
    assert {(one["host"], one["object"], one["status"]) for one in second["findings"]} == {
        ("h1", "br1", "unchanged"),
        ("h1", "br2", "new"),
    }
    # There is no data of h3, so its findings are not fixed.
    assert {(one["host"], one["object"]) for one in second["fixed"]} == {("h1", "br0"), ("h2", "br0")}
    assert second["appeared"] == [{"host": "h4", "type": "host", "name": "h4"}]
    assert second["vanished"] == [{"host": "h3", "type": "host", "name": "h3"}]


def test_invalid_baseline_directory_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="compare_with"):
        evaluated(tmp_path, snapshot("h1"), compare_with=tmp_path)
    assert not list((tmp_path / "out").iterdir())


def test_missing_snapshots_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(run.NothingToEvaluate, match="snapshots"):
        evaluated(tmp_path)
    with pytest.raises(run.NothingToEvaluate, match=r"rules: directory .+ does not exist"):
        evaluated(tmp_path, snapshot("h1"), rules=[tmp_path / "nowhere"])
    with pytest.raises(run.NothingToEvaluate, match="without"):
        evaluated(tmp_path, snapshot("h1"), without=["no-such-rule"])


def test_second_run_replaces_the_output_of_the_first(tmp_path: Path) -> None:
    evaluated(tmp_path, snapshot("h1", "br0"))
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    report = evaluated(tmp_path, snapshot("h1"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == files
    assert (
        json.loads((tmp_path / "out/report.json").read_text(encoding="utf-8"))["findings"] == report["findings"] == []
    )
