# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Transactions: rollback of a failure at any operation, concurrent runs, and killed runs."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
import time
from typing import Any, Callable
from unittest import mock

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import KernelError
from ansible_collections.netfleet.docker.plugins.module_utils._links import kernel as links_kernel

from . import forked
from .quartet import assert_met
from .sandbox import PACKAGE, Result, Sandbox, request, result
from .snapshot import Snapshot, assert_same

pytestmark = pytest.mark.long

MODULE = f"{PACKAGE}.topology"
# The initial state: created by the topology itself and by other tools.
BEFORE: dict[str, Any] = {
    "name": "one",
    "namespaces": [
        {
            "name": "old",
            "sysctls": {"net.ipv4.ip_forward": 1},
            "routes": [{"dst": "default", "gateway": "10.1.0.1"}, {"dst": "203.0.113.0/24", "gateway": "10.1.0.9"}],
            "rules": [{"priority": 100, "table": 100}],
            "neighbours": [{"dst": "10.1.0.9", "mac": "02:00:00:00:00:09", "dev": "eth0"}],
        },
        {"name": "gone", "routes": [{"dst": "198.51.100.0/24", "dev": "eth0"}]},
    ],
    "links": [
        {"name": "br0", "kind": "bridge", "addresses": ["10.1.0.1/24", "10.1.0.99/24"], "mac": "02:00:00:00:01:01"},
        {
            "name": "eth0",
            "netns": "old",
            "kind": "veth",
            "addresses": ["10.1.0.2/24", "2001:db8::2/64"],
            "altnames": ["uplink"],
            "peer": {"name": "old0", "master": "br0", "bridge_port": {"isolated": True}},
        },
        {"name": "eth0", "netns": "gone", "kind": "veth", "peer": {"name": "gone0", "master": "br0"}},
        {"name": "vx", "kind": "vxlan", "vni": 7, "fdb": [{"dst": "192.0.2.2"}], "master": "br0", "alias": "mine"},
        {"name": "card", "kind": "ifb"},
        {"name": "m0", "netns": "old", "kind": "macvlan", "parent": "card", "mode": "bridge"},
        {"name": "away", "kind": "ifb", "mtu": 1300},
    ],
}
# The desired state: objects of each type are created, changed and removed.
AFTER: dict[str, Any] = {
    "name": "one",
    "state": "replaced",
    "namespaces": [
        {
            "name": "old",
            "sysctls": {"net.ipv4.ip_forward": 0, "net.ipv4.conf.eth0.rp_filter": 1},
            "routes": [{"dst": "default", "gateway": "10.1.0.7"}],
            "rules": [{"priority": 200, "table": 100}],
            "neighbours": [{"dst": "10.1.0.9", "mac": "02:00:00:00:00:19", "dev": "eth0"}],
        },
        {"name": "new", "routes": [{"dst": "default", "gateway": "10.1.0.1"}]},
    ],
    "links": [
        {
            "name": "br0",
            "kind": "bridge",
            "addresses": ["10.1.0.1/24"],
            "mac": "02:00:00:00:01:01",
            "priority": 4096,
            "mtu": 1400,
        },
        {
            "name": "eth0",
            "netns": "old",
            "kind": "veth",
            "mtu": 1400,
            "mac": "02:00:00:00:01:02",
            "addresses": ["10.1.0.3/24"],
            "altnames": ["other"],
            "peer": {"name": "old0", "up": False},
        },
        {
            "name": "eth0",
            "netns": "new",
            "kind": "veth",
            "addresses": ["10.1.0.4/24"],
            "peer": {"name": "new0", "master": "br0"},
        },
        {"name": "vx", "kind": "vxlan", "vni": 8, "fdb": [{"dst": "192.0.2.3"}], "master": "br0", "recreate": True},
        {"name": "card", "kind": "ifb"},
        {"name": "m0", "netns": "old", "kind": "macvlan", "parent": "card", "mode": "private"},
    ],
}


def failing(step: int, after: bool) -> Callable[[], None]:
    """Return a main() in which the kernel rejects one operation, before or after executing it."""

    def main() -> None:
        done = 0
        real = links_kernel.Kernel.apply

        def apply(kernel: links_kernel.Kernel, op: Any) -> None:
            nonlocal done
            done += 1
            if done - 1 != step:
                real(kernel, op)
                return
            if after:
                real(kernel, op)
            raise KernelError(op.describe(), 1, "not this one")

        mock.patch.object(links_kernel.Kernel, "apply", apply).start()
        forked.entry(MODULE)()

    return main


def run(box: Sandbox, args: dict[str, Any], main: Callable[[], None]) -> Result:
    """Run the module with another main()."""
    return result(*forked.run(box.pid, main, request(args, False)))


