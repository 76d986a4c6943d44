# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page as a file: its contents, and that data cannot break out of its element."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.report import html, html_data
from ansible_collections.netfleet.docker.tests import fleet, sample

Told = tuple[Any, dict[str, Any]]


@pytest.fixture
def told() -> Told:
    database = fleet.made(5, 10)
    sample.plant(database, 5)
    return database, sample.report(database, [*sample.findings(5), *sample.hostile(database)])


def block(page: Path, name: str) -> Any:
    found = re.search(rf'<script type="text/plain" id="{name}">([A-Za-z0-9+/=]+)</script>', page.read_text("utf-8"))
    assert found
    return json.loads(zlib.decompress(base64.b64decode(found.group(1))))


def test_small_report_is_one_file(told: Told, tmp_path: Path) -> None:
    page = html.write_page(told[0], told[1], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    data = block(page, "data")
    assert data["hosts"]["name"] == [host["name"] for host in told[1]["hosts"]]
    assert len(data["findings"]["more"]) == len(told[1]["findings"])
    assert data["rules"]["dangling-veth"]["reason"] == told[1]["rules"]["dangling-veth"]["reason"]
    host = block(page, "host-1")
    assert host["graph"]["name"] == "node-00000" and host["findings"][0]["remedy"]


def test_large_report_has_separate_files(told: Told, tmp_path: Path) -> None:
    (tmp_path / "hosts").mkdir()
    (tmp_path / "hosts/99.js").write_text("of a run before", encoding="ascii")
    (tmp_path / "hosts/notes.txt").write_text("of somebody else", encoding="ascii")
    page = html.write_page(told[0], told[1], tmp_path, inside=2)
    assert sorted(path.name for path in (tmp_path / "hosts").iterdir()) == [
        *(f"{one}.js" for one in range(6)),
        "notes.txt",
    ]
    call = (tmp_path / "hosts/0.js").read_text(encoding="ascii")
    assert re.fullmatch(r'netfleetHost\(0,"[A-Za-z0-9+/=]+"\);\n', call)
    data = block(page, "data")
    assert data["beside"] and data["findings"]["more"] == []


def test_findings_missing_in_the_report_are_read_from_the_table(told: Told, tmp_path: Path) -> None:
    database, report = told
    database.execute(
        "CREATE TABLE finding (rule VARCHAR, severity VARCHAR, scope VARCHAR, host VARCHAR, object VARCHAR,"
        " evidence JSON, remedy VARCHAR, fingerprint VARCHAR, status VARCHAR, waived JSON, remediation JSON)"
    )
    names = ("rule", "severity", "scope", "host", "object", "evidence", "remedy", "fingerprint", "status")
    for one in report["findings"]:
        values = [json.dumps(one[name]) if name == "evidence" else one[name] for name in names]
        database.execute(f"INSERT INTO finding ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", values)
    whole = html.write_page(database, report, tmp_path / _made(tmp_path, "whole"))
    some = {**report, "findings": report["findings"][:2], "findings_left_out": len(report["findings"]) - 2}
    short = html.write_page(database, some, tmp_path / _made(tmp_path, "short"))
    for number in range(6):
        keys = [
            [(one["rule"], one["object"], one["evidence"]) for one in block(page, f"host-{number}")["findings"]]
            for page in (whole, short)
        ]
        assert sorted(map(str, keys[0])) == sorted(map(str, keys[1]))
    assert block(short, "data")["findings_left_out"] == len(report["findings"]) - 2


def _made(folder: Path, name: str) -> str:
    (folder / name).mkdir()
    return name


def test_content_security_policy_allows_only_the_parts_of_the_page(told: Told, tmp_path: Path) -> None:
    text = html.write_page(told[0], told[1], tmp_path).read_text(encoding="utf-8")
    policy = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert len(policy) == 1 and "unsafe-inline" not in policy[0] and "default-src 'none'" in policy[0]
    assert not re.search(r"https?:|'self'|file:|data: ;", policy[0])
    inline = [
        *re.findall(r"<script>(.*?)</script>", text, re.DOTALL),
        *re.findall(r"<style>(.*?)</style>", text, re.DOTALL),
    ]
    assert len(inline) == 2
    for one in inline:
        assert base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() in policy[0]


def test_data_cannot_close_its_script_element(told: Told, tmp_path: Path) -> None:
    text = html.write_page(told[0], told[1], tmp_path).read_text(encoding="utf-8")
    assert len(re.findall(r"</script", text)) == len(re.findall(r"<script", text))
    assert "</i>" not in text.partition("<body>")[0] and "\u2028" not in text


def test_empty_report(tmp_path: Path) -> None:
    page = html.write_page(fleet.empty(), {"version": 1, "created": "</title>", "summary": {}}, tmp_path)
    assert block(page, "data")["hosts"]["name"] == []
    assert "<title>Docker network audit &lt;/title&gt;</title>" in page.read_text(encoding="utf-8")


def test_long_lists_are_cut_and_counted() -> None:
    index = html_data.build_index(
        {"appeared": [{"host": "h", "type": "container", "name": str(one)} for one in range(5000)]}, True
    )
    assert (index["appeared"]["count"], len(index["appeared"]["rows"])) == (5000, html_data.LISTED)


def test_unchecked_rules_are_grouped_by_reason() -> None:
    rows = [{"rule": f"r{rule}", "host": f"h{host}", "reason": "no root"} for rule in range(3) for host in range(4)]
    rows.append({"rule": "r9", "host": "h9", "reason": "gone"})
    told = html_data.build_index({"not_checked": rows}, True)["not_checked"]
    assert [(one["reason"], one["rules"], one["count"]) for one in told["rows"]] == [
        ("no root", ["r0", "r1", "r2"], 4),
        ("gone", ["r9"], 1),
    ]


def test_lone_surrogate_is_accepted() -> None:
    assert json.loads(zlib.decompress(base64.b64decode(html_data.pack_rows({"a": "\ud800x"})))) == {"a": "?x"}
