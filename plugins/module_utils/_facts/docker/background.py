# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Query the engine in parallel with the kernel, because most of the time is waiting."""

from __future__ import annotations

import threading
import time
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._docker.local_api import LocalEngineClient
from ansible_collections.netfleet.docker.plugins.module_utils._facts import netns_ownership

Row = dict[str, Any]


class EngineReader:
    """Running queries; ``whole`` for all data, otherwise only for owners of namespaces."""

    def __init__(self, whole: bool, labels: tuple[str, ...], seconds: float) -> None:
        self._whole = whole
        self._labels = labels
        self._deadline = time.monotonic() + seconds
        self._docker: Row | None = None
        self._missing: list[Row] = []
        self._containers: list[Row] | None = None
        self._networks: list[Row] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            engine = LocalEngineClient(deadline=self._deadline)
            if self._whole:
                from ansible_collections.netfleet.docker.plugins.module_utils._facts.docker import collect

                self._docker, self._missing = collect.collect_engine(engine, self._labels)
                self._containers = self._docker.get("containers")
                self._networks = self._docker.get("networks", [])
            else:
                from ansible_collections.netfleet.docker.plugins.module_utils._facts.docker import owners

                self._containers = owners.list_containers(engine, self._labels)
        except (NetfleetError, OSError) as error:
            self._missing = [{"netns": None, "part": "docker", "what": "missing", "reason": str(error)}]

    def wait(self) -> tuple[netns_ownership.EngineOwnership, Row | None, list[Row]]:
        """Wait; return the data for owners, the object ``docker`` (None if not requested), and missing parts."""
        self._thread.join()
        answered = self._containers is not None
        # The sandbox of a container that could not be inspected is unknown.
        partly = any(row["part"] == "containers" for row in self._missing)
        complete = answered and self._whole and not partly
        docker = netns_ownership.EngineOwnership(self._containers or (), self._networks, answered, complete)
        return docker, self._docker, self._missing
