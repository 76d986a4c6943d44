# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Features of the kernel, tested in a temporary network namespace."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Sequence
from typing import Callable

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import KernelError
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import encode_attribute
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.transport import Netlink
from ansible_collections.netfleet.docker.plugins.module_utils._netns.threads import run_in_new_netns, run_in_thread

_CREATE_EXCLUSIVE = 0x0200 | 0x0400
_NETLINK_XFRM, _NETLINK_GENERIC = 6, 16
_RTM_NEWLINK, _IFLA_LINKINFO, _IFLA_INFO_KIND = 16, 18, 1
_XFRM_MSG_NEWSA, _XFRMA_ALG_AEAD, _IPPROTO_ESP, _TRANSPORT = 16, 18, 50, 0
_GENL_ID_CTRL, _CTRL_CMD_GETFAMILY, _CTRL_ATTR_FAMILY_NAME = 16, 3, 2
# The cipher of Docker's encrypted overlay networks: a key of 16 bytes with a salt of 4.
_CIPHER, _KEY, _ICV_BITS = b"rfc4106(gcm(aes))", bytes(range(20)), 64


def find_missing_features(kinds: Sequence[str], features: Sequence[str]) -> dict[str, str]:
    """Return missing features with the error of the kernel, by ``kind:NAME`` of a link and ``feature:NAME``.

    The kernel can load modules during the test. Raise KernelError if no network namespace can be created.
    """
    trials: dict[str, Callable[[], str]] = {f"kind:{kind}": _build_link_trial(kind) for kind in kinds}
    trials.update({f"feature:{name}": {"esp": _try_esp, "ipvs": _try_ipvs}[name] for name in features})
    if not trials:
        return {}
    reasons = run_in_thread(lambda: run_in_new_netns(lambda: {need: trial() for need, trial in trials.items()}))
    return {need: reason for need, reason in reasons.items() if reason}


def _send_request(protocol: int, message_type: int, flags: int, payload: bytes) -> KernelError | None:
    """Send a request in the namespace of this thread, and return the error of the kernel."""
    try:
        link = Netlink(protocol)
    except OSError as error:
        return KernelError("open a netlink socket", error.errno or 0, error.strerror or str(error))
    try:
        link.request("test a kernel feature", message_type, flags, payload)
    except KernelError as error:
        return error
    finally:
        link.close()
    return None


def _build_link_trial(kind: str) -> Callable[[], str]:
    def try_link() -> str:
        """Create a link without parameters; any error except "not supported" is about missing parameters."""
        body = bytes(16) + encode_attribute(_IFLA_LINKINFO, encode_attribute(_IFLA_INFO_KIND, kind.encode() + b"\0"))
        error = _send_request(socket.NETLINK_ROUTE, _RTM_NEWLINK, _CREATE_EXCLUSIVE, body)
        return error.reason if error and error.code == errno.EOPNOTSUPP else ""

    return try_link


def _try_esp() -> str:
    """Add a security association like Docker does for an encrypted network."""
    source, target = socket.inet_aton("192.0.2.1"), socket.inet_aton("192.0.2.2")
    selector = bytes(56)
    identity = target.ljust(16, b"\0") + struct.pack("!IB3x", 0x1000, _IPPROTO_ESP)
    lifetimes = struct.pack("=4Q", *[0xFFFFFFFFFFFFFFFF] * 4) + bytes(32 + 32 + 12)
    rest = struct.pack("=IIHBBB7x", 0, 1, socket.AF_INET, _TRANSPORT, 0, 0)
    cipher = _CIPHER.ljust(64, b"\0") + struct.pack("=II", len(_KEY) * 8, _ICV_BITS) + _KEY
    body = selector + identity + source.ljust(16, b"\0") + lifetimes + rest + encode_attribute(_XFRMA_ALG_AEAD, cipher)
    error = _send_request(_NETLINK_XFRM, _XFRM_MSG_NEWSA, _CREATE_EXCLUSIVE, body)
    return error.reason if error else ""


def _try_ipvs() -> str:
    """Request the netlink family of IPVS, which exists after its module is loaded."""
    body = struct.pack("=BBxx", _CTRL_CMD_GETFAMILY, 1) + encode_attribute(_CTRL_ATTR_FAMILY_NAME, b"IPVS\0")
    error = _send_request(_NETLINK_GENERIC, _GENL_ID_CTRL, 0, body)
    return error.reason if error else ""
