# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network namespaces as files: open, name and delete them. Nothing is opened in a way that creates it."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import os
import re
import resource
import stat
from collections.abc import Iterator

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import (
    KernelError,
    NetfleetError,
    NoSuchNetns,
)

NAMED = "/run/netns"
SANDBOXES = "/run/docker/netns"

CLONE_NEWNET = 0x40000000
_NS_GET_NSTYPE = 0xB703
_MS_BIND, _MS_REC, _MS_SHARED = 0x1000, 0x4000, 0x100000
_MNT_DETACH = 2
_MOST_FILES = 1 << 16
_SECOND = 1_000_000_000
_PROCESS_FILE = re.compile(r"/proc/(self|thread-self|\d+)(/task/\d+)?/(ns/net|fd/\d+)")
libc = ctypes.CDLL(None, use_errno=True)


def open_netns(path: str, follow: bool = False) -> int:
    """Return a file descriptor of the network namespace at a path; raise NoSuchNetns if it is not a namespace.

    A symbolic link is refused unless ``follow``: a link in /run/netns can outlive its target and, when the PID is
    reused, lead to another process's namespace.
    """
    # Another user can put anything at a path: it is looked up without opening it, which can have effects.
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
    except OSError as error:
        raise NoSuchNetns(f"{path}: {os.strerror(error.errno or 0)}") from None
    try:
        status = os.fstat(place)
        if stat.S_ISLNK(status.st_mode):
            raise NoSuchNetns(f"{path} is a symbolic link and not followed; specify its target")
        if not _is_namespace_file(status):
            raise NoSuchNetns(f"{path} is not a network namespace")
        fd = os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(place)
    try:
        is_netns = fcntl.ioctl(fd, _NS_GET_NSTYPE) == CLONE_NEWNET
    except OSError:
        is_netns = False
    if not is_netns:
        os.close(fd)
        raise NoSuchNetns(f"{path} is not a network namespace")
    return fd


@functools.lru_cache(maxsize=1)
def _get_namespace_device() -> int:
    """Return the device number of the file system of namespaces (nsfs)."""
    return os.stat("/proc/self/ns/net").st_dev


def _is_namespace_file(status: os.stat_result) -> bool:
    return status.st_dev == _get_namespace_device()


def is_process_file(path: str) -> bool:
    """Return whether a path is a link of the kernel to a namespace; other paths belong to users."""
    return _PROCESS_FILE.fullmatch(path) is not None


def get_namespace_id(fd: int) -> tuple[int, int]:
    """Return the identity of a namespace: device and inode."""
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


def is_host_namespace() -> bool:
    """Return whether this process is in the namespace of PID 1; /proc/PID/net differs between namespaces."""
    return os.stat("/proc/self/net/dev").st_ino == os.stat("/proc/1/net/dev").st_ino


def classify_name(name: str) -> str:
    """Return ``namespace``, ``stub`` (an empty file whose namespace is missing), ``foreign`` or ``nothing``."""
    path = f"{NAMED}/{name}"
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return "nothing"
    try:
        os.close(open_netns(path))
        return "namespace"
    except NoSuchNetns:
        # A mounted namespace of another kind is an empty regular file too.
        is_empty = stat.S_ISREG(status.st_mode) and status.st_size == 0
        return "stub" if is_empty and not _is_namespace_file(status) else "foreign"


def list_names() -> list[str]:
    """Return the names in /run/netns, including names without a namespace."""
    return sorted(os.listdir(NAMED)) if os.path.isdir(NAMED) else []


def mount_name(name: str, fd: int, mark: int = 0) -> None:
    """Mount an open namespace under a name.

    An empty file that an interrupted creation left is used; ``find_stubs`` returns the mark of such a file.
    """
    _share_netns_directory()
    path = f"{NAMED}/{name}"
    if classify_name(name) != "stub":
        _create_stub(path, mark)
    try:
        _mount(os.fsencode(f"/proc/thread-self/fd/{fd}"), path, _MS_BIND)
    except NetfleetError:
        os.unlink(path)
        raise


