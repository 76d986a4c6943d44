# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read and change the tables of the kernel. No other file in _links accesses the kernel."""

from __future__ import annotations

import itertools
import os
import struct
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import KernelError
from ansible_collections.netfleet.docker.plugins.module_utils._links import operations as ops
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.registry import find_kind
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Netns, describe_netns
from ansible_collections.netfleet.docker.plugins.module_utils._links.netns_prefetch import (
    NamespacePrefetch,
    create_namespace,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.observe import RAW, NetnsReading
from ansible_collections.netfleet.docker.plugins.module_utils._links.requests import build_request
from ansible_collections.netfleet.docker.plugins.module_utils._links.sysctl_effects import (
    list_ipv6_switches,
    list_related_patterns,
)
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import encode_attribute
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.decoder import decode
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.encoder import encode_common
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.pyroute2_encoder import encode
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.transport import Netlink
from ansible_collections.netfleet.docker.plugins.module_utils._netns import namespaces
from ansible_collections.netfleet.docker.plugins.module_utils._netns.threads import run_in_netns

_GETLINK, _GETADDR, _GETROUTE, _GETRULE, _GETNEIGH, _GETNSID = 18, 22, 26, 34, 30, 90
_EXT_MASK_ATTRIBUTE, _SKIP_STATISTICS = 29, 8
_NSID_FD_ATTRIBUTE = 3
# Interval and timeout of waiting for links that the kernel deletes asynchronously.
_DEPARTURE_PAUSE, _DEPARTURE_SECONDS = 0.002, 3.0
_NDMSG = struct.Struct("=BxxxiHBB")
_AF_BRIDGE, _NTF_PROXY = 7, 8
_NEIGHBOURS = (_NDMSG.pack(0, 0, 0, 0, 0), _NDMSG.pack(0, 0, 0, _NTF_PROXY, 0))
_FORWARDING = (_NDMSG.pack(_AF_BRIDGE, 0, 0, 0, 0),)
_SYSCTLS = Path("/proc/sys")
_IFINFO = struct.Struct("=BxHiII")
_ALL_LINKS = _IFINFO.pack(0, 0, 0, 0, 0) + encode_attribute(_EXT_MASK_ATTRIBUTE, struct.pack("=I", _SKIP_STATISTICS))

# PIDs of the processes in a namespace, by its device and inode.
Processes = Mapping["tuple[int, int]", "tuple[int, ...]"]


class ReadScope(NamedTuple):
    """What to read of a namespace besides what the desired state manages.

    ``near`` lists the namespaces that probably contain the peers and parents of its links, ``leaving`` the links whose
    sysctls are read if they differ from those of a new link. With ``fully``, all tables are read.
    """

    near: Sequence[str] = ()
    processes: Processes | None = None
    fully: bool = False
    leaving: Collection[str] = ()


MANAGED_ONLY = ReadScope()


class Kernel:
    """The open namespaces of a run by label, each with a netlink socket that was opened inside it."""

    def __init__(self) -> None:
        self._fds: dict[str, int] = {}
        self._sockets: dict[str, Netlink] = {}
        # Namespaces whose names were deleted, kept open until the run succeeds.
        self._nameless: dict[str, int] = {}
        self._indices: dict[tuple[str, str], int] = {}
        self._prefetch: NamespacePrefetch | None = None

    def prefetch_namespaces(self, operations: Iterable[ops.Op]) -> None:
        """Start to create the unnamed namespaces of the operations ahead of time."""
        to_create = [op for op in operations if isinstance(op, ops.CreateNetns)]
        if len(to_create) > 1:
            self._prefetch = NamespacePrefetch(to_create)

    def discard_prefetched(self) -> None:
        """Close the namespaces that were created ahead of time and not used."""
        if self._prefetch:
            self._prefetch.close()
            self._prefetch = None

    def add_namespace(self, label: str, fd: int) -> None:
        """Add an open namespace; the instance closes it."""
        self._fds[label] = fd

    def has_namespace(self, label: str) -> bool:
        """Return whether the namespace is open."""
        return label in self._fds

    def get_labels(self) -> set[str]:
        """Return the labels of the open namespaces."""
        return set(self._fds)

    def close(self) -> None:
        """Close every namespace."""
        self.commit()
        for label in list(self._fds):
            self._close_namespace(label)

    def commit(self) -> None:
        """Close the namespaces whose names were deleted; they cannot be restored afterwards."""
        self.discard_prefetched()
        while self._nameless:
            os.close(self._nameless.popitem()[1])

    def restore(self) -> None:
        """Restore the deleted names of namespaces; raise KernelError if a name is in use again."""
        for label, fd in list(self._nameless.items()):
            try:
                namespaces.restore_name(label, fd)
            except OSError as error:
                what = f"restore the name of namespace {label}"
                raise KernelError(what, error.errno or 0, os.strerror(error.errno or 0)) from None
            self._fds[label] = self._nameless.pop(label)

    def get_fd(self, label: str) -> int:
        """Return the open file descriptor of a namespace."""
        return self._fds[label]

    def get_index(self, label: str, name: str) -> int:
        """Return the index of a link; raise KernelError if the namespace has no such link."""
        if (label, name) not in self._indices:
            self._indices[label, name] = self._get_socket(label).get_link_index(
                f"look up {name} in {describe_netns(label)}", name
            )
        return self._indices[label, name]

    def has_link(self, label: str, name: str) -> bool:
        """Return whether an open namespace has a link of this name at the moment."""
        try:
            return self._get_socket(label).get_link_index("look up a link", name) > 0
        except KernelError:
            return False

    def wait_for_deletion(self, links: Iterable[Endpoint]) -> None:
        """Wait until the kernel has deleted links whose peer's namespace was deleted, or until a timeout."""
        places = [(label, name) for label, name in links if label is not None]
        deadline = time.monotonic() + _DEPARTURE_SECONDS
        while places and time.monotonic() < deadline:
            places = [(label, name) for label, name in places if self.has_link(label, name)]
            time.sleep(_DEPARTURE_PAUSE if places else 0)

    def get_netns_id(self, label: str, fd: int) -> int:
        """Return the netns id of a namespace as seen from another, -1 if it has none."""
        query = bytes(4) + encode_attribute(_NSID_FD_ATTRIBUTE, struct.pack("=I", fd))
        answers = self._get_socket(label).request("get the ID of a namespace", _GETNSID, 0, query)
        return int(decode("nsid", answers[0])["NETNSA_NSID"])

    def read_namespace(
        self,
        label: str,
        want: Netns,
        scope: ReadScope = MANAGED_ONLY,
    ) -> NetnsReading:
        """Read the links and addresses of a namespace, and the sysctls and tables that the desired state manages."""
        if label not in self._fds:
            # A new namespace has the same sysctls as this one, with other values.
            stub = namespaces.classify_name(label) == "stub"
            return NetnsReading(label, present=False, stub=stub, sysctls=_read_sysctls(want.sysctls))
        links = self._dump(label, "link", _GETLINK, _ALL_LINKS)
        numbers = {link["IFLA_LINK_NETNSID"] for link in links if "IFLA_LINK_NETNSID" in link}
        found, fully = scope.processes or {}, scope.fully
        here = found.get(namespaces.get_namespace_id(self._fds[label]), ())
        return NetnsReading(
            label,
            links=links,
            addresses=self._dump(label, "address", _GETADDR, bytes(8)),
            routes=self._dump(label, "route", _GETROUTE, bytes(12)) if fully or want.routes is not None else None,
            rules=self._dump(label, "rule", _GETRULE, bytes(12)) if fully or want.rules is not None else None,
            neighbours=self._read_neighbours(label, _NEIGHBOURS) if fully or want.neighbours is not None else None,
            forwarding=self._read_neighbours(label, _FORWARDING) if fully or _needs_forwarding(want) else None,
            sysctls=self._read_sysctls_inside(label, want.sysctls),
            other_sysctls=self._read_other_sysctls(label, want, scope.leaving),
            processes=here,
            nsids=self._find_nsids(label, numbers, scope.near),
        )

    def apply(self, op: ops.Op) -> None:
        """Apply one operation; raise KernelError with its description and the kernel's message."""
        try:
            self._execute(op)
        except OSError as error:
            raise KernelError(op.describe(), error.errno or 0, os.strerror(error.errno or 0)) from None

    def _execute(self, op: ops.Op) -> None:
        if isinstance(op, ops.CreateNetns):
            new = self._prefetch.take() if self._prefetch else create_namespace(op)
            try:
                namespaces.mount_name(op.netns, new.fd, op.group)
            except (OSError, KernelError):
                new.close()
                raise
            self._fds[op.netns], self._sockets[op.netns] = new
        elif isinstance(op, ops.DeleteNetns):
            namespaces.delete_name(op.netns)
            self._close_socket(op.netns)
            if op.netns in self._fds:  # a stub has no namespace
                self._nameless[op.netns] = self._fds.pop(op.netns)
        elif isinstance(op, ops.SetSysctl):
            run_in_netns(self._fds[op.netns], lambda: _write_sysctl(op.key, op.value))
        else:
            others_may_go = isinstance(op, (ops.DeleteLink, ops.DeleteGroup, ops.MoveLink))
            if others_may_go:
                self._indices.clear()
            self._verify_unchanged(op)
            request = build_request(op, self)
            body = request.payload or encode_common(request) or encode(request)
            self._get_socket(request.netns).request(op.describe(), request.type, request.flags, body)
            if others_may_go:
                self._indices.clear()

    def _verify_unchanged(self, op: ops.Op) -> None:
        # The name or the index may belong to another link now, and a group may have another member.
        if isinstance(op, (ops.DeleteGroup, ops.SetGroupUp)):
            links = self._dump(op.netns, "link", _GETLINK, _ALL_LINKS)
            there = {link["IFLA_IFNAME"]: link["index"] for link in links if link["IFLA_GROUP"] == op.group}
            if there != dict(op.indices) if isinstance(op, ops.DeleteGroup) else set(there) != set(op.names):
                raise KernelError(op.describe(), 0, "the links changed meanwhile; they were not deleted")
        elif isinstance(op, (ops.DeleteLink, ops.MoveLink)) and op.index not in (
            None,
            self.get_index(op.netns, op.name),
        ):
            raise KernelError(op.describe(), 0, "another link has this name now; it was not changed")

    def _get_socket(self, label: str) -> Netlink:
        if label not in self._sockets:
            self._sockets[label] = run_in_netns(self._fds[label], Netlink)
        return self._sockets[label]

    def _close_namespace(self, label: str) -> None:
        self._close_socket(label)
        if label in self._fds:
            os.close(self._fds.pop(label))

    def _close_socket(self, label: str) -> None:
        self._indices.clear()
        if label in self._sockets:
            self._sockets.pop(label).close()

    def _dump(self, label: str, kind: str, message_type: int, payload: bytes) -> list[Mapping[str, Any]]:
        what = f"read the {kind} table of {describe_netns(label)}"
        answers = self._get_socket(label).dump(what, message_type, payload)
        return [{**decode(kind, answer), RAW: answer} for answer in answers]

    def _read_neighbours(self, label: str, payloads: Iterable[bytes]) -> list[Mapping[str, Any]]:
        return [message for payload in payloads for message in self._dump(label, "neighbour", _GETNEIGH, payload)]

    def _find_nsids(self, label: str, numbers: set[int], near: Iterable[str]) -> dict[int, str]:
        """Return the labels of the open namespaces that have the given netns ids in this one."""
        found: dict[int, str] = {}
        for other in (*near, *self._fds):
            if len(found) >= len(numbers) and set(found) >= numbers:
                break
            if other in self._fds:
                found[self.get_netns_id(label, self._fds[other])] = other
        return {number: found[number] for number in numbers if number in found}

    def _read_other_sysctls(self, label: str, want: Netns, leaving: Collection[str]) -> dict[str, str]:
        """Return the sysctls that the kernel changes with others, and those of links that differ from the defaults.

        Also return those that decide whether the desired links can have IPv6 addresses.
        """
        patterns = [*list_related_patterns(want.sysctls), *list_ipv6_switches(want.links.values())]
        known = set(want.sysctls)
        if not patterns and not leaving:
            return {}
        found = run_in_netns(self._fds[label], lambda: {**_read_matching(patterns), **_read_link_sysctls(leaving)})
        return {key: value for key, value in found.items() if key not in known}

    def _read_sysctls_inside(self, label: str, keys: Iterable[str]) -> dict[str, str]:
        wanted = list(keys)
        return run_in_netns(self._fds[label], lambda: _read_sysctls(wanted)) if wanted else {}


def _needs_forwarding(want: Netns) -> bool:
    """Return whether forwarding entries are managed, or would be lost when a link is recreated."""
    return any(
        link.fdb is not None or (link.recreate and find_kind(link.kind).has_forwarding_table)
        for link in want.links.values()
    )


def _write_sysctl(key: str, value: str) -> None:
    with Path("/proc/sys", key).open("r+", encoding="ascii") as file:
        file.write(value)


def _read_sysctls(keys: Iterable[str]) -> dict[str, str]:
    paths = {key: Path("/proc/sys", key) for key in keys}
    return {key: _read_sysctl(path) for key, path in paths.items() if path.is_file()}


def _read_matching(patterns: Iterable[str]) -> dict[str, str]:
    paths = [path for pattern in patterns for path in _SYSCTLS.glob(pattern)]
    return {str(path.relative_to(_SYSCTLS)): _read_sysctl(path) for path in paths}


def _read_link_sysctls(names: Iterable[str]) -> dict[str, str]:
    """Return the sysctls of links whose values differ from those of a new link."""
    found = {}
    for name, folder in itertools.product(names, ("ipv4/conf", "ipv6/conf", "ipv4/neigh", "ipv6/neigh")):
        for path in (_SYSCTLS / "net" / folder / name).glob("*"):
            value = _read_sysctl(path)
            if value and value != _read_sysctl(_SYSCTLS / "net" / folder / "default" / path.name):
                found[str(path.relative_to(_SYSCTLS))] = value
    return found


def _read_sysctl(path: Path) -> str:
    try:
        return " ".join(path.read_text(encoding="ascii", errors="replace").split())
    except OSError:
        return ""  # some sysctls, such as stable_secret, cannot be read before they are set
