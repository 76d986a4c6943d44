# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process with CAP_NET_ADMIN that sends netlink messages to every socket of its namespace, as a container can."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import KernelError
from ansible_collections.netfleet.docker.plugins.module_utils._netlink import transport

from .sandbox import Sandbox

_RUNS = 12
# Forged answers for the first requests of each socket: a link that does not exist, the end of a dump, a length of 0.
_FORGER = r"""
import socket, struct, sys, time
own = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
own.bind((0, 0))
link = struct.pack("=BxHiII", 0, 1, 99, 0x1043, 0) + struct.pack("=HH8s", 12, 3, b"forged\0\0")
until, ready = time.monotonic() + 120, False
while time.monotonic() < until:
    for line in open("/proc/net/netlink").read().splitlines()[1:]:
        _sk, protocol, port, *_more = line.split()
        if protocol != "0" or int(port) in (0, own.getsockname()[0]):
            continue
        for sequence in range(1, 12):
            head = lambda kind, body, length=None: struct.pack(
                "=IHHII", 16 + len(body) if length is None else length, kind, 2, sequence, int(port)) + body
            for message in (head(16, link), head(3, struct.pack("=i", 0)), head(16, link, 0)):
                try:
                    own.sendto(message, (int(port), 0))
                except OSError:
                    pass
    if not ready:
        print("ready", flush=True)
        ready = True
"""


@pytest.fixture
def attacked(box: Sandbox) -> Iterator[Sandbox]:
    """A host with the namespace red, in each of which a forger runs.

    ip(8) cannot be a witness, because the forger deceives it.
    """
    box.sh("ip link add dum0 type bridge", "ip -n red link add dum1 type bridge")
    forgers = [
        subprocess.Popen([*box.entering(netns), sys.executable, "-c", _FORGER], stdout=subprocess.PIPE, text=True)
        for netns in ("host", "red")
    ]
    for forger in forgers:
        assert forger.stdout
        assert forger.stdout.readline() == "ready\n"
    yield box
    for forger in forgers:
        forger.kill()
        forger.wait()
        assert forger.stdout
        forger.stdout.close()


def list_links(box: Sandbox, netns: str) -> set[str]:
    """Return the names of the links from a file of the kernel."""
    lines = box.run("cat", "/proc/net/dev", netns=netns).splitlines()[2:]
    return {line.partition(":")[0].strip() for line in lines}


def test_forger_reaches_a_socket_that_is_not_connected(attacked: Sandbox) -> None:
    """Without this, the other tests could not fail."""
    code = (
        "import socket; own = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); own.bind((0, 0));"
        "own.settimeout(20); print(b'forged' in own.recv(65536))"
    )
    assert attacked.run(sys.executable, "-c", code).strip() == "True"


def test_facts_contain_only_what_the_kernel_reports(attacked: Sandbox) -> None:
    expected = {netns: list_links(attacked, netns) for netns in ("host", "red", "blue")}
    assert {"lo", "dum0"} <= expected["host"]
    for _run in range(_RUNS):
        found = attacked.module("netns_info", {"gather_subset": ["addresses", "routes", "rules", "neighbours", "fdb"]})
        assert not found.failed, found.msg
        assert [row for row in found.data["missing"] if row["part"] != "docker"] == []
        for row in found.data["namespaces"]:
            assert {link["name"] for link in row["interfaces"]} == expected[row["reference"]]


def test_links_are_created_and_removed(attacked: Sandbox) -> None:
    args = {"name": "v0", "peer": {"name": "v1", "netns": "red"}}
    for _run in range(_RUNS):
        assert attacked.module("veth", args).changed
        assert "v1" in list_links(attacked, "red")
        assert attacked.module("veth", {**args, "state": "absent"}).changed
        assert not list_links(attacked, "host") & {"v0", "v1"}


@pytest.mark.parametrize("length", [0, 1, 15, 17 + 64, 1 << 31])
def test_message_with_a_wrong_length_is_an_error(length: int) -> None:
    head = struct.pack("=IHHII", length, 16, 2, 1, 1)
    with pytest.raises(KernelError, match=f"length {length}"):
        list(transport._split_messages("read links", head + bytes(64)))


def test_exchange_without_an_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_ANSWER_SECONDS", 0.3)
    netlink = transport.Netlink()
    # The kernel does not answer a message of this type without a request for an acknowledgement.
    started = time.monotonic()
    with pytest.raises(KernelError, match="timed out"):
        netlink.query("ask nobody", 1, b"")
    netlink.close()
    assert time.monotonic() - started < 20


def test_dropped_answers_are_an_interrupted_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    netlink = transport.Netlink()
    request = struct.pack("=BxHiII", 0, 0, 0, 0, 0)
    real, drops = netlink._receive, [None, None]
    monkeypatch.setattr(netlink, "_receive", lambda what: drops.pop() if drops else real(what))
    try:
        found = netlink.dump("read links", 18, request)
    finally:
        netlink.close()
    assert not drops
    assert len(found) == len(socket.if_nameindex())