def find_stubs() -> dict[str, int]:
    """Return names without a namespace, left by interrupted runs, with their marks (0 for none)."""
    found = {}
    for name in list_names():
        if classify_name(name) == "stub":
            seconds, rest = divmod(os.lstat(f"{NAMED}/{name}").st_mtime_ns, _SECOND)
            found[name] = seconds if seconds % _SECOND == rest else 0
    return found


def _create_stub(path: str, mark: int) -> None:
    """Create an empty file whose modification time encodes the mark, so that it never exists without it."""
    fd = os.open(NAMED, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o444)
    try:
        if mark:
            os.utime(fd, ns=(0, mark * _SECOND + mark % _SECOND))
        # The interpreter follows the link only if a directory is given; the directory has no effect here.
        os.link(f"/proc/self/fd/{fd}", path, src_dir_fd=fd, follow_symlinks=True)
    finally:
        os.close(fd)


def restore_name(name: str, fd: int) -> None:
    """Mount an open namespace under its former name again."""
    path = f"{NAMED}/{name}"
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o444))
    _mount(os.fsencode(f"/proc/thread-self/fd/{fd}"), path, _MS_BIND)


def delete_name(name: str) -> None:
    """Delete a name; the kernel deletes the namespace unless a process, a mount or an open file holds it."""
    path = f"{NAMED}/{name}"
    libc.umount2(os.fsencode(path), _MNT_DETACH)
    os.unlink(path)


def list_processes_by_namespace() -> dict[tuple[int, int], tuple[int, ...]]:
    """Return the PIDs of the processes with a thread in each namespace, by namespace ID."""
    found: dict[tuple[int, int], dict[int, None]] = {}
    for pid in sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit()):
        try:
            # Threads of this process may still be listed in a namespace after they were joined.
            tasks = [str(pid)] if pid == os.getpid() else os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        for task in tasks:
            with contextlib.suppress(OSError):
                status = os.stat(f"/proc/{pid}/task/{task}/ns/net")
                found.setdefault((status.st_dev, status.st_ino), {})[pid] = None
    return {netns: tuple(pids) for netns, pids in found.items()}


def raise_file_limit(files: int) -> None:
    """Raise the limit of open files and preallocate the table; call it while the process has one thread."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    with contextlib.suppress(OSError, ValueError):
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        # Growing the table of open files of a process with threads waits for all processors, so it grows now.
        fd = os.open("/", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.close(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, min(files, most - 1)))
        finally:
            os.close(fd)


def find_namespace_paths() -> Iterator[tuple[str, str]]:
    """Yield every reference to a namespace of this host with its path; several can lead to one namespace."""
    yield "host", "/proc/1/ns/net"
    for name in list_names():
        yield name, f"{NAMED}/{name}"
    if os.path.isdir(SANDBOXES):
        for name in sorted(os.listdir(SANDBOXES)):
            yield f"docker:{name}", f"{SANDBOXES}/{name}"
    for pid in sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit()):
        yield f"pid:{pid}", f"/proc/{pid}/ns/net"


@functools.cache
def _share_netns_directory() -> None:
    # Like ip-netns(8), make the directory a shared mount, so that a name that is unmounted here is unmounted in
    # every copied mount namespace and the kernel can delete the namespace.
    os.makedirs(NAMED, mode=0o755, exist_ok=True)
    if libc.mount(b"", os.fsencode(NAMED), b"none", _MS_SHARED | _MS_REC, None) != 0:
        _mount(os.fsencode(NAMED), NAMED, _MS_BIND | _MS_REC)
        _mount(b"", NAMED, _MS_SHARED | _MS_REC)


def _mount(source: bytes, target: str, flags: int) -> None:
    check_result(f"mount on {target}", libc.mount(source, os.fsencode(target), b"none", flags, None))


def check_result(what: str, result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise KernelError(what, code, os.strerror(code))
