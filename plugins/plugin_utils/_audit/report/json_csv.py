# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as JSON, and its findings as CSV. Findings are written one by one."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import escape_invisible

_CSV = ("rule", "severity", "title", "host", "object", "status", "waived", "evidence", "remedy", "fingerprint")
# A spreadsheet interprets cells with these first characters as formulas.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_json(path: Path, report: Mapping[str, Any], findings: Iterable[Mapping[str, Any]]) -> None:
    """Write the report as one JSON document, with one finding in each line."""
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(report, ensure_ascii=False, indent=1).removesuffix("\n}"))
        file.write(',\n "findings": [')
        separator = "\n"
        for finding in findings:
            file.write(f"{separator}  {json.dumps(finding, ensure_ascii=False)}")
            separator = ",\n"
        file.write("\n ]\n}\n")


def write_csv(path: Path, findings: Iterable[Mapping[str, Any]]) -> None:
    """Write the findings as a table without formulas and line breaks in cells."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(_CSV)
        for finding in findings:
            commands = "; ".join(finding["remedy"].splitlines())
            table.writerow([_format_cell({**finding, "remedy": commands}[name]) for name in _CSV])


def _format_cell(value: Any) -> str:
    if value is None:
        return ""
    text = escape_invisible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return f"'{text}" if text.startswith(_FORMULA) else text
