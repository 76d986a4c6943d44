# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Effects of operations on Docker networks, and the summary of a host."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.effects import (
    Effects,
    find_effects,
    merge_effects,
)
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.model import Member, Network
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.operations import (
    ConnectMember,
    CreateNetwork,
    DisconnectMember,
    RemoveNetwork,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.summary import summarize_host

WEB, DB, OFF = (Member(name, id=name, running=name != "off") for name in ("web", "db", "off"))
CREATE, REMOVE = CreateNetwork(Network("shop", driver="bridge")), RemoveNetwork("shop", "1")


@pytest.mark.parametrize(
    ("operations", "effects"),
    [
        ([], Effects()),
        ([CREATE, ConnectMember("shop", WEB)], Effects(created=("shop",))),
        ([ConnectMember("shop", WEB)], Effects(changed=("shop",))),
        ([DisconnectMember("shop", WEB)], Effects(changed=("shop",), interrupted=("web",))),
        ([DisconnectMember("shop", WEB), REMOVE], Effects(deleted=("shop",), interrupted=("web",))),
        (
            [*(DisconnectMember("shop", one) for one in (WEB, DB, OFF)), REMOVE, CREATE, ConnectMember("shop", WEB)],
            Effects(recreated=("shop",), interrupted=("db", "web")),
        ),
    ],
)
def test_effects_of_operations(operations: list[Any], effects: Effects) -> None:
    assert find_effects("shop", operations) == effects


def test_recreation_is_described_with_its_members() -> None:
    three = Effects(recreated=("shop",), interrupted=("cache", "db", "web"))
    assert three.describe_recreation("shop") == "RECREATE network shop: 3 members interrupted (cache, db, web)"
    one = Effects(recreated=("shop",), interrupted=("web",))
    assert one.describe_recreation("shop") == "RECREATE network shop: 1 member interrupted (web)"
    assert Effects(recreated=("shop",)).describe_recreation("shop") == "RECREATE network shop: no running members"
    assert Effects(changed=("shop",)).describe_recreation("shop") == ""


def test_effects_of_several_networks_are_merged() -> None:
    one, two = Effects(recreated=("a",), interrupted=("web",)), Effects(created=("b",), interrupted=("db", "web"))
    assert merge_effects([one.to_dict(), two.to_dict()]) == {
        "created": ["b"],
        "changed": [],
        "recreated": ["a"],
        "deleted": [],
        "interrupted": ["web", "db"],
    }


def test_summary_of_a_host() -> None:
    bridge = {"effects": Effects(recreated=("app",), interrupted=("web",)).to_dict(), "operations": ["x"]}
    results: dict[str, Any] = {
        "bridge_applied": bridge,
        "macvlan_applied": {"effects": Effects(created=("lan",)).to_dict()},
        "engine_applied": {"operations": ["write /etc/docker/daemon.json"]},
        "topology_applied": {"operations": [], "failed": True},
    }
    assert summarize_host("h1", results, ["join h1"]) == (
        "h1: created lan; recreated app; interrupted web; 1 change of Docker Engine and the kernel; join h1; "
        "topology failed"
    )
    assert summarize_host("h2", {"bridge_applied": {"skipped": True}}) == "h2: no changes"
