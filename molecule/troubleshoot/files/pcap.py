# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look into a pcap: pcap.py FILE fails where there is no TCP packet to port 80 in it."""

import struct
import sys

with open(sys.argv[1], "rb") as file:
    head = struct.unpack("=IHHiIII", file.read(24))
    assert head[0] == 0xA1B2C3D4 and head[6] == 1, head
    frames = []
    while record := file.read(16):
        frames.append(file.read(struct.unpack("=IIII", record)[2]))
assert any(frame[12:14] == b"\x08\x00" and frame[23] == 6 and frame[36:38] == b"\x00\x50" for frame in frames), len(frames)
