# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Program of the become plugin on the host: enter a network namespace, verify it, and execute the command.

It is sent as text in the command line. It must be short and self-contained, and require only Python.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import select
import socket
import stat
import sys
import time
from typing import Any

NEWNET, NEWNS, GET_NSTYPE = 0x40000000, 0x20000, 0xB703
RDONLY, BIND, REC, SLAVE = 1, 0x1000, 0x4000, 0x80000
# An SSH connection waits about ten seconds for privilege escalation.
SECONDS = 6.0
# Sockets of resolvers that run in the host namespace and ignore resolv.conf.
ANSWERERS = ("/run/systemd/resolve/io.systemd.Resolve", "/run/nscd/socket")
libc = ctypes.CDLL(None, use_errno=True)


class CommandRefused(Exception):
    """The command is not executed; the message is the reason."""


def check_result(what: str, result: int) -> None:
    """Raise CommandRefused if a call of the C library failed."""
    if result != 0:
        raise CommandRefused(f"{what}: {os.strerror(ctypes.get_errno())}")


def mount(what: str, source: str, target: str, kind: str, flags: int) -> None:
    """Mount, or raise CommandRefused."""
    check_result(
        what, libc.mount(os.fsencode(source), os.fsencode(target), os.fsencode(kind), ctypes.c_ulong(flags), None)
    )


def open_namespace(path: str, follow: bool) -> int:
    """Return a file descriptor of the network namespace at a path; raise CommandRefused for any other file."""
    if not follow and os.path.islink(path):
        raise CommandRefused(f"{path} is a symbolic link and not followed; specify its target")
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | (0 if follow else os.O_NOFOLLOW)
    try:
        fd = os.open(path, flags)
    except OSError as error:
        raise CommandRefused(f"{path}: {os.strerror(error.errno or 0)}") from None
    with contextlib.suppress(OSError):
        if fcntl.ioctl(fd, GET_NSTYPE) == NEWNET:
            return fd
    raise CommandRefused(f"{path} is not a network namespace")


def open_process_namespace(pid: int) -> int:
    """Return the namespace of a process, and verify that the process is still the same."""
    try:
        handle = os.pidfd_open(pid)
    except (OSError, OverflowError):
        raise CommandRefused(f"no such process: PID {pid}") from None
    fd = open_namespace(f"/proc/{pid}/ns/net", True)
    if select.select([handle], [], [], 0)[0]:
        raise CommandRefused(f"process {pid} ended meanwhile")
    os.close(handle)
    return fd


