# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print what this host's kernel lacks for a Swarm, one thing a line with the kernel's own word: `esp: …`, `ipvs: …`."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import struct
import subprocess
import sys

CLONE_NEWNET = 0x40000000
NETLINK_XFRM, NETLINK_GENERIC = 6, 16
SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK, NLMSG_ERROR = 270, 10, 11, 2
XFRM_MSG_NEWSA, XFRMA_ALG_AEAD, ESP, TRANSPORT = 16, 18, 50, 0
GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME = 16, 3, 2
REQUEST_ACK, CREATE_EXCL = 0x0001 | 0x0004, 0x0200 | 0x0400
# What Docker takes: a key of 16 bytes with 4 of salt.
CIPHER, KEY, ICV_BITS = b"rfc4106(gcm(aes))", bytes(range(20)), 64


def attribute(number: int, value: bytes) -> bytes:
    """Return a netlink attribute."""
    return struct.pack("=HH", 4 + len(value), number) + value + bytes(-len(value) % 4)


def ask(protocol: int, kind: int, flags: int, body: bytes) -> str:
    """Return the kernel's reason to refuse, nothing for success."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as link:
            for option in (NETLINK_CAP_ACK, NETLINK_EXT_ACK):
                link.setsockopt(SOL_NETLINK, option, 1)
            link.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
            answer = link.recv(65536)
    except OSError as error:
        return error.strerror or str(error)
    # An answer that is no error is what was asked for.
    if struct.unpack_from("=H", answer, 4)[0] != NLMSG_ERROR:
        return ""
    status = -int(struct.unpack_from("=i", answer, 16)[0])
    words = answer[40:].split(b"\0", 1)[0].decode(errors="replace")
    return words or os.strerror(status) if status else ""


def esp() -> str:
    """Add a state such as Docker adds for an encrypted network, in this process's own namespace."""
    here, there = socket.inet_aton("192.0.2.1"), socket.inet_aton("192.0.2.2")
    selector = bytes(56)
    identity = there.ljust(16, b"\0") + struct.pack("!IB3x", 0x1000, ESP)
    lifetimes = struct.pack("=4Q", *[0xFFFFFFFFFFFFFFFF] * 4) + bytes(32 + 32 + 12)
    rest = struct.pack("=IIHBBB7x", 0, 1, socket.AF_INET, TRANSPORT, 0, 0)
    aead = CIPHER.ljust(64, b"\0") + struct.pack("=II", len(KEY) * 8, ICV_BITS) + KEY
    body = selector + identity + here.ljust(16, b"\0") + lifetimes + rest + attribute(XFRMA_ALG_AEAD, aead)
    return ask(NETLINK_XFRM, XFRM_MSG_NEWSA, REQUEST_ACK | CREATE_EXCL, body)


def ipvs() -> str:
    """Look for the family of IPVS, or for its module, which Docker loads."""
    modprobe = shutil.which("modprobe", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if (
        modprobe
        and subprocess.run([modprobe, "--dry-run", "--quiet", "ip_vs"], timeout=10, check=False).returncode == 0
    ):
        return ""
    body = struct.pack("=BBxx", CTRL_CMD_GETFAMILY, 1) + attribute(CTRL_ATTR_FAMILY_NAME, b"IPVS\0")
    return ask(NETLINK_GENERIC, GENL_ID_CTRL, REQUEST_ACK, body)


if __name__ == "__main__":
    # What is tried goes with the namespace.
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        sys.exit(f"this host makes no network namespace: {os.strerror(ctypes.get_errno())}")
    for name, reason in (("esp", esp()), ("ipvs", ipvs())):
        if reason:
            sys.stdout.write(f"{name}: {reason}\n")
