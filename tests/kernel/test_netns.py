# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Named namespaces, and other files in their directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from .quartet import Case, assert_met, assert_there, converge, look, quartet, refused
from .sandbox import Sandbox
from .snapshot import assert_same

pytestmark = pytest.mark.libraries

_LIFES = [
    Case("bare", {"name": "green"}, {("green", "lo"): {"up": True}}),
    Case(
        "loopback down, then up",
        {"name": "green", "loopback_up": False},
        {("green", "lo"): {"up": False}},
        {"loopback_up": True},
        {("green", "lo"): {"up": True}},
    ),
    Case(
        "sysctls",
        {"name": "green.1_a@b+c=d,e~f-g", "sysctls": {"net.ipv4.ip_forward": True, "net/ipv6/conf/all/forwarding": 1}},
        {("green.1_a@b+c=d,e~f-g", "lo"): {"up": True}},
        {"sysctls": {"net.ipv4.ip_forward": "0", "net.ipv4.ip_local_port_range": "20000\t30000"}},
        {("green.1_a@b+c=d,e~f-g", "lo"): {"up": True}},
    ),
    Case("the longest name", {"name": "n" * 255}, {("n" * 255, "lo"): {"up": True}}),
]


@pytest.mark.parametrize("case", _LIFES, ids=str)
def test_create_and_remove(box: Sandbox, case: Case) -> None:
    quartet(box, "netns", case)


def test_sysctls_are_set_in_the_namespace(box: Sandbox) -> None:
    box.sh("ip -n red link add eth0.7 type ifb")
    box.sh("echo 0 >/proc/sys/net/ipv4/ip_forward")
    wanted = {
        "net.ipv4.ip_forward": 1,
        "net/ipv4/ping_group_range": "0 2000",
        "net.ipv4.conf.eth0/7.rp_filter": 2,
        "net/ipv4/conf/eth0.7/log_martians": True,
    }
    converge(box, "netns", {"name": "red", "sysctls": wanted})
    read = "cat /proc/sys/net/ipv4/{ip_forward,ping_group_range,conf/eth0.7/rp_filter,conf/eth0.7/log_martians}"
    values = box.run("bash", "-c", read, netns="red").replace("\t", " ").splitlines()
    assert values == ["1", "0 2000", "2", "1"]
    assert box.sh("cat /proc/sys/net/ipv4/ip_forward") == "0\n"
    refused(box, "netns", {"name": "red", "sysctls": {"net.ipv4.no_such": 1}}, "net/ipv4/no_such", "red")
    refused(box, "netns", {"name": "red", "sysctls": {"kernel.hostname": "x"}}, "sysctls.kernel.hostname: ")
    refused(
        box, "netns", {"name": "red", "sysctls": {"net/../kernel/hostname": "x"}}, "sysctls.net/../kernel/hostname: "
    )


def test_sysctls_of_a_new_namespace_in_check_mode(box: Sandbox) -> None:
    before = box.snapshot()
    planned = box.module("netns", {"name": "green", "sysctls": {"net.ipv4.no_such": 1}}, check=True)
    done = box.module("netns", {"name": "green", "sysctls": {"net.ipv4.no_such": 1}})
    assert planned.failed and done.failed and "net/ipv4/no_such" in done.msg
    assert_same(before, box.snapshot())


@pytest.mark.parametrize("reference", ["host", "pid", "path"])
def test_references_other_than_names(box: Sandbox, reference: str) -> None:
    pid = box.process()
    place = "host" if reference == "host" else f"pid:{pid}"
    name = {"host": "host", "pid": f"pid:{pid}", "path": f"path:/proc/{pid}/ns/net"}[reference]
    box.sh("echo 0 >/proc/sys/net/ipv4/ip_forward", "ip link set lo down", netns=place)
    args: dict[str, Any] = {"name": name, "sysctls": {"net.ipv4.ip_forward": 1}}
    converge(box, "netns", args, f"pid:{pid}")
    assert box.run("cat", "/proc/sys/net/ipv4/ip_forward", netns=place) == "1\n"
    assert_there(box, {(place, "lo"): {"up": False}})
    converge(
        box, "netns", {**args, "loopback_up": True, "routes": [{"dst": "198.51.100.0/24", "dev": "lo"}]}, f"pid:{pid}"
    )
    assert_there(box, {(place, "lo"): {"up": True}})
    refused(box, "netns", {"name": name, "state": "absent"}, "name: ", others=(f"pid:{pid}",))


def test_incomplete_namespace_is_repaired(box: Sandbox) -> None:
    box.sh(": >/run/netns/green", "chmod 0 /run/netns/green")
    done = converge(box, "netns", {"name": "green"})
    assert done.data["diff"]["before"] == {"green": "half-made"}
    assert box.snapshot()["/run/netns"]["green"].startswith("nsfs")


