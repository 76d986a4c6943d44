# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as an HTML page that opens from disk and loads nothing from the network.

For many hosts, the data of each host is in a file next to the page.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import hashlib
import html
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram import build
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.diagram import graph as diagram_graph
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.report import html_data

NAME = "report.html"
# Up to this number of hosts, the page contains all data.
INSIDE = 200
# The parts of the page that `make report` builds.
_BUILT = Path(__file__).parents[1] / "_page"
# Hosts to read at a time: a compromise between memory and the number of queries.
_AT_A_TIME = 250
_FINDING = (
    *("rule", "severity", "scope", "host", "object", "evidence", "remedy", "fingerprint", "status", "waived"),
    "remediation",
)
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
{notices}
<style>{style}</style>
</head>
<body>
<noscript>This report requires JavaScript. The findings are also in report.json.</noscript>
<div id="page"></div>
{blocks}
<script>{script}</script>
</body>
</html>
"""


def write_page(
    database: Any,
    report: Mapping[str, Any],
    folder: Path,
    earlier: Mapping[str, Any] | None = None,
    inside: int = INSIDE,
) -> Path:
    """Write the page to a directory, with a directory `hosts` for more hosts than `inside`; return its path.

    The database contains the tables of the fleet, and the table `finding` if the report contains only some of the
    findings. `earlier` is the report of the previous run.
    """
    names = [host["name"] for host in report.get("hosts") or []]
    alone = len(names) <= inside
    data = html_data.build_index(report, with_evidence=alone)
    data["before"] = (earlier or {}).get("summary")
    data["beside"] = not alone
    blocks = {"data": html_data.pack_rows(data), "fleet": html_data.pack_rows(_build_fleet_data(database, report))}
    beside = folder / "hosts"
    for path in beside.glob("[0-9]*.js"):  # from a previous run
        path.unlink()
    with _disable_garbage_collection():
        for number, content in enumerate(_build_host_data(database, report, names)):
            if alone:
                blocks[f"host-{number}"] = html_data.pack_rows(content)
            else:
                beside.mkdir(exist_ok=True)
                call = f'netfleetHost({number},"{html_data.pack_rows(content)}");\n'
                (beside / f"{number}.js").write_text(call, encoding="ascii")
    path = folder / NAME
    path.write_text(_build_page(blocks, str(report.get("created") or ""), alone), encoding="utf-8")
    return path


@contextlib.contextmanager
def _disable_garbage_collection() -> Iterator[None]:
    """Disable garbage collection: millions of rows contain no cycles, and collecting takes a quarter of the time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _build_page(blocks: Mapping[str, str], created: str, alone: bool) -> str:
    built = {
        name: (_BUILT / name).read_text(encoding="utf-8") for name in ("page.js", "page.css", "table.js", "viz.js")
    }
    scripts = [_hash_source(built[name]) for name in ("page.js", "table.js", "viz.js")]
    # The scripts of the libraries are inserted when required. Graphviz is WebAssembly. Files next to the page are
    # 'self' on a server and file: on disk.
    allowed = [*scripts, "'wasm-unsafe-eval'", *(() if alone else ("'self'", "file:"))]
    policy = {
        "default-src": "'none'",
        "script-src": " ".join(allowed),
        "style-src": _hash_source(built["page.css"]),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    libraries = {name: html_data.pack_text(built[f"{name}.js"]) for name in ("table", "viz")}
    return _PAGE.format(
        policy="; ".join(f"{name} {value}" for name, value in policy.items()),
        title=html.escape(f"Docker network audit {created}".strip()),
        notices="\n".join(f"<!-- {_build_notice(built[name])} -->" for name in built),
        style=built["page.css"],
        blocks="\n".join(_build_block(name, text) for name, text in {**blocks, **libraries}.items()),
        script=built["page.js"],
    )


def _build_notice(text: str) -> str:
    """Return the copyright notice at the start of a part."""
    return text.removeprefix("/*!").partition("*/")[0].replace("--", "").strip()


def _build_block(name: str, text: str) -> str:
    """Return compressed data in a script element of type text, which base64 cannot close."""
    return f'<script type="text/plain" id="{name}">{text}</script>'


def _hash_source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _build_fleet_data(database: Any, report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fleet map; findings are referenced by their number in the report."""
    return diagram_graph.build_graph_data(build.draw_fleet(database, report.get("findings") or []))


def _build_host_data(database: Any, report: Mapping[str, Any], names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the data of each host page: its diagram, and its findings with their evidence."""
    build.resolve_vtep_hosts(database)
    inside = None if report.get("findings_left_out") else _group_by_host(report.get("findings") or [])
    for start in range(0, len(names), _AT_A_TIME):
        some = names[start : start + _AT_A_TIME]
        findings = _group_by_host(_read_saved_findings(database, some)) if inside is None else inside
        for host, graph in zip(some, build.draw_hosts(database, some, findings)):
            yield {
                "graph": diagram_graph.build_graph_data(graph),
                "findings": [_select_host_fields(one) for one in findings.get(host, ())],
            }


def _select_host_fields(finding: Mapping[str, Any]) -> dict[str, Any]:
    names = ("rule", "object", "status", "waived", "fingerprint")
    return {**{name: finding.get(name) for name in names}, **html_data.build_evidence(finding)}


def _group_by_host(findings: Iterable[Mapping[str, Any]]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for one in findings:
        found[str(one["host"])].append(one)
    return found


def _read_saved_findings(database: Any, hosts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the findings of the given hosts from the database, most severe first."""
    query = (
        f"SELECT {', '.join(_FINDING)} FROM finding WHERE host IN (SELECT unnest(?))"
        " ORDER BY list_position(?, severity), rule, object"
    )
    for row in database.execute(query, [list(hosts), list(diagram_graph.SEVERITIES)]).fetchall():
        one = dict(zip(_FINDING, row))
        yield one | {name: json.loads(one[name]) for name in ("evidence", "waived", "remediation") if one[name]}
