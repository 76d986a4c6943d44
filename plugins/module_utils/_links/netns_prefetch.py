# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create unnamed network namespaces, optionally ahead of time in a thread.

The kernel needs as much time for a namespace as for a veth pair, and can use another processor.
"""

from __future__ import annotations

import os
import queue
import struct
import threading
from collections.abc import Sequence
from typing import NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import CreateNetns
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import encode_attribute
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.transport import Netlink
from ansible_collections.netfleet.docker.plugins.module_utils._netns import namespaces
from ansible_collections.netfleet.docker.plugins.module_utils._netns.threads import (
    run_in_current_thread,
    run_in_new_netns,
)

_NEWLINK, _GROUP_ATTRIBUTE = 16, 27
_IFF_UP = 1
_LOOPBACK = 1  # its index in every namespace
_IFINFO = struct.Struct("=BxHiII")


class NewNamespace(NamedTuple):
    """A new namespace: its open file and a socket inside."""

    fd: int
    socket: Netlink

    def close(self) -> None:
        """Close the socket and the file."""
        self.socket.close()
        os.close(self.fd)


def create_namespace(op: CreateNetns) -> NewNamespace:
    """Create an unnamed namespace with the group of its topology; call it in a thread of ``run_in_thread``."""
    return run_in_new_netns(lambda: _prepare_namespace(op))


def _prepare_namespace(op: CreateNetns) -> NewNamespace:
    there = Netlink()
    if op.group or op.loopback_up:
        up = _IFF_UP if op.loopback_up else 0
        group = encode_attribute(_GROUP_ATTRIBUTE, struct.pack("=I", op.group)) if op.group else b""
        there.request(op.describe(), _NEWLINK, 0, _IFINFO.pack(0, 0, _LOOPBACK, up, up) + group)
    return NewNamespace(namespaces.open_netns("/proc/thread-self/ns/net", follow=True), there)


class NamespacePrefetch:
    """The namespaces of some operations, created in order by a thread."""

    def __init__(self, operations: Sequence[CreateNetns]) -> None:
        self._operations = operations
        self._made: queue.SimpleQueue[NewNamespace | BaseException] = queue.SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def take(self) -> NewNamespace:
        """Return the next namespace, or raise the error of its creation."""
        made = self._made.get()
        if isinstance(made, BaseException):
            raise made
        return made

    def close(self) -> None:
        """Stop, and close the namespaces that were not taken."""
        self._stopped = True
        self._thread.join()
        while not self._made.empty():
            left = self._made.get()
            if isinstance(left, NewNamespace):
                left.close()

    def _run(self) -> None:
        try:
            run_in_current_thread(self._create_namespaces)
        except BaseException as error:  # noqa: BLE001 (it is raised by take)
            self._made.put(error)

    def _create_namespaces(self) -> None:
        for op in self._operations:
            if self._stopped:
                return
            self._made.put(create_namespace(op))
