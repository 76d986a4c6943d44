# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets of containers are visible to docker inspect and appear in no result."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable

from ansible_collections.netfleet.docker.tests.schema import assert_document

from .conftest import FOLDER, Host


def test_secrets_are_visible_to_docker_inspect(host: Host) -> None:
    for canary in host.canaries:
        assert canary in json.dumps(host.witness["containers"])


def test_results_contain_no_secret(host: Host) -> None:
    for said in (json.dumps(host.info), json.dumps(host.facts)):
        assert "mf-user" in said
        for secret in ("mfcanary", "SWMTKN", *host.canaries):
            assert secret not in said


def test_output_of_highest_verbosity_contains_no_secret() -> None:
    log = (FOLDER / "vvvv.log").read_text(encoding="utf-8", errors="surrogateescape")
    assert '"mf-user"' in log or "mf-user:" in log
    assert "SWMTKN" not in log
    assert "mfcanary" not in log
    assert '"packed": "' not in log  # a document in transit
    assert "stdout and stderr censored" in log


def test_snapshot_contains_no_secret(host: Host) -> None:
    text = gzip.decompress((FOLDER / f"snapshots/{host.name}.json.gz").read_bytes()).decode()
    assert json.loads(text)["host"]["name"] == host.name
    for secret in ("mfcanary", "SWMTKN", *host.canaries):
        assert secret not in text


def test_snapshot_equals_the_result_of_the_module(host: Host) -> None:
    snapshot = json.loads(gzip.decompress((FOLDER / f"snapshots/{host.name}.json.gz").read_bytes()))
    assert_document(snapshot)
    # Collected at different times, between which a Swarm on a busy machine can have moved the tasks of its service.
    for column in ("kind", "container"):
        assert drop_tasks(row[column] for row in snapshot["namespaces"]) == drop_tasks(
            row[column] for row in host.netns.values()
        )
    assert drop_tasks(row["name"] for row in snapshot["docker"]["containers"]) == drop_tasks(host.containers)


def drop_tasks(names: Iterable[str | None]) -> set[str | None]:
    """Return the names without those of the tasks of the service."""
    return {name for name in names if not (name or "").startswith("mf-service.")}
