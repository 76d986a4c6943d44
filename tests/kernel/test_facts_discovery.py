# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every namespace is found with all references to it."""

from __future__ import annotations

import sys
import time
from typing import Any

from .sandbox import Sandbox

_MINIMAL = {"gather_subset": ["min"]}

# Processes that hold a namespace open in different ways, report it, and wait to be killed.
_DESCRIPTOR = """
import os, time
fd = os.open("/run/netns/held", os.O_RDONLY)
print(os.fstat(fd).st_ino, flush=True)
time.sleep(1000)
"""
_SOCKET = """
import ctypes, os, socket, threading, time
kept = []
def make():
    fd = os.open("/run/netns/held", os.O_RDONLY)
    assert ctypes.CDLL(None).setns(fd, 0x40000000) == 0
    os.close(fd)
    kept.append(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
thread = threading.Thread(target=make)
thread.start()
thread.join()
print("ready", flush=True)
time.sleep(1000)
"""
_THREAD = """
import ctypes, os, threading, time
def leave():
    assert ctypes.CDLL(None).unshare(0x40000000) == 0
    print(os.stat("/proc/thread-self/ns/net").st_ino, flush=True)
    time.sleep(1000)
threading.Thread(target=leave).start()
"""
_MOUNT = """
import ctypes, os, subprocess, time
assert ctypes.CDLL(None).unshare(0x00020000) == 0
subprocess.run(["mount", "--make-rprivate", "/"], check=True)
open("/tmp/netfleet-held", "w").close()
subprocess.run(["mount", "--bind", "/run/netns/held", "/tmp/netfleet-held"], check=True)
subprocess.run(["umount", "/run/netns/held"], check=False)
print(os.stat("/tmp/netfleet-held").st_ino, flush=True)
time.sleep(1000)
"""


def hold(box: Sandbox, code: str) -> tuple[int, str]:
    """Start a Python process on the sandbox's host; return its PID there and its first line of output."""
    box.run("sh", "-c", f"{sys.executable} -c '{code}' >/run/said 2>&1 & echo $! >/run/pid")
    deadline = time.monotonic() + 10
    while not (said := box.run("cat", "/run/said")).endswith("\n"):
        assert time.monotonic() < deadline, said
    assert "Traceback" not in said, said
    return int(box.run("cat", "/run/pid")), said.strip()


def read(box: Sandbox, **args: Any) -> dict[str, Any]:
    """Return the snapshot of the sandbox's host with complete namespaces."""
    result = box.module("netns_info", {**_MINIMAL, **args})
    assert not result.failed, result.msg
    assert [row for row in result.data["missing"] if row["part"] != "docker"] == []
    return result.data


def by_inode(data: dict[str, Any]) -> dict[str, Any]:
    return {row["netns"]: row for row in data["namespaces"]}


def inode(box: Sandbox, path: str) -> str:
    return box.run("stat", "--dereference", "--format=%i", path).strip()


def test_host_and_named_namespaces_are_found(box: Sandbox) -> None:
    pid = box.process()
    box.sh(f"ip netns attach also {pid}")
    data = by_inode(read(box))
    host = data[inode(box, "/proc/1/ns/net")]
    assert (host["kind"], host["reference"], host["names"]) == ("host", "host", [])
    red = data[inode(box, "/run/netns/red")]
    assert (red["kind"], red["reference"], red["names"], red["paths"]) == ("named", "red", ["red"], ["/run/netns/red"])
    assert (red["held_by"], red["process_count"], red["processes"]) == (["mount"], 0, [])
    also = data[inode(box, "/run/netns/also")]
    assert (also["kind"], also["held_by"], also["process_count"]) == ("named", ["process", "mount"], 1)
    assert also["processes"] == [{"pid": pid, "command": "sleep"}]
    assert len(data) == 4


def test_result_does_not_depend_on_the_current_namespace(box: Sandbox) -> None:
    result = box.module("netns_info", _MINIMAL, netns="red")
    assert by_inode(result.data).keys() == by_inode(read(box)).keys()
    assert [row["names"] for row in result.data["namespaces"] if row["kind"] == "host"] == [[]]


def test_several_mounts_of_one_namespace_are_merged(box: Sandbox) -> None:
    box.sh(
        "touch /run/netns/rouge /run/x",
        "mount --bind /run/netns/red /run/netns/rouge",
        "mount --bind /run/netns/red /run/x",
    )
    row = by_inode(read(box))[inode(box, "/run/netns/red")]
    assert row["names"] == ["red", "rouge"]
    assert row["paths"] == ["/run/netns/red", "/run/netns/rouge", "/run/x"]


