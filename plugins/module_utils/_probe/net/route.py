# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Route and link that the kernel of the namespace would use for a packet."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import KernelError
from ansible_collections.netfleet.docker.plugins.module_utils._core.records import record
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import (
    encode_attribute,
    split_attributes,
)
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.decoder import address as read_address
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.transport import Netlink
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net import sockets

_RTM_GETROUTE = 26
_RTMSG = struct.Struct("=8BI")
_DST, _SRC, _OIF, _GATEWAY, _PREFSRC, _VIA = 1, 2, 4, 5, 7, 18
_UNICAST, _LOCAL = 1, 2
_IFREQ = 40
_SIOCGIFFLAGS, _SIOCGIFMTU, _SIOCGIFHWADDR = 0x8913, 0x8921, 0x8927
_UP, _NOARP, _LOOPBACK = 0x1, 0x80, 0x8
_ETHERNET = 1


@record
class ProbeRoute:
    """The route: link, next hop if there is one, source address, and whether the address is local."""

    interface: str
    gateway: str | None
    source: str | None
    local: bool


def find_route(address: str, interface: str | None = None, source: str | None = None) -> ProbeRoute:
    """Return the route to an address; raise KernelError if there is none."""
    family, size = sockets.get_address_family(address), 128 if ":" in address else 32
    wanted = [encode_attribute(_DST, socket.inet_pton(family, address))]
    if source:
        wanted.append(encode_attribute(_SRC, socket.inet_pton(family, source)))
    if interface:
        wanted.append(encode_attribute(_OIF, struct.pack("=I", socket.if_nametoindex(interface))))
    header = _RTMSG.pack(family, size, size if source else 0, 0, 0, 0, 0, 0, 0)
    netlink = Netlink()
    try:
        answer = netlink.query(f"look up the route to {address}", _RTM_GETROUTE, header + b"".join(wanted))
    except IndexError:
        raise KernelError(f"look up the route to {address}", 0, "no route") from None
    finally:
        netlink.close()
    found = dict(split_attributes(answer, _RTMSG.size))
    kind = _RTMSG.unpack_from(answer)[7]
    if kind not in (_UNICAST, _LOCAL):
        raise KernelError(f"look up the route to {address}", 0, "the route rejects packets")
    index = struct.unpack("=I", found[_OIF])[0] if _OIF in found else 0
    via = found.get(_GATEWAY) or found.get(_VIA, b"")[2:]
    own = found.get(_PREFSRC)
    return ProbeRoute(
        interface=socket.if_indextoname(index) if index else "",
        gateway=read_address(via) if via else None,
        source=read_address(own) if own else None,
        local=kind == _LOCAL,
    )


def read_link_mtu(interface: str) -> int:
    """Return the MTU of a link."""
    return int(struct.unpack_from("=i", _request_route(interface, _SIOCGIFMTU), 16)[0])


def read_link_mac(interface: str) -> bytes | None:
    """Return the MAC address of a link that is up and resolves neighbors; None otherwise."""
    flags = struct.unpack_from("=H", _request_route(interface, _SIOCGIFFLAGS), 16)[0]
    kind = _request_route(interface, _SIOCGIFHWADDR)
    if struct.unpack_from("=H", kind, 16)[0] != _ETHERNET or not flags & _UP or flags & (_NOARP | _LOOPBACK):
        return None
    return kind[18:24]


def read_own_addresses() -> set[str]:
    """Return the addresses of the namespace to which sockets can be bound."""
    found = set()
    with contextlib.suppress(OSError), open("/proc/thread-self/net/if_inet6", encoding="ascii") as lines:
        found |= {socket.inet_ntop(socket.AF_INET6, bytes.fromhex(line.split()[0])) for line in lines}
    return found


def is_own_address(address: str) -> bool:
    """Return whether an address belongs to the namespace, even if duplicate address detection failed."""
    if ":" in address:
        return address in read_own_addresses()
    with contextlib.suppress(KernelError, OSError):
        return find_route(address).local
    return False


def _request_route(interface: str, request: int) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            return fcntl.ioctl(asking, request, interface.encode().ljust(_IFREQ, b"\0"))
        except OSError as error:
            raise KernelError(f"read {interface}", error.errno or 0, os.strerror(error.errno or 0)) from None
