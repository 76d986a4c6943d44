# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Query the Parquet files of all runs with Polars, which did not write them: ask.py AUDITS."""

from __future__ import annotations

import json
import sys

import polars

TABLES = ("host", "netns", "interface", "stray", "finding")
QUERY = """
    SELECT host.name, uplink.mac, stray.path AS stale, finding.rule
    FROM host
    JOIN netns ON netns.host = host.host
    JOIN interface AS uplink ON uplink.host = host.host AND uplink.netns = netns.netns
    LEFT JOIN (SELECT * FROM stray WHERE path LIKE '/run/netns/%') AS stray ON stray.host = host.host
    LEFT JOIN finding ON finding.host = host.host AND finding.object = stray.path
    WHERE netns.kind = 'host' AND uplink.name = 'eth0'
    ORDER BY host.name
"""

tables = {name: polars.scan_parquet(f"{sys.argv[1]}/*/data/{name}.parquet") for name in TABLES}
print(json.dumps(polars.SQLContext(tables).execute(QUERY, eager=True).to_dicts()))
