# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Query the engine only for the owners of namespaces."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._docker.local_api import LocalEngineClient
from ansible_collections.netfleet.docker.plugins.module_utils._facts.docker import json_fields
from ansible_collections.netfleet.docker.plugins.module_utils._facts.docker import rows as docker_rows

Row = dict[str, Any]


def list_containers(engine: LocalEngineClient, labels: Collection[str] = ()) -> list[Row]:
    """Return the rows of containers from a single request; values that the list lacks are null."""
    rows = [
        docker_rows.build_listed_container(one, labels)
        for one in json_fields.get_list(engine.get("/containers/json?all=1"))
    ]
    docker_rows.fill_joined_names(rows)
    return rows
