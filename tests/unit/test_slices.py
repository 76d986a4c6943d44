# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slices of a shared subnet: no address is assigned twice, and assigned slices do not move."""

from __future__ import annotations

import hashlib
import ipaddress
import itertools
import os
import time
from collections.abc import Iterable
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices.allocator import NumberSet, allocate_slices
from hypothesis import given, settings
from hypothesis import strategies as st

laws = settings(
    max_examples=int(os.environ.get("NETFLEET_EXAMPLES", "80")),
    derandomize="NETFLEET_EXAMPLES" not in os.environ,
    deadline=None,
)

HOSTS = [f"h{number}" for number in range(12)]
SUBNET = "192.0.2.0/24"


def networks(small: bool = True) -> st.SearchStrategy[Any]:
    """Return subnets of both families, small enough to enumerate their addresses."""

    def of(size: int, kind: type[Any], bits: int) -> st.SearchStrategy[Any]:
        shortest = bits - 8 if small else bits - size
        return st.tuples(st.integers(1, 2**20), st.integers(shortest, bits)).map(
            lambda drawn: kind((drawn[0] << (bits - 25), drawn[1]), strict=False)
        )

    return of(16, ipaddress.IPv4Network, 32) | of(64, ipaddress.IPv6Network, 128)


@st.composite
def settings_of(draw: st.DrawFn, net: Any) -> dict[str, Any]:
    """Return options for a small subnet without hosts."""
    one = st.integers(0, net.num_addresses - 1).map(net.__getitem__)
    options: dict[str, Any] = {}
    if draw(st.booleans()):
        low, high = sorted((draw(one), draw(one)))
        options["reserved"] = draw(st.sampled_from([[str(low)], [f"{low}-{high}"], str(low), [f"{low}", f"{high}"]]))
    gateway = draw(st.none() | one)
    if gateway not in (None, *docker_never(net)):
        options["gateway"] = str(gateway)
    options["aux_addresses"] = {f"a{at}": str(found) for at, found in enumerate(draw(st.sets(one, max_size=6)))}
    return options


def docker_never(net: Any) -> set[Any]:
    """Return the addresses that Docker never assigns."""
    return {net[0], net[-1]} if net.version == 4 else {net[0]}


def docker_hands_out(entry: dict[str, Any]) -> set[Any]:
    """Return the addresses that Docker Engine would assign with this ipam_config; fail if it would reject it."""
    net, part = ipaddress.ip_network(entry["subnet"]), ipaddress.ip_network(entry["iprange"])
    assert part[0] in net
    assert part[-1] in net
    used = docker_never(net)
    for one in [*([entry["gateway"]] if "gateway" in entry else []), *entry.get("aux_addresses", {}).values()]:
        address = ipaddress.ip_address(one)
        assert address in net
        assert address not in used, "Docker Engine would fail: Address already in use"
        used.add(address)
    return set(part) - used


def reserved_in(net: Any, options: dict[str, Any]) -> set[Any]:
    given_ones = options.get("reserved", [])
    found: set[Any] = set()
    for text in [given_ones] if isinstance(given_ones, str) else given_ones:
        low, dash, high = text.partition("-")
        first = ipaddress.ip_address(low)
        last = ipaddress.ip_address(high) if dash else first
        found |= {address for address in net if first <= address <= last}
    return found


def room(net: Any, length: int, options: dict[str, Any], had: Iterable[str]) -> int:
    """Return the number of available slices by enumeration."""
    taken = reserved_in(net, options) | {address for one in had for address in ipaddress.ip_network(one)}
    used = docker_never(net) | {
        ipaddress.ip_address(one)
        for one in [*options.get("aux_addresses", {}).values(), *filter(None, [options.get("gateway")])]
    }
    return sum(not set(part) & taken and bool(set(part) - used) for part in net.subnets(new_prefix=length))


