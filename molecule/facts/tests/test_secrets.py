# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets of containers are visible to the witness and appear in no result."""

from __future__ import annotations

import gzip
import json

from ansible_collections.netfleet.docker.tests.schema import assert_document

from .conftest import FOLDER, Host


def test_the_witnesses_see_them(host: Host) -> None:
    for canary in host.canaries:
        assert canary in json.dumps(host.witness["containers"])


def test_neither_module_tells_them(host: Host) -> None:
    for said in (json.dumps(host.info), json.dumps(host.facts)):
        assert "mf-user" in said
        for secret in ("mfcanary", "SWMTKN", *host.canaries):
            assert secret not in said


def test_nor_does_ansible_at_its_most_talkative() -> None:
    log = (FOLDER / "vvvv.log").read_text(encoding="utf-8", errors="surrogateescape")
    assert '"mf-user"' in log or "mf-user:" in log
    assert "SWMTKN" not in log
    assert "mfcanary" not in log
    assert '"packed": "' not in log  # a document in transit
    assert "stdout and stderr censored" in log


def test_nor_is_it_in_the_snapshot(host: Host) -> None:
    text = gzip.decompress((FOLDER / f"snapshots/{host.name}.json.gz").read_bytes()).decode()
    assert json.loads(text)["host"]["name"] == host.name
    for secret in ("mfcanary", "SWMTKN", *host.canaries):
        assert secret not in text


def test_the_snapshot_is_what_the_module_returns(host: Host) -> None:
    snapshot = json.loads(gzip.decompress((FOLDER / f"snapshots/{host.name}.json.gz").read_bytes()))
    assert_document(snapshot)
    # Collected at different times, between which containers restarted.
    for column in ("kind", "container"):
        assert {row[column] for row in snapshot["namespaces"]} == {row[column] for row in host.netns.values()}
    assert {row["name"] for row in snapshot["docker"]["containers"]} == set(host.containers)
