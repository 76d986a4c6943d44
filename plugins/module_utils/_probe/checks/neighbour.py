# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ARP and neighbor discovery: hosts on the link that have an address, and duplicates."""

from __future__ import annotations

import select
import socket
import time
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import KernelError
from ansible_collections.netfleet.docker.plugins.module_utils._probe.codecs import arp as arp_codec
from ansible_collections.netfleet.docker.plugins.module_utils._probe.codecs import icmp as icmp_codec
from ansible_collections.netfleet.docker.plugins.module_utils._probe.model import (
    DUPLICATE,
    FREE,
    OFF_LINK,
    OPEN,
    UNIQUE,
    UNREACHABLE,
    Check,
    Outcome,
)
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net import route
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net.sockets import SocketOpenError

_ARP, _IPV6 = 0x0806, 0x86DD
_OUTGOING = 4
_FRAME = 2048
# Time for other hosts on the link to answer after the first one.
_SECONDS_FOR_OTHERS = 0.5


def probe_neighbour(check: Check, address: str, deadline: float) -> Outcome:
    """Request the MAC address of an address, like the kernel before it sends."""
    try:
        way = route.find_route(address, check.interface)
    except KernelError as error:
        return Outcome(UNREACHABLE, f"no route: {error.reason}")
    except OSError:
        raise SocketOpenError(f"no such interface in this namespace: {check.interface}") from None
    if way.local:
        return Outcome(OFF_LINK, f"{address} is an address of this namespace; use type=duplicate to find other hosts")
    if way.gateway and not check.interface:
        return Outcome(OFF_LINK, f"{address} is not on a link of this namespace; packets go to {way.gateway} first")
    found, sent = _solicit(
        check, way.interface, address, way.source or ("::" if ":" in address else "0.0.0.0"), deadline
    )
    facts = {"interface": way.interface, "macs": sorted(found)}
    times = tuple(found.values())
    if not found:
        return Outcome(UNREACHABLE, f"no host on {way.interface} has {address}", (), sent, facts)
    if len(found) > 1:
        reason = f"{len(found)} hosts on {way.interface} have {address}: {', '.join(facts['macs'])}"
        return Outcome(DUPLICATE, reason, times, None, facts)
    return Outcome(OPEN, f"{facts['macs'][0]} on {way.interface} has {address}", times, None, facts)


def probe_duplicate(check: Check, address: str, deadline: float) -> Outcome:
    """Request the MAC address without a sender address, like duplicate address detection; no cache is changed."""
    interface = check.interface or ""
    found, _sent = _solicit(check, interface, address, "::" if ":" in address else "0.0.0.0", deadline)
    own = route.is_own_address(address)
    facts: dict[str, Any] = {"interface": interface, "macs": sorted(found), "own": own}
    times, macs = tuple(found.values()), ", ".join(sorted(found))
    if own and found:
        return Outcome(DUPLICATE, f"this namespace and {macs} on {interface} have {address}", times, None, facts)
    if len(found) > 1:
        return Outcome(DUPLICATE, f"{len(found)} hosts on {interface} have {address}: {macs}", times, None, facts)
    if own or found:
        who = "this namespace" if own else macs
        return Outcome(UNIQUE, f"only {who} has {address} on {interface}", times, None, facts)
    return Outcome(FREE, f"no host on {interface} has {address}", times, None, facts)


def _solicit(check: Check, interface: str, address: str, source: str, deadline: float) -> tuple[dict[str, float], int]:
    """Return the MAC addresses that answer with their seconds, and the number of requests."""
    try:
        mac = route.read_link_mac(interface)
    except KernelError:
        raise SocketOpenError(f"no such interface in this namespace: {interface}") from None
    if mac is None:
        raise SocketOpenError(f"{interface} is down or does not support neighbour resolution")
    protocol = _IPV6 if ":" in address else _ARP
    question, group = (
        icmp_codec.encode_solicitation(address, mac, source)
        if protocol == _IPV6
        else (arp_codec.encode_request(address, mac, source), arp_codec.BROADCAST)
    )
    found: dict[str, float] = {}
    sent = 0
    try:
        link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(protocol))
    except PermissionError:
        raise SocketOpenError("requires root (CAP_NET_RAW)") from None
    with link:
        link.bind((interface, protocol))
        end = min(deadline, time.monotonic() + check.timeout)
        for number in range(check.count):
            is_last = number == check.count - 1
            started = time.monotonic()
            link.sendto(question, (interface, protocol, 0, 0, group))
            sent += 1
            wait = end - started if is_last and not found else max(check.interval, _SECONDS_FOR_OTHERS)
            until = min(end, started + wait)
            while (left := until - time.monotonic()) > 0 and select.select([link], [], [], left)[0]:
                packet, sender = link.recvfrom(_FRAME)
                answer = (
                    icmp_codec.decode_advertisement(packet, address, sender[4])
                    if protocol == _IPV6
                    else arp_codec.decode_reply(packet, address)
                )
                if answer and sender[2] != _OUTGOING and answer != mac:
                    found.setdefault(answer.hex(":"), time.monotonic() - started)
                    until = min(until, time.monotonic() + _SECONDS_FOR_OTHERS)
            if found and check.type == "neighbour":
                break
    return found, sent