@laws
@given(st.data())
def test_no_address_is_assigned_twice(data: st.DataObject) -> None:
    """Each result is the input of the next run, while hosts and prefix lengths change and some hosts are removed."""
    net = data.draw(networks())
    options = data.draw(settings_of(net))
    reserved = reserved_in(net, options)
    others = {ipaddress.ip_address(one) for one in options["aux_addresses"].values()}
    previous: dict[str, str] = {}
    for _step in range(data.draw(st.integers(1, 5))):
        hosts = data.draw(st.lists(st.sampled_from(HOSTS), unique=True))
        length = data.draw(st.integers(net.prefixlen, net.max_prefixlen))
        new = set(hosts) - set(previous)
        given_ones = {**options, "prefix": length, "previous": previous}
        free = room(net, length, options, previous.values())
        try:
            result = allocate_slices(str(net), hosts, **given_ones)
        except BadParameter as refused:
            reason = str(refused)
            assert reason.startswith(f"hosts: slices of /{length} in {net}: {len(new)} required, {free} of ")
            assert len(new) > free
            continue
        assert len(new) <= free
        assert set(result) == {*previous, *hosts}
        assert {host: result[host] for host in previous} == previous
        assert all(result[host].endswith(f"/{length}") for host in new)
        entries = allocate_slices(str(net), hosts, **given_ones, ipam=True)
        assert {host: entry["iprange"] for host, entry in entries.items()} == result
        handed_out = [docker_hands_out(entry) for entry in entries.values()]
        every = set().union(*handed_out)
        assert sum(map(len, handed_out)) == len(every)
        assert all(handed_out)
        assert not every & (reserved | others | {ipaddress.ip_address(options.get("gateway", str(net[0])))})
        # Another run with either kind of result gives the same result.
        for kept in (result, entries):
            assert allocate_slices(str(net), hosts[::-1], **{**given_ones, "previous": kept}) == result
        gone = data.draw(st.sets(st.sampled_from(sorted(result)))) if result else set()
        previous = {host: one for host, one in result.items() if host not in gone}


@laws
@given(networks(small=False), st.permutations(HOSTS), st.integers(1, len(HOSTS)), st.data())
def test_order_of_hosts_does_not_matter(net: Any, hosts: list[str], many: int, data: st.DataObject) -> None:
    length = data.draw(st.integers(net.prefixlen, net.max_prefixlen))

    def said(*order: str) -> Any:
        try:
            return list(allocate_slices(str(net), order, prefix=length, previous={}).items())
        except BadParameter as error:
            return str(error)

    listed = hosts[:many]
    assert said(*listed) == said(*sorted(listed)) == said(*listed[::-1])


@laws
@given(networks(small=False), st.sets(st.text(min_size=1, max_size=8), max_size=12), st.data())
def test_slice_without_a_file_depends_on_the_name_only(net: Any, hosts: set[str], data: st.DataObject) -> None:
    """The filter fails if two names map to one slice, and moves no host."""
    length = data.draw(st.integers(net.prefixlen, net.max_prefixlen))
    reserved = [str(net[-1])] if net.prefixlen < length < net.max_prefixlen else []
    try:
        alone = {host: allocate_slices(str(net), [host], prefix=length, reserved=reserved)[host] for host in hosts}
    except BadParameter:
        assert net.num_addresses <= 2 or length == net.prefixlen
        return
    parts = [ipaddress.ip_network(one) for one in alone.values()]
    if len(set(parts)) == len(parts):
        assert allocate_slices(str(net), hosts, prefix=length, reserved=reserved) == alone
    else:
        with pytest.raises(BadParameter, match=r"^(previous: required|hosts: slices of \S+ in \S+: \d+ required)"):
            allocate_slices(str(net), hosts, prefix=length, reserved=reserved)


@laws
@given(
    st.sets(st.integers(0, 60)),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=6),
    st.integers(0, 70),
)
def test_number_ranges_behave_like_a_set(single: set[int], pairs: list[tuple[int, int]], asked: int) -> None:
    model = {number for first, more in pairs for number in range(first, first + more + 1)}
    numbers = NumberSet((first, first + more) for first, more in pairs)
    for number in sorted(single - model, key=str):
        numbers.add(number)
    model |= single
    assert numbers.count() == len(model)
    assert {number for first, last in numbers.get_ranges() for number in range(first, last + 1)} == model
    assert all(last + 1 < first for (_one, last), (first, _two) in itertools.pairwise(numbers.get_ranges()))
    assert numbers.find_next_absent(asked) == next(number for number in itertools.count(asked) if number not in model)
    assert numbers.overlaps(asked, asked + 3) == bool(model & set(range(asked, asked + 4)))


def test_slice_follows_the_digest_of_the_name() -> None:
    """Other versions and other programs compute the same slice."""
    for host in HOSTS:
        number = int(hashlib.sha256(host.encode()).hexdigest()[-2:], 16) % 16
        assert allocate_slices(SUBNET, [host]) == {host: f"192.0.2.{number * 16}/28"}


