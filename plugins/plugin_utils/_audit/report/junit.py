# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report in JUnit XML for CI servers: one test suite for each rule, one failed test case for each finding."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import escape_invisible


def write_junit(path: Path, report: Mapping[str, Any], findings: Iterable[Mapping[str, Any]]) -> None:
    """Write the test suites in the order of the rules; findings must be sorted by rule.

    A rule without findings has one passed test case. An incomplete check is a skipped test case.
    """
    grouped = {}
    skipped: dict[str, dict[str, str]] = {}
    for row in report["not_checked"]:
        skipped.setdefault(row["rule"], {}).setdefault(row["host"], row["reason"])
    with path.open("w", encoding="utf-8") as file:
        xml = XMLGenerator(file, "utf-8", short_empty_elements=True)
        xml.startDocument()
        _open_element(xml, "testsuites", {"name": "netfleet.docker audit"})
        for rule, found in itertools.groupby(findings, key=lambda finding: str(finding["rule"])):
            grouped[rule] = True
            _write_suite(xml, rule, report["rules"][rule], found, skipped.get(rule, {}))
        for rule, rule_data in report["rules"].items():
            if rule not in grouped:
                _write_suite(xml, rule, rule_data, (), skipped.get(rule, {}))
        for broken in report["broken_rules"]:
            _write_broken_rule(xml, broken)
        xml.endElement("testsuites")
        xml.endDocument()


def _open_element(xml: XMLGenerator, element: str, attributes: Mapping[str, str]) -> None:
    xml.startElement(element, AttributesImpl(dict(attributes)))


def _write_suite(
    xml: XMLGenerator,
    name: str,
    rule: Mapping[str, Any],
    findings: Iterable[Mapping[str, Any]],
    skipped: Mapping[str, str],
) -> None:
    failures = rule["findings"]
    passed = not failures and not rule["waived"] and not skipped
    tests = failures + rule["waived"] + len(skipped) + passed
    counts = {"tests": tests, "failures": failures, "skipped": len(skipped) + rule["waived"], "errors": 0}
    _open_element(xml, "testsuite", {"name": name, **{key: str(value) for key, value in counts.items()}})
    for finding in findings:
        with _open_case(xml, name, finding["host"], finding["object"]):
            if finding["waived"]:
                _write_skipped(xml, finding["waived"]["reason"])
            else:
                _write_failure(xml, finding)
    for host, reason in skipped.items():
        with _open_case(xml, name, host, "not checked"):
            _write_skipped(xml, reason)
    if passed:
        _open_element(xml, "testcase", {"classname": name, "name": escape_invisible(rule["title"])})
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
