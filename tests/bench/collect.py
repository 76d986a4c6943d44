# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What netns_info does, as a bare process: prints the document, and says on stderr what netlink and decoding took."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Sequence

from ansible_collections.netfleet.docker.plugins.module_utils._facts import _survey, _visits
from ansible_collections.netfleet.docker.plugins.module_utils._facts._places import Place

visit = _visits.visit
took = [0.0]


def timed(
    places: Sequence[Place], subset: Collection[str], chosen: Collection[str] | None, limits: _visits.Limits
) -> _visits.Visits:
    """Read the namespaces, all else apart."""
    began = time.perf_counter()
    try:
        return visit(places, subset, chosen, limits)
    finally:
        took[0] = time.perf_counter() - began


_visits.visit = timed
json.dump(_survey.collect(_survey.Wanted(subset=frozenset(sys.argv[1:]))), sys.stdout)
print(json.dumps({"milliseconds": took[0] * 1000}), file=sys.stderr)
