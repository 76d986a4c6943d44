# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Capture the frames on a link while a command runs: wire.py LINK BYTE COMMAND...

The last line of output is JSON with the number of ESP and VXLAN frames, and for each VLAN the number of frames that
contain the byte (hexadecimal) 64 times in clear text, as sent by the option -p of ping(8). The exit status is that of
the command.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import subprocess
import sys
import time
from collections import Counter

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_AUXDATA = 8
TP_STATUS_VLAN_VALID = 0x10
IPV4 = 0x0800
ESP, UDP, VXLAN = 50, 17, 4789
REPEATED = 64


def vlan(messages: list[tuple[int, int, bytes]]) -> int:
    """Return the VLAN of a frame, 0 for none. The kernel removes the tag and reports it separately."""
    for level, kind, data in messages:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _length, _kept, _mac, _net, tag, _protocol = struct.unpack("=IIIHHHH", data[:20])
            return tag & 0xFFF if status & TP_STATUS_VLAN_VALID else 0
    return 0


def main() -> int:
    """Capture until the command has ended and no more frames arrive."""
    link, byte, *command = sys.argv[1:]
    pattern = bytes.fromhex(byte) * REPEATED
    seen: Counter[str] = Counter()
    plain: Counter[int] = Counter()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as wire:
        wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        wire.bind((link, ETH_P_ALL))
        with subprocess.Popen(command) as process:
            ended = 0.0
            while not ended or time.monotonic() < ended + 0.5:
                if not ended and process.poll() is not None:
                    ended = time.monotonic()
                if not select.select([wire], [], [], 0.1)[0]:
                    continue
                frame, messages, _flags, _address = wire.recvmsg(65535, 256)
                if pattern in frame:
                    plain[vlan(messages)] += 1
                if struct.unpack("!H", frame[12:14])[0] == IPV4 and len(frame) >= 38:
                    seen["esp"] += frame[23] == ESP
                    seen["vxlan"] += frame[23] == UDP and struct.unpack("!H", frame[36:38])[0] == VXLAN
    print(json.dumps({"esp": seen["esp"], "vxlan": seen["vxlan"], "plain": plain}))
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
