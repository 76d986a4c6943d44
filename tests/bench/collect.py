# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What netns_info does, as a bare process: prints the document, and on stderr what the parts of the reading took.

``milliseconds`` is entering the namespaces, netlink and decoding; ``visit_milliseconds`` also opening them all, proving
them, and finding out where the other ends of their links are.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Callable

from ansible_collections.netfleet.docker.plugins.module_utils import _nsfs
from ansible_collections.netfleet.docker.plugins.module_utils._facts import _parts, _survey, _visits

took = {"milliseconds": 0.0, "visit_milliseconds": 0.0}


def timed(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does the same, and adds to what it takes."""

    def run(*arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return work(*arguments)
        finally:
            took[name] += (time.perf_counter() - began) * 1000

    return run


_nsfs.enter = timed("milliseconds", _nsfs.enter)
_parts.read = timed("milliseconds", _parts.read)
_visits.visit = timed("visit_milliseconds", _visits.visit)
document = _survey.collect(_survey.Wanted(subset=frozenset(sys.argv[1:])))
sys.stdout.write(json.dumps(document))  # json.dump to a file takes six times as long
print(json.dumps(took), file=sys.stderr)
