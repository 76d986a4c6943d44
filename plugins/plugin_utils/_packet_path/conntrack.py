# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connection tracking of a namespace: new entries, replies, and the translation of both directions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import Connection, Packet

# The part of a packet that a hook translates.
TRANSLATES = {"prerouting": "dst", "output": "dst", "input": "src", "postrouting": "src"}


def track(packet: Packet, known: Iterable[Connection]) -> Packet:
    """Return the packet with its entry: a new one, that of its connection, or none if it is invalid."""
    if packet.state == "untracked" or packet.connection is not None:
        return packet
    for connection in known:
        # Without ports, a packet to oneself and its reply differ only in the ICMP type.
        is_reply = _is_reply(packet, connection)
        if _is_original(packet, connection) and not (is_reply and packet.is_reply):
            state = "established" if connection.replied else "new"
            return dataclasses.replace(packet, connection=connection, state=state, reverse=False)
        if is_reply:
            answered = dataclasses.replace(connection, replied=True)
            return dataclasses.replace(packet, connection=answered, state="established", reverse=True)
    if packet.is_reply and packet.protocol != "udp":
        return dataclasses.replace(packet, state="invalid")
    created = Connection(packet.src, packet.dst, packet.sport, packet.dport)
    return dataclasses.replace(packet, connection=created, state="new")


def _is_original(packet: Packet, connection: Connection) -> bool:
    ports = (packet.sport, packet.dport) == (connection.sport, connection.dport)
    return (packet.src, packet.dst) == (connection.src, connection.dst) and ports


def _is_reply(packet: Packet, connection: Connection) -> bool:
    sender = connection.dst_to or (connection.dst, connection.dport)
    receiver = connection.src_to or (connection.src, connection.sport)
    return (packet.src, packet.sport) == sender and (packet.dst, packet.dport) == receiver


def translate(packet: Packet, part: str) -> Packet:
    """Return the packet with its destination or source translated, as its connection requires it in its direction."""
    connection = packet.connection
    if connection is None:
        return packet
    if not packet.reverse:
        new = connection.dst_to if part == "dst" else connection.src_to
    elif part == "dst":
        new = (connection.src, connection.sport) if connection.src_to and connection.src else None
    else:
        new = (connection.dst, connection.dport) if connection.dst_to else None
    if new is None:
        return packet
    if part == "dst":
        return dataclasses.replace(packet, dst=new[0], dport=new[1])
    return dataclasses.replace(packet, src=new[0], sport=new[1])
