# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of docs/schema.md, and whether a row is one of them."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SCHEMA = Path(__file__).resolve().parents[1] / "docs/schema.md"
_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "object": (dict,),
}
LISTS = {
    "interfaces": "interface",
    "addresses": "address",
    "routes": "route",
    "rules": "rule",
    "neighbours": "neighbour",
    "fdb": "fdb",
    "sockets": "socket",
    "firewall_chains": "firewall_chain",
    "firewall_rules": "firewall_rule",
    "firewall_sets": "firewall_set",
    "xfrm_states": "xfrm_state",
    "xfrm_policies": "xfrm_policy",
}
DOCKER_LISTS = {
    "containers": "container",
    "networks": "docker_network",
    "endpoints": "docker_endpoint",
    "published_ports": "published_port",
    "network_peers": "network_peer",
    "swarm_nodes": "swarm_node",
    "swarm_services": "swarm_service",
    "swarm_tasks": "swarm_task",
}


@functools.cache
def tables() -> dict[str, dict[str, str]]:
    """Return the columns of each table with their types, in the order of the document."""
    found: dict[str, dict[str, str]] = {}
    for section in _SCHEMA.read_text(encoding="utf-8").split("\n## ")[1:]:
        name, _newline, body = section.partition("\n")
        found[name] = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", body, re.MULTILINE))
    return {name: columns for name, columns in found.items() if columns}


def assert_row(table: str, row: Mapping[str, Any]) -> None:
    """Hold a row against its table: the same columns, each null or of its type."""
    columns = tables()[table]
    assert set(row) == set(columns)
    for name, value in row.items():
        wrong_boolean = isinstance(value, bool) and columns[name] != "boolean"
        assert value is None or (isinstance(value, _TYPES[columns[name]]) and not wrong_boolean), (name, value)


def assert_document(document: Mapping[str, Any]) -> set[str]:
    """Hold a whole snapshot against the schema; return the tables of which it has a row."""
    used = set()

    def rows(table: str, found: list[Mapping[str, Any]], without: tuple[str, ...] = ()) -> None:
        for row in found:
            assert_row(table, {column: value for column, value in row.items() if column not in without})
            used.add(table)

    for netns in document["namespaces"]:
        rows("netns", [netns], (*LISTS, "sysctls"))
        rows("sysctl", [{"key": key, "value": value} for key, value in netns.get("sysctls", {}).items()])
        for name, table in LISTS.items():
            rows(table, netns.get(name, []))
    rows("host", [document["host"]])
    rows("stray", document["strays"])
    rows("missing", document["missing"])
    docker = document.get("docker", {})
    rows("docker_engine", [docker["engine"]] if docker.get("engine") else [])
    for name, table in DOCKER_LISTS.items():
        rows(table, docker.get(name, []))
    assert set(document) <= {"version", "host", "namespaces", "strays", "docker", "missing", "changed", "invocation"}
    assert set(docker) <= {"engine", *DOCKER_LISTS}
    return used
