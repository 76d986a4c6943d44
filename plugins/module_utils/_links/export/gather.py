# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read a whole host as a topology document; nothing is changed."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.netfleet.docker.plugins.module_utils._core import capabilities
from ansible_collections.netfleet.docker.plugins.module_utils._links import namespace_registry
from ansible_collections.netfleet.docker.plugins.module_utils._links.export.document import GatheredDocument
from ansible_collections.netfleet.docker.plugins.module_utils._links.kernel import Kernel, ReadScope
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Netns
from ansible_collections.netfleet.docker.plugins.module_utils._links.observe import NetnsReading, build_state
from ansible_collections.netfleet.docker.plugins.module_utils._netns import namespaces
from ansible_collections.netfleet.docker.plugins.module_utils._netns.reference import is_named
from ansible_collections.netfleet.docker.plugins.module_utils._netns.sysctls import read_sysctls
from ansible_collections.netfleet.docker.plugins.module_utils._netns.threads import (
    run_in_netns,
    run_in_new_netns,
    run_in_thread,
)

_FILES = 4096


def gather_document(name: str | None) -> GatheredDocument:
    """Return the document of the host, or of one topology."""
    capabilities.require_capabilities(capabilities.TO_CHANGE)
    namespaces.raise_file_limit(_FILES)
    return run_in_thread(lambda: _gather_in_thread(name))


def _gather_in_thread(name: str | None) -> GatheredDocument:
    kernel = Kernel()
    try:
        namespace_registry.open_all(kernel)
        everything = ReadScope(fully=True)
        readings = [kernel.read_namespace(label, Netns(), everything) for label in sorted(kernel.get_labels())]
        new = run_in_new_netns(lambda: read_sysctls(_CurrentNamespace(), ()))
        given = {}
        for reading in readings:
            if is_named(reading.label):
                work = functools.partial(_find_differing_sysctls, reading, new)
                given[reading.label] = run_in_netns(kernel.get_fd(reading.label), work)
        return GatheredDocument(build_state(readings), given, name)
    finally:
        kernel.close()


class _CurrentNamespace:
    """Access to the files of the current thread's namespace, for the reader of sysctls."""

    def read_file(self, path: str) -> str | None:
        """Return the content of a file, None if it does not exist or cannot be read."""
        with contextlib.suppress(OSError):
            return Path(path).read_text(encoding="ascii", errors="replace")
        return None


# A new namespace inherits this value from the host, and it differs between hosts with and without Docker.
_ALWAYS = "net/ipv4/ip_forward"


def _find_differing_sysctls(reading: NetnsReading, new: Mapping[str, str]) -> dict[str, str]:
    """Return the sysctls that differ from a new namespace, or from a new link in this namespace."""
    have = read_sysctls(_CurrentNamespace(), reading.links)
    found = {}
    for key, value in have.items():
        family, _conf, link, option = key.split("/")[1:] if key.count("/") == 4 else ("", "", "", "")
        born = new.get(key) if key in new else have.get(f"net/{family}/conf/default/{option}")
        if key == _ALWAYS or (value != born and link != "lo"):
            found[key] = value
    return found
