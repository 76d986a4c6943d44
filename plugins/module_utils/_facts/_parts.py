# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One namespace read part by part, by a thread that has entered it. A part that fails is named, and the rest stands."""

from __future__ import annotations

import functools
import struct
from collections.abc import Collection
from typing import Any, Callable

from ansible_collections.netfleet.docker.plugins.module_utils._attributes import attribute
from ansible_collections.netfleet.docker.plugins.module_utils._errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._facts import _links, _routing
from ansible_collections.netfleet.docker.plugins.module_utils._facts._inside import Inside
from ansible_collections.netfleet.docker.plugins.module_utils._text import escaped
from ansible_collections.netfleet.docker.plugins.module_utils._wire import decode

Row = dict[str, Any]

_GETLINK, _GETADDR, _GETROUTE, _GETNEIGH, _GETRULE, _GETNSID = 18, 22, 26, 30, 34, 90
_IFINFO = struct.Struct("=BxHiII")
_NDMSG = struct.Struct("=BxxxiHBB")
_IFLA_EXT_MASK, _SKIP_STATISTICS = 29, 8
_IFLA_TARGET_NETNSID, _IFA_TARGET_NETNSID = 46, 10
_AF_BRIDGE, _NTF_PROXY = 7, 8
_NSID_FD = 3
_LINK = "link, its kind as bytes"


class Found:
    """What was read of one namespace: lists of rows by name, what is missing, and the links' messages."""

    def __init__(self, netns: str) -> None:
        self.netns = netns
        self.lists: dict[str, Any] = {}
        self.columns: dict[str, Any] = {}
        self.missing: list[Row] = []
        self.links: list[dict[str, Any]] = []
        self.names: dict[int, str] = {}

    def miss(self, part: str, what: str, reason: str) -> None:
        """Name a part that is not there, or not whole."""
        self.missing.append({"netns": self.netns, "part": part, "what": what, "reason": escaped(reason)})


def read(inside: Inside, netns: str, subset: Collection[str]) -> Found:
    """Read the parts of the current thread's namespace that the subset names, and its interfaces in any case."""
    found = Found(netns)
    _attempt(found, inside, "interfaces", lambda: _interfaces(found, inside, "statistics" in subset))
    for part, reader in _READERS.items():
        if part in subset:
            _attempt(found, inside, part, functools.partial(reader, found, inside, part))
    return found


def read_from_outside(inside: Inside, netns: str, number: int, subset: Collection[str]) -> Found:
    """Read interfaces and addresses of a namespace that the current one knows by a number only."""
    found = Found(netns)
    target = struct.pack("=i", number)

    def interfaces() -> None:
        found.links = _dump(
            inside, _LINK, _GETLINK, _IFINFO.pack(0, 0, 0, 0, 0) + attribute(_IFLA_TARGET_NETNSID, target)
        )
        _keep_interfaces(found)

    def addresses() -> None:
        messages = _dump(inside, "address", _GETADDR, bytes(8) + attribute(_IFA_TARGET_NETNSID, target))
        found.lists["addresses"] = _links.addresses(messages, found.names)

    _attempt(found, inside, "interfaces", interfaces)
    if "addresses" in subset:
        _attempt(found, inside, "addresses", addresses)
    return found


def numbers(inside: Inside) -> list[int]:
    """Return all the numbers by which the current namespace knows others."""
    return [message["NETNSA_NSID"] for message in _dump(inside, "nsid", _GETNSID, bytes(4))]


def number(inside: Inside, fd: int) -> int:
    """Return the number by which the current namespace knows another one, -1 if it has none for it."""
    query = bytes(4) + attribute(_NSID_FD, struct.pack("=I", fd))
    answers = inside.request("ask for a namespace's number", _GETNSID, query)
    return int(decode("nsid", answers[0])["NETNSA_NSID"])