def test_incomplete_namespace_is_removed(box: Sandbox) -> None:
    box.sh(": >/run/netns/green")
    converge(box, "netns", {"name": "green", "state": "absent"})
    assert "green" not in box.snapshot()["/run/netns"]


def test_link_in_an_incomplete_namespace_is_rejected(box: Sandbox) -> None:
    box.sh(": >/run/netns/green")
    refused(box, "veth", {"name": "a0", "netns": "green", "peer": {"name": "b0"}}, "netns: ", "green")


@pytest.mark.parametrize(
    "plant",
    ["ln -s /proc/1/ns/net green", "ln -s nowhere green", "mkdir green", "echo data >green", "mkfifo green"],
)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_unrelated_files_are_rejected(box: Sandbox, plant: str, state: str) -> None:
    box.sh("cd /run/netns", plant)
    refused(box, "netns", {"name": "green", "state": state}, "name: ", "/run/netns/green")
    refused(box, "veth", {"name": "a0", "netns": "green", "peer": {"name": "b0"}}, "netns: ", "/run/netns/green")
    refused(box, "veth", {"name": "a0", "peer": {"name": "b0", "netns": "green"}}, "peer.netns: ", "/run/netns/green")


def test_unrelated_files_are_ignored(box: Sandbox) -> None:
    """A search of all namespaces skips other files in their directory."""
    box.sh(
        "cd /run/netns",
        "ln -s nowhere a",
        "mkdir b",
        ": >c",
        'touch "d\ne" "$(printf "\\377x")"',
        "ln -s /proc/1/ns/net f",
    )
    box.netns("green")
    args = {"name": "a0", "netns": "red", "peer": {"name": "b0", "netns": "blue"}}
    box.module("veth", args)
    box.sh("ip -n blue link set b0 netns green")
    assert box.module("veth", args).operations() == ["move"]
    assert "no such namespace" in box.module("veth", {**args, "netns": "rde"}).msg


def test_removal_with_running_processes(box: Sandbox) -> None:
    """The module fails and lists the PIDs. With force, it removes the name and the processes keep the namespace."""
    pid = int(box.sh("nsenter --net=/run/netns/red sleep infinity >/dev/null 2>&1 & echo $!"))
    box.sh("for n in $(seq 50); do ip netns pids red | grep -q . && exit; sleep 0.1; done; false")
    box.sh("ip -n red link add kept type ifb")
    refused(box, "netns", {"name": "red", "state": "absent"}, f"PID {pid}", "force")
    forced = converge(box, "netns", {"name": "red", "state": "absent", "force": True}, f"pid:{pid}")
    assert f"PID {pid}" in forced.data["operations"][0]
    assert look(box, f"pid:{pid}", "kept")


def test_removal_deletes_the_links_inside(box: Sandbox) -> None:
    box.module("veth", {"name": "a0", "netns": "red", "peer": {"name": "b0", "netns": "blue"}})
    absent = {"name": "red", "state": "absent"}
    assert box.module("netns", absent, check=True).plan == box.module("netns", absent).plan
    # The kernel removes the links of a deleted namespace after a while.
    box.sh("for n in $(seq 50); do ip -n blue link show b0 >/dev/null 2>&1 || exit 0; sleep 0.1; done; false")
    assert_met(box, "netns", absent)


def test_removal_without_the_namespace_directory(box: Sandbox) -> None:
    box.sh("umount -R /run/netns", "rm -r /run/netns")
    for check in (True, False):
        assert not box.module("netns", {"name": "green", "state": "absent"}, check=check).changed
    assert not os.path.exists(f"/proc/{box.pid}/root/run/netns")
    assert box.module("netns", {"name": "green"}).changed
    assert "green" in box.sh("ip netns list").split()


def test_module_and_ip_netns_are_compatible(box: Sandbox) -> None:
    """Each uses and removes what the other created, and removal covers every copied mount namespace."""
    assert_met(box, "netns", {"name": "red", "loopback_up": False})
    box.module("netns", {"name": "green"})
    holder = int(box.sh("unshare --mount sleep infinity >/dev/null 2>&1 & echo $!"))
    assert box.sh("ip netns exec green ip -br link").startswith("lo")
    identity = box.snapshot()["/run/netns"]["green"].split()[1]
    assert box.module("netns", {"name": "green", "state": "absent"}).changed
    mounts = Path(f"/proc/{box.pid}/root/proc/{holder}/mountinfo").read_text(encoding="utf-8")
    assert f"net:[{identity}]" not in mounts
    box.module("netns", {"name": "green"})
    box.sh("ip netns del green")
    assert "green" not in box.snapshot()["/run/netns"]
    converge(box, "netns", {"name": "blue", "state": "absent"})
