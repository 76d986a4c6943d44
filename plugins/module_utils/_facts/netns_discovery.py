# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find all network namespaces of this host and their references: processes, threads, names, mounts, open files."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NoSuchNetns
from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8
from ansible_collections.netfleet.docker.plugins.module_utils._netns import namespaces

_MOUNTED = re.compile(rb"^\S+ \S+ \S+ net:\[(\d+)\] (\S+) .*? - nsfs ", re.MULTILINE)
_OCTAL = re.compile(rb"\\([0-7]{3})")
_TYPES = ((stat.S_ISLNK, "link"), (stat.S_ISDIR, "directory"), (stat.S_ISREG, "file"))


class DiscoveredNetns:
    """A network namespace by inode with its references; ``threads`` are (PID, thread) of other processes."""

    def __init__(self, inode: int) -> None:
        self.inode = inode
        self.pids: list[int] = []
        self.threads: list[tuple[int, int]] = []
        self.names: list[str] = []
        self.sandboxes: list[str] = []
        self.paths: list[str] = []
        self.descriptors: list[str] = []

    @property
    def netns(self) -> str:
        """The ID of the namespace in the snapshot."""
        return str(self.inode)

    def list_pids(self) -> list[int]:
        """Return the PIDs of the processes with a thread in it."""
        return sorted({*self.pids, *(pid for pid, _thread in self.threads)})

    def iterate_paths(self) -> Iterator[str]:
        """Yield paths that refer, or referred, to it."""
        yield from (f"/proc/{pid}/ns/net" for pid in self.pids)
        yield from self.paths
        yield from (f"/proc/{pid}/task/{thread}/ns/net" for pid, thread in self.threads)
        yield from self.descriptors

    def open(self) -> int:
        """Return a file descriptor of it; raise NoSuchNetns if no reference leads to it any more."""
        for way in self.iterate_paths():
            try:
                fd = namespaces.open_netns(way, follow=namespaces.is_process_file(way))
            except NoSuchNetns:
                continue
            if namespaces.get_namespace_id(fd)[1] == self.inode:
                return fd
            os.close(fd)  # the PID or the path has been reused
        if self.paths:
            raise NoSuchNetns("no path leads to the namespace: it was deleted, or another mount hides it")
        raise NoSuchNetns("the namespace was deleted before it was opened")


class Discovery:
    """The namespaces of a host by inode; ``host`` is that of PID 1, or None if it cannot be read."""

    def __init__(self, device: int, host: int | None) -> None:
        self.device = device
        self.host = host
        self.by_inode: dict[int, DiscoveredNetns] = {}
        self.strays: list[dict[str, Any]] = []

    def get_or_add(self, inode: int) -> DiscoveredNetns:
        """Return the namespace, or a new entry if it was unknown."""
        if inode not in self.by_inode:
            self.by_inode[inode] = DiscoveredNetns(inode)
        return self.by_inode[inode]


def discover() -> Discovery:
    """Find all network namespaces with a process, a thread or a mount."""
    own = os.stat("/proc/self/ns/net")
    places = Discovery(own.st_dev, _find_host_inode(own.st_ino))
    mount_namespaces = _add_processes(places)
    mine = os.stat("/proc/self/ns/mnt").st_ino
    mount_namespaces.pop(mine, None)
    mounted = _read_mounts("self")
    for inode, path in mounted:
        _add_path(places.get_or_add(inode), path)
    ours = {inode for inode, _path in mounted}
    for pid in mount_namespaces.values():
        for inode, path in _read_mounts(str(pid)):
            # A copy of this process's mounts, as services with their own mount namespace have, contains nothing new.
            if inode not in ours:
                places.get_or_add(inode).paths.append(f"/proc/{pid}/root{path}")
    paths = {path for _inode, path in mounted}
    for folder in (namespaces.NAMED, namespaces.SANDBOXES):
        places.strays += _find_strays(folder, paths, places)
    return places


def read_cgroup(pid: int) -> str:
    """Return the text of /proc/PID/cgroup, empty if the process ended."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def _find_host_inode(own: int) -> int | None:
    try:
        return os.stat("/proc/1/ns/net").st_ino
    except OSError:
        # If PID 1 is not accessible to root, this process's own namespace may still be the same.
        return own if namespaces.is_host_namespace() else None


def _add_processes(places: Discovery) -> dict[int, int]:
    """Record the namespaces of processes and threads; return a PID for each mount namespace."""
    myself = os.getpid()
    mount_namespaces: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        pid = int(entry)
        try:
            # Relative paths take half the time.
            folder = os.open(f"/proc/{entry}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            inode = os.stat("ns/net", dir_fd=folder).st_ino
            places.get_or_add(inode).pids.append(pid)
            mount_namespaces.setdefault(os.stat("ns/mnt", dir_fd=folder).st_ino, pid)
            # A folder has a link for each subfolder, and threads are folders.
            if os.stat("task", dir_fd=folder).st_nlink > 3 and pid != myself:
                _add_threads(places, pid, inode)
        except OSError:
            continue  # it has ended meanwhile
        finally:
            os.close(folder)
    return mount_namespaces


def _add_threads(places: Discovery, pid: int, inode: int) -> None:
    folder = os.open(f"/proc/{pid}/task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for thread in os.listdir(folder):
            try:
                other = os.stat(f"{thread}/ns/net", dir_fd=folder).st_ino
            except OSError:
                continue
            if other != inode:
                places.get_or_add(other).threads.append((pid, int(thread)))
    finally:
        os.close(folder)


def _read_mounts(pid: str) -> list[tuple[int, str]]:
    """Return inode and path of the network namespaces mounted in a process's mount namespace."""
    try:
        with open(f"/proc/{pid}/mountinfo", "rb") as file:
            text = file.read()
    except OSError:
        return []
    if b" - nsfs " not in text:
        return []
    found = [(int(inode), _unescape(path)) for inode, path in _MOUNTED.findall(text)]
    return list(dict.fromkeys(found))


def _unescape(path: bytes) -> str:
    plain = _OCTAL.sub(lambda match: bytes([int(match[1], 8)]), path)
    return os.fsdecode(plain)


def _add_path(place: DiscoveredNetns, path: str) -> None:
    folder, _slash, name = path.rpartition("/")
    place.paths.append(path)
    if folder == namespaces.NAMED:
        place.names.append(name)
    elif folder == namespaces.SANDBOXES:
        place.sandboxes.append(name)


def _find_strays(folder: str, mounted: set[str], places: Discovery) -> list[dict[str, Any]]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    found = []
    for path in (f"{folder}/{name}" for name in names):
        if path not in mounted:
            with contextlib.suppress(OSError):  # it was removed meanwhile
                found.append(_describe_stray(path, places))
    return found


def _describe_stray(path: str, places: Discovery) -> dict[str, Any]:
    status = os.lstat(path)
    kind = next((name for test, name in _TYPES if test(status.st_mode)), "other")
    target = os.readlink(path) if kind == "link" else None
    netns = None
    if target is not None and os.path.exists(path):
        there = os.stat(path)
        if there.st_dev == places.device and there.st_ino in places.by_inode:
            netns = str(there.st_ino)
    return {
        "path": escape_invalid_utf8(path),
        "type": "empty file" if kind == "file" and status.st_size == 0 else kind,
        "target": None if target is None else escape_invalid_utf8(target),
        "netns": netns,
    }
