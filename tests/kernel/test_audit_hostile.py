# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A container with hostile names on a real host, in every output of the audit."""

from __future__ import annotations

import csv
import gzip
import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("duckdb", reason="the audit runs on control nodes, which have Python 3.11 or newer")

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit import run

from .docker_host import DockerHost

pytestmark = pytest.mark.long

_NAMES = ("<b>x", "{{7*7}}", "$(id)", "=cmd()", "\x1b[31mred", "'\";--", "\u202eevil")
_ALIAS = b"</script><script>alert(1)</script>\x1b[2J\xff\xfe{{ 7*7 }}\n=1+1"


def test_hostile_names_are_escaped_and_readable(tmp_path: Path) -> None:
    with DockerHost() as host:
        host.docker("network", "create", "--opt", "com.docker.network.bridge.name=br-h", "hostile")
        host.container("web", "--network", "hostile", "--label", "evil=<img src=x onerror=alert(1)>{{ 7*7 }}")
        for place, name in enumerate(_NAMES):
            # A port of Docker's bridge without a container: a finding that contains this name.
            host.run("ip", "link", "add", name, "type", "veth", "peer", "name", f"end{place}")
            host.run("ip", "link", "set", name, "master", "br-h", "up")
            host.run("ip", "link", "set", f"end{place}", "up")
        pid = host.inspect("container", "web")["State"]["Pid"]
        host.run("nsenter", f"--net=/proc/{pid}/ns/net", "ip", "link", "set", "eth0", "alias", os.fsdecode(_ALIAS))
        there = {link["ifname"] for link in host.ip("link")}
        said = host.module("netns_info", {"labels": ["evil"]})
    assert set(_NAMES) <= there
    (tmp_path / "snapshots").mkdir()
    document = {**said.data, "host": {**said.data["host"], "name": "h1"}}
    (tmp_path / "snapshots/h1.json.gz").write_bytes(gzip.compress(json.dumps(document).encode()))
    formats = (*run.ALL, "html", "dot", "mermaid", "parquet", "duckdb")
    report = run.run_evaluation(run.EvaluationRequest(tmp_path / "snapshots", tmp_path / "out", formats=formats))

    found = {one["evidence"]["interface"] for one in report["findings"] if one["rule"] == "dangling-veth"}
    assert found == set(_NAMES)
    assert all(line.isprintable() for line in report["lines"])
    assert json.loads((tmp_path / "out/report.json").read_text(encoding="utf-8"))["findings"]
    assert json.loads((tmp_path / "out/report.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]
    assert list(ElementTree.parse(tmp_path / "out/report.junit.xml").getroot())
    for row in csv.reader((tmp_path / "out/findings.csv").read_text(encoding="utf-8").splitlines()):
        assert all(cell.isprintable() and not cell.startswith(("=", "+", "-", "@")) for cell in row)
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    for harm in ("<b>x", "alert(1)", "\x1b", "\u202e"):
        assert harm not in page
    for picture in (tmp_path / "out/pictures").iterdir():
        text = picture.read_text(encoding="utf-8")
        assert "\x1b" not in text and "\u202e" not in text
        assert "<b>x" not in text or picture.suffix == ".dot", "Mermaid would interpret it as markup"
