# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Match desired routes, policy rules and neighbours with those of the kernel, one to one. Pure."""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Sequence
from typing import Union

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Neighbour, Route, Rule
from ansible_collections.netfleet.docker.plugins.module_utils._links.original import removal_matches

Entry = Union[Neighbour, Route, Rule]
_CONDITIONS = ("src", "dst", "iif", "oif", "fwmark", "fwmask")


def build_key(entry: Entry) -> Hashable:
    """Return what the kernel identifies an entry by: its table contains only one entry with this key.

    Any number of policy rules can have one priority, so the key of a rule is the whole rule.
    """
    if isinstance(entry, Route):
        return entry.dst, entry.table, entry.metric
    if isinstance(entry, Neighbour):
        return entry.dst, entry.dev, entry.proxy
    return entry


def satisfies(have: Entry, want: Entry) -> bool:
    """Return whether an entry is the desired one; the kernel chooses the device of a route if none is given."""
    if isinstance(have, Route) and isinstance(want, Route) and want.dev is None:
        return replace_fields(have, dev=None) == want
    return have == want


def match_entries(wanted: Iterable[Entry], there: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Return the desired entries that are missing, and the entries that match no desired one."""
    left: dict[Hashable, list[Entry]] = {}
    for have in there:
        left.setdefault(build_key(have), []).append(have)
    missing = []
    for want in wanted:
        candidates = left.get(build_key(want), [])
        place = next((at for at, have in enumerate(candidates) if satisfies(have, want)), None)
        if place is None:
            missing.append(want)
        else:
            del candidates[place]
    return missing, [have for candidates in left.values() for have in candidates]


def find_rules_in_the_way(removed: Sequence[Entry], there: Sequence[Entry]) -> list[Rule]:
    """Return the rules to remove and to add again, in their order, so that the kernel deletes the removed ones.

    The kernel deletes the first rule of the priority that has all properties of the request, and possibly more.
    """
    going = {id(entry) for entry in removed}
    groups: dict[tuple[int, int], list[Rule]] = {}
    for entry in there:
        if isinstance(entry, Rule) and not entry.foreign:
            groups.setdefault((entry.family, entry.priority), []).append(entry)
    found: list[Rule] = []
    for group in groups.values():
        if not all(id(rule) in going for rule in group):
            found += _find_in_group(group, going)
    return found


def _find_in_group(group: Sequence[Rule], going: Container[int]) -> list[Rule]:
    """Return the rules that stay, from the first one that the kernel can delete instead of a later one."""
    for place, kept in enumerate(group):
        later = [rule for number, rule in enumerate(group) if number > place and id(rule) in going]
        if id(kept) not in going and any(_can_be_mistaken(rule, kept) for rule in later):
            return [rule for rule in group[place:] if id(rule) not in going]
    return []


def _can_be_mistaken(rule: Rule, other: Rule) -> bool:
    if rule.original and other.original:
        return removal_matches(rule.original.payload, other.original.payload)
    same = (rule.action, rule.table) == (other.action, other.table)
    return same and all(getattr(rule, key) in (None, getattr(other, key)) for key in _CONDITIONS)


def count_conditions(entry: Entry) -> int:
    """Return the number of conditions of a rule; the one with the most is deleted first, so that none is mistaken."""
    if not isinstance(entry, Rule):
        return 0
    if entry.original:
        return len(entry.original.payload)
    return sum(getattr(entry, key) is not None for key in _CONDITIONS)