@pytest.mark.parametrize(
    ("subnet", "options", "length"),
    [
        ("192.0.2.0/24", {}, 28),
        ("192.0.2.0/25", {}, 29),
        ("10.0.0.0/16", {}, 24),
        ("fd00::/64", {}, 96),
        ("192.0.2.0/24", {"prefix": 24}, 24),
        ("192.0.2.0/24", {"prefix": "27"}, 27),
        ("192.0.2.0/24", {"count": 1}, 24),
        ("192.0.2.0/24", {"count": 8}, 27),
        ("192.0.2.0/24", {"count": 9}, 28),
        ("192.0.2.0/24", {"count": "256"}, 32),
        ("fd00::/64", {"count": 2**64}, 128),
        (" 192.0.2.0/255.255.255.0 ", {}, 28),
    ],
)
def test_length_of_a_slice(subnet: str, options: dict[str, Any], length: int) -> None:
    assert allocate_slices(subnet, ["a"], **options)["a"].endswith(f"/{length}")


def test_assigned_slices_take_precedence() -> None:
    previous = {"a": "192.0.2.0/28", "gone": "192.0.2.16/28", "b": "192.0.2.32/28"}
    assigned = {"a": 4, "big": "192.0.2.128/25", "third": "5", "none": None}
    result = allocate_slices(SUBNET, ["b", "a", "big"], previous=previous, assigned=assigned)
    assert result == {
        "a": "192.0.2.64/28",
        "b": "192.0.2.32/28",
        "big": "192.0.2.128/25",
        "gone": "192.0.2.16/28",
        "third": "192.0.2.80/28",
    }


def test_released_slice_is_free_from_the_next_run() -> None:
    """Until the host has moved, its containers keep their addresses."""
    given_ones: dict[str, Any] = {"prefix": 25, "assigned": {"a": 1}}
    with pytest.raises(BadParameter, match=r"^hosts: .* 1 required, 0 of 2 free; .*; free in the next run: 1$"):
        allocate_slices("192.0.2.0/24", ["a", "b"], **given_ones, previous={"a": "192.0.2.0/25"})
    moved = allocate_slices("192.0.2.0/24", ["a"], **given_ones, previous={"a": "192.0.2.0/25"})
    assert moved == {"a": "192.0.2.128/25"}
    assert allocate_slices("192.0.2.0/24", ["a", "b"], **given_ones, previous=moved)["b"] == "192.0.2.0/25"


def test_each_host_gets_its_own_auxiliary_addresses() -> None:
    """Without addresses that Docker reserves itself, and without those in slices of other hosts."""
    aux = {"nas": "192.0.2.40", "router": "192.0.2.1", "net": "192.0.2.0", "all": "192.0.2.255", "tv": "192.0.2.200"}
    entries = allocate_slices(
        SUBNET,
        ["a", "b"],
        assigned={"a": 0, "b": 2},
        gateway="192.0.2.1",
        aux_addresses=aux,
        ipam=True,
    )
    assert entries == {
        "a": {"subnet": SUBNET, "gateway": "192.0.2.1", "iprange": "192.0.2.0/28"},
        "b": {
            "subnet": SUBNET,
            "gateway": "192.0.2.1",
            "iprange": "192.0.2.32/28",
            "aux_addresses": {"nas": "192.0.2.40"},
        },
    }
    assert allocate_slices("fd00::/64", ["a"], assigned={"a": 0}, ipam=True) == {
        "a": {"subnet": "fd00::/64", "iprange": "fd00::/96"}
    }


def test_last_slice_of_a_large_ipv6_subnet_is_not_used() -> None:
    """Docker cannot represent it."""
    hosts = [f"h{number}" for number in range(255)]
    found = allocate_slices("fd00::/64", hosts, prefix=72, previous={})
    assert "fd00::ff00:0:0:0/72" not in found.values()
    with pytest.raises(BadParameter, match="256 required, 255 of 256 free"):
        allocate_slices("fd00::/64", [*hosts, "more"], prefix=72, previous={})


