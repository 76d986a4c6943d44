# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packet capture in a network namespace: ``start`` forks a recorder, ``stop`` waits for it and returns a pcap file."""

from __future__ import annotations

import base64
import os
import select
import shutil
import socket
import struct
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core import capabilities
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter, NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._netns.reference import open_parameter
from ansible_collections.netfleet.docker.plugins.module_utils._netns.threads import run_in_netns

_ALL_PROTOCOLS = 3
_SNAP_LENGTH = 65535
_LINKTYPE_ETHERNET = 1
_PACKET_OUTGOING = 4
_PREFIX = "netfleet-capture-"
# Seconds: between two checks of the stop file, maximum lifetime of a recorder, and time for a recorder to end.
_POLL, _LIFE, _GRACE = 0.2, 600.0, 10.0


def capture(params: Mapping[str, Any]) -> dict[str, Any]:
    """Start or stop a capture, as the parameters of the module ask."""
    if params["phase"] == "stop":
        return stop(Path(params["path"]))
    for name in ("seconds", "bytes"):
        if params[name] <= 0:
            raise BadParameter(name, f"must be more than 0, not {params[name]}")
    capabilities.require_capabilities(capabilities.TO_CHANGE)
    return start(params["netns"], params["interface"], params["seconds"], params["bytes"])


def start(netns: str, interface: str | None, seconds: float, size: int) -> dict[str, Any]:
    """Start a recorder in the background and return the path of its file."""
    fd = open_parameter(netns, "netns")
    try:
        # The socket stays in the namespace in which it was opened.
        packets = run_in_netns(fd, lambda: _open_socket(interface))
    finally:
        os.close(fd)
    path = Path(tempfile.mkdtemp(prefix=_PREFIX)) / "capture.pcap"
    if os.fork():
        packets.close()
        return {"changed": False, "path": str(path)}
    _record_and_exit(packets, path, seconds, size)
    return {}


def _open_socket(interface: str | None) -> socket.socket:
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS))
    if interface:
        try:
            packets.bind((interface, _ALL_PROTOCOLS))
        except OSError as error:
            packets.close()
            raise BadParameter("interface", f"{interface}: {error.strerror}") from None
    return packets


def _record_and_exit(packets: socket.socket, path: Path, seconds: float, size: int) -> None:
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    try:
        _record(packets, path, seconds, size)
    finally:
        path.with_suffix(".done").touch()
        os._exit(0)


def _record(packets: socket.socket, path: Path, seconds: float, size: int) -> None:
    """Write packets as a pcap file until it is stopped, until its time or until its size is reached.

    The time starts with the first packet, because the packets to capture may be sent much later on a busy host.
    """
    header = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, _SNAP_LENGTH, _LINKTYPE_ETHERNET)
    written, end = len(header), time.monotonic() + _LIFE
    with path.open("wb") as file:
        file.write(header)
        while time.monotonic() < end:
            if not select.select([packets], [], [], _POLL)[0]:
                if path.with_suffix(".stop").exists():
                    return
                continue
            frame, address = packets.recvfrom(_SNAP_LENGTH)
            if address[0] == "lo" and address[2] == _PACKET_OUTGOING:
                continue  # the kernel delivers each packet of the loopback interface twice
            now = time.time()
            record = struct.pack("=IIII", int(now), int(now % 1 * 1e6), len(frame), len(frame)) + frame
            if written + len(record) > size:
                return
            if written == len(header):
                end = time.monotonic() + seconds
            file.write(record)
            written += len(record)


def stop(path: Path) -> dict[str, Any]:
    """Stop a capture, return it as base64 and delete its files; raise NetfleetError if the recorder does not end."""
    if path.name != "capture.pcap" or not path.parent.name.startswith(_PREFIX) or not path.parent.is_dir():
        raise BadParameter("path", "must be a path that phase=start returned")
    path.with_suffix(".stop").touch()
    deadline = time.monotonic() + _GRACE
    while not path.with_suffix(".done").exists():
        if time.monotonic() > deadline:
            raise NetfleetError(f"path: timed out waiting for the capture {path}")
        time.sleep(_POLL / 2)
    content = path.read_bytes()
    shutil.rmtree(path.parent, ignore_errors=True)
    return {"changed": False, "content": base64.b64encode(content).decode("ascii")}
