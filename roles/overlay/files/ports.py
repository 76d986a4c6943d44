# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether packets come through from node to node, to ports on which nothing listens yet, or a Swarm does.

ports.py listen SECONDS ADDRESS tcp:2377 udp:7946 …      answers on those that are free, for so long
ports.py probe NAME=ADDRESS:tcp:2377 …                   prints, a line each, what did not answer
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import sys
import time

WORD = b"netfleet"
TRIES, PATIENCE = 3, 2.0


def listen(seconds: float, address: str, ports: list[str]) -> None:
    """Answer what comes, until the time is over."""
    sockets = []
    for port in ports:
        protocol, number = port.split(":")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        one = socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # a Swarm is there already, and answers itself
            one.bind((address, int(number)))
            if protocol == "tcp":
                one.listen(64)
            sockets.append(one)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    until = time.monotonic() + seconds
    while sockets and time.monotonic() < until:
        for one in select.select(sockets, [], [], 0.5)[0]:
            with contextlib.suppress(OSError):
                if one.type == socket.SOCK_STREAM:
                    one.accept()[0].close()
                else:
                    text, sender = one.recvfrom(64)
                    if text == WORD:
                        one.sendto(WORD, sender)


def answers(protocol: str, address: str, port: int) -> str:
    """Return why a port does not answer; empty where it does."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    reason = "no answer"
    for _try in range(TRIES):
        with socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM) as one:
            one.settimeout(PATIENCE)
            try:
                one.connect((address, port))
                if protocol == "udp":
                    one.send(WORD)
                    one.recv(64)
                return ""
            except socket.timeout:
                reason = f"no answer in {TRIES * PATIENCE:g} seconds"
            except OSError as error:
                reason = os.strerror(error.errno or 0)
                if error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
                    continue
                time.sleep(0.3)
    return reason


def main() -> None:
    """Do what the arguments say."""
    if sys.argv[1] == "listen":
        listen(float(sys.argv[2]), sys.argv[3], sys.argv[4:])
        return
    for target in sys.argv[2:]:
        name, _, rest = target.partition("=")
        address, protocol, port = rest.rsplit(":", 2)
        reason = answers(protocol, address, int(port))
        if reason:
            sys.stdout.write(f"{name} ({address}) does not answer on {port}/{protocol}: {reason}\n")


if __name__ == "__main__":
    main()
