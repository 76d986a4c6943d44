# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Record of the entries of a topology after a successful, a rolled back and a half rolled back run."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import IncompleteRollback, NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._links import entry_record
from ansible_collections.netfleet.docker.plugins.module_utils._links.entry_record import EntryRecord
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Neighbour, Netns, Route, Rule, State
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import AddEntry

ENTRIES = (Route("10.0.0.0/8", gateway="192.0.2.1"), Rule(5, table=9), Neighbour("192.0.2.7", dev="eth0", proxy=True))
DECLARED = State({"h": Netns(routes=ENTRIES[:1], rules=ENTRIES[1:2], neighbours=ENTRIES[2:])})
OPERATIONS = [AddEntry("h", entry) for entry in ENTRIES]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry_record, "FOLDER", tmp_path / "topologies")


def run(error: NetfleetError | None = None, declared: State = DECLARED) -> None:
    """Add the entries in the namespace host; the run fails with the error."""
    with EntryRecord("one").update(declared, {"host": "h"}, OPERATIONS, replaces=True):
        # Before the first operation, so that a killed run is recorded.
        assert EntryRecord("one").entries == {"host": ENTRIES}
        if error:
            raise error


def test_added_entries_are_recorded() -> None:
    run()
    assert EntryRecord("one").entries == {"host": ENTRIES}
    assert EntryRecord("two").entries == {}


def test_rolled_back_entries_are_not_recorded() -> None:
    with pytest.raises(NetfleetError):
        run(NetfleetError("failed"))
    assert EntryRecord("one").entries == {}


def test_entries_that_could_not_be_rolled_back_stay_in_the_record() -> None:
    with pytest.raises(IncompleteRollback):
        run(IncompleteRollback("failed"))
    assert EntryRecord("one").entries == {"host": ENTRIES}


def test_undeclared_entries_leave_the_record() -> None:
    run(declared=State({"h": Netns(routes=ENTRIES[:1])}))
    assert EntryRecord("one").entries == {"host": ENTRIES[:1]}
