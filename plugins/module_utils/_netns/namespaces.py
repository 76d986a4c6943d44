# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network namespaces as files and threads: open, enter, name, unname.

The main thread never leaves its namespace: whatever has to happen inside another one happens in another thread. One
that has much to do there enters and leaves as it goes. Nothing is ever opened in a way that would create it.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import os
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
libc = ctypes.CDLL(None, use_errno=True)


def open_netns(path: str, follow: bool = False) -> int:
    """Return a file descriptor of the network namespace at a path; raise NoSuchNetns if that is not what it is.

    A symbolic link is refused unless ``follow``: one in /run/netns outlives what it pointed to, and a reused PID
    makes it lead into a stranger's namespace.
    """
    # A pipe or a device at the path must not hold us up.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    try:
        fd = os.open(path, flags | (0 if follow else os.O_NOFOLLOW))
    except OSError as error:
        if not follow and os.path.islink(path):
            raise NoSuchNetns(f"{path} is a symbolic link and not followed; specify its target") from None
        raise NoSuchNetns(f"{path}: {os.strerror(error.errno or 0)}") from None
    try:
        is_netns = fcntl.ioctl(fd, _NS_GET_NSTYPE) == CLONE_NEWNET
    except OSError:
        is_netns = False
    if not is_netns:
        os.close(fd)
        raise NoSuchNetns(f"{path} is not a network namespace")
    return fd


def namespace_id(fd: int) -> tuple[int, int]:
    """Return what tells one namespace from all others: device and inode."""
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


def is_host_namespace() -> bool:
    """Tell whether this process is in the namespace of PID 1: each namespace has a /proc/PID/net of its own."""
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
        return "stub" if stat.S_ISREG(status.st_mode) and status.st_size == 0 else "foreign"


def list_names() -> list[str]:
    """Return the names in /run/netns, whatever they stand for."""
    return sorted(os.listdir(NAMED)) if os.path.isdir(NAMED) else []


def mount_name(name: str, fd: int, mark: int = 0) -> None:
    """Give an open namespace a name.

    An empty file left there by an interrupted creation is used; ``stubs`` tells the mark of one that is left by this.
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
    """Return the names whose namespaces were never mounted or are gone, with the mark of those that bear one."""
    found = {}
    for name in list_names():
        if classify_name(name) == "stub":
            seconds, rest = divmod(os.lstat(f"{NAMED}/{name}").st_mtime_ns, _SECOND)
            found[name] = seconds if seconds % _SECOND == rest else 0
    return found


def _create_stub(path: str, mark: int) -> None:
    """Create an empty file, which bears its mark from the start: no other time is as many nanoseconds after itself."""
    fd = os.open(NAMED, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o444)
    try:
        if mark:
            os.utime(fd, ns=(0, mark * _SECOND + mark % _SECOND))
        # Only where it is given a directory, which here says nothing, does the interpreter follow the link.
        os.link(f"/proc/self/fd/{fd}", path, src_dir_fd=fd, follow_symlinks=True)
    finally:
        os.close(fd)


def restore_name(name: str, fd: int) -> None:
    """Give an open namespace the name back that was removed from it."""
    path = f"{NAMED}/{name}"
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o444))
    _mount(os.fsencode(f"/proc/thread-self/fd/{fd}"), path, _MS_BIND)


def delete_name(name: str) -> None:
    """Remove a name; its namespace goes with it unless a process, a mount or an open file holds it."""
    path = f"{NAMED}/{name}"
    libc.umount2(os.fsencode(path), _MNT_DETACH)
    os.unlink(path)


def processes_by_namespace() -> dict[tuple[int, int], tuple[int, ...]]:
    """Return, by namespace, the PIDs of the processes that have a thread in it."""
    found: dict[tuple[int, int], dict[int, None]] = {}
    for pid in sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit()):
        try:
            # Threads of our own that went in may still be on their way out after they were joined.
            tasks = [str(pid)] if pid == os.getpid() else os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        for task in tasks:
            with contextlib.suppress(OSError):
                status = os.stat(f"/proc/{pid}/task/{task}/ns/net")
                found.setdefault((status.st_dev, status.st_ino), {})[pid] = None
    return {netns: tuple(pids) for netns, pids in found.items()}


def raise_file_limit(files: int) -> None:
    """Let this process have many files, and have room for so many at once; to be called while it has one thread."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    with contextlib.suppress(OSError, ValueError):
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        # The kernel waits for all its processors when the table of open files of several threads has to grow, which
        # takes as long as to read fifty namespaces: it grows now.
        fd = os.open("/", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.close(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, min(files, most - 1)))
        finally:
            os.close(fd)


def namespace_paths() -> Iterator[tuple[str, str]]:
    """Yield every reference by which a namespace of this host can be reached, with its path; many lead to the same."""
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
    # As ip-netns(8) does: the directory is a shared mount of its own, so that a name unmounted here is unmounted
    # in every mount namespace that was copied meanwhile, and its namespace really goes away.
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
