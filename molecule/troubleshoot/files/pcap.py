# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fail unless a capture file contains a TCP packet to port 80: pcap.py FILE."""

from __future__ import annotations

import socket
import struct
import sys

MAGIC = 0xA1B2C3D4
ETHERNET = 1
TO_PORT_80 = b"\x00\x50"

with open(sys.argv[1], "rb") as file:
    magic, *_versions, link_type = struct.unpack("=IHHiIII", file.read(24))
    assert (magic, link_type) == (MAGIC, ETHERNET)
    frames = []
    while record := file.read(16):
        frames.append(file.read(struct.unpack("=IIII", record)[2]))
tcp = [frame for frame in frames if frame[12:14] == b"\x08\x00" and frame[23] == socket.IPPROTO_TCP]
assert any(frame[36:38] == TO_PORT_80 for frame in tcp), f"{len(frames)} frames, {len(tcp)} of them TCP"
