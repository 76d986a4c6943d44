# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Record what passes the links of this namespace: capture.py SECONDS BYTES INTERFACE.

Prints the name of the file, a pcap of Ethernet frames, when it reads, and goes on in the background until the time is
over or the file has so many bytes; FILE.done is there then. INTERFACE is a dash for all links.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import sys
import tempfile
import time

_ALL_PROTOCOLS = 3
_SNAP_LENGTH = 65535
_ETHERNET = 1
_OUTGOING = 4


def main() -> None:
    """Open, go to the background, read."""
    seconds, most, link = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    path = os.path.join(tempfile.mkdtemp(prefix="netfleet-capture-"), "capture.pcap")
    # The descriptor stays in the namespace in which it was opened.
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS))
    if link != "-":
        wire.bind((link, _ALL_PROTOCOLS))
    sys.stdout.write(f"{path}\n")
    sys.stdout.flush()
    if os.fork():
        return
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    try:
        _record(wire, path, time.monotonic() + seconds, most)
    finally:
        with open(f"{path}.done", "wb"):
            pass


def _record(wire: socket.socket, path: str, end: float, most: int) -> None:
    written = 24
    with open(path, "wb") as file:
        file.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, _SNAP_LENGTH, _ETHERNET))
        while (left := end - time.monotonic()) > 0:
            if not select.select([wire], [], [], left)[0]:
                break
            frame, address = wire.recvfrom(_SNAP_LENGTH)
            if address[0] == "lo" and address[2] == _OUTGOING:
                continue
            if written + 16 + len(frame) > most:
                break
            now = time.time()
            file.write(struct.pack("=IIII", int(now), int(now % 1 * 1e6), len(frame), len(frame)) + frame)
            written += 16 + len(frame)


if __name__ == "__main__":
    main()
