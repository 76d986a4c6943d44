# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Threads that enter network namespaces. The main thread never leaves its own namespace."""

from __future__ import annotations

import os
import threading
from typing import Callable, TypeVar

from ansible_collections.netfleet.docker.plugins.module_utils._netns.namespaces import (
    CLONE_NEWNET,
    check_result,
    libc,
    open_netns,
)

T = TypeVar("T")


_current = threading.local()


def run_in_thread(work: Callable[[], T]) -> T:
    """Run work in a new thread that can enter namespaces; return its result or raise its exception."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(run_in_current_thread(work))
        except BaseException as error:  # noqa: BLE001 (it is raised in the calling thread)
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def run_in_current_thread(work: Callable[[], T]) -> T:
    """Run work in the current, new thread, which can enter namespaces from now on."""
    _current.home = open_netns("/proc/self/ns/net", follow=True)
    try:
        return work()
    finally:
        os.close(_current.home)


def run_in_netns(fd: int, work: Callable[[], T]) -> T:
    """Run work inside a namespace, in a thread other than the main thread; return its result or raise its exception."""
    if getattr(_current, "home", None) is None:
        return run_in_thread(lambda: run_in_netns(fd, work))
    enter_netns(fd)
    try:
        return work()
    finally:
        enter_netns(_current.home)


def enter_netns(fd: int) -> None:
    """Move the current thread, which must not be the main thread, into the namespace."""
    check_result("enter the namespace", libc.setns(fd, CLONE_NEWNET))


def run_in_new_netns(work: Callable[[], T]) -> T:
    """Run work in a new namespace, in a thread of ``run_in_thread``; without a holder, it is deleted afterwards."""
    check_result("create a network namespace", libc.unshare(CLONE_NEWNET))
    try:
        return work()
    finally:
        enter_netns(_current.home)
