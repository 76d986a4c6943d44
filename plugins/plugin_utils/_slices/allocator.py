# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assignment of slices of a shared subnet to hosts; pure.

A host keeps the slice that is assigned to it or that it had in the previous result. A new host gets the slice that its
name leads to, or the next free one. If two names lead to the same slice, the previous result decides which host keeps
it; without a previous result, this is an error. A slice belongs to a host until the user deletes it from the result.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices import validators
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices.validators import Network, Span

OPTIONS = ("prefix", "count", "assigned", "previous", "reserved", "gateway", "aux_addresses", "ipam")


def ip_slices(subnet: Any, hosts: Any, **options: Any) -> dict[str, Any]:
    """Return the slice of each host by name: in CIDR notation or, with ipam, as an entry of ipam_config.

    The parameters are those of the filter and are validated here.
    """
    for option in options:
        if option not in OPTIONS:
            raise BadParameter(option, f"unknown option; supported are {', '.join(OPTIONS)}")
    shared = _shared(subnet, options)
    names = validators.names(hosts)
    ipam = validators.flag("ipam", options.get("ipam", False))
    had = _read_previous(shared, options)
    new = sorted(set(names) - set(had.kept))
    table = Table(shared, shared.length, had)
    if len(new) > table.free:
        raise _too_many(shared, table, len(new), had, sorted(set(had.kept) - set(names)))
    found = {**had.kept, **_place_hosts(table, new, None if options.get("previous") is not None else had.kept)}
    return {host: shared.entry(found[host]) if ipam else found[host].text for host in sorted(found)}


class Shared(NamedTuple):
    """A subnet, the size of its slices, and the excluded addresses as numbers."""

    net: Network
    length: int
    # No slice overlaps these.
    reserved: list[Span]
    # Addresses in slices that Docker does not assign, sorted.
    left_out: list[int]
    # Those of them to pass to Docker as auxiliary addresses, with their names, sorted.
    aux: list[tuple[int, str]]
    gateway: int | None

    def text(self, number: int) -> str:
        """Return an address as text."""
        return str(type(self.net.network_address)(number))

    def entry(self, one: Span) -> dict[str, Any]:
        """Return the entry of ipam_config for the slice of a host."""
        start, end = (bisect_left(self.aux, (number, "")) for number in (one.first, one.last + 1))
        aux = self.aux[start:end]
        return {
            "subnet": str(self.net),
            "iprange": one.text,
            **({} if self.gateway is None else {"gateway": self.text(self.gateway)}),
            **({"aux_addresses": {name: self.text(number) for number, name in aux}} if aux else {}),
        }


class Had(NamedTuple):
    """Existing slices: those that hosts keep, and those that they release in this run."""

    kept: dict[str, Span]
    left: list[Span]


class Numbers:
    """A set of numbers, stored as sorted, disjoint ranges."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Create the set from ranges of first and last numbers, in any order; they can overlap."""
        self._first: list[int] = []
        self._last: list[int] = []
        for first, last in sorted(ranges):
            if self._last and first <= self._last[-1] + 1:
                self._last[-1] = max(last, self._last[-1])
            else:
                self._first.append(first)
                self._last.append(last)

    def count(self) -> int:
        """Return the number of elements, which can exceed the limit of len()."""
        return sum(self._last) - sum(self._first) + len(self._first)

    def ranges(self) -> list[tuple[int, int]]:
        """Return the ranges."""
        return list(zip(self._first, self._last))

    def past(self, number: int) -> int:
        """Return the first number, starting with this one, that is not in the set."""
        at = bisect_right(self._first, number) - 1
        return max(number, self._last[at] + 1) if at >= 0 else number

    def overlaps(self, first: int, last: int) -> bool:
        """Return whether a range contains an element of the set."""
        at = bisect_right(self._first, last) - 1
        return at >= 0 and self._last[at] >= first

    def add(self, number: int) -> None:
        """Add a number that is not in the set."""
        at = bisect_right(self._first, number)
        last = number
        if at < len(self._first) and self._first[at] == number + 1:
            last = self._last.pop(at)
            self._first.pop(at)
        if at and self._last[at - 1] == number - 1:
            self._last[at - 1] = last
        else:
            self._first.insert(at, number)
            self._last.insert(at, last)