def inspect_container(name: str, path: str, deadline: float) -> dict[str, Any]:
    """Return a container as Docker Engine reports it."""
    reply = b""
    try:
        with socket.socket(socket.AF_UNIX) as engine:
            engine.settimeout(max(deadline - time.monotonic(), 0.01))
            engine.connect(path)
            engine.sendall(f"GET /containers/{name}/json HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
            while chunk := engine.recv(65536):
                reply += chunk
                engine.settimeout(max(deadline - time.monotonic(), 0.01))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "timed out"
        raise CommandRefused(f"Docker Engine at {path}: {reason}") from None
    head, _blank, body = reply.partition(b"\r\n\r\n")
    if head[9:12] == b"404":
        raise CommandRefused(f"no such container: {name}")
    try:
        found = json.loads(body)
        known = found["Name"].lstrip("/")
        if name == known or (len(name) >= 12 and found["Id"].startswith(name)):
            return {**found["State"], **found, "Name": known, "mode": found["HostConfig"]["NetworkMode"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CommandRefused(f"Docker Engine at {path}: invalid response for container {name}") from None
    raise CommandRefused(f"no such container: {name} (prefix of the ID of {known}; must have at least 12 digits)")


def open_container_namespace(name: str, path: str) -> tuple[int, dict[str, Any]]:
    """Return the namespace of a running container, and the container."""
    deadline = time.monotonic() + SECONDS
    before = inspect_container(name, path, deadline)
    known = before["Name"]
    if before["mode"] == "host":
        raise CommandRefused(f"container {known} shares the namespace of the host; specify host")
    if not before["Pid"]:
        raise CommandRefused(f"container {known} is not running ({before['Status']})")
    fd = open_process_namespace(before["Pid"])
    if inspect_container(name, path, deadline)["Pid"] != before["Pid"]:
        raise CommandRefused(f"container {known} restarted; try again")
    return fd, before


def get_identity(fd: int) -> tuple[int, int]:
    """Return the device and inode that identify a namespace."""
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


def is_host_namespace() -> bool:
    """Return whether this process is in the namespace of PID 1, by the inode of a file that each namespace has."""
    return os.stat("/proc/self/net/dev").st_ino == os.stat("/proc/1/net/dev").st_ino


def verify_namespace(fd: int, reference: str) -> None:
    """Raise CommandRefused unless this process is in the requested namespace, and not in the host namespace instead."""
    now = open_namespace("/proc/self/ns/net", True)
    if get_identity(now) != get_identity(fd):
        raise CommandRefused(f"entering {reference} had no effect")
    if is_host_namespace() != (reference == "host"):
        raise CommandRefused(f"{reference} is the host namespace; use host")
    os.close(now)


def mount_own_sysfs() -> None:
    """Mount the sysfs of the namespace in a private mount namespace; keep mounts below /sys."""
    check_result("create a mount namespace", libc.unshare(NEWNS))
    mount("make mounts private", "none", "/", "none", SLAVE | REC)
    kept: dict[str, int] = {}
    with open("/proc/self/mountinfo", "rb") as lines:
        for path in sorted({os.fsdecode(line.split()[4]) for line in lines}):
            if path.startswith("/sys/") and not any(path.startswith(f"{one}/") for one in kept):
                with contextlib.suppress(OSError):
                    kept[path] = os.open(path, os.O_PATH | os.O_CLOEXEC)
    readonly = os.statvfs("/sys").f_flag & RDONLY
    if libc.mount(b"netns", b"/sys", b"sysfs", ctypes.c_ulong(readonly), None) != 0:
        if ctypes.get_errno() == errno.EBUSY:
            return  # already the sysfs of this namespace
        raise CommandRefused(f"mount /sys: {os.strerror(ctypes.get_errno())}")
    for path, fd in kept.items():
        with contextlib.suppress(CommandRefused):
            mount(path, f"/proc/self/fd/{fd}", path, "none", BIND | REC)


def bind_mount(source: str, target: str) -> None:
    """Bind-mount a file over another; report a missing target, as ip-netns(8) does."""
    if os.path.exists(target):
        mount(f"bind {source} over {target}", source, target, "none", BIND)
    else:
        sys.stderr.write(f"{source} is ignored: {target} does not exist\n")


def bind_files(reference: str, container: dict[str, Any]) -> None:
    """Bind-mount the files of a named namespace, or those of a container, over those of the host."""
    found = {}
    folder = f"/etc/netns/{reference}"
    if ":" not in reference and os.path.isdir(folder):
        found = {f"/etc/{name}": f"{folder}/{name}" for name in sorted(os.listdir(folder))}
    for key, target in (("ResolvConfPath", "/etc/resolv.conf"), ("HostsPath", "/etc/hosts")) if container else ():
        found[target] = container.get(key) or ""
        if not os.path.isfile(found[target]):
            raise CommandRefused(f"container {container['Name']} has no {target} of its own on this host")
    for target, source in found.items():
        bind_mount(source, target)
    if "/etc/resolv.conf" in found:
        for path in ANSWERERS:
            if os.path.exists(path) and stat.S_ISSOCK(os.stat(path).st_mode):
                bind_mount("/dev/null", path)


def enter_namespace(reference: str, resolver: str, engine: str) -> None:
    """Enter the namespace and verify it."""
    scheme, colon, rest = reference.partition(":")
    container: dict[str, Any] = {}
    if not colon:
        scheme = ""
    if reference == "host":
        # If root cannot read the namespace of PID 1, compare it with the own namespace.
        fd = open_namespace("/proc/self/ns/net" if is_host_namespace() else "/proc/1/ns/net", True)
    elif scheme == "container":
        fd, container = open_container_namespace(rest, engine)
    elif scheme == "pid":
        fd = open_process_namespace(int(rest))
    elif colon:
        fd = open_namespace(rest if scheme == "path" else f"/run/docker/netns/{rest}", scheme == "path")
    elif os.path.lexists(f"/run/netns/{reference}"):
        fd = open_namespace(f"/run/netns/{reference}", False)
    else:
        raise CommandRefused(f"no such namespace: {reference}")
    if reference != "host" or not is_host_namespace():
        check_result(f"enter {reference} (requires root)", libc.setns(fd, NEWNET))
        verify_namespace(fd, reference)
        mount_own_sysfs()
        bind_files(reference, container if resolver == "container" else {})
    verify_namespace(fd, reference)
    os.close(fd)


def main(marker: str, reference: str, resolver: str, engine: str, *command: str) -> None:
    """Execute the command in the namespace, or report the error as the result of a module and on stderr."""
    text = ""
    try:
        if sys.version_info < (3, 9):  # noqa: UP036 (runs with the Python of the host)
            raise CommandRefused("Python 3.9 or later is required on the host; set ansible_netns_python")
        enter_namespace(reference, resolver, engine)
        os.execvp(command[0], command)
    except (CommandRefused, OSError, ValueError) as error:
        text = f"netfleet.docker.netns: {error}"
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
    sys.stdout.write(marker + "\n" + json.dumps({"failed": True, "msg": text}) + "\n")
    sys.stdout.flush()
    # Read the module that Ansible may still be sending.
    while not os.isatty(0) and select.select([0], [], [], 2)[0] and os.read(0, 65536):
        pass
    sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
