# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small constructed snapshots, and a rule for them, for tests of the audit itself."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit import run
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables import schema

RULE = """\
title: A bridge
severity: {severity}
scope: host
references: [CIS 0.0, https://example.com/why]
reason: There should be none.
remedy: ip link delete {{{{ interface | quote }}}}
needs: [interface]
key: [interface]
object: "{{{{ interface }}}}"
query: |
  {query}
"""
QUERY = "SELECT host, netns, name AS interface, alias, flags FROM interface WHERE kind = 'bridge'"
ANSI = "\x1b[31mred\x1b[0m"


def row(of: str, /, **values: Any) -> dict[str, Any]:
    """Return a row of a table with null for all values that are not given."""
    columns = schema.get_columns(of)
    assert set(values) <= set(columns)
    return {**dict.fromkeys(columns), **values}


def snapshot(host: str, *bridges: str, **parts: Any) -> dict[str, Any]:
    """Return the snapshot of a host with bridges of the given names."""
    links = [row("interface", index=place, name=name, kind="bridge") for place, name in enumerate(bridges, 1)]
    return {
        "version": 1,
        "host": row("host", name=host, hostname=host, collector="netfleet.docker 0.1.0"),
        "namespaces": [
            {**row("netns", netns="1", kind="host", names=[]), "interfaces": links, "sysctls": {"a/b": "1"}}
        ],
        "strays": [],
        "docker": {"engine": None, "containers": [], "networks": []},
        "missing": [],
        **parts,
    }


def save(folder: Path, *snapshots: dict[str, Any]) -> Path:
    """Save snapshots by host name; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in snapshots:
        (folder / f"{one['host']['name']}.json.gz").write_bytes(gzip.compress(json.dumps(one).encode()))
    return folder


def rules(folder: Path, query: str = QUERY, severity: str = "high", name: str = "a-bridge") -> Path:
    """Write a rule; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yml").write_text(RULE.format(query=query, severity=severity), encoding="utf-8")
    return folder


def evaluated(folder: Path, *snapshots: dict[str, Any], **wanted: Any) -> dict[str, Any]:
    """Evaluate snapshots with the rules in ``folder / 'rules'`` only; return the report."""
    own = folder / "rules"
    if not own.exists():
        rules(own)
    only = [path.stem for path in own.glob("*.yml")]
    saved = save(folder / "snapshots", *snapshots)
    settings = {"dest": folder / "out", "rules": [own], "only": only, **wanted}
    return run.run_evaluation(run.EvaluationRequest(snapshots=saved, **settings))
