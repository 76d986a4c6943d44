# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Threads that enter network namespaces. The main thread never leaves its own namespace."""

from __future__ import annotations

import os
import threading
from typing import Callable, TypeVar

from ansible_collections.netfleet.docker.plugins.module_utils._netns.namespaces import (
    _CLONE_NEWNET,
    _check,
    _libc,
    open_netns,
)

T = TypeVar("T")


_thread = threading.local()


def apart(work: Callable[[], T]) -> T:
    """Run work in a thread that may enter namespaces as it likes, and return its result or raise its exception."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(at_home(work))
        except BaseException as error:  # noqa: BLE001 (it is raised where it was asked for)
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def at_home(work: Callable[[], T]) -> T:
    """Run work in a thread that was started for it, which may enter namespaces as it likes from now on."""
    _thread.home = open_netns("/proc/self/ns/net", follow=True)
    try:
        return work()
    finally:
        os.close(_thread.home)


def inside(fd: int, work: Callable[[], T]) -> T:
    """Run work inside the namespace, in a thread that is apart, and return its result or raise its exception."""
    if getattr(_thread, "home", None) is None:
        return apart(lambda: inside(fd, work))
    enter(fd)
    try:
        return work()
    finally:
        enter(_thread.home)


def enter(fd: int) -> None:
    """Let the current thread, which must not be the main one, enter the namespace."""
    _check("enter the namespace", _libc.setns(fd, _CLONE_NEWNET))


def in_new(work: Callable[[], T]) -> T:
    """Run work in a new namespace, which goes when nothing holds it afterwards; to be called in a thread apart."""
    _check("create a network namespace", _libc.unshare(_CLONE_NEWNET))
    try:
        return work()
    finally:
        enter(_thread.home)
