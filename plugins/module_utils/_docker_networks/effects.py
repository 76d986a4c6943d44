# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Effects of operations on networks and their members, for results, diffs and summaries; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.operations import (
    CreateNetwork,
    DisconnectMember,
    Op,
    RemoveNetwork,
)


class Effects(NamedTuple):
    """Names of created, changed, recreated and deleted networks; of running containers that are disconnected."""

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    recreated: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    interrupted: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, list[str]]:
        """Return the effects as a module result."""
        return {name: list(value) for name, value in self._asdict().items()}

    def describe_recreation(self, name: str) -> str:
        """Return the line for a recreated network; empty if it is not recreated."""
        if name not in self.recreated:
            return ""
        count = len(self.interrupted)
        members = f"{count} member{'' if count == 1 else 's'} interrupted ({', '.join(self.interrupted)})"
        return f"RECREATE network {name}: {members if count else 'no running members'}"


def find_effects(name: str, operations: Iterable[Op]) -> Effects:
    """Return the effects of the operations on one network."""
    operations = list(operations)
    creates = any(isinstance(op, CreateNetwork) for op in operations)
    removes = any(isinstance(op, RemoveNetwork) for op in operations)
    leaving = {op.member.name: op.member for op in operations if isinstance(op, DisconnectMember)}
    one = (name,)
    return Effects(
        created=one if creates and not removes else (),
        changed=one if operations and not creates and not removes else (),
        recreated=one if creates and removes else (),
        deleted=one if removes and not creates else (),
        interrupted=tuple(sorted(member.name for member in leaving.values() if member.running)),
    )


def merge_effects(results: Iterable[Mapping[str, list[str]]]) -> dict[str, list[str]]:
    """Return the effects of several networks; a container can lose several connections."""
    found: dict[str, list[str]] = {name: [] for name in Effects._fields}
    for one in results:
        for name, values in one.items():
            found[name] += [value for value in values if value not in found[name]]
    return found