def prepare(box: Sandbox) -> Snapshot:
    """Create the initial state, partly with other tools."""
    # The kernel adds the loopback address when lo is first set up, and keeps it.
    assert box.module("topology", BEFORE).changed
    box.sh(
        "ip link add others type bridge; ip addr add 10.8.0.1/24 dev others; ip link set others up",
        "ip link set br0 type bridge ageing_time 100",
        "ip -n old link set m0 alias theirs",
    )
    return snapshot(box)


def snapshot(box: Sandbox) -> Snapshot:
    """Return all that ip(8) shows, and the forwarding entries and neighbors of users."""
    found = box.snapshot()
    for netns in ("host", "old"):
        fdb = box.bridge("fdb", "show", netns=netns)
        found[f"fdb {netns}"] = sorted(json.dumps(one, sort_keys=True) for one in fdb if "dst" in one)
        neighbours = box.ip("neigh", "show", "nud", "permanent", netns=netns)
        found[f"neighbours {netns}"] = sorted(json.dumps(one, sort_keys=True) for one in neighbours)
    return found


def test_failure_at_any_step_is_rolled_back(box: Sandbox) -> None:
    before = prepare(box)
    planned = box.module("topology", AFTER, check=True)
    operations = planned.data["operations"]
    kinds = {op.split()[0] if op.startswith(("set ", "move ")) else " ".join(op.split()[:2]) for op in operations}
    assert len(kinds) >= 12, kinds
    for step, op in enumerate(operations):
        for after in (False, True):
            failed = run(box, AFTER, failing(step, after))
            assert failed.failed and f"{op}: not this one" in failed.msg, failed.msg
            assert "Not rolled back" not in failed.msg, failed.msg
            assert_same(before, snapshot(box), f"{'after' if after else 'at'} {op}")
    assert box.module("topology", AFTER).changed
    assert_met(box, "topology", AFTER)


def test_rollback_restores_the_order_of_ipv6_addresses(box: Sandbox) -> None:
    addresses = ["2001:db8::1/64", "10.0.0.1/24", "2001:db8::2/64", "fe80::7/64", "10.0.0.2/24"]
    pair = {"name": "four", "kind": "veth", "addresses": addresses, "peer": {"name": "one", "netns": "red"}}
    assert box.module("topology", {"links": [pair]}).changed
    before = box.snapshot()
    # Only the kernel detects that it cannot have this address.
    wrong = {"name": "x", "kind": "ifb", "addresses": ["::1/128"]}
    anew = {"name": "four", "kind": "bridge", "recreate": True}
    failed = box.module("topology", {"links": [anew, wrong]})
    assert failed.failed and "The changes of this run were rolled back" in failed.msg, failed.msg
    assert_same(before, box.snapshot())


def test_failed_rollback_is_reported(box: Sandbox) -> None:
    """One operation cannot be rolled back. It is named, and the others are rolled back."""
    args = {"links": [{"name": name, "kind": "ifb"} for name in ("one", "two", "three")]}

    def main() -> None:
        real = links_kernel.Kernel.apply

        def apply(kernel: links_kernel.Kernel, op: Any) -> None:
            if op.describe() in ("create ifb three in host", "delete ifb two in host"):
                raise KernelError(op.describe(), 1, "not this one")
            real(kernel, op)

        mock.patch.object(links_kernel.Kernel, "apply", apply).start()
        forked.entry(MODULE)()

    failed = run(box, args, main)
    assert failed.failed and "create ifb three in host: not this one. Not rolled back: " in failed.msg
    assert failed.msg.endswith("delete ifb two in host: not this one"), failed.msg
    assert {link["ifname"] for link in box.ip("link")} == {"lo", "two"}


def test_operations_that_the_kernel_rejects_are_rolled_back(box: Sandbox) -> None:
    """Each rejected operation is the last of a document with many operations."""
    before = prepare(box)
    strangers: dict[str, dict[str, Any]] = {
        "an invalid address": {"name": "card", "kind": "ifb", "addresses": ["::1/128"]},
        "a parent that another link uses exclusively": {
            "name": "m1",
            "kind": "macvlan",
            "parent": "card",
            "mode": "passthru",
        },
        "a link that cannot be a port": {"name": "lo", "netns": "host", "master": "br0"},
    }
    for what, link in strangers.items():
        args = copy.deepcopy(AFTER)
        args["links"] = [one for one in args["links"] if one["name"] != link["name"]] + [link]
        failed = box.module("topology", args)
        assert failed.failed, what
        assert "The changes of this run were rolled back" in failed.msg, failed.msg
        assert str(link["name"])[:2] in failed.msg, failed.msg
        assert_same(before, snapshot(box), what)


