# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Effects of firewall rules on a packet: marks and address translation."""

from __future__ import annotations

import dataclasses
import ipaddress
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Address, Row
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.nft_match import NftRuleset, evaluate
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import (
    HookContext,
    Packet,
    Port,
    PortRange,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.source_address import (
    list_masquerading_sources,
)

_ALL = 0xFFFFFFFF
_ANY_SOURCE_PORT = PortRange(1, 65535)
_MOST_ADDRESSES = 8
# Fields whose change does not change the path.
_NEUTRAL_FIELDS: tuple[dict[str, str], ...] = (
    *({"meta": key} for key in ("priority", "nftrace", "secmark")),
    *({"ct": key} for key in ("secmark", "event", "helper", "timeout", "label")),
)


class NotModelled(ValueError):
    """A target with options that are not modelled."""


@dataclasses.dataclass(frozen=True)
class Translation:
    """New addresses of a packet, one of which the kernel selects, and the new port; None for an unchanged one.

    Without an address, the kernel drops the packet if ``drops``.
    """

    addresses: tuple[Address, ...]
    ports: tuple[int, int] | None = None
    is_random: bool = False
    drops: bool = False


def set_marks(rule: Row, packet: Packet) -> Packet:
    """Return the packet after an iptables target that changes its mark or the mark of its connection."""
    target, options = rule["target"], rule["target_options"] or {}
    if target == "notrack" or "notrack" in options:
        return stop_tracking(packet)
    if target == "ct" and set(options) - {"helper", "timeout", "ctevents", "expevents"}:
        raise NotModelled
    if target in ("tos", "dscp"):
        return dataclasses.replace(packet, has_default_tos=False)
    if target == "mark":
        return dataclasses.replace(packet, mark=_change_mark(packet.mark, options))
    connection = packet.connection
    if target != "connmark" or connection is None:
        return packet
    packet_mask, connection_mask = (int(str(options.get(one, "0xffffffff")), 0) for one in ("nfmask", "ctmask"))
    if "save-mark" in options:
        mark = (connection.mark & ~connection_mask) ^ (packet.mark & packet_mask)
    elif "restore-mark" in options:
        mark = (packet.mark & ~packet_mask) ^ (connection.mark & connection_mask)
        return dataclasses.replace(packet, mark=mark & _ALL)
    else:
        mark = _change_mark(connection.mark, options)
    return dataclasses.replace(packet, connection=dataclasses.replace(connection, mark=mark & _ALL))


def stop_tracking(packet: Packet) -> Packet:
    """Return an untracked packet; the kernel ignores the target for a packet that is tracked already."""
    return packet if packet.connection is not None else dataclasses.replace(packet, state="untracked")


def _change_mark(mark: int, options: Row) -> int:
    text = options.get("set-xmark") or options.get("set-mark")
    try:
        if isinstance(text, str):
            value, _slash, mask = text.partition("/")
            return ((mark & ~int(mask or "0xffffffff", 0)) ^ int(value, 0)) & _ALL
    except ValueError:
        pass
    raise NotModelled


def change_field(statement: Row, at: HookContext, sets: NftRuleset) -> Packet:
    """Return the packet after an nft statement such as ``meta mark set``."""
    packet = at.packet
    key = statement["key"]
    name = {kind: what.get("key") for kind, what in key.items() if isinstance(what, dict)}
    if "tcp option" in key or name in _NEUTRAL_FIELDS:
        return packet
    if (key.get("payload") or {}).get("field") in ("dscp", "ecn", "flowlabel"):
        return dataclasses.replace(packet, has_default_tos=False)
    if name not in ({"meta": "mark"}, {"ct": "mark"}):
        raise NotModelled
    value = evaluate(statement["value"], at, sets)
    if not isinstance(value, int):
        raise NotModelled
    if "meta" in name:
        return dataclasses.replace(packet, mark=value & _ALL)
    if packet.connection is None:
        return packet
    return dataclasses.replace(packet, connection=dataclasses.replace(packet.connection, mark=value & _ALL))


def parse_translation(rule: Row, at: HookContext, sets: NftRuleset) -> Translation:
    """Return the translation of a rule; raise NotModelled for one that is not modelled."""
    target, options = rule["target"], dict(rule["target_options"] or {})
    ports, is_random = _parse_ports(options, at, sets)
    if target == "masquerade":
        link = at.space.find_link(at.oif)
        found = list_masquerading_sources(at.space, link, at.packet.dst, at.next_hop or at.packet.dst)
        return Translation(tuple(found), ports, is_random, drops=True)
    if target == "redirect":
        return Translation(tuple(_list_own_addresses(at)), ports, drops=True)
    if rule["backend"] == "nft":
        return Translation(_parse_nft_addresses(options.get("addr"), at, sets), ports, is_random)
    text = options.get("to-destination") or options.get("to-source")
    if not isinstance(text, str):
        raise NotModelled
    return Translation(_list_range(_split_port(text)[0]), ports, is_random)


def _split_port(text: str) -> tuple[str, str]:
    """Split an iptables destination such as ``10.0.0.1:80`` or ``[::1]:80`` into addresses and ports."""
    if text.startswith("["):
        address, _bracket, port = text[1:].partition("]")
        return address, port.lstrip(":")
    address, colon, port = text.partition(":")
    return (text, "") if text.count(":") > 1 else (address, port if colon else "")


def _parse_ports(options: dict[str, Any], at: HookContext, sets: NftRuleset) -> tuple[tuple[int, int] | None, bool]:
    flags = options.get("flags") or []
    is_random = any(str(one).startswith(("random", "fully-random")) for one in [*options, *flags])
    if options.keys() & {"type_flags", "netmap"}:
        raise NotModelled
    text: Any = options.get("to-ports", options.get("port"))
    for name in ("to-destination", "to-source"):
        if isinstance(options.get(name), str):
            text = _split_port(options[name])[1] or None
    if text is None:
        return None, is_random
    if isinstance(text, dict) and "range" not in text:
        text = evaluate(text, at, sets)
    ends = text["range"] if isinstance(text, dict) else str(text).split("-")
    try:
        return (int(ends[0]), int(ends[-1])), is_random
    except ValueError:
        raise NotModelled from None


def _list_range(text: str) -> tuple[Address, ...]:
    if not text:
        return ()
    low, _dash, high = text.partition("-")
    try:
        first, last = ipaddress.ip_address(low), ipaddress.ip_address(high or low)
    except ValueError:
        raise NotModelled from None
    if int(last) - int(first) >= _MOST_ADDRESSES:
        raise NotModelled
    return tuple(first + number for number in range(int(last) - int(first) + 1))


def _parse_nft_addresses(value: Any, at: HookContext, sets: NftRuleset) -> tuple[Address, ...]:
    if value is None:
        return ()
    if isinstance(value, dict) and "range" in value:
        return _list_range("-".join(str(one) for one in value["range"]))
    found = evaluate(value, at, sets)
    if not isinstance(found, (ipaddress.IPv4Address, ipaddress.IPv6Address)):
        raise NotModelled
    return (found,)


def _list_own_addresses(at: HookContext) -> list[Address]:
    """Return the target of a redirect: an address of the incoming link, or the loopback address."""
    version = at.packet.dst.version
    link = at.space.find_link(at.iif)
    if link is None or at.hook == "output":
        return [ipaddress.ip_address("127.0.0.1" if version == 4 else "::1")]
    rows = at.space.list_link_addresses(link["index"], version)
    if version == 4:
        return [ipaddress.ip_address(row["address"]) for row in rows[:1]]
    return [ipaddress.ip_address(row["address"]) for row in rows if row["scope"] == "global"]


def select_ports(port: Port, translation: Translation, changes_source: bool) -> list[Port]:
    """Return the possible ports of a packet after a translation."""
    if port is None or translation.ports is None:
        return [_ANY_SOURCE_PORT if translation.is_random and port is not None else port]
    low, high = translation.ports
    if low == high:
        return [low]
    if isinstance(port, int) and low <= port <= high:
        return [port]
    # The kernel takes the first port for a destination, since Linux 5.0, and a random one for a source.
    return [PortRange(low, high)] if changes_source else [low]