class Table:
    """The slices of one size, numbered from 0: excluded slices and slices in use."""

    def __init__(self, shared: Shared, length: int, had: Had) -> None:
        """Create the table with the existing slices, which can have other sizes."""
        self.net = shared.net
        self.length = length
        self.total = validators.slice_count(shared.net, length)
        self._size = 1 << (shared.net.max_prefixlen - length)
        self._base = int(shared.net.network_address)
        left_out = Counter(self._number(one) for one in shared.left_out)
        full = [(number, number) for number, times in left_out.items() if times == self._size]
        self.barred = Numbers([*full, *map(self._numbers, shared.reserved)])
        self.taken = Numbers([*self.barred.ranges(), *map(self._numbers, [*had.kept.values(), *had.left])])

    @property
    def free(self) -> int:
        """Return the number of free slices."""
        return self.total - self.taken.count()

    def home(self, host: str) -> int:
        """Return the number that the name of a host leads to."""
        digest = hashlib.sha256(host.encode("utf-8", "surrogatepass")).digest()
        return self._next(self.barred, int.from_bytes(digest, "big") % self.total)

    def next_free(self, number: int) -> int:
        """Return the first free number, starting with this one."""
        return self._next(self.taken, number)

    def span(self, number: int) -> Span:
        """Return the slice with this number."""
        first = self._base + number * self._size
        return Span(first, first + self._size - 1, validators.cidr(self.net, first, self.length))

    def _next(self, numbers: Numbers, number: int) -> int:
        found = numbers.past(number)
        return found if found < self.total else numbers.past(0)

    def _number(self, address: int) -> int:
        return (address - self._base) // self._size

    def _numbers(self, span: Span) -> tuple[int, int]:
        return self._number(span.first), self._number(span.last)


def _shared(subnet: Any, options: dict[str, Any]) -> Shared:
    net = validators.subnet(subnet)
    length = validators.prefix_length(net, options.get("prefix"), options.get("count"))
    gateway = options.get("gateway")
    gateway = None if gateway is None else validators.address("gateway", gateway, net)
    # Docker never assigns these, and rejects them as auxiliary addresses.
    known = {int(net[0])} | ({int(net[-1])} if net.version == 4 else set())
    if gateway in known:
        raise BadParameter("gateway", f"{options['gateway']} is the network or broadcast address of {net}")
    known |= set() if gateway is None else {gateway}
    named = validators.aux_addresses(options.get("aux_addresses"), net)
    return Shared(
        net,
        length,
        validators.reserved(options.get("reserved"), net),
        sorted(known | set(named)),
        sorted((number, name) for number, name in named.items() if number not in known),
        gateway,
    )


def _read_previous(shared: Shared, options: dict[str, Any]) -> Had:
    """Return the assigned and previous slices; raise BadParameter if they overlap or are excluded."""
    given = {
        option: validators.slices(option, options.get(option), shared.net, shared.length)
        for option in ("previous", "assigned")
    }
    kept = {**given["previous"], **given["assigned"]}
    where = {host: f"{'assigned' if host in given['assigned'] else 'previous'}[{host}]" for host in kept}
    barred = Numbers((one.first, one.last) for one in shared.reserved)
    for host, one in kept.items():
        if barred.overlaps(one.first, one.last):
            what = next(span.text for span in shared.reserved if span.first <= one.last and span.last >= one.first)
            raise BadParameter(where[host], f"{one.text} overlaps a reserved range: {what}")
        left_out = bisect_right(shared.left_out, one.last) - bisect_left(shared.left_out, one.first)
        if left_out == one.last - one.first + 1:
            raise BadParameter(where[host], f"{one.text} contains no usable address")
    order = sorted(sorted(kept), key=kept.__getitem__)
    for before, after in zip(order, order[1:]):
        if kept[after].first <= kept[before].last:
            # Report the assigned slice, because the user can change it.
            wrong, right = sorted((after, before), key=given["assigned"].__contains__, reverse=True)
            raise BadParameter(where[wrong], f"{kept[wrong].text} overlaps {kept[right].text} of {right}")
    return Had(kept, [one for host, one in given["previous"].items() if one != kept[host]])


def _place_hosts(table: Table, new: Collection[str], others: dict[str, Span] | None) -> dict[str, Span]:
    """Return a slice for each new host; `others` are the existing slices if a conflict is an error."""
    found: dict[str, Span] = {}
    for host in new:
        home = table.home(host)
        number = table.next_free(home)
        if number != home and others is not None:
            raise _describe_collision(table.span(home), host, {**others, **found})
        table.taken.add(number)
        found[host] = table.span(number)
    return found


def _describe_collision(one: Span, host: str, others: dict[str, Span]) -> BadParameter:
    other = next(name for name, span in others.items() if span.first <= one.last and span.last >= one.first)
    return BadParameter(
        "previous",
        f"required, because the names of {host} and {other} lead to the same slice {one.text}; pass the stored result "
        f"of the last run ({{}} in the first run), or assign a slice to {host} in assigned",
    )


def _too_many(shared: Shared, table: Table, new: int, had: Had, absent: list[str]) -> BadParameter:
    longer = range(shared.length + 1, shared.net.max_prefixlen + 1)
    fits = next((length for length in longer if Table(shared, length, had).free >= new), None)
    reason = (
        f"slices of /{shared.length} in {shared.net}: {new} required, {table.free} of {table.total} free; "
        f"{f'prefix={fits} is sufficient' if fits else 'a larger subnet is required'}"
    )
    if absent:
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
        reason += f"; reserved for hosts that are not listed: {', '.join(absent[:5])}{more}"
    if had.left:
        reason += f"; free in the next run: {len(had.left)}"
    return BadParameter("hosts", reason)
