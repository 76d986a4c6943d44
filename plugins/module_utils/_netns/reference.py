# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolve references such as NAME, container:NAME or pid:NUMBER to open network namespaces."""

from __future__ import annotations

import os
import select

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import (
    BadParameter,
    EngineError,
    NoSuchNetns,
    NotFound,
)
from ansible_collections.netfleet.docker.plugins.module_utils._netns import namespaces

CURRENT = ""


def open_parameter(reference: str, parameter: str) -> int:
    """Return a file descriptor of the namespace; raise BadParameter with the parameter if it does not resolve."""
    try:
        return open_reference(reference)
    except (NoSuchNetns, NotFound) as error:
        raise BadParameter(parameter, str(error)) from error
    except EngineError as error:
        raise BadParameter(parameter, f"{reference} cannot be looked up: {error}") from None


def open_reference(reference: str) -> int:
    scheme, colon, rest = reference.partition(":")
    if reference == CURRENT:
        return namespaces.open_netns("/proc/self/ns/net", follow=True)
    if reference == "host":
        # If PID 1 is not accessible to root, this process's own namespace may still be the same.
        return namespaces.open_netns(
            "/proc/self/ns/net" if namespaces.is_host_namespace() else "/proc/1/ns/net", follow=True
        )
    if not colon:
        if namespaces.classify_name(reference) == "nothing":
            there = ", ".join(namespaces.list_names()[:10]) or "none"
            raise NoSuchNetns(f"no such namespace: {reference} (existing: {there})")
        return namespaces.open_netns(f"{namespaces.NAMED}/{reference}")
    if scheme == "pid":
        return _open_process_netns(int(rest))
    if scheme == "container":
        return _open_container_netns(rest)
    return namespaces.open_netns(
        rest if scheme == "path" else f"{namespaces.SANDBOXES}/{rest}", follow=scheme == "path"
    )


def is_unused(reference: str) -> bool:
    scheme, colon, path = reference.partition(":")
    if not colon:
        return namespaces.classify_name(reference) in ("nothing", "stub")
    return scheme != "path" or not os.path.lexists(path)


def _open_process_netns(pid: int) -> int:
    """Open a process's namespace, and verify that the PID was not reused meanwhile."""
    try:
        handle = os.pidfd_open(pid)
    except (OSError, OverflowError):
        raise NoSuchNetns(f"no such process: PID {pid}") from None
    try:
        fd = namespaces.open_netns(f"/proc/{pid}/ns/net", follow=True)
        ended = select.poll()
        ended.register(handle, select.POLLIN)
        if ended.poll(0):
            os.close(fd)
            raise NoSuchNetns(f"process {pid} ended meanwhile")
        return fd
    finally:
        os.close(handle)


def _open_container_netns(reference: str) -> int:
    from ansible_collections.netfleet.docker.plugins.module_utils._docker import local_api

    before = local_api.inspect_container(reference)
    if before.network_mode == "host":
        raise NoSuchNetns(f"container {before.name} shares the namespace of the host; specify host")
    if not before.pid:
        raise NoSuchNetns(f"container {before.name} is not running ({before.status}) and has no namespace")
    fd = _open_process_netns(before.pid)
    if local_api.inspect_container(reference).pid != before.pid:
        os.close(fd)
        raise NoSuchNetns(f"container {before.name} was restarted meanwhile; try again")
    return fd


def is_named(reference: str) -> bool:
    """Return whether a reference is the name of a namespace, which can be created and deleted."""
    return reference not in ("", "host") and ":" not in reference
