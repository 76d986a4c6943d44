# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""New namespaces, without names yet: one by one, or many ahead of time.

The kernel takes as long for a namespace as for a veth pair, and another processor can do it meanwhile.
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
from ansible_collections.netfleet.docker.plugins.module_utils._netns.threads import run_as_visitor, run_in_new_netns

_NEWLINK, _GROUP_ATTRIBUTE = 16, 27
_IFF_UP = 1
_LOOPBACK = 1  # its index in every namespace
_IFINFO = struct.Struct("=BxHiII")


class NewNamespace(NamedTuple):
    """A new namespace: its open file and a socket inside."""

    fd: int
    socket: Netlink

    def close(self) -> None:
        """Let go of it."""
        self.socket.close()
        os.close(self.fd)


def create_namespace(op: CreateNetns) -> NewNamespace:
    """Make a namespace that nobody can see yet, marked as its maker's; to be called in a thread that is apart."""
    return run_in_new_netns(lambda: _prepare_namespace(op))


def _prepare_namespace(op: CreateNetns) -> NewNamespace:
    there = Netlink()
    if op.group or op.loopback_up:
        up = _IFF_UP if op.loopback_up else 0
        group = encode_attribute(_GROUP_ATTRIBUTE, struct.pack("=I", op.group)) if op.group else b""
        there.request(op.describe(), _NEWLINK, 0, _IFINFO.pack(0, 0, _LOOPBACK, up, up) + group)
    return NewNamespace(namespaces.open_netns("/proc/thread-self/ns/net", follow=True), there)


class NamespacePrefetch:
    """The namespaces of some operations, made in their order by a thread of its own."""

    def __init__(self, operations: Sequence[CreateNetns]) -> None:
        self._operations = operations
        self._made: queue.SimpleQueue[NewNamespace | BaseException] = queue.SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def take(self) -> NewNamespace:
        """Return the next one, or raise what went wrong with it."""
        made = self._made.get()
        if isinstance(made, BaseException):
            raise made
        return made

    def close(self) -> None:
        """Make no more, and let go of those that nobody took."""
        self._stopped = True
        self._thread.join()
        while not self._made.empty():
            left = self._made.get()
            if isinstance(left, NewNamespace):
                left.close()

    def _run(self) -> None:
        try:
            run_as_visitor(self._make)
        except BaseException as error:  # noqa: BLE001 (it is raised where the namespace is wanted)
            self._made.put(error)

    def _make(self) -> None:
        for op in self._operations:
            if self._stopped:
                return
            self._made.put(create_namespace(op))