@pytest.mark.parametrize(
    ("subnet", "prefix", "many"), [("10.0.0.0/8", 22, 16384), ("10.0.0.0/8", 24, 10000), ("fd00::/64", 96, 10000)]
)
def test_ten_thousand_hosts_are_assigned_quickly(subnet: str, prefix: int, many: int) -> None:
    """Also with a full subnet, where each of the last hosts has one place left, and when nothing is new."""
    hosts = [f"server{number}.example.com" for number in range(many)]
    began = time.process_time()
    found = allocate_slices(subnet, hosts, prefix=prefix, previous={})
    again = allocate_slices(subnet, hosts, prefix=prefix, previous=found, ipam=True)
    assert time.process_time() - began < 10
    parts = sorted(ipaddress.ip_network(one) for one in found.values())
    assert len(parts) == many
    assert all(int(one[-1]) < int(other[0]) for one, other in itertools.pairwise(parts))
    assert [entry["iprange"] for entry in again.values()] == list(found.values())


def test_ten_thousand_addresses_are_excluded_quickly() -> None:
    hosts = [f"h{number}" for number in range(10000)]
    base = int(ipaddress.ip_address("10.0.0.0"))
    aux = {host: str(ipaddress.ip_address(base + 256 * at + 7)) for at, host in enumerate(hosts)}
    reserved = [str(ipaddress.ip_address(base + 128 * 256 * 256 + 1024 * at)) for at in range(5000)]
    began = time.process_time()
    found = allocate_slices(
        "10.0.0.0/8", hosts, prefix=24, previous={}, aux_addresses=aux, reserved=reserved, ipam=True
    )
    assert time.process_time() - began < 10
    told = [one for entry in found.values() for one in entry.get("aux_addresses", {}).values()]
    assert told
    assert set(told) <= set(aux.values())


Q: dict[str, Any] = {"previous": {}}

