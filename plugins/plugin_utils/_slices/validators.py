# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validation of the parameters of slices; pure. Invalid values raise BadParameter."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Union

from ansible_collections.netfleet.docker.plugins.module_utils._core import validators
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

# Docker counts the addresses of a subnet in 64 bits. In a larger subnet, different slices would be equal to it.
DOCKER_BITS = 64


class Span(NamedTuple):
    """A range of addresses as numbers, and its text."""

    first: int
    last: int
    text: str


def parse_subnet(value: Any) -> Network:
    """Return the shared subnet."""
    found = _parse_network("subnet", value)
    if found.is_multicast:
        raise BadParameter("subnet", f"{found} is a multicast subnet; must be unicast")
    if found.max_prefixlen - found.prefixlen > DOCKER_BITS:
        raise BadParameter("subnet", f"{found} is too large for Docker; an IPv6 subnet must be /64 or longer")
    return found


def parse_prefix_length(net: Network, prefix: Any, count: Any) -> int:
    """Return the prefix length of a slice; by default, half of the host bits number the slices."""
    if prefix is not None and count is not None:
        raise BadParameter("count", "mutually exclusive with prefix")
    if count is not None:
        wanted = _parse_number("count", count)
        if not 1 <= wanted <= net.num_addresses:
            raise BadParameter("count", f"{wanted} is not possible for {net}; must be 1 to {net.num_addresses}")
        return net.prefixlen + (wanted - 1).bit_length()
    if prefix is None:
        return (net.prefixlen + net.max_prefixlen + 1) // 2
    length = _parse_number("prefix", prefix)
    if not net.prefixlen <= length <= net.max_prefixlen:
        reason = f"{length} is not possible for {net}; must be {net.prefixlen} to {net.max_prefixlen}"
        raise BadParameter("prefix", reason)
    return length


def parse_names(value: Any) -> list[str]:
    """Return the names of hosts."""
    found = _require_list("hosts", value, "host names")
    for name in found:
        _check_name("hosts", name)
    twice = [name for name, times in Counter(found).items() if times > 1]
    if twice:
        raise BadParameter("hosts", f"{_format_value(twice[0])} is listed twice")
    return found


def parse_slices(option: str, value: Any, net: Network, length: int) -> dict[str, Span]:
    """Return the slice of each host, given as its number, as CIDR, or as an entry of ipam_config."""
    return {
        host: _parse_slice(f"{option}[{host}]", one, net, length)
        for host, one in _require_mapping(option, value).items()
        # Built from host variables, which not every host has.
        if one is not None or option != "assigned"
    }


def parse_reserved(value: Any, net: Network) -> list[Span]:
    """Return the reserved addresses, ranges and subnets, limited to the subnet."""
    found = (
        [value] if isinstance(value, str) else _require_list("reserved", [] if value is None else value, "addresses")
    )
    spans = [_parse_range(one, net) for one in found]
    if net.max_prefixlen - net.prefixlen == DOCKER_BITS:
        last = int(net.broadcast_address)
        # Docker before 27.2 fails with "invalid bit range"; no version assigns this address.
        spans.append(Span(last, last, f"{net.broadcast_address}, which Docker cannot assign"))
    return spans


def parse_address(option: str, value: Any, net: Network) -> int:
    """Return an address of the subnet as a number."""
    found = _parse_ip(option, value, net)
    if found not in net:
        raise BadParameter(option, f"{found} is outside the subnet {net}")
    return int(found)


def parse_aux_addresses(value: Any, net: Network) -> dict[int, str]:
    """Return the name of each auxiliary address."""
    found: dict[int, str] = {}
    for name, one in _require_mapping("aux_addresses", value).items():
        number = parse_address(f"aux_addresses[{name}]", one, net)
        if number in found:
            raise BadParameter(f"aux_addresses[{name}]", f"{one} is also the address of {found[number]}")
        found[number] = name
    return found


def parse_flag(option: str, value: Any) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise BadParameter(option, f"must be true or false, not {_format_value(value)}")
    return value


def format_cidr(net: Network, first: int, length: int) -> str:
    """Return a slice in CIDR notation."""
    return f"{type(net.network_address)(first)}/{length}"