def _attempt(found: Found, inside: Inside, part: str, work: Callable[[], None]) -> None:
    inside.budget.exceeded = False
    try:
        work()
    except (NetfleetError, OSError) as error:
        found.miss(part, "missing", str(error))
    except (struct.error, ValueError, LookupError, TypeError) as error:
        # Whatever a kernel says that this version does not understand must not cost the rest.
        found.miss(part, "missing", f"it cannot be understood: {type(error).__name__}: {error}")
    if inside.budget.exceeded:
        found.miss(part, "truncated", f"there is more than the first {inside.budget.messages} entries")


def _dump(inside: Inside, kind: str, message_type: int, payload: bytes) -> list[dict[str, Any]]:
    what = f"read the {kind.partition(',')[0]} table"
    return [decode(kind, answer) for answer in inside.dump(what, message_type, payload)]


def _interfaces(found: Found, inside: Inside, statistics: bool) -> None:
    mask = b"" if statistics else attribute(_IFLA_EXT_MASK, struct.pack("=I", _SKIP_STATISTICS))
    found.links = _dump(inside, _LINK, _GETLINK, _IFINFO.pack(0, 0, 0, 0, 0) + mask)
    _keep_interfaces(found)


def _keep_interfaces(found: Found) -> None:
    rows = found.lists["interfaces"] = _links.interfaces(found.netns, found.links)
    found.names = {row["index"]: row["name"] for row in rows}


def _addresses(found: Found, inside: Inside, part: str) -> None:
    found.lists[part] = _links.addresses(_dump(inside, "address", _GETADDR, bytes(8)), found.names)


def _routes(found: Found, inside: Inside, part: str) -> None:
    found.lists[part] = _routing.routes(inside.dump("read the route table", _GETROUTE, bytes(12)), found.names)


def _rules(found: Found, inside: Inside, part: str) -> None:
    found.lists[part] = _routing.rules(inside.dump("read the rule table", _GETRULE, bytes(12)))


def _neighbours(found: Found, inside: Inside, part: str) -> None:
    # The kernel keeps the addresses that it answers for in a table of their own.
    requests = (_NDMSG.pack(0, 0, 0, flags, 0) for flags in (0, _NTF_PROXY))
    messages = [message for request in requests for message in _dump(inside, "neighbour", _GETNEIGH, request)]
    found.lists[part] = _routing.neighbours(messages, found.names)


def _fdb(found: Found, inside: Inside, part: str) -> None:
    messages = _dump(inside, "neighbour", _GETNEIGH, _NDMSG.pack(_AF_BRIDGE, 0, 0, 0, 0))
    found.lists[part] = _routing.fdb(messages, found.names)


# What follows is imported only where it is wanted: half of a reading's time would be imports.


def _sysctls(found: Found, inside: Inside, part: str) -> None:
    from ansible_collections.netfleet.docker.plugins.module_utils._facts import _sysctls

    found.lists[part] = _sysctls.sysctls(inside, found.links)


def _sockets(found: Found, inside: Inside, _part: str) -> None:
    from ansible_collections.netfleet.docker.plugins.module_utils._facts import _sockets

    found.lists.update(_sockets.sockets(inside))


def _firewall(found: Found, inside: Inside, part: str) -> None:
    from ansible_collections.netfleet.docker.plugins.module_utils._facts import _firewall

    lists = _firewall.firewall(inside)
    for reason in lists.pop("missing"):
        found.miss(part, "missing", reason)
    found.lists.update(lists)


def _xfrm(found: Found, inside: Inside, _part: str) -> None:
    from ansible_collections.netfleet.docker.plugins.module_utils._facts import _xfrm

    found.lists.update(_xfrm.xfrm(inside))


def _conntrack(found: Found, inside: Inside, _part: str) -> None:
    from ansible_collections.netfleet.docker.plugins.module_utils._facts import _conntrack

    found.columns.update(_conntrack.conntrack(inside))


_READERS: dict[str, Callable[[Found, Inside, str], None]] = {
    "addresses": _addresses,
    "routes": _routes,
    "rules": _rules,
    "neighbours": _neighbours,
    "fdb": _fdb,
    "sysctls": _sysctls,
    "sockets": _sockets,
    "firewall": _firewall,
    "xfrm": _xfrm,
    "conntrack": _conntrack,
}
