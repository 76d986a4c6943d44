# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print what this host lacks, one thing a line: libraries as `library:NAME`, and kinds of links as their names."""

from __future__ import annotations

import ctypes
import errno
import importlib.metadata
import os
import re
import socket
import struct
import subprocess
import sys

CLONE_NEWNET = 0x40000000
RTM_NEWLINK, REQUEST_ACK_EXCLUSIVE_CREATE = 16, 0x0001 | 0x0004 | 0x0200 | 0x0400
IFLA_LINKINFO, IFLA_INFO_KIND = 18, 1
PYTHON = (3, 9)
ESP, LIBRARY = "esp", "library:"
LIBRARIES = {"pyroute2": (0, 7, 2), "docker": (5, 0, 3)}


def attribute(number: int, value: bytes) -> bytes:
    """Return a netlink attribute."""
    return struct.pack("=HH", 4 + len(value), number) + value + bytes(-len(value) % 4)


def knows_esp() -> bool:
    """Tell whether the kernel can encrypt as Docker has it do for encrypted overlays: ESP with AES-GCM."""
    ends = ["src", "192.0.2.1", "dst", "192.0.2.2", "proto", "esp", "spi", "0x1000", "mode", "transport"]
    cipher = ["aead", "rfc4106(gcm(aes))", "0x" + "5a" * 20, "64"]
    return (
        subprocess.run(["ip", "xfrm", "state", "add", *ends, *cipher], capture_output=True, check=False).returncode == 0
    )


def knows(kind: str) -> bool:
    """Tell whether the kernel, or a module that it can load, knows a kind of link; what comes of it is thrown away."""
    body = bytes(16) + attribute(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, kind.encode() + b"\0"))
    header = struct.pack("=IHHII", 16 + len(body), RTM_NEWLINK, REQUEST_ACK_EXCLUSIVE_CREATE, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as link:
        link.send(header + body)
        (status,) = struct.unpack_from("=i", link.recv(65536), 16)
    # Any other error is about the parameters that are not given here.
    return bool(-status != errno.EOPNOTSUPP)


def lacking_library(name: str) -> list[str]:
    """Return what is missing of a Python library."""
    least = LIBRARIES[name]
    text = "{} {} or later".format(name, ".".join(map(str, least)))
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return [f"the Python library {text} (package python3-{name})"]
    old = tuple(int(part) for part in re.findall(r"\d+", version)[:3]) < least
    return [f"the Python library {text} (it has {version})"] if old else []


def lacking(needs: list[str]) -> list[str]:
    """Return what is missing."""
    found = []
    if sys.version_info < PYTHON:
        found.append("Python 3.9 or later (it runs {}.{})".format(*sys.version_info))
    wanted, kinds = [], []
    for what in needs:
        (wanted if what.startswith(LIBRARY) else kinds).append(what)
    found += [line for name in wanted for line in lacking_library(name[len(LIBRARY) :])]
    if os.geteuid() != 0:
        return [*found, "root (say become: true)"]
    # A namespace of this process's own, which goes with it.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        return [*found, f"the right to make network namespaces ({os.strerror(ctypes.get_errno())})"]
    if ESP in kinds and not knows_esp():
        found.append("ESP in its kernel (modules esp4 and gcm), without which an encrypted overlay carries no traffic")
    return found + [f"links of the kind {kind} in its kernel" for kind in kinds if kind != ESP and not knows(kind)]


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in lacking(sys.argv[1:])))
