# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Order of operations."""

from __future__ import annotations

from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Link, Netns, State
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import (
    AddAddress,
    CreateLink,
    CreateNetns,
    DeleteGroup,
    DeleteLink,
    DeleteNetns,
    SetLink,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.schedule import (
    find_departing_ends,
    find_finished_namespaces,
    schedule,
)

PAIR_A = CreateLink("host", Link("a", kind="veth"), "a", Link("eth0", kind="veth"))
PAIR_B = CreateLink("host", Link("b", kind="veth"), "b", Link("eth0", kind="veth"))


def test_namespace_is_created_when_needed() -> None:
    planned = (CreateNetns("a"), CreateNetns("b"), CreateNetns("empty"), PAIR_A, PAIR_B)
    assert schedule(planned) == (CreateNetns("empty"), CreateNetns("a"), PAIR_A, CreateNetns("b"), PAIR_B)


def test_namespaces_are_removed_before_links_outside() -> None:
    delete, inside = DeleteLink("host", "a"), DeleteLink("a", "eth0")
    assert schedule((delete, DeleteNetns("a"))) == (DeleteNetns("a"), delete)
    assert schedule((inside, DeleteNetns("a"))) == (inside, DeleteNetns("a"))


def test_namespace_is_finished_after_its_last_operation() -> None:
    planned = (
        CreateNetns("a"),
        PAIR_A,
        CreateNetns("b"),
        PAIR_B,
        AddAddress("a", "eth0", "10.0.0.1/24"),
        SetLink("host", "a", {"up": True}),
    )
    assert find_finished_namespaces(planned) == {5: ["a"], 4: ["b"]}
    assert find_finished_namespaces((*planned, DeleteLink("host", "other"))) == {}


def test_links_removed_with_a_namespace() -> None:
    before = State(
        {
            "host": Netns(
                links={
                    "a": Link("a", kind="veth", peer=Endpoint("away", "eth0")),
                    "over": Link("over", kind="vxlan", underlay="away", parent=Endpoint("away", "")),
                    "other": Link("other", kind="ifb"),
                }
            ),
            "away": Netns(
                links={
                    "lo": Link("lo", kind="loopback"),
                    "eth0": Link("eth0", kind="veth", peer=Endpoint("host", "a")),
                    "eth1": Link("eth1", kind="veth", peer=Endpoint(None, "interface 7")),
                }
            ),
        }
    )
    over = Endpoint("host", "over")
    assert find_departing_ends(before, [DeleteNetns("away")]) == {Endpoint("host", "a"), over}
    deleted = DeleteLink("host", "a", "veth", Endpoint("away", "eth0"))
    assert find_departing_ends(before, [DeleteNetns("away"), deleted]) == {over}
    group = DeleteGroup("host", 7, (("a", 2), ("over", 3)))
    assert find_departing_ends(before, [DeleteNetns("away"), group]) == set()
    assert find_departing_ends(before, [DeleteNetns("away", processes=(1,))]) == set()