def test_namespace_of_a_mount_with_an_unusual_path_is_found(box: Sandbox) -> None:
    box.sh("mkdir '/run/a b'", "touch '/run/a b/c\\d'", "mount --bind /run/netns/red '/run/a b/c\\d'")
    number = inode(box, "/run/netns/red")
    box.sh("ip netns del red")
    row = by_inode(read(box))[number]
    assert (row["kind"], row["held_by"], row["paths"]) == ("unowned", ["mount"], ["/run/a b/c\\d"])
    assert row["reference"] == "path:/run/a b/c\\d"


def test_namespace_of_a_process_is_found(box: Sandbox) -> None:
    pid = box.process()
    row = by_inode(read(box))[inode(box, f"/proc/{pid}/ns/net")]
    assert (row["kind"], row["held_by"], row["reference"]) == ("process", ["process"], f"pid:{pid}")


def test_namespace_of_a_thread_is_found(box: Sandbox) -> None:
    pid, number = hold(box, _THREAD)
    row = by_inode(read(box))[number]
    assert (row["kind"], row["held_by"], row["process_count"]) == ("process", ["process"], 1)
    assert row["processes"][0]["pid"] == pid
    assert [link["name"] for link in row["interfaces"]] == ["lo"]


def test_namespace_of_an_open_file_is_found(box: Sandbox) -> None:
    box.netns("held")
    _pid, number = hold(box, _DESCRIPTOR)
    box.sh("ip netns del held")
    row = by_inode(read(box))[number]
    assert (row["kind"], row["held_by"], row["paths"], row["names"]) == ("unowned", ["descriptor"], [], [])
    assert [link["name"] for link in row["interfaces"]] == ["lo"]


def test_namespace_mounted_in_another_mount_namespace_is_found(box: Sandbox) -> None:
    box.netns("held")
    pid, number = hold(box, _MOUNT)
    box.sh("ip netns del held")
    row = by_inode(read(box))[number]
    assert (row["kind"], row["held_by"]) == ("unowned", ["mount"])
    assert row["paths"] == [f"/proc/{pid}/root/tmp/netfleet-held"]
    box.sh("rm -f /tmp/netfleet-held")


def test_namespace_held_by_a_socket_is_known_by_its_id(box: Sandbox) -> None:
    box.netns("held")
    box.sh(
        "ip link add near type veth peer name far netns held",
        "ip -n held addr add 192.0.2.1/24 dev far",
        "ip -n held link add other type veth peer name there netns red",
    )
    hold(box, _SOCKET)
    index = box.ip("link", "show", "far", netns="held")[0]["ifindex"]
    box.sh("ip netns del held")
    number = box.ip("link", "show", "near")[0]["link_netnsid"]
    data = read(box, gather_subset=["addresses"])
    host = next(row for row in data["namespaces"] if row["kind"] == "host")
    row = by_inode(data)[f"nsid:{number}@{host['netns']}"]
    assert (row["kind"], row["held_by"], row["reference"]) == ("unowned", ["nsid"], None)
    links = {link["name"]: link for link in row["interfaces"]}
    assert links["far"]["index"] == index
    assert (links["far"]["peer_netns"], links["far"]["peer"]) == (host["netns"], "near")
    assert (links["other"]["peer_netns"], links["other"]["peer"]) == (inode(box, "/run/netns/red"), "there")
    assert [one["address"] for one in row["addresses"] if one["interface"] == "far"] == ["192.0.2.1"]
    near = next(link for link in host["interfaces"] if link["name"] == "near")
    assert (near["peer_netns"], near["peer"]) == (row["netns"], "far")


def test_invalid_entries_are_listed_and_ignored(box: Sandbox) -> None:
    box.sh(
        ": >/run/netns/stub",
        "echo text >/run/netns/file",
        "mkdir /run/netns/folder",
        "mkfifo /run/netns/pipe",
        "ln -s /nowhere /run/netns/dangling",
        "ln -s /proc/1/ns/net /run/netns/host",
        "ln -s red /run/netns/to-red",
        ": >\"$(printf '/run/netns/new\\nline')\"",
        "mkdir -p /run/docker/netns",
        ": >/run/docker/netns/0123456789ab",
        "touch /run/netns/mnt && mount --bind /proc/self/ns/uts /run/netns/mnt",
    )
    data = read(box)
    host, red = inode(box, "/proc/1/ns/net"), inode(box, "/run/netns/red")
    assert {row["path"]: (row["type"], row["target"], row["netns"]) for row in data["strays"]} == {
        "/run/netns/stub": ("empty file", None, None),
        "/run/netns/file": ("file", None, None),
        "/run/netns/folder": ("directory", None, None),
        "/run/netns/pipe": ("other", None, None),
        "/run/netns/dangling": ("link", "/nowhere", None),
        "/run/netns/host": ("link", "/proc/1/ns/net", host),
        "/run/netns/to-red": ("link", "red", red),
        "/run/netns/new\nline": ("empty file", None, None),
        "/run/docker/netns/0123456789ab": ("empty file", None, None),
        "/run/netns/mnt": ("empty file", None, None),
    }
    assert by_inode(data)[host]["names"] == []
    assert len(data["namespaces"]) == 3


