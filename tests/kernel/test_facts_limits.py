# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Large, changing and removed objects affect only their own data."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from .sandbox import Sandbox

_PARTS = ["addresses", "routes", "rules", "neighbours"]


def rows(data: dict[str, Any], reference: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in data["namespaces"] if row["reference"] == reference)
    return found


def flood(box: Sandbox, netns: str, count: int) -> None:
    """Add the given number of routes."""
    lines = [f"route add 10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}/32 dev lo" for n in range(count)]
    box.run("ip", "-batch", "-", netns=netns, text="\n".join(lines))


def test_large_table_is_truncated_and_the_rest_collected(box: Sandbox) -> None:
    box.sh(
        "ip -n red link set lo up",
        "ip link add near type veth peer name far netns blue",
        "ip -n blue addr add 192.0.2.1/24 dev far",
    )
    flood(box, "red", 20_000)
    result = box.module("netns_info", {"gather_subset": _PARTS, "max_entries": 1000})
    red = rows(result.data, "red")
    assert len(red["routes"]) == 1000
    assert [(row["netns"], row["part"], row["what"]) for row in result.data["missing"] if row["part"] != "docker"] == [
        (red["netns"], "routes", "truncated")
    ]
    # Lists after the routes in the same namespace, and those of other namespaces, are complete.
    assert len(red["rules"]) == len(rows(result.data, "host")["rules"]) > 0
    assert [one["address"] for one in rows(result.data, "blue")["addresses"]] == ["192.0.2.1"]
    whole = box.module("netns_info", {"gather_subset": _PARTS, "max_entries": 100_000})
    assert len(rows(whole.data, "red")["routes"]) > 20_000


def test_time_limit_ends_the_collection_and_is_reported(box: Sandbox) -> None:
    result = box.module("netns_info", {"gather_subset": _PARTS, "timeout": 0.000001})
    missing = [row for row in result.data["missing"] if row["part"] == "namespaces"]
    assert {row["netns"] for row in missing if row["netns"]} == {row["netns"] for row in result.data["namespaces"]}
    assert all("time limit" in row["reason"] for row in missing)
    result = box.module("netns_info", {"gather_subset": _PARTS, "netns_timeout": 0.000001})
    missing = [row for row in result.data["missing"] if row["part"] == "interfaces"]
    assert {row["netns"] for row in missing} >= {rows(result.data, name)["netns"] for name in ("host", "red", "blue")}
    assert all("timed out" in row["reason"] for row in missing)


@pytest.mark.parametrize("name", ["max_entries", "netns_timeout", "timeout", "docker_timeout"])
def test_limits_out_of_range_are_rejected(box: Sandbox, name: str) -> None:
    for value in (0, -1, 10**20, *((float("inf"), float("nan")) if name != "max_entries" else ())):
        result = box.module("netns_info", {name: str(value)})
        assert result.msg.startswith(f"{name}: must be more than 0 and at most 10000000, not")


def test_changing_table_is_complete_or_reported(box: Sandbox) -> None:
    batch = "\n".join(f"link add v{n} type veth peer name w{n}" for n in range(1000))
    box.run("ip", "-batch", "-", netns="red", text=batch)
    churn = "while true; do ip link add x type veth peer name y; ip link del x; done >/dev/null 2>&1"
    box.sh(f"nsenter --net=/run/netns/red sh -c '{churn}' >/dev/null 2>&1 & echo $!")
    for _attempt in range(10):
        result = box.module("netns_info", {"gather_subset": ["min"]})
        red = rows(result.data, "red")
        missing = [row for row in result.data["missing"] if row["netns"] == red["netns"]]
        if missing:
            assert [(row["part"], row["what"]) for row in missing] == [("interfaces", "missing")]
            assert "changed during each" in missing[0]["reason"]
            assert "interfaces" not in red
        else:
            names = {link["name"] for link in red["interfaces"]}
            assert {f"{side}{n}" for n in range(1000) for side in "vw"} <= names
        assert [link["name"] for link in rows(result.data, "blue")["interfaces"]] == ["lo"]


def test_namespaces_removed_during_collection_cause_no_failure(box: Sandbox) -> None:
    code = """
import subprocess, time
end = time.monotonic() + 60
while time.monotonic() < end:
    subprocess.run("ip netns add gone; ip link add near type veth peer name far netns gone", shell=True)
    subprocess.run("unshare -n true; ip netns del gone", shell=True)
"""
    box.sh(f"{sys.executable} -c '{code}' >/dev/null 2>&1 & echo $!")
    seen = set()
    for _attempt in range(30):
        result = box.module("netns_info", {"gather_subset": _PARTS})
        assert not result.failed, result.msg
        for name in ("host", "red", "blue"):
            assert {"interfaces", *_PARTS} <= set(rows(result.data, name))
        seen |= {row["kind"] for row in result.data["namespaces"]}
        assert {row["what"] for row in result.data["missing"] if row["part"] != "docker"} <= {"gone", "missing"}
        stable = {row["netns"] for row in result.data["namespaces"] if row["reference"] in ("host", "red", "blue")}
        assert not [row for row in result.data["missing"] if row["netns"] in stable and row["part"] == "namespaces"]
    assert "named" in seen
