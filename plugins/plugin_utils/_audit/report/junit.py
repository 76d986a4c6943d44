# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report in JUnit XML for CI servers: one test suite for each rule, one failed test case for each finding."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine.rule_files import SEVERITIES
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.report import coverage
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import escape_invisible


def write_junit(
    path: Path, report: Mapping[str, Any], findings: Iterable[Mapping[str, Any]], fail_on: str = "none"
) -> None:
    """Write the test suites in the order of the rules; findings must be sorted by rule.

    Findings of a lower severity than ``fail_on`` are passed test cases with the finding as output; with ``none``, all
    findings are failures. A rule without findings has a passed test case, also if some hosts were not checked. Each
    cause of incomplete checks of a rule is one skipped test case. A rule that applies to no host is skipped.
    """
    grouped = {}
    failing = SEVERITIES if fail_on == "none" else SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    skipped: dict[str, list[str]] = {}
    for cause in report["causes"]:
        for rule in cause["rules"]:
            skipped.setdefault(rule, []).append(coverage.describe_cause({**cause, "rules": [rule]}))

    def write(rule: str, found: Iterable[Mapping[str, Any]]) -> None:
        about = {**report["rules"][rule], "id": rule}
        _write_suite(xml, about, found, skipped.get(rule, []), about["severity"] in failing)

    with path.open("w", encoding="utf-8") as file:
        xml = XMLGenerator(file, "utf-8", short_empty_elements=True)
        xml.startDocument()
        _open_element(xml, "testsuites", {"name": "netfleet.docker audit"})
        for rule, found in itertools.groupby(findings, key=lambda finding: str(finding["rule"])):
            grouped[rule] = True
            write(rule, found)
        for rule in report["rules"]:
            if rule not in grouped:
                write(rule, ())
        for broken in report["broken_rules"]:
            _write_broken_rule(xml, broken)
        xml.endElement("testsuites")
        xml.endDocument()


def _open_element(xml: XMLGenerator, element: str, attributes: Mapping[str, str]) -> None:
    xml.startElement(element, AttributesImpl(dict(attributes)))


def _write_suite(
    xml: XMLGenerator,
    rule: Mapping[str, Any],
    findings: Iterable[Mapping[str, Any]],
    skipped: Sequence[str],
    fails: bool,
) -> None:
    name, idle = rule["id"], rule.get("state") == "not applicable"
    passed = not rule["findings"] and not rule["waived"] and not idle and rule.get("state") != "not checked"
    counts = {
        "tests": rule["findings"] + rule["waived"] + len(skipped) + passed + idle,
        "failures": rule["findings"] if fails else 0,
        "skipped": len(skipped) + rule["waived"] + idle,
        "errors": 0,
    }
    _open_element(xml, "testsuite", {"name": name, **{key: str(value) for key, value in counts.items()}})
    for finding in findings:
        with _open_case(xml, name, finding["host"], finding["object"]):
            if finding["waived"]:
                _write_skipped(xml, finding["waived"]["reason"])
            elif fails:
                _write_failure(xml, finding)
            else:
                _write_output(xml, finding)
    for number, reason in enumerate(skipped, 1):
        _open_element(xml, "testcase", {"classname": name, "name": f"not checked, cause {number}"})
        _write_skipped(xml, reason)
        xml.endElement("testcase")
    if passed or idle:
        _open_element(xml, "testcase", {"classname": name, "name": escape_invisible(rule["title"])})
        if idle:
            _write_skipped(xml, "not applicable: no host has what the rule checks")
        xml.endElement("testcase")
    xml.endElement("testsuite")


@contextlib.contextmanager
def _open_case(xml: XMLGenerator, rule: str, host: str, name: str) -> Iterator[None]:
    _open_element(
        xml, "testcase", {"classname": escape_invisible(f"{rule}.{host}"), "name": escape_invisible(f"{host}: {name}")}
    )
    yield
    xml.endElement("testcase")


def _write_failure(xml: XMLGenerator, finding: Mapping[str, Any]) -> None:
    _open_element(xml, "failure", {"message": escape_invisible(finding["title"]), "type": finding["rule"]})
    xml.characters("\n".join(escape_invisible(line) for line in finding["remedy"].splitlines()))
    xml.endElement("failure")


def _write_output(xml: XMLGenerator, finding: Mapping[str, Any]) -> None:
    """Write a finding that is no failure."""
    _open_element(xml, "system-out", {})
    lines = [f"{finding['severity']}: {finding['title']}", *finding["remedy"].splitlines()]
    xml.characters("\n".join(escape_invisible(line) for line in lines))
    xml.endElement("system-out")


def _write_skipped(xml: XMLGenerator, reason: str) -> None:
    _open_element(xml, "skipped", {"message": escape_invisible(reason)})
    xml.endElement("skipped")


def _write_broken_rule(xml: XMLGenerator, broken: Mapping[str, Any]) -> None:
    name = escape_invisible(broken["rule"])
    _open_element(xml, "testsuite", {"name": name, "tests": "1", "failures": "0", "skipped": "0", "errors": "1"})
    _open_element(xml, "testcase", {"classname": name, "name": "rule file"})
    _open_element(xml, "error", {"message": escape_invisible(broken["reason"])})
    xml.endElement("error")
    xml.endElement("testcase")
    xml.endElement("testsuite")
