# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Record of the routes, policy rules and neighbours that a topology added.

The kernel stores the owner of a link with the link, but not that of an entry. Like the entries, the record does not
survive a reboot: it is in /run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import IncompleteRollback, NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._links.matching import Entry
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Neighbour, Netns, Route, Rule, State
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import AddEntry, Op

FOLDER = Path("/run/netfleet.docker/topologies")
_VERSION = 1
_TYPES: Mapping[str, type[Any]] = {"neighbour": Neighbour, "route": Route, "rule": Rule}
# Fields that no declared entry has.
_OBSERVED = ("foreign", "original", "opaque")

# Entries by the reference to their namespace.
Entries = Mapping[str, tuple[Entry, ...]]


class EntryRecord:
    """The recorded entries of a topology; without an owner, nothing is recorded."""

    def __init__(self, owner: str | None) -> None:
        """Read the record; raise NetfleetError if it is invalid."""
        self._owner = owner
        self.entries: Entries = _read_entries(owner) if owner else {}
        self._written = self.entries

    def select_by_label(self, labels: Mapping[str, str]) -> Entries:
        """Return the entries by the label of their namespace."""
        return {labels[reference]: found for reference, found in self.entries.items() if reference in labels}

    @contextlib.contextmanager
    def update(
        self, declared: State, labels: Mapping[str, str], operations: Sequence[Op], replaces: bool
    ) -> Iterator[None]:
        """Record the entries that the operations add, before they exist, so that a killed run leaves none behind.

        With ``replaces``, the record contains only declared entries afterwards.
        """
        if self._owner is None:
            yield
            return
        references = {label: reference for reference, label in reversed(list(labels.items()))}
        pending = {reference: list(found) for reference, found in self.entries.items()}
        for op in operations:
            if isinstance(op, AddEntry) and op.netns in references:
                found = pending.setdefault(references[op.netns], [])
                found += [op.entry] if op.entry not in found else []
        self._replace(pending)
        before = self.entries
        try:
            yield
        except IncompleteRollback:
            # Added entries can still be there, so they stay in the record.
            raise
        except NetfleetError:
            self._replace(before)
            raise
        if replaces:
            kept = {one: _list_entries(declared.get_netns(labels.get(one, one))) for one in pending}
            self._replace(
                {
                    reference: [entry for entry in found if entry in kept[reference]]
                    for reference, found in pending.items()
                }
            )

    def _replace(self, entries: Mapping[str, Sequence[Entry]]) -> None:
        found = {reference: tuple(one) for reference, one in entries.items() if one}
        if self._owner is not None and found != self._written:
            _write_entries(self._owner, found)
            self._written = found


def _list_entries(netns: Netns) -> list[Entry]:
    return [*(netns.neighbours or ()), *(netns.routes or ()), *(netns.rules or ())]


def _read_entries(name: str) -> Entries:
    """Return the recorded entries of a topology; raise NetfleetError if the record is invalid."""
    path = FOLDER / f"{name}.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != _VERSION:
            raise ValueError(f"unsupported version {data['version']}")
        return {
            reference: tuple(_TYPES[row.pop("type_of_entry")](**row) for row in rows)
            for reference, rows in data["namespaces"].items()
        }
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise NetfleetError(f"{path} cannot be read: {os.strerror(error.errno or 0)}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"the record of the routes of the topology {name} is invalid: {error}"
        raise NetfleetError(f"{path}: {reason}; remove the file, and remove the routes by hand") from None


def _write_entries(name: str, entries: Entries) -> None:
    """Replace the record of a topology; without entries, there is no record."""
    path = FOLDER / f"{name}.json"
    rows = {reference: [_build_row(entry) for entry in found] for reference, found in entries.items() if found}
    try:
        if not rows:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            return
        FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            json.dump({"version": _VERSION, "name": name, "namespaces": rows}, file)
        new.replace(path)
    except OSError as error:
        raise NetfleetError(f"{path} cannot be written: {os.strerror(error.errno or 0)}") from None


def _build_row(entry: Entry) -> dict[str, Any]:
    kind = next(name for name, type_ in _TYPES.items() if isinstance(entry, type_))
    fields = {field.name: getattr(entry, field.name) for field in dataclasses.fields(entry)}
    return {"type_of_entry": kind, **{name: value for name, value in fields.items() if name not in _OBSERVED}}