REFUSED: list[tuple[Any, Any, dict[str, Any], str]] = [
    # subnet
    ("192.0.2.5/24", ["a"], {}, "subnet: 192.0.2.5/24 has host bits set; must be 192.0.2.0/24"),
    ("fd00::1/64", ["a"], {}, "subnet: fd00::1/64 has host bits set; must be fd00::/64"),
    ("192.0.2.0", ["a"], {}, "subnet: '192.0.2.0' has no prefix length"),
    ("192.0.2.0/33", ["a"], {}, "subnet: '192.0.2.0/33' is not a subnet"),
    ("192.0.2/24", ["a"], {}, "subnet: '192.0.2/24' is not a subnet"),
    ("", ["a"], {}, "subnet: '' has no prefix length"),
    (None, ["a"], {}, "subnet: must be a subnet such as 192.0.2.0/24 or fd00::/64, not None"),
    (3232235776, ["a"], {}, "subnet: must be a subnet"),
    ([SUBNET], ["a"], {}, "subnet: must be a subnet"),
    ("224.0.0.0/8", ["a"], {}, "subnet: 224.0.0.0/8 is a multicast subnet"),
    ("fd00::/63", ["a"], {}, "subnet: fd00::/63 is too large for Docker; an IPv6 subnet must be /64 or longer"),
    # hosts
    (SUBNET, None, {}, "hosts: must be a list of host names, not None"),
    (SUBNET, "a,b", {}, "hosts: must be a list of host names, not 'a,b'"),
    (SUBNET, {"a": 1}, {}, "hosts: must be a list of host names"),
    (SUBNET, 5, {}, "hosts: must be a list of host names, not 5"),
    (SUBNET, ["a", 5], {}, "hosts: 5 is not a name"),
    (SUBNET, ["a", ""], {}, "hosts: '' is not a name"),
    (SUBNET, [["a"]], {}, r"hosts: .+ is not a name"),
    (SUBNET, ["a", "b", "a"], {}, "hosts: 'a' is listed twice"),
    (
        SUBNET,
        HOSTS,
        {"prefix": 29, "count": None, "reserved": ["192.0.2.128/25", "192.0.2.0/26"], **Q},
        "hosts: slices of /29 in 192.0.2.0/24: 12 required, 8 of 32 free; prefix=30 is sufficient",
    ),
    (
        "192.0.2.0/29",
        HOSTS,
        Q,
        "hosts: slices of /31 in 192.0.2.0/29: 12 required, 4 of 4 free; a larger subnet is required$",
    ),
    (
        "192.0.2.0/24",
        ["a"],
        {"prefix": 24, "previous": {"gone": SUBNET}},
        "hosts: .* a larger subnet is required; reserved for hosts that are not listed: gone$",
    ),
    ("192.0.2.0/32", ["a"], Q, "hosts: slices of /32 in 192.0.2.0/32: 1 required, 0 of 1 free"),
    # prefix and count
    (SUBNET, ["a"], {"prefix": 23}, "prefix: 23 is not possible for 192.0.2.0/24; must be 24 to 32"),
    (SUBNET, ["a"], {"prefix": 33}, "prefix: 33 is not possible for 192.0.2.0/24; must be 24 to 32"),
    (SUBNET, ["a"], {"prefix": -1}, "prefix: -1 is not possible"),
    (SUBNET, ["a"], {"prefix": "/28"}, "prefix: must be an integer, not '/28'"),
    (SUBNET, ["a"], {"prefix": True}, "prefix: must be an integer, not True"),
    (SUBNET, ["a"], {"prefix": 28.0}, "prefix: must be an integer, not 28.0"),
    (SUBNET, ["a"], {"prefix": 10**5000}, "prefix: must be an integer, not a number of 16610 bits"),
    (SUBNET, ["a"], {"prefix": "9" * 5000}, "prefix: must be an integer, not '999"),
    (SUBNET, ["a"], {"prefix": 28, "count": 16}, "count: mutually exclusive with prefix"),
    (SUBNET, ["a"], {"count": 0}, "count: 0 is not possible for 192.0.2.0/24; must be 1 to 256"),
    (SUBNET, ["a"], {"count": 257}, "count: 257 is not possible for 192.0.2.0/24; must be 1 to 256"),
    # assigned and previous
    (SUBNET, ["a"], {"assigned": ["a"]}, "assigned: must be a dictionary"),
    (SUBNET, ["a"], {"previous": "a"}, "previous: must be a dictionary, not 'a'"),
    (SUBNET, ["a"], {"assigned": {5: 1}}, "assigned: 5 is not a name"),
    (
        SUBNET,
        ["a"],
        {"assigned": {"a": 16}},
        r"assigned\[a\]: 16 is not a slice of /28 in 192.0.2.0/24; must be 0 to 15",
    ),
    (SUBNET, ["a"], {"assigned": {"a": -1}}, r"assigned\[a\]: -1 is not a slice of /28"),
    (
        SUBNET,
        ["a"],
        {"assigned": {"a": "x"}},
        r"assigned\[a\]: must be a slice such as 192.0.2.32/28 or its number, not 'x'",
    ),
    (SUBNET, ["a"], {"assigned": {"a": True}}, r"assigned\[a\]: must be a slice"),
    (SUBNET, ["a"], {"assigned": {"a": {"subnet": SUBNET}}}, r"assigned\[a\]: must be a slice"),
    (SUBNET, ["a"], {"previous": {"a": None}}, r"previous\[a\]: must be a slice"),
    (
        SUBNET,
        ["a"],
        {"assigned": {"a": "192.0.2.8/28"}},
        r"assigned\[a\]: 192.0.2.8/28 has host bits set; must be 192.0.2.0/28",
    ),
    (
        SUBNET,
        ["a"],
        {"assigned": {"a": "192.0.3.0/28"}},
        r"assigned\[a\]: 192.0.3.0/28 is outside the subnet 192.0.2.0/24",
    ),
    (SUBNET, ["a"], {"assigned": {"a": "192.0.2.0/23"}}, r"assigned\[a\]: 192.0.2.0/23 is outside the subnet"),
    (
        SUBNET,
        ["a"],
        {"assigned": {"a": "fd00::/120"}},
        r"assigned\[a\]: fd00::/120 is IPv6, but the subnet 192.0.2.0/24 is IPv4",
    ),
    (
        SUBNET,
        [],
        {"assigned": {"a": 1, "b": "192.0.2.24/29"}},
        r"assigned\[b\]: 192.0.2.24/29 overlaps 192.0.2.16/28 of a",
    ),
    (
        SUBNET,
        [],
        {"previous": {"a": 1}, "assigned": {"b": 1}},
        r"assigned\[b\]: 192.0.2.16/28 overlaps 192.0.2.16/28 of a",
    ),
    (
        SUBNET,
        [],
        {"previous": {"b": 1}, "assigned": {"a": 1}},
        r"assigned\[a\]: 192.0.2.16/28 overlaps 192.0.2.16/28 of b",
    ),
    (SUBNET, [], {"previous": {"b": 1, "a": 1}}, r"previous\[b\]: 192.0.2.16/28 overlaps 192.0.2.16/28 of a"),
    (
        SUBNET,
        [],
        {"previous": {"a": 1}, "reserved": ["192.0.2.20"]},
        r"previous\[a\]: 192.0.2.16/28 overlaps a reserved range: 192.0.2.20",
    ),
    (
        SUBNET,
        [],
        {"assigned": {"a": "192.0.2.1/32"}, "gateway": "192.0.2.1"},
        r"assigned\[a\]: 192.0.2.1/32 contains no usable address",
    ),
    (
        "fd00::/64",
        [],
        {"assigned": {"a": 2**32 - 1}},
        r"assigned\[a\]: .* overlaps a reserved range: .* Docker cannot assign",
    ),
    # reserved, gateway, aux_addresses
    (SUBNET, ["a"], {"reserved": 5}, "reserved: must be a list of addresses, not 5"),
    (SUBNET, ["a"], {"reserved": {"a": "192.0.2.1"}}, "reserved: must be a list of addresses"),
    (SUBNET, ["a"], {"reserved": [None]}, "reserved: must be an address, a range .* or a subnet, not None"),
    (SUBNET, ["a"], {"reserved": ["x"]}, "reserved: 'x' is not an IPv4 or IPv6 address"),
    (SUBNET, ["a"], {"reserved": ["192.0.2.10-20"]}, "reserved: '20' is not an IPv4 or IPv6 address"),
    (SUBNET, ["a"], {"reserved": ["192.0.2.20-192.0.2.10"]}, "reserved: 192.0.2.20-192.0.2.10 is not a range"),
    (
        SUBNET,
        ["a"],
        {"reserved": ["192.0.2.5/24"]},
        "reserved: 192.0.2.5/24 has host bits set; must be 192.0.2.0/24",
    ),
    (SUBNET, ["a"], {"reserved": ["198.51.100.1"]}, "reserved: 198.51.100.1 is outside the subnet 192.0.2.0/24"),
    (SUBNET, ["a"], {"reserved": ["fd00::1"]}, "reserved: fd00::1 is IPv6, but the subnet 192.0.2.0/24 is IPv4"),
    (
        "fd00::/64",
        ["a"],
        {"reserved": ["10.0.0.0/8"]},
        "reserved: 10.0.0.0/8 is IPv4, but the subnet fd00::/64 is IPv6",
    ),
    (SUBNET, ["a"], {"gateway": "192.0.3.1"}, "gateway: 192.0.3.1 is outside the subnet 192.0.2.0/24"),
    (SUBNET, ["a"], {"gateway": "192.0.2.1/24"}, "gateway: '192.0.2.1/24' is not an IPv4 or IPv6 address"),
    (SUBNET, ["a"], {"gateway": "192.0.2.255"}, "gateway: 192.0.2.255 is the network or broadcast address"),
    ("fd00::/64", ["a"], {"gateway": "fe80::1%eth0"}, "gateway: .*zone"),
    (SUBNET, ["a"], {"aux_addresses": ["192.0.2.1"]}, "aux_addresses: must be a dictionary"),
    (SUBNET, ["a"], {"aux_addresses": {"x": "192.0.3.1"}}, r"aux_addresses\[x\]: 192.0.3.1 is outside"),
    (
        SUBNET,
        ["a"],
        {"aux_addresses": {"x": "192.0.2.9", "y": "192.0.2.9"}},
        r"aux_addresses\[y\]: 192.0.2.9 is also the address of x",
    ),
    # the rest
    (SUBNET, ["a"], {"ipam": "yes"}, "ipam: must be true or false, not 'yes'"),
    (SUBNET, ["a"], {"previos": {}}, "previos: unknown option; supported are prefix, count, assigned, previous"),
    (
        SUBNET,
        HOSTS,
        {},
        r"previous: required, because the names of h\d+ and h\d+ map to the same slice \S+; pass",
    ),
]


@pytest.mark.parametrize(("subnet", "hosts", "options", "reason"), REFUSED)
def test_invalid_value_is_rejected_with_option_and_reason(
    subnet: Any, hosts: Any, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BadParameter, match=f"^{reason}") as refused:
        allocate_slices(subnet, hosts, **options)
    assert str(refused.value).isprintable()
