# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listening sockets from sock_diag(7), and the processes that have them open.

The kernel reports the inode of a socket, not its process. All open files of the host are therefore read once for the
sockets of all namespaces.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NoSuchNetns
from ansible_collections.netfleet.docker.plugins.module_utils._facts.netns_context import NetnsContext, list_processes
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import split_attributes
from ansible_collections.netfleet.docker.plugins.module_utils._netns.namespaces import get_namespace_id, open_netns

Row = dict[str, Any]

_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY = 4, 20
_TCP_CLOSE, _TCP_LISTEN = 7, 10
# struct inet_diag_req_v2: family, protocol, extensions, states, and the ID of a socket, which is empty in a dump.
_REQUEST = struct.Struct("=BBBxI48x")
# struct inet_diag_msg: family, ports, addresses, interface, cookie, expiry, queues, user, inode.
_ANSWER = struct.Struct("=B3x2s2s16s16sI8xIIIII")
_INET_DIAG_SKV6ONLY = 11
# The kernel reports an unconnected UDP socket as "closed".
_TABLES = (
    ("tcp", socket.IPPROTO_TCP, _TCP_LISTEN),
    ("udp", socket.IPPROTO_UDP, _TCP_CLOSE),
)
_FAMILIES = {int(socket.AF_INET): 4, int(socket.AF_INET6): 6}


class Descriptors(NamedTuple):
    """Open files of the host's processes: PIDs by inode of a socket; PID and path by inode of a namespace."""

    sockets: dict[int, list[int]]
    namespaces: dict[int, list[tuple[int, str]]]
    complete: bool


def read_sockets(inside: NetnsContext) -> dict[str, list[Row]]:
    """Return the sockets of the namespace as rows, which ``complete_rows`` completes."""
    rows = []
    for protocol, number, state in _TABLES:
        for family in _FAMILIES:
            request = _REQUEST.pack(family, number, 0, 1 << state)
            answers = inside.dump(f"list {protocol} sockets", _SOCK_DIAG_BY_FAMILY, request, _NETLINK_SOCK_DIAG)
            rows += [build_row(protocol, answer) for answer in answers]
    return {"sockets": [one for one in rows if one["port"]]}


def build_row(protocol: str, answer: bytes) -> Row:
    """Return a socket with the ``index`` of its interface instead of the name, and without processes."""
    family, port, _peer, address, _peers, index, _expires, _received, _sent, uid, inode = _ANSWER.unpack_from(answer)
    v6only = dict(split_attributes(answer, _ANSWER.size)).get(_INET_DIAG_SKV6ONLY)
    return {
        "protocol": protocol,
        "family": _FAMILIES[family],
        "address": socket.inet_ntop(family, address[: 4 if family == socket.AF_INET else 16]),
        "port": int.from_bytes(port, "big"),
        "index": index,
        "v6only": bool(v6only[0]) if v6only and family == socket.AF_INET6 else None,
        "uid": uid,
        "inode": inode,
    }


def complete_rows(rows: Sequence[Row], names: Mapping[int, str], holders: Mapping[int, list[int]]) -> list[Row]:
    """Return the rows of the table: names of interfaces by index, PIDs by inode of a socket."""
    return [
        {
            **{column: value for column, value in one.items() if column != "index"},
            "interface": names.get(one["index"]),
            "processes": list_processes(holders.get(one["inode"], [])),
        }
        for one in rows
    ]


def read_descriptors(deadline: float) -> Descriptors:
    """Read every open file of the host once until ``deadline`` (time.monotonic), for sockets and namespaces.

    A namespace can be held only by a descriptor, so this runs before any is entered. Processes that end meanwhile or
    cannot be read are left out.
    """
    found = Descriptors({}, {}, True)
    for entry in sorted(filter(str.isdigit, os.listdir("/proc")), key=int):
        if time.monotonic() > deadline:
            return found._replace(complete=False)
        try:
            # Relative paths take half the time.
            folder = os.open(f"/proc/{entry}/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            for name in os.listdir(folder):
                _record_descriptor(found, int(entry), folder, name)
        except OSError:
            continue  # it has ended meanwhile
        finally:
            os.close(folder)
    return found


def _record_descriptor(found: Descriptors, pid: int, folder: int, name: str) -> None:
    try:
        link = os.readlink(name, dir_fd=folder)
    except OSError:
        return
    if link.startswith("socket:["):
        pids = found.sockets.setdefault(int(link[8:-1]), [])
        if pid not in pids:
            pids.append(pid)
    elif link.startswith("net:[") or link == "/" or "/netns/" in link:
        # A namespace opened at a mount point reads as that path, and as "/" after it is unmounted.
        # No other path is opened, because its file system may not respond.
        path = f"/proc/{pid}/fd/{name}"
        with contextlib.suppress(NoSuchNetns):
            fd = open_netns(path, follow=True)
            found.namespaces.setdefault(get_namespace_id(fd)[1], []).append((pid, path))
            os.close(fd)
