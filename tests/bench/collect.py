# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What netns_info does, as a bare process: prints the document, and says on stderr what netlink and decoding took."""

from __future__ import annotations

import json
import sys
import time

began = time.perf_counter()
# COLLECTOR: the survey's entry point, once it is there.
document: dict[str, list[str]] = {"namespaces": []}
print(json.dumps({"milliseconds": (time.perf_counter() - began) * 1000}), file=sys.stderr)
json.dump(document, sys.stdout)
