# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolve the namespace references of a request to open namespaces."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import (
    BadParameter,
    NoSuchNetns,
    NotFound,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.kernel import Kernel
from ansible_collections.netfleet.docker.plugins.module_utils._netns import namespaces
from ansible_collections.netfleet.docker.plugins.module_utils._netns.reference import CURRENT, is_unused, open_parameter


def resolve_references(
    kernel: Kernel, references: Mapping[str, str], may_be_missing: Iterable[str] = ()
) -> dict[str, str]:
    """Open every reference and return the label of each; two references to one namespace share a label.

    References that may be missing stay closed if nothing exists there. Raise BadParameter with the parameter for any
    other reference that does not resolve, and for a path that is not a namespace.
    """
    labels: dict[str, str] = {}
    known: dict[tuple[int, int], str] = {}
    for reference, parameter in sorted(references.items(), key=lambda item: item[0] not in ("host", CURRENT)):
        try:
            fd = open_parameter(reference, parameter)
        except BadParameter as error:
            is_gone = isinstance(error.__cause__, (NoSuchNetns, NotFound))
            if is_gone and reference in may_be_missing and is_unused(reference):
                labels[reference] = reference
                continue
            raise
        label = "host" if reference == CURRENT and namespaces.is_host_namespace() else reference
        label = known.setdefault(namespaces.get_namespace_id(fd), label)
        labels[reference] = label
        if kernel.has_namespace(label):
            os.close(fd)
        else:
            kernel.add_namespace(label, fd)
    return labels


def find_own_label(kernel: Kernel) -> str | None:
    """Return the label of this thread's namespace, None if it is not open."""
    status = os.stat("/proc/thread-self/ns/net")
    own = status.st_dev, status.st_ino
    return next(
        (label for label in kernel.get_labels() if namespaces.get_namespace_id(kernel.get_fd(label)) == own), None
    )


def discover_peers(kernel: Kernel, label: str, numbers: set[int]) -> bool:
    """Search the host for the namespaces with the given netns ids; return whether any was found."""
    found: set[int] = set()
    seen: set[tuple[int, int]] = set()
    for reference, path in namespaces.find_namespace_paths():
        if found >= numbers:
            break
        try:
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in seen:
                continue
            fd = namespaces.open_netns(path, follow=namespaces.is_process_file(path))
        except (OSError, NoSuchNetns):
            continue  # deleted meanwhile, or not a namespace
        seen.add(namespaces.get_namespace_id(fd))
        number = kernel.get_netns_id(label, fd)
        if number in numbers and not kernel.has_namespace(reference):
            found.add(number)
            kernel.add_namespace(reference, fd)
        else:
            os.close(fd)
    return bool(found)


def open_all(kernel: Kernel) -> None:
    """Open every namespace of this host that has a path."""
    seen = {namespaces.get_namespace_id(kernel.get_fd(label)) for label in kernel.get_labels()}
    for reference, path in namespaces.find_namespace_paths():
        try:
            # Hundreds of processes share the host's namespace.
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in seen:
                continue
            fd = namespaces.open_netns(path, follow=namespaces.is_process_file(path))
        except (OSError, NoSuchNetns):
            continue  # deleted meanwhile, or not a namespace
        if namespaces.get_namespace_id(fd) in seen or kernel.has_namespace(reference):
            os.close(fd)
            continue
        seen.add(namespaces.get_namespace_id(fd))
        kernel.add_namespace(reference, fd)
