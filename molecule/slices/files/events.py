# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show which snapshots a run of ansible-runner took, from its event files: events.py ARTIFACTS."""

from __future__ import annotations

import json
import sys
from pathlib import Path

events = [json.loads(file.read_text()) for file in Path(sys.argv[1], "job_events").glob("*.json")]
times = sorted(event["created"] for event in events)
taken = [
    event["event_data"]["host"]
    for event in events
    if event["event"] == "runner_on_ok" and event["event_data"]["resolved_action"] == "netfleet.docker.snapshot"
]
print(json.dumps({"hosts": sorted(taken), "first": times[0], "last": times[-1]}))
