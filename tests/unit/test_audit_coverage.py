# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit did not check: one line for each cause, results of rules and controls, and errors in types."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import pytest
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit import run
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine import query_tree, requirements, rule_files
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.report import coverage

from .audit_fleet import evaluated, row, rules, save, snapshot

_OWN = "SELECT host, name AS interface FROM interface WHERE kind = 'bridge'"


def _unread(*names: str) -> list[dict[str, Any]]:
    return [
        {"netns": netns, "part": "interfaces", "what": "missing", "reason": "no way leads there"} for netns in names
    ]


def test_one_cause_is_one_line_with_its_counts(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        rules(tmp_path / "rules", name=name)
    hosts = [snapshot(f"h{number}", missing=_unread("7", "8", "9")) for number in range(4)]
    report = evaluated(tmp_path, *hosts)
    (cause,) = report["causes"]
    assert (cause["cause"], cause["parts"], cause["namespaces"]) == ("no way leads there", ["interfaces"], 12)
    assert (cause["rules"], cause["hosts"]) == (["one", "three", "two"], ["h0", "h1", "h2", "h3"])
    assert report["summary"]["not_checked"] == 1
    told = [line for line in report["lines"] if line.startswith("not checked")]
    assert told == ["not checked: interfaces: no way leads there (3 rules on 4 hosts, 12 namespaces)"]


def test_a_clean_result_names_what_was_not_checked(tmp_path: Path) -> None:
    report = evaluated(tmp_path, snapshot("h1"), snapshot("h2", missing=_unread("7")), expected=["h1", "h2", "h3"])
    gaps = "1 of 3 hosts has no snapshot; 1 rule was not completely checked on host h2"
    assert report["summary"]["gaps"] == gaps
    assert f"incomplete: {gaps}" in report["lines"]
    assert report["rules"]["a-bridge"]["state"] == "partly checked"
    assert [host["rules_not_checked"] for host in report["hosts"]] == [0, 1]


def test_a_complete_audit_has_no_gaps(tmp_path: Path) -> None:
    report = evaluated(tmp_path, snapshot("h1"), expected=["h1"])
    assert report["summary"]["gaps"] is None
    assert report["rules"]["a-bridge"]["state"] == "passed"
    assert report["summary"]["rules"]["passed"] == 1


def test_optional_data_is_no_gap(tmp_path: Path) -> None:
    """By default, the nodes of a Swarm do not test the ports of each other."""
    path = rules(tmp_path / "rules") / "a-bridge.yml"
    path.write_text(path.read_text("utf-8").replace("needs: [interface]", "needs: [interface, probe]"), "utf-8")
    report = evaluated(tmp_path, snapshot("h1"))
    assert report["causes"][0]["cause"] == "not collected"
    assert (report["summary"]["gaps"], report["hosts"][0]["rules_not_checked"]) == (None, 0)


def test_a_rule_without_rows_to_check_is_not_applicable(tmp_path: Path) -> None:
    query = "SELECT host, container AS interface FROM published_port"
    path = rules(tmp_path / "rules", query) / "a-bridge.yml"
    path.write_text(path.read_text("utf-8").replace("needs: [interface]", "needs: [published_port]"), "utf-8")
    report = evaluated(tmp_path, snapshot("h1"))
    assert report["rules"]["a-bridge"]["state"] == "not applicable"
    (suite,) = ElementTree.parse(tmp_path / "out/report.junit.xml").getroot()
    assert suite.attrib["skipped"] == suite.attrib["tests"] == "1"


def test_controls_have_the_result_of_their_worst_rule() -> None:
    found = {
        name: {"references": [f"CIS Docker {control}"], "findings": findings}
        for name, control, findings in (("a", "5.10", 0), ("b", "5.9", 2), ("c", "5.9", 0), ("d", "2.2", 0))
    }
    results = coverage.judge_rules(found, ["h1"], [{"rule": "d", "host": "h1"}], [("a", "h1")], [])
    assert [(one["control"], one["state"], one["rules"]) for one in coverage.judge_controls(found, results)] == [
        ("2.2", "not checked", ["d"]),
        ("5.9", "failed", ["b", "c"]),
        ("5.10", "not applicable", ["a"]),
    ]


@pytest.mark.parametrize(("fail_on", "failures"), [("none", "1"), ("low", "1"), ("medium", "0"), ("critical", "0")])
def test_junit_fails_only_on_requested_severities(tmp_path: Path, fail_on: str, failures: str) -> None:
    rules(tmp_path / "rules", severity="low")
    rules(tmp_path / "rules", _OWN.replace("bridge", "veth"), name="passes")
    evaluated(tmp_path, snapshot("h1", "br0"), fail_on=fail_on)
    suites = {one.attrib["name"]: one for one in ElementTree.parse(tmp_path / "out/report.junit.xml").getroot()}
    assert suites["a-bridge"].attrib["failures"] == failures == str(len(suites["a-bridge"].findall("*/failure")))
    assert len(suites["a-bridge"].findall("*/system-out")) == 1 - int(failures)
    assert [list(one) for one in suites["passes"]] == [[]]


def test_a_rule_passes_where_it_was_checked(tmp_path: Path) -> None:
    evaluated(tmp_path, snapshot("h1"), snapshot("h2", missing=_unread("7", "8")))
    (suite,) = ElementTree.parse(tmp_path / "out/report.junit.xml").getroot()
    assert [[part.tag for part in case] for case in suite] == [["skipped"], []]


def test_some_rules_do_not_replace_the_report_of_all(tmp_path: Path) -> None:
    rules(tmp_path / "rules")
    saved = save(tmp_path / "snapshots", snapshot("h1", "br0"))
    common: Any = {"snapshots": saved, "dest": tmp_path / "out", "rules": [tmp_path / "rules"]}
    run.run_evaluation(run.EvaluationRequest(**common))
    whole = (tmp_path / "out/report.json").read_bytes()
    for _twice in range(2):
        some = run.run_evaluation(run.EvaluationRequest(**common, only=["a-bridge"]))
        assert str(tmp_path / "out/only/report.json") in some["files"]
        assert (tmp_path / "out/report.json").read_bytes() == whole
    # A later run of all rules replaces the report.
    run.run_evaluation(run.EvaluationRequest(**common, without=["a-bridge"]))
    assert (tmp_path / "out/report.json").read_bytes() != whole


@pytest.mark.parametrize(
    "condition",
    [
        "options = 'bridge'",
        "(options->'vni') = 'x'",
        "'x' = (options->'vni')",
        "options->>('vni' = 'x')",
        "name <> 'a' AND NOT (options = 'none')",
    ],
)
def test_a_comparison_that_is_never_true_is_an_error(tmp_path: Path, condition: str) -> None:
    rules(tmp_path / "rules", f"SELECT host, name AS interface FROM interface WHERE {condition}")
    report = evaluated(tmp_path, snapshot("h1", "br0"))
    (broken,) = report["broken_rules"]
    assert broken["rule"] == "a-bridge"
    assert "JSON" in broken["reason"] or "parentheses" in broken["reason"]
    assert report["summary"]["gaps"] == "1 invalid file"


@pytest.mark.parametrize("condition", ["(options->>'vni') = 'x'", "options = '{}'", "name = 'x'"])
def test_a_comparison_of_text_is_no_error(tmp_path: Path, condition: str) -> None:
    rules(tmp_path / "rules", f"SELECT host, name AS interface FROM interface WHERE {condition}")
    assert evaluated(tmp_path, snapshot("h1", "br0"))["broken_rules"] == []


def test_rules_of_the_collection_compare_text_with_text() -> None:
    found, _broken = rule_files.read_rules([rule_files.OWN])
    database = duckdb.connect()
    assert [
        (rule.id, error)
        for rule in found
        if (error := query_tree.find_type_error(query_tree.parse_query(database, rule.query)))
    ] == []


@pytest.mark.parametrize(
    ("query", "required"),
    [
        ("SELECT * FROM a JOIN b USING (host) LEFT JOIN c USING (host) ANTI JOIN d USING (host)", {"a", "b"}),
        ("WITH x AS (SELECT * FROM a UNION ALL SELECT * FROM b) SELECT * FROM x SEMI JOIN c USING (host)", {"c"}),
        ("SELECT * FROM (SELECT * FROM a) WHERE EXISTS (SELECT 1 FROM b) AND NOT EXISTS (SELECT 1 FROM c)", {"a", "b"}),
    ],
)
def test_tables_without_which_a_query_has_no_rows(query: str, required: set[str]) -> None:
    assert query_tree.find_required_tables(query_tree.parse_query(duckdb.connect(), query)) == required


def test_a_host_that_does_not_meet_a_requirement_is_not_checked(tmp_path: Path) -> None:
    path = rules(tmp_path / "rules") / "a-bridge.yml"
    path.write_text(path.read_text("utf-8").replace("key:", "requires: [iptables-of-docker]\nkey:"), "utf-8")
    docker = {"engine": row("docker_engine", version="29.1.0", firewall_backend="nftables")}
    report = evaluated(tmp_path, snapshot("h1"), snapshot("h2", docker={**docker, "containers": [], "networks": []}))
    assert [(one["cause"], one["hosts"]) for one in report["causes"]] == [
        ("firewall: Docker Engine uses nftables, whose rules are not evaluated", ["h2"])
    ]


def test_requirements_are_documented_and_used() -> None:
    guide = (Path(__file__).parents[2] / "docs/guides/write-a-rule.md").read_text("utf-8")
    found, _broken = rule_files.read_rules([rule_files.OWN])
    documented = {name for name in requirements.REQUIREMENTS if f"| `{name}` |" in guide}
    assert documented == {name for rule in found for name in rule.requires} == set(requirements.REQUIREMENTS)


def test_an_unknown_requirement_is_reported(tmp_path: Path) -> None:
    path = rules(tmp_path) / "a-bridge.yml"
    path.write_text(path.read_text("utf-8").replace("key:", "requires: [magic]\nkey:"), "utf-8")
    _found, broken = rule_files.read_rules([tmp_path])
    assert "requires: unknown requirement magic" in broken[0].reason
