# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assignment of slices of a shared subnet to hosts; pure.

A host keeps the slice that is assigned to it or that it had in the previous result. A new host gets the slice that its
name maps to, or the next free one. If two names map to the same slice, the previous result decides which host keeps
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


def allocate_slices(subnet: Any, hosts: Any, **options: Any) -> dict[str, Any]:
    """Return the slice of each host by name: in CIDR notation or, with ipam, as an entry of ipam_config.

    The parameters are those of the filter and are validated here.
    """
    for option in options:
        if option not in OPTIONS:
            raise BadParameter(option, f"unknown option; supported are {', '.join(OPTIONS)}")
    shared = _parse_shared_subnet(subnet, options)
    names = validators.parse_names(hosts)
    ipam = validators.parse_flag("ipam", options.get("ipam", False))
    existing = _read_previous(shared, options)
    new = sorted(set(names) - set(existing.kept))
    table = SliceTable(shared, shared.length, existing)
    if len(new) > table.free_count:
        raise _describe_shortage(shared, table, len(new), existing, sorted(set(existing.kept) - set(names)))
    found = {
        **existing.kept,
        **_place_hosts(table, new, None if options.get("previous") is not None else existing.kept),
    }
    return {host: shared.build_ipam_entry(found[host]) if ipam else found[host].text for host in sorted(found)}


class SlicedSubnet(NamedTuple):
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

    def format_address(self, number: int) -> str:
        """Return an address as text."""
        return str(type(self.net.network_address)(number))

    def build_ipam_entry(self, one: Span) -> dict[str, Any]:
        """Return the entry of ipam_config for the slice of a host."""
        start, end = (bisect_left(self.aux, (number, "")) for number in (one.first, one.last + 1))
        aux = self.aux[start:end]
        return {
            "subnet": str(self.net),
            "iprange": one.text,
            **({} if self.gateway is None else {"gateway": self.format_address(self.gateway)}),
            **({"aux_addresses": {name: self.format_address(number) for number, name in aux}} if aux else {}),
        }


class ExistingSlices(NamedTuple):
    """Existing slices: those that hosts keep, and those that they release in this run."""

    kept: dict[str, Span]
    left: list[Span]


class NumberSet:
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

    def get_ranges(self) -> list[tuple[int, int]]:
        """Return the ranges."""
        return list(zip(self._first, self._last))

    def find_next_absent(self, number: int) -> int:
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


class SliceTable:
    """The slices of one size, numbered from 0: excluded slices and slices in use."""

    def __init__(self, shared: SlicedSubnet, length: int, existing: ExistingSlices) -> None:
        """Create the table with the existing slices, which can have other sizes."""
        self.net = shared.net
        self.length = length
        self.total = validators.count_slices(shared.net, length)
        self._size = 1 << (shared.net.max_prefixlen - length)
        self._base = int(shared.net.network_address)
        left_out = Counter(self._get_number(one) for one in shared.left_out)
        full = [(number, number) for number, times in left_out.items() if times == self._size]
        self.barred = NumberSet([*full, *map(self._get_numbers, shared.reserved)])
        self.taken = NumberSet(
            [*self.barred.get_ranges(), *map(self._get_numbers, [*existing.kept.values(), *existing.left])]
        )

    @property
    def free_count(self) -> int:
        """Return the number of free slices."""
        return self.total - self.taken.count()

    def compute_home(self, host: str) -> int:
        """Return the preferred number of a host, which its name determines."""
        digest = hashlib.sha256(host.encode("utf-8", "surrogatepass")).digest()
        return self._find_next(self.barred, int.from_bytes(digest, "big") % self.total)

    def find_next_free(self, number: int) -> int:
        """Return the first free number, starting with this one."""
        return self._find_next(self.taken, number)

    def get_span(self, number: int) -> Span:
        """Return the slice with this number."""
        first = self._base + number * self._size
        return Span(first, first + self._size - 1, validators.format_cidr(self.net, first, self.length))

    def _find_next(self, numbers: NumberSet, number: int) -> int:
        found = numbers.find_next_absent(number)
        return found if found < self.total else numbers.find_next_absent(0)

    def _get_number(self, address: int) -> int:
        return (address - self._base) // self._size

    def _get_numbers(self, span: Span) -> tuple[int, int]:
        return self._get_number(span.first), self._get_number(span.last)


def _parse_shared_subnet(subnet: Any, options: dict[str, Any]) -> SlicedSubnet:
    net = validators.parse_subnet(subnet)
    length = validators.parse_prefix_length(net, options.get("prefix"), options.get("count"))
    gateway = options.get("gateway")
    gateway = None if gateway is None else validators.parse_address("gateway", gateway, net)
    # Docker never assigns these, and rejects them as auxiliary addresses.
    known = {int(net[0])} | ({int(net[-1])} if net.version == 4 else set())
    if gateway in known:
        raise BadParameter("gateway", f"{options['gateway']} is the network or broadcast address of {net}")
    known |= set() if gateway is None else {gateway}
    named = validators.parse_aux_addresses(options.get("aux_addresses"), net)
    return SlicedSubnet(
        net,
        length,
        validators.parse_reserved(options.get("reserved"), net),
        sorted(known | set(named)),
        sorted((number, name) for number, name in named.items() if number not in known),
        gateway,
    )


def _read_previous(shared: SlicedSubnet, options: dict[str, Any]) -> ExistingSlices:
    """Return the assigned and previous slices; raise BadParameter if they overlap or are excluded."""
    given = {
        option: validators.parse_slices(option, options.get(option), shared.net, shared.length)
        for option in ("previous", "assigned")
    }
    kept = {**given["previous"], **given["assigned"]}
    where = {host: f"{'assigned' if host in given['assigned'] else 'previous'}[{host}]" for host in kept}
    barred = NumberSet((one.first, one.last) for one in shared.reserved)
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
    return ExistingSlices(kept, [one for host, one in given["previous"].items() if one != kept[host]])


def _place_hosts(table: SliceTable, new: Collection[str], others: dict[str, Span] | None) -> dict[str, Span]:
    """Return a slice for each new host; `others` are the existing slices if a conflict is an error."""
    found: dict[str, Span] = {}
    for host in new:
        home = table.compute_home(host)
        number = table.find_next_free(home)
        if number != home and others is not None:
            raise _describe_collision(table.get_span(home), host, {**others, **found})
        table.taken.add(number)
        found[host] = table.get_span(number)
    return found


def _describe_collision(one: Span, host: str, others: dict[str, Span]) -> BadParameter:
    other = next(name for name, span in others.items() if span.first <= one.last and span.last >= one.first)
    return BadParameter(
        "previous",
        f"required, because the names of {host} and {other} map to the same slice {one.text}; pass the stored result "
        f"of the last run ({{}} in the first run), or assign a slice to {host} in assigned",
    )


def _describe_shortage(
    shared: SlicedSubnet, table: SliceTable, new: int, existing: ExistingSlices, absent: list[str]
) -> BadParameter:
    longer = range(shared.length + 1, shared.net.max_prefixlen + 1)
    fits = next((length for length in longer if SliceTable(shared, length, existing).free_count >= new), None)
    reason = (
        f"slices of /{shared.length} in {shared.net}: {new} required, {table.free_count} of {table.total} free; "
        f"{f'prefix={fits} is sufficient' if fits else 'a larger subnet is required'}"
    )
    if absent:
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
        reason += f"; reserved for hosts that are not listed: {', '.join(absent[:5])}{more}"
    if existing.left:
        reason += f"; free in the next run: {len(existing.left)}"
    return BadParameter("hosts", reason)