def test_leaked_sandbox_has_no_owner(box: Sandbox) -> None:
    # Without an engine, only the paths of its sandboxes are known.
    box.sh("mkdir -p /run/docker/netns", "touch /run/docker/netns/0123456789ab /run/docker/netns/1-abcdefghij")
    box.sh("mount --bind /run/netns/red /run/docker/netns/0123456789ab", "ip netns del red")
    box.sh("mount --bind /run/netns/blue /run/docker/netns/1-abcdefghij", "ip netns del blue")
    rows = {row["reference"]: row["kind"] for row in read(box)["namespaces"]}
    assert rows == {"host": "host", "docker:0123456789ab": "container", "docker:1-abcdefghij": "overlay"}


def test_missing_engine_is_reported_and_the_rest_collected(box: Sandbox) -> None:
    result = box.module("netns_info", {"gather_subset": ["docker"]})
    assert [row["part"] for row in result.data["missing"]] == ["docker"]
    assert "docker.sock" in result.data["missing"][0]["reason"]
    assert result.data["docker"]["engine"] is None
    assert len(result.data["namespaces"]) == 3


def test_filters_select_namespaces(box: Sandbox) -> None:
    pid = box.process()

    def references(**args: Any) -> set[str]:
        return {row["reference"] for row in read(box, **args)["namespaces"]}

    assert references(kinds=["named"]) == {"red", "blue"}
    assert references(kinds=["host", "process"]) == {"host", f"pid:{pid}"}
    assert references(names=["blue", f"pid:{pid}"]) == {"blue", f"pid:{pid}"}
    assert references(names=["/run/netns/red"], kinds=["host"]) == set()
    assert references(names=[inode(box, "/run/netns/red")]) == {"red"}


def test_requested_container_and_name_that_do_not_exist_are_reported(box: Sandbox) -> None:
    found = box.module("netns_info", {**_MINIMAL, "containers": ["nobody"], "names": ["red", "green"]}).data
    assert found["namespaces"] == []
    assert {row["reason"] for row in found["missing"] if row["part"] == "namespaces"} == {
        "no running container with a network namespace: nobody",
        "no such namespace: green",
    }


def test_peer_in_an_unselected_namespace_is_reported(box: Sandbox) -> None:
    box.sh("ip link add near type veth peer name far netns red")
    (row,) = read(box, names=["red"])["namespaces"]
    far = next(link for link in row["interfaces"] if link["name"] == "far")
    assert (far["peer_netns"], far["peer"]) == (inode(box, "/proc/1/ns/net"), "near")


def test_reused_pid_is_ignored(box: Sandbox) -> None:
    code = """
import os, subprocess, time
from ansible_collections.netfleet.docker.plugins.module_utils._facts.netns_discovery import discover
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NoSuchNetns
first = subprocess.Popen(["unshare", "--net", "sleep", "1000"])
mine = os.stat("/proc/self/ns/net").st_ino
while os.stat(f"/proc/{first.pid}/ns/net").st_ino == mine:
    time.sleep(0.01)
place = discover().by_inode[os.stat(f"/proc/{first.pid}/ns/net").st_ino]
os.close(place.open())
first.kill()
first.wait()
for _attempt in range(100):
    with open("/proc/sys/kernel/ns_last_pid", "w") as file:
        file.write(str(first.pid - 1))
    second = subprocess.Popen(["sleep", "1000"])
    if second.pid == first.pid:
        break
    second.kill()
    second.wait()
assert second.pid == first.pid, "the PID was not given again"
try:
    place.open()
    print("entered a stranger")
except NoSuchNetns as error:
    print(error)
second.kill()
"""
    said = box.run(sys.executable, "-c", code)
    assert said == "the namespace was deleted before it was opened\n"


def test_missing_privileges_are_reported(box: Sandbox) -> None:
    result = box.module("netns_info", {}, user=65534)
    missing = "CAP_NET_ADMIN, CAP_SYS_PTRACE and CAP_SYS_ADMIN"
    assert result.msg == f"requires root on the host (become: true); missing capabilities: {missing}"
