# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Namespace references, as the user writes them, made into open namespaces that are proven to be the right ones."""

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
    """Open every reference (to the parameter that holds it) and return its label; two names of one namespace share one.

    Those that may be missing are left closed if there is nothing at them. Raise BadParameter, naming the parameter,
    where any other leads nowhere, and for whatever is there and is no namespace.
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
        label = known.setdefault(namespaces.namespace_id(fd), label)
        labels[reference] = label
        if kernel.holds(label):
            os.close(fd)
        else:
            kernel.add(label, fd)
    return labels


def discover_peers(kernel: Kernel, label: str, numbers: set[int]) -> bool:
    """Search the host for the namespaces that one knows by the given numbers; tell whether any was found."""
    found: set[int] = set()
    seen: set[tuple[int, int]] = set()
    for reference, path in namespaces.namespace_paths():
        if found >= numbers:
            break
        try:
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in seen:
                continue
            fd = namespaces.open_netns(path, follow=path.startswith("/proc/"))
        except (OSError, NoSuchNetns):
            continue  # gone meanwhile, or no namespace at all
        seen.add(namespaces.namespace_id(fd))
        number = kernel.number(label, fd)
        if number in numbers and not kernel.holds(reference):
            found.add(number)
            kernel.add(reference, fd)
        else:
            os.close(fd)
    return bool(found)


def open_all(kernel: Kernel) -> None:
    """Open every namespace of this host that can be reached by a path."""
    seen = {namespaces.namespace_id(kernel.fd(label)) for label in kernel.labels()}
    for reference, path in namespaces.namespace_paths():
        try:
            # Hundreds of processes share the host's namespace.
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in seen:
                continue
            fd = namespaces.open_netns(path, follow=path.startswith("/proc/"))
        except (OSError, NoSuchNetns):
            continue  # gone meanwhile, or no namespace at all
        if namespaces.namespace_id(fd) in seen or kernel.holds(reference):
            os.close(fd)
            continue
        seen.add(namespaces.namespace_id(fd))
        kernel.add(reference, fd)
