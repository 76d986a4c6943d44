# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report in SARIF 2.1.0, for code scanning and other viewers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import escape_invisible

_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
# Scores that GitHub code scanning displays as critical, high, medium and low.
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0", "info": "0.0"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def write_sarif(path: Path, report: Mapping[str, Any], findings: Iterable[Mapping[str, Any]]) -> None:
    """Write the findings as results, one in each line."""
    numbers = {name: number for number, name in enumerate(report["rules"])}
    driver = {
        "name": "netfleet.docker",
        "version": re.sub(r"^\D*", "", str(report["collector"])) or "0",
        "rules": [_build_rule(name, rule) for name, rule in report["rules"].items()],
    }
    with path.open("w", encoding="utf-8") as file:
        file.write(
            f'{{"$schema": "{_SCHEMA}", "version": "2.1.0", "runs": [{{"tool": {json.dumps({"driver": driver})},'
        )
        file.write('\n"columnKind": "unicodeCodePoints", "results": [')
        separator = "\n"
        for finding in findings:
            file.write(
                separator + json.dumps(_build_result(finding, numbers[finding["rule"]], bool(report["earlier"])))
            )
            separator = ",\n"
        for finding in report["fixed"]:
            if finding["rule"] in numbers:
                file.write(separator + json.dumps(_build_absent_result(finding, numbers[finding["rule"]])))
                separator = ",\n"
        file.write("\n]}]}\n")


def _build_rule(name: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    links = [text for text in rule["references"] if text.startswith("https://")]
    return {
        "id": name,
        "shortDescription": {"text": rule["title"]},
        "fullDescription": {"text": rule["reason"]},
        "help": {"text": "\n".join([rule["reason"], *rule["references"]])},
        **({"helpUri": links[0]} if links else {}),
        "defaultConfiguration": {"level": _LEVELS[rule["severity"]]},
        "properties": {"security-severity": _SCORES[rule["severity"]], "tags": ["docker", "network", rule["scope"]]},
    }


def _build_result(finding: Mapping[str, Any], number: int, compared: bool) -> dict[str, Any]:
    message = f"{finding['host']}: {finding['title']}: {finding['object']}"
    result = {
        "ruleId": finding["rule"],
        "ruleIndex": number,
        "level": _LEVELS[finding["severity"]],
        "message": {"text": escape_invisible(message)},
        "locations": [_build_location(finding)],
        "partialFingerprints": {"netfleet/v1": finding["fingerprint"]},
        "properties": {"evidence": finding["evidence"], "remedy": finding["remedy"]},
    }
    if compared:
        result["baselineState"] = finding["status"]
    if finding["waived"]:
        result["suppressions"] = [{"kind": "external", "justification": finding["waived"]["reason"]}]
    return result


def _build_absent_result(finding: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {
        "ruleId": finding["rule"],
        "ruleIndex": number,
        "level": "none",
        "kind": "pass",
        "message": {"text": escape_invisible(f"{finding['host']}: fixed: {finding['title']}: {finding['object']}")},
        "locations": [_build_location(finding)],
        "baselineState": "absent",
    }


def _build_location(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Return the location of a finding: the snapshot of its host, because viewers require a file."""
    uri = f"snapshots/{quote(finding['host'], safe='')}.json.gz"
    name = escape_invisible(finding["object"])
    return {
        "physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}},
        "logicalLocations": [
            {"name": name, "fullyQualifiedName": f"{escape_invisible(finding['host'])}/{name}", "kind": "resource"}
        ],
    }
