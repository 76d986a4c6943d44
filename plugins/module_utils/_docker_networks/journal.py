# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members of a network during a recreation, saved on the host until all are connected again.

A killed run leaves the file, and the next run completes the recreation. The file contains network and endpoint data of
Docker, and only names and IDs of containers.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Callable, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.model import (
    Member,
    Network,
    parse_plain_member,
    parse_plain_network,
    to_plain,
)

FOLDER = Path("/var/lib/netfleet.docker/networks")
_VERSION = 1


class JournalEntry(NamedTuple):
    """A network before its recreation, its members by container ID, and its ID."""

    network: Network
    members: Mapping[str, Member]
    id: str = ""


class Journal:
    """The journal of one network of one engine."""

    def __init__(self, get_engine_id: Callable[[], str], name: str) -> None:
        """Take a function that returns the ID of the engine, and the name of the network.

        An engine has several URLs and spellings of them, but one ID.
        """
        self._get_engine_id = get_engine_id
        self._name = name

    @functools.cached_property
    def _path(self) -> Path:
        key = f"{self._get_engine_id()} {self._name}"
        return FOLDER / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"

    def read(self) -> JournalEntry | None:
        """Return the journal; None if there is none; raise NetfleetError if it is unreadable."""
        # The engine takes long to return its ID, and journals are rare.
        if not any(FOLDER.glob("*.json")):
            return None
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
            if data["version"] != _VERSION:
                raise ValueError(f"unsupported version {data['version']}")
            members = [parse_plain_member(one) for one in data["members"]]
            return JournalEntry(
                parse_plain_network(data["network"]), {member.id: member for member in members}, data["id"]
            )
        except FileNotFoundError:
            return None
        except OSError as error:
            raise NetfleetError(f"{self._path} cannot be read: {os.strerror(error.errno or 0)}") from None
        except (ValueError, KeyError, TypeError) as error:
            reason = f"the recovery journal of {self._name} from an interrupted run is invalid: {error}"
            raise NetfleetError(f"{self._path}: {reason}; inspect and remove the file") from None

    def write(self, entry: JournalEntry) -> None:
        """Write the journal; after the return, it survives the end of the process and a crash of the machine."""
        data = {
            "version": _VERSION,
            "name": self._name,
            "id": entry.id,
            "network": to_plain(entry.network),
            "members": [to_plain(member) for member in entry.members.values()],
        }
        new = self._path.with_suffix(".new")
        try:
            FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(fd, "w", encoding="utf-8") as file:
                json.dump(data, file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
            _sync_directory(FOLDER)
        except OSError as error:
            words = os.strerror(error.errno or 0)
            raise NetfleetError(
                f"{FOLDER}: cannot write the recovery journal of {self._name}: {words}; nothing was changed"
            ) from None

    def remove(self) -> None:
        """Remove the journal after all members are connected again."""
        if any(FOLDER.glob("*.json")):
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()
                _sync_directory(FOLDER)


def _sync_directory(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