def _parse_slice(where: str, value: Any, net: Network, length: int) -> Span:
    if isinstance(value, Mapping):
        value = value.get("iprange")
    if isinstance(value, str) and "/" in value:
        found = _parse_network(where, value)
        _check_family(where, found, net)
        if found[0] not in net or found[-1] not in net:
            raise BadParameter(where, f"{found} is outside the subnet {net}")
        return Span(int(found[0]), int(found[-1]), str(found))
    number = _parse_number(where, value, "a slice such as 192.0.2.32/28 or its number")
    total = count_slices(net, length)
    if not 0 <= number < total:
        raise BadParameter(where, f"{number} is not a slice of /{length} in {net}; must be 0 to {total - 1}")
    size = 1 << (net.max_prefixlen - length)
    first = int(net.network_address) + number * size
    return Span(first, first + size - 1, format_cidr(net, first, length))


def count_slices(net: Network, length: int) -> int:
    """Return the number of slices of this size."""
    return 1 << (length - net.prefixlen)


def _parse_range(value: Any, net: Network) -> Span:
    text = _require_text("reserved", value, "an address, a range such as 192.0.2.10-192.0.2.20 or a subnet")
    if "/" in text:
        found = _parse_network("reserved", text)
        _check_family("reserved", found, net)
        low, high = int(found[0]), int(found[-1])
    else:
        start, dash, end = text.partition("-")
        low = int(_parse_ip("reserved", start, net))
        high = int(_parse_ip("reserved", end, net)) if dash else low
    if low > high:
        raise BadParameter("reserved", f"{text} is not a range; the first address must not be greater than the last")
    first, last = max(low, int(net[0])), min(high, int(net[-1]))
    if first > last:
        raise BadParameter("reserved", f"{text} is outside the subnet {net}")
    return Span(first, last, text)


def _parse_network(where: str, value: Any) -> Network:
    text = _require_text(where, value, "a subnet such as 192.0.2.0/24 or fd00::/64")
    if "/" not in text:
        raise BadParameter(where, f"{text[:60]!r} has no prefix length; must have the form 192.0.2.0/24")
    try:
        found = ipaddress.ip_interface(text)
    except ValueError:
        raise BadParameter(
            where, f"{text[:60]!r} is not a subnet; must have the form 192.0.2.0/24 or fd00::/64"
        ) from None
    if found.ip != found.network.network_address:
        raise BadParameter(where, f"{text} has host bits set; must be {found.network}")
    return found.network


def _parse_ip(where: str, value: Any, net: Network) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    text = _require_text(where, value, f"an address in {net}")
    try:
        found = ipaddress.ip_address(validators.address(text))
    except ValueError as error:
        raise BadParameter(where, str(error)) from None
    _check_family(where, found, net)
    return found


def _check_family(where: str, found: Any, net: Network) -> None:
    if found.version != net.version:
        raise BadParameter(where, f"{found} is IPv{found.version}, but the subnet {net} is IPv{net.version}")


def _parse_number(where: str, value: Any, what: str = "an integer") -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 40:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 129:
        return value
    raise BadParameter(where, f"must be {what}, not {_format_value(value)}")


def _require_mapping(option: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise BadParameter(option, f"must be a dictionary, not {_format_value(value)}")
    for name in value:
        _check_name(option, name)
    return dict(value.items())


def _require_list(option: str, value: Any, what: str) -> list[Any]:
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise BadParameter(option, f"must be a list of {what}, not {_format_value(value)}")
    return list(value)


def _check_name(option: str, name: Any) -> None:
    if not isinstance(name, str) or not name:
        raise BadParameter(option, f"{_format_value(name)} is not a name; must be a non-empty string")


def _require_text(where: str, value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise BadParameter(where, f"must be {what}, not {_format_value(value)}")
    return value.strip()


def _format_value(value: Any) -> str:
    kind = type(value).__name__
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 129:
        return f"a number of {value.bit_length()} bits"
    text = repr(value)
    return text[:60] if isinstance(value, (str, int, float)) else f"{text[:60]} ({kind})"
