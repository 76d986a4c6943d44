# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routes, policy rules and neighbours of a topology in namespaces that it does not own."""

from __future__ import annotations

from typing import Any

import pytest

from .quartet import converge
from .sandbox import Sandbox

pytestmark = pytest.mark.libraries

RECORD = "/run/netfleet.docker/topologies/one.json"
ROUTE = {"dst": "198.51.100.0/24", "gateway": "192.0.2.2"}
OTHER = {"dst": "203.0.113.0/24", "gateway": "192.0.2.3"}
RULE = {"priority": 100, "table": 77}
NEIGHBOUR = {"dst": "192.0.2.2", "mac": "02:00:00:00:00:02", "dev": "eth7"}


def prepare(box: Sandbox) -> None:
    """Create a link with an address, and a route and a rule of another program."""
    box.sh(
        "ip link add eth7 type veth peer name eth8",
        "ip link set eth7 up",
        "ip link set eth8 up",
        "ip address add 192.0.2.1/24 dev eth7",
        "ip route add 203.0.113.0/24 via 192.0.2.3",
        "ip rule add priority 100 from 192.0.2.0/25 lookup 78",
    )


def document(**entries: Any) -> dict[str, Any]:
    """Return a topology with entries in the namespace of the host."""
    appends = {f"{name}_append": True for name in ("routes", "rules", "neighbours")}
    namespaces = [{"name": "host", **appends, **entries}] if entries else []
    return {"name": "one", "state": "replaced", "namespaces": namespaces, "links": []}


def entries_of(box: Sandbox) -> tuple[list[str], list[int], list[str]]:
    """Return the destinations of routes, the tables of rules, and the permanent neighbours."""
    routes = [row["dst"] for row in box.ip("route") if row.get("protocol") != "kernel"]
    rules = [int(row["table"]) for row in box.ip("rule") if row["priority"] == 100]
    neighbours = [row["dst"] for row in box.ip("neigh") if "PERMANENT" in row["state"]]
    return sorted(routes), sorted(rules), neighbours


def test_entries_that_leave_the_document_are_removed(box: Sandbox) -> None:
    prepare(box)
    before = entries_of(box)
    converge(box, "topology", document(routes=[ROUTE], rules=[RULE], neighbours=[NEIGHBOUR]))
    assert entries_of(box) == (["198.51.100.0/24", "203.0.113.0/24"], [77, 78], ["192.0.2.2"])
    converge(box, "topology", document(routes=[], rules=[RULE]))
    assert entries_of(box) == (["203.0.113.0/24"], [77, 78], [])
    converge(box, "topology", document())
    assert entries_of(box) == before
    assert box.run("ls", RECORD, check=False) == ""


def test_absent_topology_removes_its_entries(box: Sandbox) -> None:
    prepare(box)
    before = entries_of(box)
    box.module("topology", document(routes=[ROUTE], rules=[RULE], neighbours=[NEIGHBOUR]))
    result = box.module("topology", {"name": "one", "state": "absent"})
    assert len(result.data["operations"]) == 3
    assert entries_of(box) == before
    assert not box.module("topology", {"name": "one", "state": "absent"}).changed


def test_entries_of_others_that_were_declared_are_kept(box: Sandbox) -> None:
    prepare(box)
    before = entries_of(box)
    assert not box.module("topology", document(routes=[OTHER])).changed
    assert not box.module("topology", document()).changed
    assert entries_of(box) == before


def test_changed_route_is_replaced_and_then_removed(box: Sandbox) -> None:
    prepare(box)
    converge(box, "topology", document(routes=[ROUTE]))
    converge(box, "topology", document(routes=[{**ROUTE, "gateway": "192.0.2.4"}]))
    assert [row["gateway"] for row in box.ip("route") if row["dst"] == ROUTE["dst"]] == ["192.0.2.4"]
    converge(box, "topology", document())
    assert entries_of(box)[0] == ["203.0.113.0/24"]


def test_merged_state_removes_nothing(box: Sandbox) -> None:
    prepare(box)
    box.module("topology", document(routes=[ROUTE]))
    merged = {**document(rules=[RULE]), "state": "merged"}
    box.module("topology", merged)
    assert entries_of(box)[0] == ["198.51.100.0/24", "203.0.113.0/24"]
    box.module("topology", document())
    assert entries_of(box) == (["203.0.113.0/24"], [78], [])


def test_failed_run_keeps_the_record(box: Sandbox) -> None:
    prepare(box)
    box.module("topology", document(routes=[ROUTE]))
    record = box.run("cat", RECORD)
    failed = box.module("topology", document(routes=[ROUTE, {"dst": "10.98.0.0/16", "gateway": "172.30.0.1"}]))
    assert failed.failed
    assert box.run("cat", RECORD) == record
    box.module("topology", document())
    assert entries_of(box)[0] == ["203.0.113.0/24"]


def test_topologies_do_not_remove_entries_of_each_other(box: Sandbox) -> None:
    prepare(box)
    box.module("topology", document(routes=[ROUTE]))
    box.module("topology", {**document(rules=[RULE]), "name": "two"})
    box.module("topology", {"name": "two", "state": "absent"})
    assert entries_of(box) == (["198.51.100.0/24", "203.0.113.0/24"], [78], [])


@pytest.mark.parametrize("text", ["nonsense", '{"version": 7}', '{"version": 1, "namespaces": {"host": [{"a": 1}]}}'])
def test_invalid_record_is_reported(box: Sandbox, text: str) -> None:
    prepare(box)
    box.module("topology", document(routes=[ROUTE]))
    box.run("sh", "-c", f"cat >{RECORD}", text=text)
    result = box.module("topology", document())
    assert result.failed and f"{RECORD}: the record of the routes of the topology one is invalid" in result.msg
    assert "198.51.100.0/24" in entries_of(box)[0]