def test_duplicate_address_rolls_back_the_transaction(box: Sandbox) -> None:
    box.netns("far", dad=True)
    box.sh(
        "ip link add br0 type bridge; ip link set br0 up",
        "ip link add far0 master br0 type veth peer name near0 netns far",
        "ip link set far0 up; ip -n far link set near0 up; ip -n far addr add 2001:db8::9/64 dev near0 nodad",
        "for name in all default; do echo 1 >/proc/sys/net/ipv6/conf/$name/accept_dad; done",
    )
    before = box.snapshot()
    link = {"name": "eth0", "netns": "new", "kind": "veth", "addresses": ["2001:db8::9/64"]}
    args = {
        "namespaces": [{"name": "new", "sysctls": {"net.ipv6.conf.default.accept_dad": 1}}],
        "links": [{**link, "peer": {"name": "new0", "master": "br0"}}],
    }
    failed = box.module("topology", args)
    assert failed.failed and "another host uses 2001:db8::9/64 of eth0 in new" in failed.msg, failed.msg
    assert_same(before, box.snapshot())


def test_lock_serializes_two_runs(box: Sandbox) -> None:
    args = {"links": [{"name": "a", "kind": "ifb"}], "lock_timeout": 1}
    holder = subprocess.Popen(
        [*box.entering(), "flock", "/run/netfleet.docker.lock", "sh", "-c", "echo held; exec sleep 60"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        before = box.snapshot()
        refused = box.module("topology", args)
        assert refused.failed and "lock_timeout" in refused.msg, refused.msg
        assert_same(before, box.snapshot())
        # Reading does not wait for the lock.
        assert box.module("topology", args, check=True).changed
    finally:
        box.run("pkill", "sleep", check=False)
        holder.communicate()
    assert box.module("topology", {**args, "lock_timeout": 20}).changed


def test_invalid_lock_file_is_reported(box: Sandbox) -> None:
    box.sh("rm -f /run/netfleet.docker.lock; ln -s /etc/passwd /run/netfleet.docker.lock")
    refused = box.module("topology", {"links": [{"name": "a", "kind": "ifb"}]})
    assert refused.failed and "/run/netfleet.docker.lock cannot be opened" in refused.msg, refused.msg


def test_eight_concurrent_runs_succeed(box: Sandbox) -> None:
    """Eight processes change the same host repeatedly. Each succeeds, and the last state is complete."""
    script = "\n".join(
        f'for round in 1 2; do {python(number)} || exit 1; done & pids="$pids $!"' for number in range(8)
    )
    documents = {number: document(number) for number in range(8)}
    for number, args in documents.items():
        box.run("sh", "-c", f"cat >/run/{number}.json", text=request(args, False).decode())
    box.run("sh", "-c", f'{script}\nfor pid in $pids; do wait "$pid" || exit 1; done')
    [bridge] = [link for link in box.ip("link") if link["ifname"] == "br0"]
    number = bridge["linkinfo"]["info_data"]["priority"] // 16
    there = {link["ifname"]: link.get("master") for link in box.ip("link") if link["ifname"] not in ("lo", "br0")}
    assert there == {f"h{number}-{place}": "br0" for place in range(3)}
    assert set(box.run("ip", "netns").split()) >= {f"n{number}-{place}" for place in range(3)}
    assert_met(box, "topology", documents[number])


def document(number: int) -> dict[str, Any]:
    """Return a document that differs from the others of this topology."""
    places = range(3)
    return {
        "name": "one",
        "state": "replaced",
        "namespaces": [{"name": f"n{number}-{place}"} for place in places],
        "links": [
            {"name": "br0", "kind": "bridge", "priority": number * 16},
            *(
                {
                    "name": "eth0",
                    "netns": f"n{number}-{place}",
                    "kind": "veth",
                    "peer": {"name": f"h{number}-{place}", "master": "br0"},
                }
                for place in places
            ),
        ],
    }


def python(number: int) -> str:
    """Return the shell command that runs the module with a document."""
    return f"{sys.executable} -m {MODULE} </run/{number}.json >/run/{number}.out"


@pytest.mark.parametrize("seed", range(12))
def test_run_killed_at_any_moment_is_completed(box: Sandbox, seed: int) -> None:
    """A killed run owns what it created: the next run completes it, and removal deletes all of it."""
    before = box.snapshot()
    rolls = random.Random(seed)
    main = forked.entry(MODULE)
    for _round in range(4):
        args = document(rolls.randrange(8))
        forked.run(box.pid, main, request(args, False), kill_after=rolls.uniform(0.0, 0.12))
        # No veth end and no other link is in a wrong namespace.
        assert not [link for link in box.ip("link") if link["ifname"] == "eth0"]
    assert box.module("topology", args).data.get("failed") is None
    assert_met(box, "topology", args)
    box.module("topology", {"name": "one", "state": "absent"})
    time.sleep(0.05)
    assert_same(before, box.snapshot())
