# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Namespace references, as the user writes them, made into open namespaces that are proven to be the right ones."""

from __future__ import annotations

import os
import select
from collections.abc import Iterable, Mapping

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import (
    BadParameter,
    NoEngine,
    NoSuchNetns,
    NotFound,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.kernel import Kernel
from ansible_collections.netfleet.docker.plugins.module_utils._netns import namespaces

CURRENT = ""


def resolve(kernel: Kernel, references: Mapping[str, str], may_be_missing: Iterable[str] = ()) -> dict[str, str]:
    """Open every reference (to the parameter that holds it) and return its label; two names of one namespace share one.

    Those that may be missing are left closed if there is nothing at them. Raise BadParameter, naming the parameter,
    where any other leads nowhere, and for whatever is there and is no namespace.
    """
    labels: dict[str, str] = {}
    known: dict[tuple[int, int], str] = {}
    for reference, parameter in sorted(references.items(), key=lambda item: item[0] not in ("host", CURRENT)):
        try:
            fd = opened(reference, parameter)
        except BadParameter as error:
            is_gone = isinstance(error.__cause__, (NoSuchNetns, NotFound))
            if is_gone and reference in may_be_missing and _is_nothing(reference):
                labels[reference] = reference
                continue
            raise
        label = "host" if reference == CURRENT and namespaces.is_hosts() else reference
        label = known.setdefault(namespaces.identity(fd), label)
        labels[reference] = label
        if kernel.holds(label):
            os.close(fd)
        else:
            kernel.add(label, fd)
    return labels


def opened(reference: str, parameter: str) -> int:
    """Return a file descriptor of the namespace; raise BadParameter, naming the parameter, where it leads nowhere."""
    try:
        return _open(reference)
    except (NoSuchNetns, NotFound) as error:
        raise BadParameter(parameter, str(error)) from error
    except NoEngine as error:
        raise BadParameter(parameter, f"{reference} cannot be looked up: {error}") from None


def discover(kernel: Kernel, label: str, numbers: set[int]) -> bool:
    """Search the host for the namespaces that one knows by the given numbers; tell whether any was found."""
    found: set[int] = set()
    seen: set[tuple[int, int]] = set()
    for reference, path in namespaces.all_paths():
        if found >= numbers:
            break
        try:
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in seen:
                continue
            fd = namespaces.open_netns(path, follow=path.startswith("/proc/"))
        except (OSError, NoSuchNetns):
            continue  # gone meanwhile, or no namespace at all
        seen.add(namespaces.identity(fd))
        number = kernel.number(label, fd)
        if number in numbers and not kernel.holds(reference):
            found.add(number)
            kernel.add(reference, fd)
        else:
            os.close(fd)
    return bool(found)


def open_all(kernel: Kernel) -> None:
    """Open every namespace of this host that can be reached by a path."""
    seen = {namespaces.identity(kernel.fd(label)) for label in kernel.labels()}
    for reference, path in namespaces.all_paths():
        try:
            # Hundreds of processes share the host's namespace.
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in seen:
                continue
            fd = namespaces.open_netns(path, follow=path.startswith("/proc/"))
        except (OSError, NoSuchNetns):
            continue  # gone meanwhile, or no namespace at all
        if namespaces.identity(fd) in seen or kernel.holds(reference):
            os.close(fd)
            continue
        seen.add(namespaces.identity(fd))
        kernel.add(reference, fd)


def _open(reference: str) -> int:
    scheme, colon, rest = reference.partition(":")
    if reference == CURRENT:
        return namespaces.open_netns("/proc/self/ns/net", follow=True)
    if reference == "host":
        # Where PID 1 may not be looked into though we are root, our own namespace may still be proven to be the same.
        return namespaces.open_netns("/proc/self/ns/net" if namespaces.is_hosts() else "/proc/1/ns/net", follow=True)
    if not colon:
        if namespaces.what_is_named(reference) == "nothing":
            there = ", ".join(namespaces.names()[:10]) or "none"
            raise NoSuchNetns(f"no such namespace: {reference} (there are: {there})")
        return namespaces.open_netns(f"{namespaces.NAMED}/{reference}")
    if scheme == "pid":
        return _of_process(int(rest))
    if scheme == "container":
        return _of_container(rest)
    return namespaces.open_netns(
        rest if scheme == "path" else f"{namespaces.SANDBOXES}/{rest}", follow=scheme == "path"
    )


def _is_nothing(reference: str) -> bool:
    scheme, colon, path = reference.partition(":")
    if not colon:
        return namespaces.what_is_named(reference) in ("nothing", "stub")
    return scheme != "path" or not os.path.lexists(path)


def _of_process(pid: int) -> int:
    """Open a process's namespace, and make sure that the PID was not given to another process meanwhile."""
    try:
        handle = os.pidfd_open(pid)
    except (OSError, OverflowError):
        raise NoSuchNetns(f"no process has the PID {pid}") from None
    try:
        fd = namespaces.open_netns(f"/proc/{pid}/ns/net", follow=True)
        ended = select.poll()
        ended.register(handle, select.POLLIN)
        if ended.poll(0):
            os.close(fd)
            raise NoSuchNetns(f"the process {pid} ended meanwhile")
        return fd
    finally:
        os.close(handle)


def _of_container(reference: str) -> int:
    from ansible_collections.netfleet.docker.plugins.module_utils._docker import local_api

    before = local_api.container(reference)
    if before.network_mode == "host":
        raise NoSuchNetns(f"container {before.name} has no namespace of its own, it shares the host's; say host")
    if not before.pid:
        raise NoSuchNetns(f"container {before.name} is not running ({before.status}) and has no namespace")
    fd = _of_process(before.pid)
    if local_api.container(reference).pid != before.pid:
        os.close(fd)
        raise NoSuchNetns(f"container {before.name} restarted meanwhile; try again")
    return fd
