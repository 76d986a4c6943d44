# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module netns_info as a plain process: print the document, and the time of its parts on stderr.

``milliseconds`` covers entering namespaces, netlink and decoding. ``visit_milliseconds`` also covers opening and
verifying all namespaces and resolving the peers of links.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Callable

from ansible_collections.netfleet.docker.plugins.module_utils._facts import netns_reader, netns_tables, snapshot
from ansible_collections.netfleet.docker.plugins.module_utils._netns.threads import enter_netns

took = {"milliseconds": 0.0, "visit_milliseconds": 0.0}


def timed(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """Return a wrapper that adds the run time of a function."""

    def run(*arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return work(*arguments)
        finally:
            took[name] += (time.perf_counter() - began) * 1000

    return run


enter = timed("milliseconds", enter_netns)
netns_tables.read_namespace = timed("milliseconds", netns_tables.read_namespace)
netns_reader.read_namespaces = timed("visit_milliseconds", netns_reader.read_namespaces)
document = snapshot.collect_snapshot(snapshot.SnapshotRequest(subset=frozenset(sys.argv[1:])))
sys.stdout.write(json.dumps(document))  # json.dump to a file takes six times as long
print(json.dumps(took), file=sys.stderr)
