# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module capture, on packets of ping between two namespaces."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from pathlib import Path

from .sandbox import Sandbox

_LINK = (
    "ip link add v0 netns red type veth peer name v1 netns blue",
    "ip -n red addr add 192.0.2.1/24 dev v0",
    "ip -n blue addr add 192.0.2.2/24 dev v1",
    "ip -n red link set v0 up",
    "ip -n blue link set v1 up",
)


def frames(content: str) -> Iterator[bytes]:
    """Yield the frames of a pcap file."""
    data = base64.b64decode(content)
    assert struct.unpack_from("=I", data)[0] == 0xA1B2C3D4
    at = 24
    while at < len(data):
        (length,) = struct.unpack_from("=8xI", data, at)
        yield data[at + 16 : at + 16 + length]
        at += 16 + length


def test_capture_contains_the_packets_between_start_and_stop(box: Sandbox) -> None:
    box.sh(*_LINK)
    started = box.fresh("capture", {"phase": "start", "netns": "red"})
    assert not started.failed, started
    box.run("ip", "netns", "exec", "red", "ping", "-c", "2", "-i", "0.2", "192.0.2.2")
    stopped = box.fresh("capture", {"phase": "stop", "path": started.data["path"]})
    assert not stopped.failed, stopped
    echoes = [one for one in frames(stopped.data["content"]) if one[12:14] == b"\x08\x00" and one[23] == 1]
    assert len(echoes) == 4
    assert not Path(started.data["path"]).parent.exists()


def test_capture_of_one_interface_contains_no_packets_of_another(box: Sandbox) -> None:
    box.sh(*_LINK)
    started = box.fresh("capture", {"phase": "start", "netns": "red", "interface": "lo"})
    box.run("ip", "netns", "exec", "red", "ping", "-c", "1", "192.0.2.2")
    stopped = box.fresh("capture", {"phase": "stop", "path": started.data["path"]})
    assert list(frames(stopped.data["content"])) == []


def test_capture_ends_at_the_size_limit(box: Sandbox) -> None:
    box.sh(*_LINK)
    started = box.fresh("capture", {"phase": "start", "netns": "red", "bytes": 300})
    box.run("ip", "netns", "exec", "red", "ping", "-c", "5", "-i", "0.2", "192.0.2.2")
    stopped = box.fresh("capture", {"phase": "stop", "path": started.data["path"]})
    assert 24 < len(base64.b64decode(stopped.data["content"])) <= 300


def test_missing_interface_is_rejected(box: Sandbox) -> None:
    refused = box.fresh("capture", {"phase": "start", "netns": "red", "interface": "eth7"})
    assert refused.failed
    assert refused.data["msg"].startswith("interface: eth7: ")


def test_path_that_start_did_not_return_is_rejected(box: Sandbox) -> None:
    refused = box.fresh("capture", {"phase": "stop", "path": "/etc/passwd"})
    assert refused.data["msg"] == "path: must be a path that phase=start returned"
