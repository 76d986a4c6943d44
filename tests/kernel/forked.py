# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run modules in forked processes: with everything imported once, a run takes milliseconds."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
import os
import signal
import sys
import tempfile
import time
import traceback
from typing import Callable

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS, _CLONE_NEWNET, _CLONE_NEWPID = 0x00020000, 0x40000000, 0x20000000

# Imported for the forked modules. ansible-core 2.19 and newer import the last ones when a module starts, and with them
# much code of the control node after a test has imported a part of it.
for _name in ("fibmsg", "ifaddrmsg", "ifinfmsg", "ndmsg", "rtmsg"):
    importlib.import_module(f"pyroute2.netlink.rtnl.{_name}")
for _name in ("_module_legacy_c2m", "_module_legacy_m2c"):
    with contextlib.suppress(ImportError):
        importlib.import_module(f"ansible.module_utils._internal._json._profiles.{_name}")

Entry = Callable[[], None]


@functools.cache
def entry(module: str, user: int = 0) -> Entry:
    """Return the main() function of a module, imported once for root or another user."""
    main: Entry = importlib.import_module(module).main

    def as_user() -> None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        main()

    return as_user if user else main


def run(
    pid: int, main: Entry, request: bytes, netns: str | None = None, kill_after: float | None = None
) -> tuple[str, str, int]:
    """Run main() in the namespaces of a process and another network namespace; return output, errors and status.

    With ``kill_after``, it receives SIGKILL after the given seconds. Its status is then -9 unless it has already ended.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(request)
        given.seek(0)
        middle = os.fork()
        if middle == 0:
            os._exit(_in_the_middle(pid, main, (given.fileno(), out.fileno(), err.fileno()), netns, kill_after))
        status = os.waitpid(middle, 0)[1]
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "surrogateescape"))
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
    return texts[0], texts[1], -signal.SIGKILL if code == 128 + signal.SIGKILL else code


def _in_the_middle(
    pid: int, main: Entry, files: tuple[int, int, int], netns: str | None, kill_after: float | None
) -> int:
    """Enter the namespaces and start main() in a child, which a PID namespace requires; return its status."""
    try:
        for number, fd in enumerate(files):
            os.dup2(fd, number)
        handles = [
            (os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY), flag)
            for name, flag in (("pid", _CLONE_NEWPID), ("net", _CLONE_NEWNET), ("mnt", _CLONE_NEWNS))
        ]
        for handle, flag in handles:
            _setns(handle, flag)
        if netns:
            _setns(os.open(netns, os.O_RDONLY), _CLONE_NEWNET)
        os.chdir("/")
        child = os.fork()
        if child == 0:
            os._exit(_main(main))
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
    except BaseException:  # pylint: disable=broad-except
        traceback.print_exc(file=open(2, "w", encoding="utf-8", closefd=False))
        return 99
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _main(main: Entry) -> int:
    # A previous test in this process can have imported code of the control node. ansible-core then assumes to run there
    # and holds warnings back for a terminal.
    internal = sys.modules.get("ansible.module_utils._internal")
    if internal is not None:
        internal.is_controller = False  # type: ignore[attr-defined]
    sys.argv = ["module"]
    sys.stdin = open(0, encoding="utf-8", closefd=False)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)
    status = 0
    try:
        main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # pylint: disable=broad-except
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def _setns(handle: int, flag: int) -> None:
    if _libc.setns(handle, flag) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.close(handle)
